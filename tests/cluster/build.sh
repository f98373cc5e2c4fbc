#!/usr/bin/env bash
# Builds the control plane that the integration tests, `make demo` and `make dev` run on, from the Go
# modules pinned in go.mod: etcd, kube-apiserver, kube-controller-manager, kubectl.
#
#   tests/cluster/build.sh OUT     fills the folder OUT; does nothing when OUT is up to date
#
# With KUBEBUILDER_ASSETS (as setup-envtest prints it) its binaries are linked instead of built.
set -euo pipefail
out=${1:?usage: build.sh OUT}
mkdir -p "$out"
out=$(cd "$out" && pwd) # before the next line: OUT is relative to where the caller stands
cd "$(dirname "$0")"
binaries="etcd kube-apiserver kube-controller-manager kubectl"

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  for name in etcd kube-apiserver kubectl; do
    [ -x "$KUBEBUILDER_ASSETS/$name" ] || { echo "cluster: KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS has no $name" >&2; exit 1; }
    ln -sf "$KUBEBUILDER_ASSETS/$name" "$out/$name"
  done
  rm -f "$out/stamp"
  echo "cluster: using KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS"
  exit 0
fi

stamp=$(cat go.mod go.sum tools.go build.sh | sha256sum | cut -d' ' -f1)
up_to_date() {
  [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] || return 1
  for name in $binaries; do [ -x "$out/$name" ] || return 1; done
}
up_to_date && exit 0
command -v go >/dev/null || { echo "cluster: building the control plane needs Go (or set KUBEBUILDER_ASSETS)" >&2; exit 1; }

kubernetes=$(go mod edit -json | sed -n '/"Path": "k8s.io\/kubernetes"/{n;s/.*"v\(.*\)".*/\1/p;q}')
major=${kubernetes%%.*} rest=${kubernetes#*.} minor=${rest%%.*}
version=k8s.io/component-base/version
flags="-s -w -X $version.gitVersion=v$kubernetes -X $version.gitMajor=$major -X $version.gitMinor=$minor"
packages=$(sed -n 's/^\t_ "\(.*\)"/\1/p' tools.go)

export CGO_ENABLED=0 GOFLAGS="-mod=readonly -trimpath -buildvcs=false"
echo "cluster: fetching modules for Kubernetes $kubernetes"
# shellcheck disable=SC2086
total=$(go list -deps $packages 2> >(awk 'NR % 50 == 0 { print "cluster: " NR " modules fetched"; fflush() }' >&2) | wc -l)
echo "cluster: building $total packages, once (5 to 9 minutes on two cores, seconds with a warm Go cache)"
tmp=$(mktemp -d "$out/.build-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
started=$SECONDS
# shellcheck disable=SC2086
go build -v -o "$tmp/" -ldflags "$flags" $packages 2>&1 | awk -v total="$total" '
  /^[a-zA-Z0-9_.\/-]+$/ { if (++n % 100 == 0) { print "cluster: " n "/" total; fflush() } next }
  { print; fflush() }'
mv "$tmp/server" "$tmp/etcd" # the module path ends in server/v3
for name in $binaries; do
  rm -f "$out/$name" # may be a link into KUBEBUILDER_ASSETS
  mv "$tmp/$name" "$out/$name"
done
echo "$stamp" >"$out/stamp"
echo "cluster: built in $((SECONDS - started)) s"
