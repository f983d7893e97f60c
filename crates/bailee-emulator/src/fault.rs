use std::time::Duration;

use crate::{Endpoint, Gate};

/// A way for an endpoint to misbehave.
///
/// "Does the work" means that the provider's state changes as in a good answer: codes are used up,
/// refresh tokens rotate, posts are accepted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// Does the work, sends half of the body and closes the connection.
    CutOff,
    /// Does the work and closes the connection without an answer: the ambiguous case.
    DropAfterEffect,
    /// Closes the connection without doing anything.
    DropBeforeEffect,
    /// Does the work; the JSON answer names `access_token` and `expires_in` twice.
    DuplicateKeys,
    /// Does nothing; a 400 whose description repeats the query, the headers and the body.
    EchoSecrets,
    /// Does the work; `expires_in` is this raw JSON text.
    ExpiresIn(String),
    /// Does the work; the answer carries these headers too.
    Headers(Vec<(String, String)>),
    /// Does the work; the answer waits at the gate.
    Held(Gate),
    /// Does nothing; a 200 with an HTML page.
    Html,
    /// Does the work; the answer's `access_token` and `expires_in` have changed places, so that a
    /// parser which prints what it met prints a token. Other answers lose their last byte.
    Malformed,
    /// Does the work without issuing a refresh token; at a refresh the presented one stays good.
    NoRefreshToken,
    /// Does nothing; a 200 with this error code in the provider's own shape.
    OkWithError(String),
    /// Does the work; the answer is padded to more than 256 KiB.
    Oversize,
    /// Does nothing; a 429 with this `Retry-After` (seconds, HTTP-date or anything else).
    RateLimited {
        /// The header's value; `None` leaves the header out.
        retry_after: Option<String>,
    },
    /// Does nothing; a redirect with this status and `Location`.
    Redirect {
        /// 301, 302, 303, 307, 308 or any other.
        status: u16,
        /// The header's value.
        location: String,
    },
    /// Does the work; the grant gets this scope too and the answer says so.
    ScopeGrow(String),
    /// Does the work; the grant loses this scope and the answer says so.
    ScopeLost(String),
    /// Does the work; the grant loses its last scope and the answer says so.
    ScopeShrink,
    /// Does the work; the answer comes after this much real time.
    Slow(Duration),
    /// Does nothing; this status with an empty JSON object.
    Status(u16),
    /// Does the work; `token_type` is this.
    TokenType(String),
    /// Does the work; the answer says that it is `text/plain`.
    WrongContentType,
}

impl Fault {
    /// For the next request only.
    #[must_use]
    pub fn once(self) -> Planned {
        self.times(1)
    }

    /// For the next `count` requests.
    #[must_use]
    pub fn times(self, count: u32) -> Planned {
        Planned { fault: self, left: Some(count) }
    }

    /// For all requests until the faults are cleared.
    #[must_use]
    pub fn always(self) -> Planned {
        Planned { fault: self, left: None }
    }

    pub(crate) fn works(&self) -> bool {
        !matches!(
            self,
            Self::DropBeforeEffect
                | Self::EchoSecrets
                | Self::Html
                | Self::OkWithError(_)
                | Self::RateLimited { .. }
                | Self::Redirect { .. }
                | Self::Status(_)
        )
    }
}

/// A fault and how often it happens.
#[derive(Clone, Debug)]
pub struct Planned {
    fault: Fault,
    left: Option<u32>,
}

impl From<Fault> for Planned {
    /// A fault without a count happens once.
    fn from(fault: Fault) -> Self {
        fault.once()
    }
}

/// The faults of one site. A request meets at most one: the oldest that is planned for its class.
#[derive(Debug, Default)]
pub(crate) struct Plans(Vec<(Option<Endpoint>, Planned)>);

impl Plans {
    pub(crate) fn add(&mut self, endpoint: Option<Endpoint>, planned: Planned) {
        self.0.push((endpoint, planned));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn pending(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        self.0.retain(|(_, planned)| planned.left != Some(0));
        let (_, planned) =
            self.0.iter_mut().find(|(at, _)| at.is_none_or(|wanted| wanted == endpoint))?;
        if let Some(left) = &mut planned.left {
            *left -= 1;
        }
        let fault = planned.fault.clone();
        self.0.retain(|(_, planned)| planned.left != Some(0));
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_ends_after_its_count_and_keeps_to_its_endpoint() {
        let mut plans = Plans::default();
        plans.add(Some(Endpoint::Refresh), Fault::Status(503).times(2));
        assert!(plans.take(Endpoint::Exchange).is_none());
        assert!(plans.take(Endpoint::Refresh).is_some());
        assert!(plans.take(Endpoint::Refresh).is_some());
        assert!(plans.take(Endpoint::Refresh).is_none());
        assert_eq!(plans.pending(), 0);
    }

    #[test]
    fn faults_happen_in_the_order_in_which_they_were_planned() {
        let mut plans = Plans::default();
        plans.add(None, Fault::Status(500).once());
        plans.add(Some(Endpoint::Api), Fault::Html.once());
        assert!(matches!(plans.take(Endpoint::Api), Some(Fault::Status(500))));
        assert!(matches!(plans.take(Endpoint::Api), Some(Fault::Html)));
    }
}
