#!/usr/bin/env bash
# `make test`: every step with its time budget on two cores from nothing; a warm run takes a minute or two.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "budget, two cores, cold: control plane (Go) 9 min, moto (Python) 3, Rust debug 12, tests 12, agent 5, release and image 15 with the node (Go, 9) beside it, tests on the node 15"
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

# The end of a release build is one link, on one core: the node is built beside it, from Go, and yields to it.
node_log=target/node-build.log
begin_node() {
  mkdir -p target
  set -m # in a process group of its own, which can be ended as a whole
  nice -n 10 tests/node/build.sh target/node >"$node_log" 2>&1 &
  node_build=$!
  set +m
  trap 'kill -- "-$node_build" 2>/dev/null || true' EXIT
  echo "── the build of the node begins beside the next step, see $node_log"
}
finish_node() {
  local code=0
  wait "$node_build" || code=$?
  trap - EXIT
  cat "$node_log"
  [ "$code" = 0 ] || echo "node: the build failed with code $code" >&2
  return "$code"
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
reason=$(tests/node/possible.sh) && node=yes || node=no
[ $node = no ] || begin_node
step "static release build, image" 15 make --silent image
if [ $node = yes ]; then
  step "node, begun before the image" 9 finish_node
  step "tests on a node" 15 tests/node/test.sh --quiet
else
  echo "── no tests on a node: $reason"
fi
echo "── time spent$spent"
echo "  all of it: $total s"
