#!/usr/bin/env bash
# Writes a container image without a container engine: static programs, one layer, no shell, not root.
#
#   manifests/image/archive.sh OUT.tar NAME:TAG PROGRAM…     the first program is what the image runs
#
# The archive is an OCI layout that also has what older `docker load` looks for. `docker load`, `ctr images import`,
# `skopeo copy oci-archive:` and `kind load image-archive` take it. Equal programs give an equal archive.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
archive=$1 name=$2
shift 2
repository=${name%:*} tag=${name##*:}
root=$(cd "$(dirname "$0")/../.." && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
case $(uname -m) in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*) echo "image: no name for the architecture $(uname -m)" >&2; exit 1 ;;
esac

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
files=$tmp/files layout=$tmp/layout
mkdir -p "$files/etc/ssl/certs" "$layout/blobs/sha256"
for program in "$@"; do install -m 0555 "$program" "$files/$(basename "$program")"; done
# Whom AWS's certificates are signed by.
authorities=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
if [ -r "$authorities" ]; then
  install -m 0444 "$authorities" "$files/etc/ssl/certs/ca-certificates.crt"
else
  echo "image: no $authorities: the image will trust nobody; set SSL_CERT_FILE" >&2
fi
echo "keyhatch:x:65532:65532::/:" >"$files/etc/passwd"

# No time, owner or order of this machine: the digest depends on the content alone.
pack() { tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar "$@"; }
blob() { # FILE: moves it into the layout, prints its digest
  local digest
  digest=$(sha256sum "$1" | cut -d' ' -f1)
  mv "$1" "$layout/blobs/sha256/$digest"
  echo "$digest"
}
size() { stat -c %s "$layout/blobs/sha256/$1"; }

pack --file "$tmp/layer" --directory "$files" .
layer=$(blob "$tmp/layer")
cat >"$tmp/config" <<JSON
{"architecture":"$architecture","os":"linux","created":"1970-01-01T00:00:00Z","config":{"User":"65532:65532","Entrypoint":["/$(basename "$1")"],"WorkingDir":"/","Env":["PATH=/"],"Labels":{"org.opencontainers.image.title":"keyhatch","org.opencontainers.image.description":"Kubernetes admission webhook and pod injector for AWS Secrets Manager","org.opencontainers.image.version":"$version","org.opencontainers.image.licenses":"Apache-2.0"}},"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"keyhatch"}]}
JSON
config=$(blob "$tmp/config")
cat >"$tmp/manifest" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$(size "$config")},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:$layer","size":$(size "$layer")}]}
JSON
manifest=$(blob "$tmp/manifest")
echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
cat >"$layout/index.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$manifest","size":$(size "$manifest"),"annotations":{"io.containerd.image.name":"$repository:$tag","org.opencontainers.image.ref.name":"$tag"}}]}
JSON
echo "[{\"Config\":\"blobs/sha256/$config\",\"RepoTags\":[\"$repository:$tag\"],\"Layers\":[\"blobs/sha256/$layer\"]}]" >"$layout/manifest.json"
mkdir -p "$(dirname "$archive")"
pack --file "$archive" --directory "$layout" blobs index.json manifest.json oci-layout
echo "image: $archive ($(stat -c %s "$archive") bytes), $repository:$tag, sha256:$manifest"
