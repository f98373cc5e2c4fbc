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
    let filter = filter(level);
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

/// The Kubernetes client warns about an answer that it cannot read by printing it whole, and that may be a Secret.
fn filter(level: &str) -> EnvFilter {
    let others = "warn,kube_client::client=error";
    // Who got what is written whatever else is not.
    EnvFilter::try_new(format!("{others},keyhatch={level},keyhatch::audit=info"))
        .unwrap_or_else(|_| EnvFilter::new(format!("{others},keyhatch=info")))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn an_answer_that_the_kubernetes_client_cannot_read_is_not_logged_at_any_level() {
        let lines = Lines::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let logs =
            tracing_subscriber::fmt().with_env_filter(filter("trace")).with_writer(lines.clone()).finish();
        tracing::subscriber::with_default(logs, || {
            tracing::warn!(target: "keyhatch::test", "heard");
            runtime.block_on(async {
                let answer = |_: axum::http::Request<kube::client::Body>| async {
                    let body = r#"{"kind":"Secret","data":"hunter2"}"#;
                    Ok::<_, std::convert::Infallible>(axum::http::Response::new(kube::client::Body::from(
                        body.as_bytes().to_vec(),
                    )))
                };
                let client = kube::Client::new(tower::service_fn(answer), "default");
                let secrets = kube::Api::<k8s_openapi::api::core::v1::Secret>::default_namespaced(client);
                assert!(secrets.get("a").await.is_err());
            });
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("heard") && !text.contains("hunter2"), "{text}");
    }
}
