//! The serving certificate: what cannot be served is an error of the start, in one line; what is replaced
//! under the running server is served at once, and what cannot be is not.

mod rotation;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::bad_input::server::{keyhatch, start_failing};
use crate::support::certificates::{CertificateOptions, Certificates, certificates};
use crate::support::process::Guardian;

/// Asserts that the server does not start, and says why in one line of these words.
#[track_caller]
fn assert_refused(cert: &Path, key: &Path, words: &[&str]) {
    let (code, log) = start_failing(None, cert, key);
    assert_eq!(code, Some(1), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.starts_with("keyhatch: "), "{log}");
    for word in words {
        assert!(log.contains(word), "{word:?} is not in {log:?}");
    }
}

/// Files of a new authority in a folder of their own.
fn issue(guardian: &Guardian, name: &str, options: &CertificateOptions) -> Certificates {
    certificates(&guardian.root().join(name), options)
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let guardian = Guardian::new().unwrap();
    let Certificates { cert_file, key_file, .. } = issue(&guardian, "good", &CertificateOptions::default());
    let (missing, folder) = (guardian.root().join("missing"), guardian.root());
    let shown = missing.to_str().unwrap();
    assert_refused(&missing, &key_file, &[shown, "cannot be read", "No such file"]);
    assert_refused(&cert_file, &missing, &[shown, "cannot be read", "No such file"]);
    let shown = folder.to_str().unwrap();
    assert_refused(folder, &key_file, &[shown, "cannot be read", "Is a directory"]);
    assert_refused(&cert_file, folder, &[shown, "cannot be read", "Is a directory"]);
}

#[test]
fn files_without_pem_are_named() {
    let guardian = Guardian::new().unwrap();
    let Certificates { cert_file, key_file, .. } = issue(&guardian, "good", &CertificateOptions::default());
    let write = |name: &str, bytes: &[u8]| {
        let path = guardian.root().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let pem = fs::read(&cert_file).unwrap();
    let der = CertificateDer::from_pem_slice(&pem).unwrap();
    let nothing = b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    let text = b"-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n";
    for file in [
        write("empty", b""),
        write("text", b"no certificate"),
        write("der", &der),
        write("half", &pem[..pem.len() / 2]),
        write("base64", b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"),
        key_file.clone(),
    ] {
        assert_refused(&file, &key_file, &[file.to_str().unwrap(), "no certificate in PEM form"]);
    }
    for file in [write("nothing", nothing), write("not-x509", text)] {
        assert_refused(&file, &key_file, &[file.to_str().unwrap(), "certificate"]);
    }
    for file in [write("no-key", b""), cert_file.clone(), write("der-key", &der)] {
        assert_refused(&cert_file, &file, &[file.to_str().unwrap(), "no private key in PEM form"]);
    }
}

#[test]
fn certificates_out_of_their_time_are_refused() {
    let guardian = Guardian::new().unwrap();
    let hour = Duration::from_secs(3600);
    let early = CertificateOptions { not_before: SystemTime::now() + hour, ..CertificateOptions::default() };
    for (name, options, words) in
        [("old", CertificateOptions::expired(), "expired at"), ("early", early, "is valid only from")]
    {
        let tls = issue(&guardian, name, &options);
        assert_refused(&tls.cert_file, &tls.key_file, &[tls.cert_file.to_str().unwrap(), words]);
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let guardian = Guardian::new().unwrap();
    let options = CertificateOptions { mismatched_key: true, ..CertificateOptions::default() };
    let tls = issue(&guardian, "pair", &options);
    let (cert, key_file) = (tls.cert_file.to_str().unwrap(), tls.key_file.to_str().unwrap());
    assert_refused(&tls.cert_file, &tls.key_file, &[cert, key_file, "not a usable pair"]);
    // The authority first: a chain in the wrong order.
    let tls = issue(&guardian, "chain", &CertificateOptions::default());
    let chain = [fs::read(&tls.ca_file).unwrap(), fs::read(&tls.cert_file).unwrap()].concat();
    fs::write(&tls.cert_file, chain).unwrap();
    assert_refused(&tls.cert_file, &tls.key_file, &["not a usable pair"]);
}

#[test]
fn an_address_in_use_is_named_with_its_flag() {
    let guardian = Guardian::new().unwrap();
    let tls = issue(&guardian, "good", &CertificateOptions::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for flag in ["--webhook-listen", "--health-listen"] {
        let (code, log) = start_failing(Some((flag, &address)), &tls.cert_file, &tls.key_file);
        assert_eq!(code, Some(1), "{log}");
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.starts_with(&format!("keyhatch: {flag} {address}: cannot listen there: ")), "{log}");
        assert!(log.contains("Address already in use"), "{log}");
    }
}

#[test]
fn flags_that_say_nothing_are_refused_by_name() {
    for (args, words) in [
        (&["serve", "--tls-cert-file", "a"][..], "--tls-key-file <FILE>"),
        (&["serve", "--tls-key-file", "a"], "--tls-cert-file <FILE>"),
        (
            &["serve", "--tls-cert-file", "a", "--tls-key-file", "b", "--webhook-listen", "nowhere"],
            "--webhook-listen",
        ),
        (
            &["serve", "--tls-cert-file", "a", "--tls-key-file", "b", "--tls-reload-interval", "0s"],
            "more than 0",
        ),
        (
            &["serve", "--tls-cert-file", "a", "--tls-key-file", "b", "--tls-reload-interval", "soon"],
            "--tls-reload-interval",
        ),
        (&["serve", "--tls-cert-file", "a", "--tls-key-file", "b", "--log-level", "loud"], "--log-level"),
    ] {
        let output = keyhatch().args(args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains(words), "{args:?}: {stderr}");
    }
}
