#!/usr/bin/env bash
# Whether this user can run a node here, once what it needs of the system is installed. Says why not.
#
#   tests/node/possible.sh [--as-is]     --as-is: installs nothing
not() { echo "$1"; exit 1; }

[ "$(uname -s)" = Linux ] || not "a node needs Linux"
[ "$(id -u)" = 0 ] || not "a node needs root: its containers, mounts and cgroups are real"
unshare --mount --pid --fork --mount-proc true 2>/dev/null || not "a node needs namespaces of its own, and unshare fails here"
if [ "$(stat --file-system --format %T /sys/fs/cgroup)" = cgroup2fs ]; then
  # The kernel hands a controller down from a cgroup without processes only, or from its own root: in most containers
  # there is neither.
  controls=/sys/fs/cgroup/cgroup.subtree_control
  [ -w "$controls" ] || not "a node needs $controls, of cgroups v2, and may not write it here"
  for controller in cpu cpuset memory pids; do
    grep -qw "$controller" "$controls" && continue
    { echo "+$controller" && echo "-$controller"; } 2>/dev/null >"$controls" ||
      not "a node needs the controller $controller in $controls, of cgroups v2, and the kernel refuses it here"
  done
else
  [ -w /sys/fs/cgroup/memory ] || not "a node needs /sys/fs/cgroup/memory, of cgroups v1, and may not write it here"
fi

# runc filters system calls with libseccomp, which has no Go version; the pods of the tests run busybox.
has_all() { pkg-config --exists libseccomp 2>/dev/null && [ -x /bin/busybox ] && command -v gcc >/dev/null; }
packages="gcc libc6-dev pkg-config libseccomp-dev busybox-static"
install() { DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq $packages >/dev/null 2>&1; }
if ! has_all; then
  [ "${1:-}" != --as-is ] || not "a node needs the packages $packages"
  echo "node: installing $packages" >&2
  install || { apt-get update -qq >/dev/null 2>&1 && install; } || true
  has_all || not "a node needs $packages, which cannot be installed here"
fi
