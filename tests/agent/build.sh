#!/usr/bin/env bash
# Builds keyhatch-agent into FOLDER, linked statically: it is copied into containers of any image.
set -euo pipefail
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
target=$(rustc -vV | sed -n 's/^host: //p')
# With --target, build scripts and macros are not linked statically; they could not be.
RUSTFLAGS="-C target-feature=+crt-static" \
  cargo build --locked --package keyhatch-agent --profile agent --target "$target" --target-dir "$out/build"
cp "$out/build/$target/agent/keyhatch-agent" "$out/keyhatch-agent"
size=$(stat -c %s "$out/keyhatch-agent")
bar=$((7 * 1024 * 1024 / 2))
echo "keyhatch-agent: $size bytes of $bar"
[ "$size" -le "$bar" ] || { echo "keyhatch-agent is larger than it may be" >&2; exit 1; }
