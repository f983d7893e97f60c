//! Discovery of metadata (OpenID Connect Discovery 1.0 §4, RFC 8414 §3).

use bailee_core::Effect;
use http::{Method, StatusCode};
use url::Url;

use super::{malformed, misuse, oauth_error};
use crate::{
    failure::{Failure, FailureKind},
    request::{Endpoint, Request},
    spec::{Metadata, Spec, discovery_candidates},
    step::{Input, Next, Step},
};

/// Fetches the metadata of a spec's issuer, for [`Spec::resolve`].
///
/// Tried in this order: OpenID Connect appended to the issuer, RFC 8414 inserted before its path,
/// OpenID Connect inserted. A place where there is nothing (400, 404, 405, 410) leads to the next
/// one; a document that is wrong ends it.
pub fn discovery(spec: &Spec) -> Box<dyn Step<Metadata>> {
    let issuer = spec.issuer.clone().filter(|_| spec.discover);
    let mut candidates = issuer.as_deref().map(discovery_candidates).unwrap_or_default();
    candidates.reverse();
    Box::new(DiscoveryStep { spec: spec.clone(), issuer, candidates, sent: false })
}

struct DiscoveryStep {
    spec: Spec,
    issuer: Option<String>,
    /// What is still to be tried, the next one last.
    candidates: Vec<Url>,
    sent: bool,
}

impl DiscoveryStep {
    fn try_next(&mut self) -> Result<Next<Metadata>, Failure> {
        self.sent = true;
        let url = self.candidates.pop().ok_or(FailureKind::Unsupported)?;
        Ok(Next::Send(Request::new(Method::GET, url, Endpoint::Discovery, Effect::Read)))
    }
}

impl Step<Metadata> for DiscoveryStep {
    fn next(&mut self, input: Input) -> Result<Next<Metadata>, Failure> {
        match input {
            Input::Start if !self.sent => self.try_next(),
            Input::Answer(answer) if self.sent => {
                let absent = matches!(
                    answer.status,
                    StatusCode::BAD_REQUEST
                        | StatusCode::NOT_FOUND
                        | StatusCode::METHOD_NOT_ALLOWED
                        | StatusCode::GONE
                );
                if absent && !self.candidates.is_empty() {
                    return self.try_next();
                }
                if absent {
                    return Err(FailureKind::Unsupported.into());
                }
                if let Some(failure) = oauth_error::judge(&self.spec, &answer) {
                    return Err(failure);
                }
                if !answer.is_json() {
                    return Err(malformed());
                }
                let issuer = self.issuer.as_deref().ok_or_else(misuse)?;
                let mode = self.spec.authorization.response_mode;
                Metadata::parse(&answer.body, issuer, mode).map(Next::Done)
            }
            _ => Err(misuse()),
        }
    }
}
