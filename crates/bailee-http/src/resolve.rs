//! Names to addresses, every one of them checked.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{CheckedHost, is_globally_routable};

/// Asks for the addresses of a name. The client has the system's; a host may plug its own, for
/// example one that speaks to a resolver of its choice.
#[async_trait]
pub trait Lookup: fmt::Debug + Send + Sync + 'static {
    /// The addresses of a name, the preferred ones first.
    ///
    /// It need not judge them: the client refuses an answer in which any address is not globally
    /// routable, and connects to the addresses of the answer that it judged.
    ///
    /// # Errors
    ///
    /// When there is no answer. There are no reasons, since they could be text from outside.
    async fn lookup(&self, host: &CheckedHost) -> Result<Vec<IpAddr>, LookupFailed>;
}

/// A name that could not be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name could not be resolved")]
pub struct LookupFailed;

/// The operating system's resolver, through the blocking pool of the tokio runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &CheckedHost) -> Result<Vec<IpAddr>, LookupFailed> {
        let found: io::Result<_> = tokio::net::lookup_host((host.as_str(), 443)).await;
        Ok(found.map_err(|_| LookupFailed)?.map(|address| address.ip()).collect())
    }
}

/// The mark of an answer that was refused. The client's error is searched for it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("an address is not globally routable")]
pub(crate) struct NotRoutable;

/// What reqwest asks: the addresses that it gets are those that were judged, from one lookup.
pub(crate) struct JudgedLookup(pub(crate) Arc<dyn Lookup>);

impl Resolve for JudgedLookup {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = lookup.lookup(&CheckedHost::of_checked_request(name.as_str())).await?;
            if addresses.is_empty() {
                return Err(LookupFailed.into());
            }
            // One bad address spoils the answer: a provider publishes none, so a mixed answer is a
            // misconfiguration or an attempt to have the client fall over to the bad one.
            if !addresses.iter().copied().all(is_globally_routable) {
                return Err(NotRoutable.into());
            }
            // Port 0 becomes that of the scheme.
            Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

/// Takes every name to one address, after all checks of the name.
#[cfg(feature = "testing")]
pub(crate) struct FixedAddress(pub(crate) SocketAddr);

#[cfg(feature = "testing")]
impl Resolve for FixedAddress {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Addrs = Box::new(std::iter::once(self.0));
        Box::pin(std::future::ready(Ok(addresses)))
    }
}
