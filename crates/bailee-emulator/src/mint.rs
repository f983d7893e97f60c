use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};

/// Makes the values that a provider hands out; each carries the marker of the run.
#[derive(Clone, Debug)]
pub(crate) struct Mint {
    marker: String,
}

impl Mint {
    pub(crate) fn new(marker: String) -> Self {
        Self { marker }
    }

    /// A secret: prefix, marker, 24 random bytes.
    pub(crate) fn secret(&self, prefix: &str) -> String {
        format!("{prefix}{}.{}", self.marker, random::<24>())
    }
}

/// `N` random bytes in base64url.
pub(crate) fn random<const N: usize>() -> String {
    let mut bytes = [0; N];
    // The system's source does not fail on the platforms that this runs on; were it to, the
    // values would repeat and tests would notice.
    let _ = SystemRandom::new().fill(&mut bytes);
    base64url(&bytes)
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}
