//! The Secret's form: `kubernetes.io/tls` with the CAs and the state beside `tls.crt` and `tls.key`.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::plan::signing_ca;
use super::{Damage, Names, Pair, State, Trust};

/// Reads the Secret; `None` if it is empty, as an installer may make it.
pub(super) fn read(secret: &Secret) -> Result<Option<Trust>, Damage> {
    let Some(data) = secret.data.as_ref().filter(|data| data.values().any(|value| !value.0.is_empty()))
    else {
        return Ok(None);
    };
    let ca = pair(data, "ca.crt", "ca.key")?;
    let leaf = pair(data, "tls.crt", "tls.key")?;
    let next =
        if data.contains_key("next-ca.crt") { Some(pair(data, "next-ca.crt", "next-ca.key")?) } else { None };
    let state = state(text(data, "state")?, next.is_some())?;
    let trust = Trust { state, ca, next, leaf };
    if is_signed_by(&trust.leaf, signing_ca(&trust)) { Ok(Some(trust)) } else { Err(Damage::ForeignLeaf) }
}

/// The Secret that holds this, at the version that was read.
pub(super) fn write(names: &Names, trust: &Trust, version: Option<String>) -> Secret {
    let Trust { state, ca, next, leaf } = trust;
    let mut data = BTreeMap::new();
    let mut put = |key: &str, value: &str| data.insert(key.to_owned(), ByteString(value.as_bytes().to_vec()));
    put("state", &state_text(*state));
    put("ca.crt", &ca.cert);
    put("ca.key", &ca.key);
    put("tls.crt", &leaf.cert);
    put("tls.key", &leaf.key);
    if let Some(next) = next {
        put("next-ca.crt", &next.cert);
        put("next-ca.key", &next.key);
    }
    Secret {
        metadata: ObjectMeta {
            name: Some(names.secret.clone()),
            namespace: Some(names.namespace.clone()),
            resource_version: version,
            labels: Some([("app.kubernetes.io/name".into(), "keyhatch".into())].into()),
            ..ObjectMeta::default()
        },
        type_: Some("kubernetes.io/tls".into()),
        data: Some(data),
        ..Secret::default()
    }
}

fn text<'a>(data: &'a BTreeMap<String, ByteString>, key: &'static str) -> Result<&'a str, Damage> {
    let value = data.get(key).and_then(|value| std::str::from_utf8(&value.0).ok());
    value.filter(|value| !value.is_empty()).ok_or(Damage::Missing(key))
}

fn pair(data: &BTreeMap<String, ByteString>, cert: &'static str, key: &'static str) -> Result<Pair, Damage> {
    let (cert_text, key_text) = (text(data, cert)?, text(data, key)?);
    let der = CertificateDer::from_pem_slice(cert_text.as_bytes()).map_err(|_| Damage::Pem(cert))?;
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| Damage::Pem(cert))?;
    rcgen::KeyPair::from_pem(key_text).map_err(|_| Damage::Pem(key))?;
    let validity = parsed.validity();
    let (not_before, not_after) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    Ok(Pair { cert: cert_text.to_owned(), key: key_text.to_owned(), not_before, not_after })
}

fn is_signed_by(leaf: &Pair, ca: &Pair) -> bool {
    let der = |pair: &Pair| CertificateDer::from_pem_slice(pair.cert.as_bytes()).ok();
    let (Some(leaf), Some(ca)) = (der(leaf), der(ca)) else { return false };
    let (Ok((_, leaf)), Ok((_, ca))) = (X509Certificate::from_der(&leaf), X509Certificate::from_der(&ca))
    else {
        return false;
    };
    leaf.verify_signature(Some(ca.public_key())).is_ok()
}

fn state_text(state: State) -> String {
    match state {
        State::OneCa => "OneCA".into(),
        State::TwoCas { visible_since: None } => "TwoCAs".into(),
        State::TwoCas { visible_since: Some(since) } => format!("TwoCAs since {since}"),
        State::Switched { since } => format!("Switched since {since}"),
    }
}

fn state(text: &str, has_next: bool) -> Result<State, Damage> {
    let unknown = || Damage::State(text.chars().take(40).collect());
    let since = |rest: &str| rest.parse::<i64>().map_err(|_| unknown());
    match (text.split_once(" since "), text, has_next) {
        (None, "OneCA", _) => Ok(State::OneCa),
        (None, "TwoCAs", true) => Ok(State::TwoCas { visible_since: None }),
        (Some(("TwoCAs", rest)), _, true) => Ok(State::TwoCas { visible_since: Some(since(rest)?) }),
        (Some(("Switched", rest)), _, true) => Ok(State::Switched { since: since(rest)? }),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::trust::issue;

    fn names() -> Names {
        let name = |text: &str| text.to_owned();
        Names {
            namespace: name("n"),
            secret: name("s"),
            webhook: name("w"),
            pod_webhook: name("p"),
            hosts: vec![name("localhost")],
        }
    }

    fn trust(state: State) -> Trust {
        let now = 1_800_000_000;
        let day = Duration::from_secs(86_400);
        let (ca, other) = (issue::ca(day, now).unwrap(), issue::ca(day, now).unwrap());
        let signer = if matches!(state, State::Switched { .. }) { &other } else { &ca };
        let leaf = issue::leaf(signer, &names().hosts, day, now).unwrap();
        let next = (state != State::OneCa).then(|| other.clone());
        Trust { state, ca, next, leaf }
    }

    #[test]
    fn every_state_is_read_as_it_was_written() {
        for state in [
            State::OneCa,
            State::TwoCas { visible_since: None },
            State::TwoCas { visible_since: Some(5) },
            State::Switched { since: 7 },
        ] {
            let written = trust(state);
            let read = read(&write(&names(), &written, None)).unwrap().unwrap();
            assert_eq!((read.state, &read.leaf.cert), (state, &written.leaf.cert));
            assert_eq!(read.bundle(), written.bundle());
        }
    }

    #[test]
    fn what_somebody_spoilt_is_told() {
        let good = write(&names(), &trust(State::OneCa), None);
        let spoil = |key: &str, value: Option<&str>| {
            let mut secret = good.clone();
            let data = secret.data.as_mut().unwrap();
            match value {
                Some(value) => data.insert(key.into(), ByteString(value.into())),
                None => data.remove(key),
            };
            read(&secret).unwrap_err()
        };
        assert_eq!(spoil("ca.key", None), Damage::Missing("ca.key"));
        assert_eq!(spoil("tls.crt", Some("x")), Damage::Pem("tls.crt"));
        assert_eq!(spoil("state", Some("ThreeCAs")), Damage::State("ThreeCAs".into()));
        assert_eq!(spoil("ca.crt", Some(&trust(State::OneCa).ca.cert)), Damage::ForeignLeaf);
        let mut empty = good.clone();
        empty.data = None;
        assert_eq!(read(&empty), Ok(None));
    }
}
