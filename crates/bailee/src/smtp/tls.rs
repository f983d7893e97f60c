//! The TLS towards the mail server.

use std::sync::Arc;

use bailee_core::Result;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_rustls::TlsConnector;

use super::builder::wrong;

/// TLS 1.2 and 1.3 with ring's provider, which is passed and never installed for the process. Chain,
/// dates and name are always checked.
pub(super) fn connector(roots: Option<&[u8]>) -> Result<TlsConnector> {
    let roots = match roots {
        None => webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|_| wrong("a root is not PEM"))?;
                roots.add(certificate).map_err(|_| wrong("a root is not a certificate"))?;
            }
            if roots.is_empty() {
                return Err(wrong("there are no roots"));
            }
            roots
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|_| wrong("the TLS provider lacks a version"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
