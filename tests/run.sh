#!/usr/bin/env bash
# `make test`: every step with its time budget on two cores from nothing; a warm run takes a minute or two.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "budget, two cores, cold: control plane (Go) 9 min, moto (Python) 3, Rust debug 12, tests 12, agent 5, release and image 15, node (Go) 9 and its tests 10"
total=0
spent=""
step() { # NAME MINUTES COMMAND…
  local name=$1 budget=$2 started=$SECONDS
  shift 2
  echo "── $name (budget $budget min)"
  "$@"
  local took=$((SECONDS - started))
  total=$((total + took))
  spent+=$(printf '\n  %-34s %4d s of %4d' "$name" "$took" $((budget * 60)))
}

step "control plane" 9 tests/cluster/build.sh target/cluster
step "moto" 3 tests/aws/build.sh target/moto
step "format" 1 cargo fmt --all --check
step "debug build and lints" 12 cargo clippy --locked --workspace --all-targets -- -D warnings
step "test build" 5 cargo test --locked --workspace --no-run
step "tests" 12 cargo test --locked --workspace -- --quiet
step "static agent" 5 manifests/image/build.sh target/static keyhatch-agent
step "tests of the static agent" 1 env KEYHATCH_AGENT="$PWD/target/static/keyhatch-agent" \
  cargo test --locked --workspace --test agent -- --quiet
step "documentation" 3 env RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
step "static release build, image" 15 make --silent image
if reason=$(tests/node/possible.sh); then
  step "node" 9 tests/node/build.sh target/node
  step "tests on a node" 10 tests/node/test.sh --quiet
else
  echo "── no tests on a node: $reason"
fi
echo "── time spent$spent"
echo "  all of it: $total s"
