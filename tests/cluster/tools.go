//go:build tools

// Package cluster pins the control plane that the integration tests run on.
// Nothing here is compiled into Keyhatch: build.sh builds each import as a program.
package cluster

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
