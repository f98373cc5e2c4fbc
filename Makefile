# `make` lists the targets. Everything that is built lands in target/.
.DEFAULT_GOAL := help
.PHONY: help build image test lint fmt cluster node e2e moto demo dev bench fuzz parity generate deny clean

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

build: ## keyhatch and keyhatch-agent in release form, static, in target/static
	@manifests/image/build.sh target/static keyhatch keyhatch-agent

image: build ## Both in target/keyhatch.tar: an image that docker, ctr, skopeo and kind load
	@manifests/image/archive.sh target/keyhatch.tar docker.io/library/keyhatch:0.1.0 target/static/keyhatch target/static/keyhatch-agent

test: ## Everything that CI runs; installs what it needs, says how long each step may take
	@tests/run.sh

lint: ## Format and lints only
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

fmt: ## Format the code
	cargo fmt --all

cluster: ## etcd, kube-apiserver, kube-controller-manager and kubectl, from pinned Go modules, once
	@tests/cluster/build.sh target/cluster

node: ## kubelet, kube-scheduler, containerd and runc, from pinned Go modules, once
	@tests/node/possible.sh
	@tests/node/build.sh target/node

e2e: cluster node image ## What only a real node proves: pods run by a kubelet (Linux, root)
	@tests/node/test.sh

moto: ## moto, which our fake of AWS is held to, in a virtual environment of its own, once
	@tests/aws/build.sh target/moto

demo: cluster ## What is refused and why, where references lead, and a pod with its secrets (for root on Linux on a node)
	@cargo build --locked --quiet --workspace --bins --example dev
	@tests/cluster/demo.sh

dev: cluster ## The same, and it stays up: prints the kubeconfig
	@cargo build --locked --quiet --workspace --bins --example dev
	@target/debug/examples/dev dev --keyhatch target/debug/keyhatch --agent target/debug/keyhatch-agent

bench: cluster ## Time per review beside a handler that does nothing; memory; calls, time and bytes per secret; pods that start at once; ExternalSecrets and PushSecrets that are made at once
	cargo bench --locked --bench admission
	cargo bench --locked --bench memory
	cargo bench --locked --bench source
	cargo bench --locked --bench broker
	cargo bench --locked --bench external
	cargo bench --locked --bench push

fuzz: ## A million random and mutated reviews
	cargo run --locked --release --example fuzz

parity: ## 100,000 random documents and paths, read and written, beside Go
	cargo run --locked --release --example parity -- --count 50000
	cargo run --locked --release --example parity -- --count 50000 --generator soup

generate: cluster ## manifests/crds, the webhook configuration, docs/rules.md and the picture, from the code; a test fails when they are behind
	UPDATE=1 cargo test --locked --test it generated_ -- --quiet

deny: ## Licences, sources and banned crates (needs cargo-deny)
	cargo deny --all-features check bans licenses sources

clean: ## Remove everything that was built
	cargo clean
