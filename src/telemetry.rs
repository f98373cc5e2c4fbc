//! Structured logs: JSON lines, or plain text on a terminal.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

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
/// because some of them print whole requests at their lower levels.
pub fn init(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_new(format!("warn,keyhatch={level}"))
        .unwrap_or_else(|_| EnvFilter::new("warn,keyhatch=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Json => {
            builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
        }
        LogFormat::Text => builder.try_init(),
    };
    // A second call, as in tests, leaves the first in place.
    drop(started);
}
