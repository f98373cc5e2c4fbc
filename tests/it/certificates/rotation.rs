//! Certificates that are replaced under the running server, by any program that writes files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::bad_input::client::{self, Connection, Tls, post};
use crate::bad_input::server::{JSON, PATH, Server, good, keyhatch};
use crate::support::certificates::{Authority, CertificateOptions, Certificates, key};
use crate::support::http;
use crate::support::kubectl::wait_until;
use crate::support::process::{Guardian, PAUSE};

const FAST: &[&str] = &["--tls-reload-interval", "50ms"];
const SOON: Duration = Duration::from_secs(5);

/// The certificate that a new connection gets.
fn served(server: &Server) -> Result<CertificateDer<'static>, String> {
    let connection = client::connect(&server.host, &server.certificates.ca_file, &["http/1.1"]);
    let connection = connection.map_err(|error| error.to_string())?;
    leaf(&connection)
}

fn leaf(connection: &Connection<Tls>) -> Result<CertificateDer<'static>, String> {
    let leaf = connection.stream.conn.peer_certificates().and_then(<[_]>::first);
    leaf.map(|leaf| leaf.clone().into_owned()).ok_or_else(|| "no certificate".into())
}

#[track_caller]
fn wait_served(server: &Server, cert_file: &Path) {
    let wanted = CertificateDer::from_pem_file(cert_file).unwrap();
    wait_until(SOON, "the new certificate is served", || {
        if served(server)? == wanted { Ok(()) } else { Err(format!("another one\n{}", server.log())) }
    });
}

/// The certificate stays the same while its files are looked at several times.
#[track_caller]
fn assert_stays(server: &Server, certificate: &CertificateDer<'_>) {
    let started = Instant::now();
    while started.elapsed() < 8 * Duration::from_millis(50) {
        assert_eq!(&served(server).unwrap(), certificate);
        thread::sleep(PAUSE);
    }
}

/// Where a server's certificate is rotated.
fn folder(server: &Server) -> PathBuf {
    server.guardian.root().join("tls")
}

#[test]
fn a_new_certificate_is_served_to_new_connections_and_old_ones_stay() {
    let server = Server::start(FAST);
    let mut old = server.connect();
    old.ask(post(PATH, JSON, good().to_string())).unwrap().assert_allowed();
    let before = leaf(&old).unwrap();
    for _ in 0..3 {
        let new = server.authority.issue(&folder(&server), &CertificateOptions::default());
        wait_served(&server, &new.cert_file);
        old.ask(post(PATH, JSON, good().to_string())).unwrap().assert_allowed();
    }
    assert_eq!(leaf(&old).unwrap(), before);
    server.assert_works();
}

/// Breaks the files, and repairs them.
#[track_caller]
fn assert_survives(breaks: impl FnOnce(&Certificates), words: &str) {
    let server = Server::start(FAST);
    let before = served(&server).unwrap();
    breaks(&server.certificates);
    let told = || server.errors().first().cloned().ok_or_else(|| server.log());
    let error = wait_until(SOON, "the broken certificate is told", told);
    assert!(error.contains("the new certificate cannot be served; the one before stays"), "{error}");
    assert!(error.contains(words), "{words:?} is not in {error}");
    assert_stays(&server, &before);
    assert_eq!(server.errors().len(), 1, "{}", server.log());
    server.assert_works();
    let new = server.authority.issue(&folder(&server), &CertificateOptions::default());
    wait_served(&server, &new.cert_file);
    server.assert_works();
}

#[test]
fn a_new_key_that_does_not_fit_leaves_the_old_pair() {
    let other = key().serialize_pem();
    assert_survives(|tls| fs::write(&tls.key_file, other).unwrap(), "not a usable pair");
}

#[test]
fn a_half_written_certificate_leaves_the_old_one() {
    let half = |tls: &Certificates| {
        let pem = fs::read_to_string(&tls.cert_file).unwrap();
        fs::write(&tls.cert_file, &pem[..pem.len() / 2]).unwrap();
    };
    assert_survives(half, "no certificate in PEM form");
}

#[test]
fn a_certificate_that_is_removed_stays_served() {
    assert_survives(|tls| fs::remove_file(&tls.cert_file).unwrap(), "cannot be read");
}

#[test]
fn an_expired_new_certificate_leaves_the_old_one() {
    let expired = |tls: &Certificates| {
        let other =
            Authority::new().issue(&tls.cert_file.with_file_name("old"), &CertificateOptions::expired());
        fs::rename(other.cert_file, &tls.cert_file).unwrap();
    };
    assert_survives(expired, "expired at");
}

#[test]
fn a_certificate_from_the_near_future_is_served_when_its_time_comes() {
    let server = Server::start(FAST);
    let soon = SystemTime::now() + Duration::from_secs(2);
    let options = CertificateOptions { not_before: soon, ..CertificateOptions::default() };
    let new = server.authority.issue(&folder(&server), &options);
    let wanted = CertificateDer::from_pem_file(&new.cert_file).unwrap();
    wait_until(SOON, "the new certificate is served", || {
        if served(&server).is_ok_and(|served| served == wanted) { Ok(()) } else { Err(server.log()) }
    });
}

#[test]
fn a_certificate_that_expires_under_the_server_makes_it_unready() {
    let options = CertificateOptions {
        not_after: SystemTime::now() + Duration::from_secs(3),
        ..CertificateOptions::default()
    };
    let server = Server::start_as(keyhatch, FAST, &options);
    let expired = || match http::get(&format!("http://{}/readyz", server.health))? {
        answer if answer.status == 503 => Ok(answer.body),
        answer => Err(format!("{answer:?}")),
    };
    let told = wait_until(2 * SOON, "the server is not ready", expired);
    assert!(told.contains("[-] certificate failed: the serving certificate expired"), "{told}");
    let new = server.authority.issue(&folder(&server), &CertificateOptions::default());
    wait_served(&server, &new.cert_file);
    server.assert_works();
}

/// Makes a version of a mounted Secret and turns `..data` to it, as the kubelet does.
fn mount(guardian: &Guardian, authority: &Authority, version: &str) -> Certificates {
    let folder = guardian.root().join("mounted");
    let tls = authority.issue(&folder.join(version), &CertificateOptions::default());
    symlink(version, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    tls
}

#[test]
fn a_secret_that_the_kubelet_replaces_is_noticed() {
    let (guardian, authority) = (Guardian::new().unwrap(), Authority::new());
    let ca_file = mount(&guardian, &authority, "..1").ca_file;
    let folder = guardian.root().join("mounted");
    let [cert_file, key_file] = ["tls.crt", "tls.key"].map(|name| {
        symlink(format!("..data/{name}"), folder.join(name)).unwrap();
        folder.join(name)
    });
    let files = Certificates { ca_file, cert_file, key_file };
    let server = Server::start_with(keyhatch, FAST, guardian, authority, files);
    for version in ["..2", "..3"] {
        let tls = mount(&server.guardian, &server.authority, version);
        wait_served(&server, &tls.cert_file);
    }
    assert_eq!(server.errors(), Vec::<String>::new());
}

#[test]
fn the_metric_follows_the_certificate() {
    let server = Server::start(FAST);
    let expiry = || -> i64 {
        let metrics = server.get("/metrics");
        let name = "keyhatch_serving_certificate_expiry_seconds ";
        metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse().unwrap()
    };
    let before = expiry();
    let later = SystemTime::now() + Duration::from_secs(72 * 3600);
    let options = CertificateOptions { not_after: later, ..CertificateOptions::default() };
    let new = server.authority.issue(&folder(&server), &options);
    wait_served(&server, &new.cert_file);
    assert!(expiry() > before);
}
