#!/usr/bin/env bash
# Whether this user can run a node here: its containers, mounts and cgroups are real. Says why not.
[ "$(uname -s)" = Linux ] || { echo "a node needs Linux"; exit 1; }
[ "$(id -u)" = 0 ] || { echo "a node needs root"; exit 1; }
unshare --mount --pid --fork --mount-proc true 2>/dev/null || { echo "a node needs namespaces of its own, and unshare fails here"; exit 1; }
[ -w /sys/fs/cgroup ] && [ -d /sys/fs/cgroup/memory ] || [ -w /sys/fs/cgroup/cgroup.subtree_control ] || { echo "a node needs cgroups that it can write"; exit 1; }
