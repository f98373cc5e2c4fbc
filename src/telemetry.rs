//! Structured logs: JSON lines, or plain text on a terminal.

mod writer;

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

pub use writer::Logging;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// Starts logging to standard error. `level` speaks of Keyhatch's own targets; libraries stay at warn,
/// because some of them print whole requests at their lower levels. What is logged is written when the answer is
/// dropped at the latest.
pub fn init(format: LogFormat, level: &str) -> Logging {
    let filter = EnvFilter::try_new(format!("warn,keyhatch={level}"))
        .unwrap_or_else(|_| EnvFilter::new("warn,keyhatch=info"));
    let (lines, logging) = writer::start(std::io::stderr());
    // Whoever should read the log may be gone: that is no reason to complain to the same place, and panic.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(lines)
        .log_internal_errors(false);
    let started = match format {
        LogFormat::Json => {
            builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
        }
        LogFormat::Text => builder.try_init(),
    };
    // A second call, as in tests, leaves the first in place.
    drop(started);
    logging
}
