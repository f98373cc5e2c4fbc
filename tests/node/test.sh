#!/usr/bin/env bash
# Runs the tests that need a real node. What goes wrong is kept in target/e2e.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/node/possible.sh >&2 || exit 1
cargo test --locked --test e2e -- "$@"
# What is measured runs by itself, unless somebody asked for tests by name.
if [ -z "${*#--quiet}" ]; then
  cargo test --locked --test e2e -- --ignored --nocapture --test-threads=1
fi
