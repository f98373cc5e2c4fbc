//! The real server alone: no API server asks it, the tests do.

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::slice::from_mut;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{self, Answer, Connection, Tls, post};
use crate::support::certificates::{Authority, CertificateOptions, Certificates};
use crate::support::http;
use crate::support::kubectl::poll;
use crate::support::process::{Guardian, Process, free_address, retry, wait_ready};

/// Where reviews go.
pub(crate) const PATH: &str = "/validate/external-secrets";
/// The header that a review has.
pub(crate) const JSON: &str = "content-type: application/json\r\n";

const LIMIT: Duration = Duration::from_secs(60);

/// A running server; dropping it ends the process.
pub(crate) struct Server {
    process: Process, // dropped before the guardian
    pub(crate) guardian: Guardian,
    pub(crate) authority: Authority,
    pub(crate) certificates: Certificates,
    /// Where reviews are sent, `HOST:PORT`.
    pub(crate) host: String,
    /// Where `/readyz` is, `HOST:PORT`.
    pub(crate) health: String,
}

/// The server that tests share which leave it as it was.
pub(crate) fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start(&[]))
}

/// A review that is admitted without a word.
pub(crate) fn good() -> Value {
    review("eu-central-1")
}

/// A review that is refused for its region.
pub(crate) fn bad() -> Value {
    review("us-esat-1")
}

fn review(region: &str) -> Value {
    let aws = json!({"service": "SecretsManager", "region": region});
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "external-secrets.io", "version": "v1", "kind": "SecretStore"},
            "operation": "CREATE",
            "name": "aws",
            "namespace": "team-a",
            "object": {
                "apiVersion": "external-secrets.io/v1",
                "kind": "SecretStore",
                "metadata": {"name": "aws", "namespace": "team-a"},
                "spec": {"provider": {"aws": aws}},
            },
        },
    })
}

/// `keyhatch` with nothing of the caller's environment.
pub(crate) fn keyhatch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyhatch"));
    command.env_clear();
    command
}

/// The command line of a server, as a shell sees it.
fn serve(program: &mut Command, host: &str, health: &str, tls: &Certificates, flags: &[&str]) {
    program.args(["serve", "--webhook-listen", host, "--health-listen", health]);
    program.arg("--tls-cert-file").arg(&tls.cert_file).arg("--tls-key-file").arg(&tls.key_file).args(flags);
}

impl Server {
    /// Starts it with good certificates and waits until it is ready.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_as(keyhatch, flags, &CertificateOptions::default())
    }

    /// The same by another command, and with other certificates.
    pub(crate) fn start_as(program: fn() -> Command, flags: &[&str], options: &CertificateOptions) -> Self {
        let (guardian, authority) = (Guardian::new().unwrap(), Authority::new());
        let certificates = authority.issue(&guardian.root().join("tls"), options);
        Self::start_with(program, flags, guardian, authority, certificates)
    }

    /// The same with files that are there already.
    pub(crate) fn start_with(
        program: fn() -> Command,
        flags: &[&str],
        guardian: Guardian,
        authority: Authority,
        certificates: Certificates,
    ) -> Self {
        let start = |deadline| {
            let (host, health) = (free_address()?.to_string(), free_address()?.to_string());
            let mut command = program();
            serve(&mut command, &host, &health, &certificates, flags);
            let mut process = guardian.spawn("keyhatch", &mut command)?;
            let readyz = format!("http://{health}/readyz");
            wait_ready(from_mut(&mut process), deadline, || http::get(&readyz)?.ok().map(drop))?;
            Ok((host, health, process))
        };
        let (host, health, process) = retry(Instant::now() + LIMIT, start).unwrap();
        Self { process, guardian, authority, certificates, host, health }
    }

    /// A new connection, as the API server makes it.
    #[track_caller]
    pub(crate) fn connect(&self) -> Connection<Tls> {
        client::connect(&self.host, &self.certificates.ca_file, &["http/1.1"]).expect("a connection")
    }

    /// Sends a request on a new connection.
    #[track_caller]
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        self.connect().ask(request).unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }

    /// Sends a review on a new connection.
    #[track_caller]
    pub(crate) fn review(&self, body: impl AsRef<[u8]>) -> Answer {
        self.ask(post(PATH, JSON, body))
    }

    /// Everything works: a good review, a bad one, the probes, and the counters.
    #[track_caller]
    pub(crate) fn assert_works(&self) {
        let (allowed, refused) = (self.count("Allowed"), self.count("Refused"));
        self.review(good().to_string()).assert_allowed();
        self.review(bad().to_string()).assert_refused(422, "did you mean us-east-1?");
        assert!(self.count("Allowed") > allowed, "admitted and not counted");
        assert!(self.count("Refused") > refused, "refused and not counted");
        assert_eq!(self.get("/healthz"), "ok\n");
        let ready = self.get("/readyz?verbose");
        assert!(
            ready.starts_with("[+] certificate ok\n") && ready.ends_with("[+] shutdown ok\nready\n"),
            "{ready}"
        );
    }

    /// How many reviews ended so.
    #[track_caller]
    pub(crate) fn count(&self, outcome: &str) -> u64 {
        let name = format!("keyhatch_admission_reviews_total{{outcome=\"{outcome}\"}} ");
        let metrics = self.get("/metrics");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&name));
        count.map_or(0, |count| count.parse().unwrap())
    }

    /// A page of the health listener.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> String {
        http::get(&format!("http://{}{path}", self.health)).and_then(http::Response::ok).unwrap()
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// The lines of its log that are errors.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.log().lines().filter(|line| line.contains(r#""level":"ERROR""#)).map(str::to_owned).collect()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.process.id());
        assert!(Command::new("/bin/sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self, limit: Duration) -> ExitStatus {
        end(&mut self.process, limit)
    }
}

fn end(process: &mut Process, limit: Duration) -> ExitStatus {
    poll(limit, "the server ends", || process.ended().ok_or_else(|| process.log())).unwrap()
}

/// Starts a server that is expected to fail, perhaps with another address for one of its flags; answers its
/// exit code and its whole log.
pub(crate) fn start_failing(address: Option<(&str, &str)>, cert: &Path, key: &Path) -> (Option<i32>, String) {
    let guardian = Guardian::new().unwrap();
    let listen = |flag| match address {
        Some((other, address)) if flag == other => address.to_owned(),
        _ => free_address().unwrap().to_string(),
    };
    let tls = Certificates { ca_file: cert.to_owned(), cert_file: cert.to_owned(), key_file: key.to_owned() };
    let mut command = keyhatch();
    serve(&mut command, &listen("--webhook-listen"), &listen("--health-listen"), &tls, &[]);
    let mut process = guardian.spawn("keyhatch", &mut command).unwrap();
    (end(&mut process, LIMIT).code(), process.log())
}
