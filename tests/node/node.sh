#!/usr/bin/env bash
# One node: containerd, kubelet, kube-scheduler. Ends, with every container, when its standard input does.
#
#   tests/node/node.sh ROOT PROGRAMS KUBECONFIG CLIENT_CA PORT [IMAGE…]
#
# ROOT is a folder of the node's own, PROGRAMS what build.sh made, PORT the kubelet's on 127.0.0.1. Image archives are
# imported before the kubelet starts. Commands on standard input, a line each, answered by `done` on standard output:
#   stop      kubelet, containerd and every container end, as when a machine is switched off
#   start     the machine is switched on again
#
# Everything runs in a process and a mount namespace. When the first process in there ends, for whatever reason, the
# kernel ends all others and takes the mounts away; what is left are cgroups and ROOT.
set -euo pipefail

if [ "${KEYHATCH_NODE_INSIDE:-}" != yes ]; then
  export KEYHATCH_NODE_INSIDE=yes
  root=$1
  group=keyhatch-node-$$
  export KEYHATCH_NODE_GROUP=$group
  # The kubelet changes these for the whole machine.
  tunables="vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes"
  declare -A before
  for name in $tunables; do before[$name]=$(cat "/proc/sys/$name"); done
  # So does runc with what the root of cgroups v2 hands down.
  handed_down=/sys/fs/cgroup/cgroup.subtree_control
  before_handed_down=" $(cat "$handed_down" 2>/dev/null || true) "
  unshare --mount --pid --fork --kill-child=KILL --mount-proc "$0" "$@" && code=0 || code=$?
  for name in $tunables; do
    [ "$(cat "/proc/sys/$name")" = "${before[$name]}" ] || echo "${before[$name]}" >"/proc/sys/$name" || true
  done
  rm -rf "$root"
  # From the leaves up; the kernel needs a moment to let go of dead processes, and folders vanish under find.
  for _ in $(seq 50); do
    left=$(find /sys/fs/cgroup -depth -type d \( -path "*/$group/*" -o -name "$group" \) 2>/dev/null || true)
    [ -n "$left" ] || break
    echo "$left" | xargs -r rmdir 2>/dev/null || sleep 0.1
  done
  for controller in $(cat "$handed_down" 2>/dev/null || true); do
    [[ "$before_handed_down" = *" $controller "* ]] || echo "-$controller" >"$handed_down" || true
  done
  exit "$code"
fi

root=$1 programs=$2 kubeconfig=$3 client_ca=$4 port=$5
shift 5
group=$KEYHATCH_NODE_GROUP
export PATH="$programs:$PATH"

mount --make-rprivate /
# Paths that cannot be configured.
for folder in /run/containerd /run/runc /var/lib/kubelet /var/log/containers /var/log/pods; do
  mkdir -p "$folder"
  mount -t tmpfs -o mode=0755 node "$folder"
done
mkdir -p "$root"/{containerd,state,kubelet,cni,logs,plugins}
if [ "$(stat --file-system --format %T /sys/fs/cgroup)" = cgroup2fs ]; then
  mkdir "/sys/fs/cgroup/$group"
  # The kubelet wants these of its root.
  for controller in cpu cpuset memory pids hugetlb; do
    if grep -qw "$controller" /sys/fs/cgroup/cgroup.controllers; then
      echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
    fi
  done
else
  for controller in /sys/fs/cgroup/*/; do
    if [ -e "$controller/cgroup.procs" ]; then mkdir -p "$controller$group"; fi
  done
  # The root of a cpuset is not inherited.
  cpuset=/sys/fs/cgroup/cpuset
  if [ -d "$cpuset/$group" ]; then
    for what in cpus mems; do cat "$cpuset/cpuset.$what" >"$cpuset/$group/cpuset.$what"; done
  fi
fi

cat >"$root/containerd.toml" <<TOML
version = 3
root = "$root/containerd"
state = "$root/state"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "$root/containerd.sock"
[ttrpc]
  address = "$root/containerd.sock.ttrpc"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["$root/plugins"]
    conf_dir = "$root/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = "$programs/runc"
      Root = "$root/runc"
      SystemdCgroup = false
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "docker.io/local/pause:1"
TOML
# Without any the node is not ready; pods have the machine's network.
echo '{"cniVersion":"1.0.0","name":"none","plugins":[{"type":"loopback"}]}' >"$root/cni/10-none.conflist"
cat >"$root/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
port: $port
healthzPort: 0
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: $client_ca}}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix://$root/containerd.sock
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$group
failSwapOn: false
enforceNodeAllocatable: []
evictionHard: {}
resolvConf: ""
imageGCHighThresholdPercent: 100
makeIPTablesUtilChains: false
podLogsDir: $root/logs
volumePluginDir: $root/plugins
syncFrequency: 10s
YAML

declare -A running
begin() { # NAME COMMAND…
  local name=$1
  shift
  "$@" >>"$root/$name.log" 2>&1 </dev/null &
  running[$name]=$!
}
finish() { # NAME
  kill -KILL "${running[$1]}" 2>/dev/null || true
  wait "${running[$1]}" 2>/dev/null || true
}
start() {
  begin containerd containerd --config "$root/containerd.toml"
  until ctr --address "$root/containerd.sock" version >/dev/null 2>&1; do
    kill -0 "${running[containerd]}" || { tail -n 20 "$root/containerd.log" >&2; exit 1; }
    sleep 0.05
  done
  for image in "$@"; do
    ctr --address "$root/containerd.sock" --namespace k8s.io images import "$image" >>"$root/images.log" 2>&1
  done
  begin kubelet kubelet --config "$root/kubelet.yaml" --kubeconfig "$kubeconfig" --root-dir "$root/kubelet" \
    --cert-dir "$root/kubelet/pki" --hostname-override 127.0.0.1
  begin scheduler kube-scheduler --kubeconfig "$kubeconfig" --leader-elect=false --secure-port=0
}
stop() {
  finish scheduler
  finish kubelet
  finish containerd
  # Shims and containers: all that is left in here besides this shell. Each by its id.
  local process
  for process in /proc/[0-9]*; do
    process=${process#/proc/}
    [ "$process" = $$ ] || [ "$process" = "$BASHPID" ] || kill -KILL "$process" 2>/dev/null || true
  done
  # A machine that was switched off has nothing mounted, and no cgroups of pods.
  awk -v below="$root/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r mounted; do
    umount --lazy "$mounted" || true
  done
  rm -rf "$root/state" "$root/runc" /run/containerd/* /run/runc/*
  mkdir -p "$root/state"
}

start "$@"
echo done
while read -r command; do
  case $command in
  stop) stop ;;
  start) start ;;
  *) echo "node: $command: no such command" >&2; exit 2 ;;
  esac
  echo done
done
