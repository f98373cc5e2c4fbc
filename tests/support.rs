//! Support for tests that need a real Kubernetes API server or an AWS: shared by the integration test binary and by
//! `examples/dev`.
//!
//! - [`aws`]: Secrets Manager and STS at the level of the wire, with IAM, quotas and faults
//! - [`balancer`]: one address for several replicas
//! - [`broker`]: the real `keyhatch` binary as a broker, and pods with their tokens
//! - [`control_plane`]: etcd, kube-apiserver and kube-controller-manager on free ports of 127.0.0.1
//! - [`go`]: the Go program that says how Go itself would answer
//! - [`kubectl`]: running kubectl against it, unique namespaces, waiting for a condition
//! - [`proxy`]: stands between one replica and the API server, and can fail in many ways
//! - [`replica`]: `keyhatch serve` as one of several replicas with their own certificates
//! - [`reviews`]: a stream of reviews through the API server
//! - [`webhook`]: the real `keyhatch` binary, serving and registered with that API server
//! - [`certificates`]: throw-away certificate authorities and server certificates, good and bad ones
//! - [`machine`]: a real node, with a kubelet and containers
//! - [`moto`]: moto's Secrets Manager and STS, to hold [`aws`] to
//! - [`http`]: one HTTP/1.1 request over TCP or TLS
//! - [`manifests`]: a copy of `manifests/` that registers a URL
//! - [`marker`]: a text that must not be found
//! - [`node`]: a stand-in for the kubelet, which runs pods as processes
//! - [`process`]: child processes and their folder, which never outlive the process that started them
//!
//! The paths are spelled out because a file that is itself included by `#[path]` would otherwise look for
//! its modules next to itself.
#![allow(dead_code, reason = "each binary uses its own part of this")]
#![allow(clippy::expect_used, clippy::panic, reason = "a broken test environment ends the test")]

#[path = "support/aws.rs"]
pub(crate) mod aws;
#[path = "support/balancer.rs"]
pub(crate) mod balancer;
#[path = "support/broker.rs"]
pub(crate) mod broker;
#[path = "support/certificates.rs"]
pub(crate) mod certificates;
#[path = "support/control_plane.rs"]
pub(crate) mod control_plane;
#[path = "support/go.rs"]
pub(crate) mod go;
#[path = "support/http.rs"]
pub(crate) mod http;
#[path = "support/kubectl.rs"]
pub(crate) mod kubectl;
#[path = "support/looper.rs"]
pub(crate) mod looper;
#[path = "support/machine.rs"]
pub(crate) mod machine;
#[path = "support/manifests.rs"]
pub(crate) mod manifests;
#[path = "support/marker.rs"]
pub(crate) mod marker;
#[path = "support/moto.rs"]
pub(crate) mod moto;
#[path = "support/node.rs"]
pub(crate) mod node;
#[path = "support/process.rs"]
pub(crate) mod process;
#[path = "support/proxy.rs"]
pub(crate) mod proxy;
#[path = "support/replica.rs"]
pub(crate) mod replica;
#[path = "support/reviews.rs"]
pub(crate) mod reviews;
#[path = "support/webhook.rs"]
pub(crate) mod webhook;
