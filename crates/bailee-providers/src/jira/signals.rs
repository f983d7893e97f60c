//! The report of stored accounts (user privacy developer guide), beside the question whether the
//! grant lives.

use std::time::Duration;

use bailee_core::{Effect, WithdrawalReason, event::RequestKind};
use http::{Method, StatusCode};

use super::{
    errors,
    oauth::{ACCOUNT, UNKNOWN},
    wire::{ReportAnswer, ReportBody, Reported},
};
use crate::{
    answer::Answer,
    context::Context,
    failure::Failure,
    grant::Alive,
    request::{Endpoint, Json, Payload, Request},
    rfc::{malformed, misuse},
    signal::{WatchFacts, Watched, What},
    spec::Spec,
    step::{Input, Next, Step},
};

/// The most accounts that one report may name.
const MOST: usize = 90;
const DAY: Duration = Duration::from_secs(86_400);
/// How often an account is reported, where no answer says it.
const CYCLE: Duration = Duration::from_secs(7 * 86_400);
/// What no answer extends the cycle beyond.
const LONGEST: Duration = Duration::from_secs(15 * 86_400);
const SCOPE: &str = "report:personal-data";

/// Asks whether the grant lives, and then reports the account.
pub(super) struct Report {
    spec: Spec,
    alive: Box<dyn Step<Alive>>,
    /// None where nothing is to be reported, and once it left.
    request: Option<Request>,
    /// The accounts in it.
    ids: Vec<String>,
    state: State,
}

enum State {
    Alive,
    Reported,
    Over,
}

impl Report {
    pub(super) fn new(cx: &Context<'_>, alive: Box<dyn Step<Alive>>, facts: &WatchFacts) -> Self {
        let granted = facts.scopes.iter().any(|scope| scope.as_str() == SCOPE);
        let known = |id: &&crate::AccountId| id.kind() == ACCOUNT && id.value() != UNKNOWN;
        let mut ids: Vec<String> = if granted {
            facts.accounts.iter().filter(known).map(|id| id.value().to_owned()).collect()
        } else {
            Vec::new()
        };
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(MOST);
        let updated_at = facts.got_at.to_string();
        let accounts =
            ids.iter().map(|id| Reported { account_id: id, updated_at: updated_at.clone() });
        let body = Json::of(&ReportBody { accounts: accounts.collect() }).ok();
        let url = cx.spec.api.as_ref().and_then(|api| api.join("/app/report-accounts/").ok());
        let request = url.zip(body).filter(|_| !ids.is_empty()).map(|(url, body)| {
            // It changes nothing, but no account is to be reported twice in a cycle.
            Request::new(Method::POST, url, Endpoint::Api, Effect::Idempotent)
                .with_payload(Payload::Json(body))
                .with_bearer()
        });
        Self { spec: cx.spec.clone(), alive, request, ids, state: State::Alive }
    }

    fn alive(&mut self, input: Input) -> Result<Next<Watched>, Failure> {
        self.state = State::Alive;
        Ok(match self.alive.next(input)? {
            Next::Done(Alive::Yes) => match self.request.take() {
                Some(request) => {
                    self.state = State::Reported;
                    Next::Send(request)
                }
                None => Next::Done(Watched::new(Alive::Yes)),
            },
            // A renewed token reports.
            Next::Done(Alive::No) => Next::Done(Watched::new(Alive::No)),
            Next::Send(request) => Next::Send(request),
            Next::Verify(signed) => Next::Verify(signed),
            Next::Wait(wait) => Next::Wait(wait),
        })
    }

    fn reported(&self, answer: &Answer) -> Result<Watched, Failure> {
        let mut watched = Watched::new(Alive::Yes);
        watched.again = Some(cycle(answer));
        match errors::classify(&self.spec, answer) {
            None => {}
            Some(failure) if failure.is_transient() => return Err(failure),
            // The grant was good a moment ago: what is refused is the report alone, and to ask
            // oftener than once in a cycle is what nobody may.
            Some(_) => return Ok(watched),
        }
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(watched);
        }
        let said: ReportAnswer = serde_json::from_slice(&answer.body).map_err(|_| malformed())?;
        for account in said.accounts {
            if !self.ids.contains(&account.account_id) {
                continue;
            }
            let whats = match account.status.as_str() {
                // First what is to be erased, while the connection is there to be found.
                "closed" => vec![
                    What::request(RequestKind::Erasure, None),
                    What::withdrawn(WithdrawalReason::AccountClosed),
                ],
                "updated" => vec![What::Updated],
                _ => Vec::new(),
            };
            watched.said.extend(whats);
        }
        Ok(watched)
    }
}

impl Step<Watched> for Report {
    fn next(&mut self, input: Input) -> Result<Next<Watched>, Failure> {
        match (std::mem::replace(&mut self.state, State::Over), input) {
            (State::Alive, input) => self.alive(input),
            (State::Reported, Input::Answer(answer)) => self.reported(&answer).map(Next::Done),
            _ => Err(misuse()),
        }
    }
}

/// How long until the next report. `Cycle-Period` is a number of days in one place and an ISO 8601
/// duration in another.
fn cycle(answer: &Answer) -> Duration {
    let stated = answer.header("cycle-period").map(str::trim);
    stated.and_then(period).map_or(CYCLE, |period| period.clamp(DAY, LONGEST))
}

fn period(text: &str) -> Option<Duration> {
    let Some(parts) = text.strip_prefix(['P', 'p']) else {
        return number(text).map(|days| DAY.saturating_mul(days));
    };
    let mut total = Duration::ZERO;
    let (mut rest, mut clock) = (parts, false);
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix(['T', 't']) {
            (rest, clock) = (behind, true);
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let many = number(&rest[..end])?;
        let unit = match (rest[end..].chars().next()?.to_ascii_uppercase(), clock) {
            ('W', false) => DAY * 7,
            ('D', false) => DAY,
            ('H', true) => Duration::from_secs(3600),
            ('M', true) => Duration::from_secs(60),
            ('S', true) => Duration::from_secs(1),
            _ => return None,
        };
        total = total.saturating_add(unit.saturating_mul(many));
        rest = &rest[end + 1..];
    }
    (!total.is_zero()).then_some(total)
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // One that is too large for the type is a long time as well.
    digits.then(|| text.parse().unwrap_or(u32::MAX)).filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_read_as_days_or_as_a_duration() {
        for (text, days) in [
            ("7", Some(7)),
            ("P7D", Some(7)),
            ("p2w", Some(14)),
            ("PT48H", Some(2)),
            ("P1DT24H", Some(2)),
            ("99999999999", Some(u32::MAX)),
            ("0", None),
            ("P", None),
            ("PT", None),
            ("P7", None),
            ("P7H", None),
            ("PT7D", None),
            ("-7", None),
            ("+7", None),
            ("7 days", None),
            ("P\u{e9}D", None),
            ("", None),
        ] {
            assert_eq!(period(text), days.map(|days| DAY.saturating_mul(days)), "{text}");
        }
    }
}
