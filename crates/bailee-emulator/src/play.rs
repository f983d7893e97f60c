use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::Desk;
use crate::message::{Answer, Incoming};
use crate::oauth::{Dialect, Server};
use crate::registration::Client;
use crate::{Endpoint, Misuse};

/// A provider at work. The site around it keeps clients, accounts and tokens, plans faults and
/// notes what came in.
///
/// Providers that speak a dialect of RFC 6749 implement [`Dialect`] instead and get this from
/// [`Server`].
pub(crate) trait Play: Any + fmt::Debug + Send {
    /// The names that it answers for; `*.` at the front stands for every name below.
    fn hosts(&self) -> Vec<String>;

    /// What a request wants.
    fn classify(&self, request: &Incoming) -> Endpoint;

    fn handle(&mut self, desk: &mut Desk, call: &Call<'_>) -> Answer;

    /// An error in the provider's own shape, for faults.
    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer;

    /// The public switches, for tests that change them at run time.
    fn switches(&mut self) -> &mut dyn Any;

    /// Too many requests, in the provider's own shape.
    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        let answer = self.error(call, 429, "rate_limit_exceeded", "slow down");
        match retry_after {
            Some(value) => answer.with("retry-after", value),
            None => answer,
        }
    }

    /// What the provider demands of a registration beyond the RFCs.
    ///
    /// # Errors
    ///
    /// [`Misuse::Registration`] when it would not take it.
    fn registers(&self, client: &Client) -> Result<(), Misuse> {
        let _ = client;
        Ok(())
    }

    /// What the provider sends of its own accord. An event that ends tokens ends them here too.
    ///
    /// # Errors
    ///
    /// [`Misuse::Event`] where it does not tell of such a thing.
    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        let _ = desk;
        Err(news.unknown())
    }

    fn plays(&self, host: &str) -> bool {
        self.hosts().iter().any(|own| matches(own, host))
    }
}

/// A provider to play: each provider's switches become one, see
/// [`Builder::play`](crate::Builder::play).
#[derive(Clone)]
pub struct Played {
    pub(crate) name: String,
    make: Arc<dyn Fn() -> Result<Box<dyn Play>, Misuse> + Send + Sync>,
}

impl Played {
    /// The name of its site, unless it is played under another one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn new<P: Play>(
        name: impl Into<String>,
        make: impl Fn() -> Result<P, Misuse> + Send + Sync + 'static,
    ) -> Self {
        let make = move || make().map(|play| Box::new(play) as Box<dyn Play>);
        Self { name: name.into(), make: Arc::new(make) }
    }

    /// A provider on the shared OAuth core.
    pub(crate) fn oauth(name: &str, dialect: impl Dialect) -> Self {
        Self::new(name, move || Ok(Server(dialect.clone())))
    }

    pub(crate) fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    pub(crate) fn begin(&self) -> Result<Box<dyn Play>, Misuse> {
        (self.make)()
    }
}

impl fmt::Debug for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Played").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether a host is the one that a pattern names, or lies below `*.`.
fn matches(pattern: &str, host: &str) -> bool {
    let Some(parent) = pattern.strip_prefix('*').filter(|parent| parent.starts_with('.')) else {
        return pattern == host;
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    host.strip_suffix(parent).is_some_and(|name| {
        let labels = name.split('.').all(|label| !label.is_empty());
        labels && name.bytes().all(allowed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_all_names_below_and_for_none_beside() {
        for host in ["demo.my.shop.example", "demo--box.sandbox.my.shop.example"] {
            assert!(matches("*.my.shop.example", host), "{host}");
        }
        for host in
            ["my.shop.example", ".my.shop.example", "a..my.shop.example", "notmy.shop.example"]
        {
            assert!(!matches("*.my.shop.example", host), "{host}");
        }
        assert!(!matches("my.shop.example", "demo.my.shop.example"));
    }
}
