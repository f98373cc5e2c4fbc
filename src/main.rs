//! The `keyhatch` command: reads its flags and runs one of its subcommands.

use std::process::ExitCode;

use clap::Parser;
use keyhatch::cli::Cli;

fn main() -> ExitCode {
    // One TLS implementation for everything that speaks it; installed before anything could choose another.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Cli::parse().run()
}
