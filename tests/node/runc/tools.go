//go:build tools

// Package runc pins what starts the containers of the node that the end-to-end tests run on.
package runc

import _ "github.com/opencontainers/runc"
