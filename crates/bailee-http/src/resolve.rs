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

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::{Mutex, PoisonError},
    };

    use super::*;

    /// Gives its answers in their order, one a question.
    #[derive(Debug)]
    struct Answers(Mutex<VecDeque<Vec<IpAddr>>>);

    impl Answers {
        fn new(answers: &[&[&str]]) -> Arc<Self> {
            let parse = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
            Arc::new(Self(Mutex::new(answers.iter().map(parse).collect())))
        }

        fn left(&self) -> usize {
            self.0.lock().unwrap().len()
        }
    }

    #[async_trait]
    impl Lookup for Arc<Answers> {
        async fn lookup(&self, host: &CheckedHost) -> Result<Vec<IpAddr>, LookupFailed> {
            assert_eq!(host.as_str(), "api.provider.example");
            self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front().ok_or(LookupFailed)
        }
    }

    async fn resolve(
        answers: &Arc<Answers>,
    ) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
        let judged = JudgedLookup(Arc::new(Arc::clone(answers)));
        let addresses = judged.resolve("api.provider.example".parse().unwrap()).await?;
        Ok(addresses.map(|address| address.to_string()).collect())
    }

    #[tokio::test]
    async fn out_06_an_answer_is_used_as_it_was_judged() {
        let answers = Answers::new(&[&["1.1.1.1", "2606:4700::1"]]);
        assert_eq!(resolve(&answers).await.unwrap(), ["1.1.1.1:0", "[2606:4700::1]:0"]);
        assert_eq!(answers.left(), 0);
    }

    #[tokio::test]
    async fn out_06_private_metadata_and_mixed_answers_are_refused_as_a_whole() {
        for answer in [
            ["127.0.0.1"].as_slice(),
            &["10.0.0.1"],
            &["169.254.169.254"],
            &["fd00:ec2::254"],
            &["::ffff:1.1.1.1"],
            &["0.0.0.0"],
            &["1.1.1.1", "10.0.0.1"],
            &["10.0.0.1", "1.1.1.1"],
            &["2606:4700::1", "::1"],
            &["1.1.1.1", "1.0.0.1", "192.168.0.1"],
        ] {
            let error = resolve(&Answers::new(&[answer])).await.unwrap_err();
            assert!(error.is::<NotRoutable>(), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn out_06_flipping_answers_are_judged_one_by_one_and_asked_for_once_a_connection() {
        let answers = Answers::new(&[&["1.1.1.1"], &["127.0.0.1"], &["1.1.1.1"]]);
        assert_eq!(resolve(&answers).await.unwrap(), ["1.1.1.1:0"]);
        assert_eq!(answers.left(), 2);
        assert!(resolve(&answers).await.unwrap_err().is::<NotRoutable>());
        assert_eq!(resolve(&answers).await.unwrap(), ["1.1.1.1:0"]);
    }

    #[tokio::test]
    async fn no_answer_and_an_empty_one_are_failures() {
        assert!(resolve(&Answers::new(&[])).await.unwrap_err().is::<LookupFailed>());
        assert!(resolve(&Answers::new(&[&[]])).await.unwrap_err().is::<LookupFailed>());
    }

    #[tokio::test]
    async fn out_06_the_systems_answer_for_a_local_name_is_refused() {
        // RFC 6761 §6.3: a resolver answers this with loopback, or says that there is none.
        let judged = JudgedLookup(Arc::new(SystemLookup));
        assert!(judged.resolve("localhost".parse().unwrap()).await.is_err());
    }
}
