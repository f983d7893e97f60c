use std::any::Any;

use super::{Dialect, Problem, answer, authorize, exchange, refresh};
use crate::announcement::{Announcement, News};
use crate::call::Call;
use crate::desk::Desk;
use crate::message::{Answer, Incoming};
use crate::play::Play;
use crate::registration::Client;
use crate::{Endpoint, Misuse};

/// Plays a provider by its dialect.
#[derive(Debug)]
pub(crate) struct Server<D>(pub(crate) D);

impl<D: Dialect> Play for Server<D> {
    fn hosts(&self) -> Vec<String> {
        self.0.hosts()
    }

    fn classify(&self, request: &Incoming) -> Endpoint {
        if request.path == authorize::CONSENT {
            return Endpoint::Consent;
        }
        self.0.classify(request)
    }

    fn handle(&mut self, desk: &mut Desk, call: &Call<'_>) -> Answer {
        let dialect = &mut self.0;
        let methods = dialect.methods(call.endpoint);
        if !methods.is_empty() && !methods.iter().any(|method| call.request.is(method)) {
            return Answer::empty(405).with("allow", &methods.join(", "));
        }
        let done = match call.endpoint {
            Endpoint::Authorize => return authorize::ask(dialect, desk, call),
            Endpoint::Consent => return authorize::decide(dialect, desk, call),
            Endpoint::Exchange => exchange::exchange(dialect, desk, call),
            Endpoint::Refresh => refresh::refresh(dialect, desk, call),
            Endpoint::Revoke => dialect.revoke(desk, call),
            Endpoint::Unknown => Err(Problem::NotFound),
            _ => dialect.api(desk, call),
        };
        done.unwrap_or_else(|problem| answer(dialect, call, problem))
    }

    fn error(&self, call: &Call<'_>, status: u16, code: &str, text: &str) -> Answer {
        self.0.error(call, status, code, text)
    }

    fn switches(&mut self) -> &mut dyn Any {
        &mut self.0
    }

    fn rate_limited(&self, call: &Call<'_>, retry_after: Option<&str>) -> Answer {
        self.0.rate_limited(call, retry_after)
    }

    fn registers(&self, client: &Client) -> Result<(), Misuse> {
        self.0.registers(client)
    }

    fn announce(&mut self, desk: &mut Desk, news: &News<'_>) -> Result<Announcement, Misuse> {
        self.0.announce(desk, news)
    }
}
