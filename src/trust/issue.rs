//! Makes CAs and leaves.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};

use super::Pair;

/// A CA that signs leaves only.
pub(super) fn ca(lifetime: Duration, now: i64) -> Result<Pair, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = params("keyhatch CA", lifetime, now, Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let cert = params.self_signed(&key)?;
    Ok(pair(cert.pem(), &key, lifetime, now))
}

/// A serving certificate for these names and addresses.
pub(super) fn leaf(ca: &Pair, hosts: &[String], lifetime: Duration, now: i64) -> Result<Pair, rcgen::Error> {
    let issuer = Issuer::from_ca_cert_pem(&ca.cert, KeyPair::from_pem(&ca.key)?)?;
    let key = KeyPair::generate()?;
    let mut params = params("keyhatch", lifetime, now, hosts.to_vec())?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let cert = params.signed_by(&key, &issuer)?;
    Ok(pair(cert.pem(), &key, lifetime, now))
}

fn params(
    name: &str,
    lifetime: Duration,
    now: i64,
    hosts: Vec<String>,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(hosts)?;
    let now = UNIX_EPOCH + Duration::from_secs(u64::try_from(now).unwrap_or_default());
    params.not_before = SystemTime::into(now - backdating(lifetime));
    params.not_after = SystemTime::into(now + lifetime);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

/// Clocks of API servers may be a little behind ours; of a short life no more than a tenth is given to that.
fn backdating(lifetime: Duration) -> Duration {
    Duration::from_secs(30).min(lifetime / 10)
}

/// The pair as it will be read back; its life is counted without the backdating.
fn pair(cert: String, key: &KeyPair, lifetime: Duration, now: i64) -> Pair {
    let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    Pair { cert, key: key.serialize_pem(), not_before: now, not_after: now.saturating_add(lifetime) }
}
