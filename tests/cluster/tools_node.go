//go:build tools

package cluster

// What a node needs besides the control plane: ../node/build.sh builds these.
import (
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
