use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, crypto};

use crate::StartError;

/// A way for a server to be untrustworthy at the TLS level.
///
/// TLS below 1.2 is not here: the TLS stack cannot speak it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadTls {
    /// The certificate ended in 2001.
    Expired,
    /// The certificate signs itself.
    SelfSigned,
    /// The certificate is good for another host.
    WrongHost,
}

/// The certificate authority of one run.
pub(crate) struct Root {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    pem: String,
}

impl Root {
    pub(crate) fn generate() -> Result<Self, StartError> {
        let key = KeyPair::generate().map_err(refused)?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "bailee-emulator root of one run");
        let certificate = params.self_signed(&key).map_err(refused)?;
        Ok(Self {
            der: certificate.der().clone(),
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    fn leaf(&self, host: &str) -> Result<CertifiedKey, StartError> {
        self.sign(leaf_params(host)?)
    }

    fn sign(&self, params: CertificateParams) -> Result<CertifiedKey, StartError> {
        let key = KeyPair::generate().map_err(refused)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(refused)?;
        certified(certificate.der().clone(), &key)
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root").finish_non_exhaustive()
    }
}

/// The TLS of the sites: a leaf for each host that is played, made when it is first asked for.
pub(crate) fn good(
    root: Arc<Root>,
    plays: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> Result<Arc<ServerConfig>, StartError> {
    let leaves = Leaves { root, plays: Box::new(plays), made: Mutex::default() };
    server_config(Arc::new(leaves))
}

/// The TLS of a server that clients must refuse.
pub(crate) fn bad(root: &Root, host: &str, how: BadTls) -> Result<Arc<ServerConfig>, StartError> {
    let certified = match how {
        BadTls::Expired => {
            let mut params = leaf_params(host)?;
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
            root.sign(params)?
        }
        BadTls::SelfSigned => {
            let key = KeyPair::generate().map_err(refused)?;
            let certificate = leaf_params(host)?.self_signed(&key).map_err(refused)?;
            certified(certificate.der().clone(), &key)?
        }
        BadTls::WrongHost => root.leaf("wrong-host.invalid")?,
    };
    server_config(Arc::new(Always(Arc::new(certified))))
}

fn leaf_params(host: &str) -> Result<CertificateParams, StartError> {
    let mut params = CertificateParams::new([host.to_owned()]).map_err(refused)?;
    params.distinguished_name.push(DnType::CommonName, host);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn certified(leaf: CertificateDer<'static>, key: &KeyPair) -> Result<CertifiedKey, StartError> {
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let key = crypto::ring::sign::any_supported_type(&key).map_err(|_| StartError::Certificate)?;
    Ok(CertifiedKey::new(vec![leaf], key))
}

fn server_config(resolver: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, StartError> {
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| StartError::Certificate)?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn refused(_: rcgen::Error) -> StartError {
    StartError::Certificate
}

struct Leaves {
    root: Arc<Root>,
    plays: Box<dyn Fn(&str) -> bool + Send + Sync>,
    made: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl ResolvesServerCert for Leaves {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name()?.to_ascii_lowercase();
        if !(self.plays)(&host) {
            return None;
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leaf) = made.get(&host) {
            return Some(Arc::clone(leaf));
        }
        let leaf = Arc::new(self.root.leaf(&host).ok()?);
        made.insert(host, Arc::clone(&leaf));
        Some(leaf)
    }
}

impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaves").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}
