//! The TLS of the client: which roots it trusts, and nothing that could be turned off.

use std::{fmt, sync::Arc};

use bailee_core::{Error, ErrorKind, Result};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The certificates that the client trusts.
///
/// TLS 1.2 and 1.3 with ring's provider, which is passed to the configuration and never installed
/// for the process. Chain, dates and name are always checked; no option, feature or variable turns
/// that off. Revocation lists are not consulted. No early data, no client certificate, no key log.
#[derive(Clone)]
pub struct Tls {
    roots: RootCertStore,
}

impl Tls {
    /// Mozilla's roots, as the `webpki-roots` crate carried them when this program was built. The
    /// system's store is not read.
    pub fn mozilla_roots() -> Self {
        Self { roots: webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect() }
    }

    /// The certificates of a PEM text and no others: an authority of one's own, or the bundle of
    /// the operating system where the host reads it.
    ///
    /// # Errors
    ///
    /// Refuses ([`ErrorKind::Configuration`]) a text without certificates or with one that is
    /// malformed.
    pub fn roots(pem: impl AsRef<[u8]>) -> Result<Self> {
        Self { roots: RootCertStore::empty() }.and_roots(pem)
    }

    /// Trusts the certificates of a PEM text too.
    ///
    /// # Errors
    ///
    /// As [`Tls::roots`].
    pub fn and_roots(mut self, pem: impl AsRef<[u8]>) -> Result<Self> {
        let before = self.roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_ref()) {
            let certificate = certificate.map_err(|_| wrong("a root is not PEM"))?;
            self.roots.add(certificate).map_err(|_| wrong("a root is not a certificate"))?;
        }
        if self.roots.len() == before {
            return Err(wrong("there are no roots"));
        }
        Ok(self)
    }

    pub(crate) fn client_config(self) -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|_| wrong("the TLS provider lacks a version"))?
            .with_root_certificates(self.roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("roots", &self.roots.len()).finish()
    }
}

fn wrong(detail: &'static str) -> Error {
    Error::new(ErrorKind::Configuration).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_certificates_and_at_least_one() {
        for pem in
            ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            let error = Tls::roots(pem).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{pem:?}");
        }
    }

    #[test]
    fn out_01_old_versions_and_key_logs_are_off() {
        let config = Tls::mozilla_roots().client_config().unwrap();
        assert!(!config.enable_early_data);
        assert!(!config.key_log.will_log("CLIENT_RANDOM"));
        assert_eq!(config.alpn_protocols, [b"http/1.1"]);
    }

    #[test]
    fn out_10_no_default_of_the_process_is_installed() {
        Tls::mozilla_roots().client_config().unwrap();
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }
}
