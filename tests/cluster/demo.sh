#!/usr/bin/env bash
# `make demo`: its pod runs on a real node where this user can have one (Linux, root), else without a kubelet.
# NODE=no does without in any case, which saves ten minutes the first time.
set -euo pipefail
cd "$(dirname "$0")/../.."

node=()
if [ "${NODE:-}" = no ]; then
  reason="NODE=no"
elif reason=$(tests/node/possible.sh --as-is); then
  tests/node/build.sh target/node
  manifests/image/build.sh target/static keyhatch-agent
  node=(--node-agent target/static/keyhatch-agent)
fi
[ ${#node[@]} -gt 0 ] || echo "demo: without a node: $reason" >&2
exec target/debug/examples/dev demo --keyhatch target/debug/keyhatch --agent target/debug/keyhatch-agent "${node[@]}"
