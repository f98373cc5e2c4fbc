#!/usr/bin/env bash
# Makes the virtual environment with moto, which the tests hold our fake of AWS to, from the versions pinned in
# requirements.txt. Needs Python 3.10 or later with venv, and nothing else.
#
#   tests/aws/build.sh OUT     fills the folder OUT; does nothing when OUT is up to date
set -euo pipefail
out=${1:?usage: build.sh OUT}
mkdir -p "$(dirname "$out")"
out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out") # before the next line: OUT is relative to where the caller stands
cd "$(dirname "$0")"
command -v python3 >/dev/null || { echo "moto: needs Python 3" >&2; exit 1; }

# The path is part of it: the scripts of an environment that was moved point to where it was.
stamp=$({ cat requirements.txt build.sh; python3 --version; echo "$out"; } | sha256sum | cut -d' ' -f1)
[ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && [ -x "$out/bin/moto_server" ] && exit 0

total=$(grep -c == requirements.txt)
echo "moto: installing $total packages, once (half a minute, 139 MB)"
started=$SECONDS
rm -rf "$out"
python3 -m venv "$out"
"$out/bin/python" -m pip install --no-deps --progress-bar off --disable-pip-version-check -r requirements.txt |
  awk -v total="$total" '/^Collecting/ { if (++n % 5 == 0) { print "moto: " n "/" total " fetched"; fflush() } }'
"$out/bin/moto_server" --help >/dev/null
echo "$stamp" >"$out/stamp"
echo "moto: installed in $((SECONDS - started)) s"
