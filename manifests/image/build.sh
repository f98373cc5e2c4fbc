#!/usr/bin/env bash
# Builds keyhatch or keyhatch-agent into FOLDER, linked statically: both run in an image that holds nothing else, and
# the agent is copied into containers of any image.
#
#   manifests/image/build.sh FOLDER keyhatch|keyhatch-agent…
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/../.."
target=$(rustc -vV | sed -n 's/^host: //p')

for name in "$@"; do
  case $name in
  keyhatch) profile=release ;;
  keyhatch-agent) profile=agent ;;
  *) echo "image: $name is no program of this project" >&2; exit 2 ;;
  esac
  # With --target, build scripts and macros are not linked statically; they could not be.
  RUSTFLAGS="-C target-feature=+crt-static" \
    cargo build --locked --package "$name" --bin "$name" --profile "$profile" --target "$target" --target-dir "$out/build"
  cp "$out/build/$target/$profile/$name" "$out/$name"
  echo "image: $out/$name, $(stat -c %s "$out/$name") bytes"
done
# It is in the memory of every pod, and the broker counts on that (PROGRAM_SIZE).
bar=$((7 * 1024 * 1024 / 2))
size=$(stat -c %s "$out/keyhatch-agent" 2>/dev/null || echo 0)
[ "$size" -le "$bar" ] || { echo "image: keyhatch-agent has $size bytes, more than $bar" >&2; exit 1; }
