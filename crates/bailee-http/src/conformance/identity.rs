//! The certificates that the suite's servers show.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// What a server shows for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A certificate whose time is over.
    Expired,
    /// A good certificate, by the server's root.
    Good,
    /// A good certificate, and TLS 1.2 alone.
    GoodTls12,
    /// A certificate whose time has not come.
    NotYetValid,
    /// A certificate of a root that the client was not given.
    OtherRoot,
    /// A certificate that is its own issuer.
    SelfSigned,
    /// A certificate for another host.
    WrongName,
}

/// The host that requests of the suite go to.
pub const HOST: &str = "api.provider.example";

/// A root, in PEM, and the configuration of a server.
pub(super) fn issue(identity: Identity) -> (String, Arc<ServerConfig>) {
    let root = root();
    let key = key();
    let name = if identity == Identity::WrongName { "api.other.example" } else { HOST };
    let mut params = CertificateParams::new([name.to_owned()]).expect("the name is a DNS name");
    (params.not_before, params.not_after) = match identity {
        Identity::Expired => (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1)),
        Identity::NotYetValid => (date_time_ymd(2990, 1, 1), date_time_ymd(2999, 1, 1)),
        _ => (date_time_ymd(2019, 1, 1), date_time_ymd(2999, 1, 1)),
    };
    let certificate = match identity {
        Identity::OtherRoot => params.signed_by(&key, &self::root()),
        Identity::SelfSigned => params.self_signed(&key),
        _ => params.signed_by(&key, &root),
    }
    .expect("a fresh key signs a certificate");

    let versions: &[&SupportedProtocolVersion] = match identity {
        Identity::GoodTls12 => &[&rustls::version::TLS12],
        _ => &[&rustls::version::TLS12, &rustls::version::TLS13],
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("ring has these versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .expect("the key belongs to the certificate");
    (root.pem(), Arc::new(config))
}

fn root() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (params.not_before, params.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2999, 1, 1));
    CertifiedIssuer::self_signed(params, key()).expect("a fresh key signs a certificate")
}

fn key() -> KeyPair {
    KeyPair::generate().expect("the system has randomness")
}
