//! The server that decides nothing: Keyhatch's connections, TLS and HTTP with another handler.
//!
//! The answer is of the type that Keyhatch answers with, too, so that what remains between the two is reading
//! an object and deciding about it.

use std::borrow::Cow;
use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use clap::Args;
use keyhatch::accept::{self, Limits, Phase, Signals};
use keyhatch::admission::review::Answer;
use keyhatch::tls::CertificateFiles;
use keyhatch::webhook;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// As in `src/server.rs`.
const LIMITS: Limits = Limits {
    head: Duration::from_secs(10),
    age: Duration::from_secs(3600),
    connections: 1024,
    request: Duration::from_secs(60),
};

/// Flags of the baseline, which only this program gives.
#[derive(Args)]
pub(crate) struct Options {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    cert: PathBuf,
    #[arg(long)]
    key: PathBuf,
}

/// Serves until the process is ended.
pub(crate) fn serve(options: &Options) -> Result<(), String> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(listen(options)).map_err(|error| error.to_string())
}

async fn listen(options: &Options) -> Result<(), Box<dyn Error>> {
    let files = CertificateFiles { cert: options.cert.clone(), key: options.key.clone(), ca: None };
    let certificate = files.load(SystemTime::now())?;
    let (_tls, tls) = watch::channel(Some(certificate));
    let (_phase, phase) = watch::channel(Phase::Serving);
    let router = Router::new().route(webhook::PATH, post(handle)).route(webhook::PODS_PATH, post(handle));
    accept::serve(TcpListener::bind(options.listen).await?, router, LIMITS, Signals { tls, phase }).await;
    Ok(())
}

#[derive(Deserialize)]
struct Review<'a> {
    #[serde(borrow)]
    request: Request<'a>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    uid: Cow<'a, str>,
}

async fn handle(body: Bytes) -> Response {
    let Ok(review) = serde_json::from_slice::<Review<'_>>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match serde_json::to_vec(&Answer::allow(&review.request.uid, Vec::new())) {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
