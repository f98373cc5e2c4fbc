#!/usr/bin/env bash
# Builds a node for the end-to-end tests, from pinned Go modules: kubelet, kube-scheduler, containerd, its shim, ctr,
# runc, and a pause program. `possible.sh` installs what they need of the system.
#
#   tests/node/build.sh OUT     fills the folder OUT; does nothing when OUT is up to date
set -euo pipefail
out=${1:?usage: build.sh OUT}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")"
binaries="kubelet kube-scheduler containerd containerd-shim-runc-v2 ctr runc pause"

stamp=$(cat ../cluster/go.mod ../cluster/go.sum ../cluster/tools_node.go ./*/go.mod ./*/go.sum ./*/tools.go pause.c build.sh | sha256sum | cut -d' ' -f1)
up_to_date() {
  [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] || return 1
  for name in $binaries; do [ -x "$out/$name" ] || return 1; done
}
up_to_date && exit 0
command -v go >/dev/null || { echo "node: building a node needs Go" >&2; exit 1; }
# Not after minutes.
pkg-config --exists libseccomp 2>/dev/null || { echo "node: building runc needs libseccomp-dev and pkg-config" >&2; exit 1; }

export GOFLAGS="-mod=readonly -trimpath -buildvcs=false"
tmp=$(mktemp -d "$out/.build-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
started=$SECONDS

build() { # WHAT FOLDER CGO TAGS FLAGS: builds what FOLDER's tools name
  local what=$1 folder=$2 cgo=$3 tags=$4 flags=$5 packages total
  packages=$(sed -n 's/^.*_ "\(.*\)"/\1/p' "$folder"/"${6:-tools.go}")
  echo "node: $what: fetching modules"
  # shellcheck disable=SC2086
  total=$(cd "$folder" && CGO_ENABLED=$cgo go list -tags "$tags" -deps $packages 2>/dev/null | wc -l)
  echo "node: $what: building $total packages"
  # shellcheck disable=SC2086
  (cd "$folder" && CGO_ENABLED=$cgo go build -v -tags "$tags" -o "$tmp/" -ldflags "$flags" $packages) 2>&1 |
    awk -v total="$total" '
      /^[a-zA-Z0-9_.\/-]+$/ { if (++n % 100 == 0) { print "node: " n "/" total; fflush() } next }
      { print; fflush() }'
}

kubernetes=$(cd ../cluster && go mod edit -json | sed -n '/"Path": "k8s.io\/kubernetes"/{n;s/.*"v\(.*\)".*/\1/p;q}')
major=${kubernetes%%.*} rest=${kubernetes#*.} minor=${rest%%.*}
version=k8s.io/component-base/version
build "kubelet and scheduler $kubernetes" ../cluster 0 "" \
  "-s -w -X $version.gitVersion=v$kubernetes -X $version.gitMajor=$major -X $version.gitMinor=$minor" tools_node.go
build "containerd" containerd 0 "no_btrfs no_devmapper no_zfs" "-s -w"
build "runc" runc 1 seccomp "-s -w"
gcc -static -Os -o "$tmp/pause" pause.c
for name in $binaries; do mv "$tmp/$name" "$out/$name"; done
echo "$stamp" >"$out/stamp"
echo "node: built in $((SECONDS - started)) s"
