//! The codes of the Graph API and of publishing, and what they mean (error handling, error codes).
//!
//! A row is named `code`, `code/subcode`, or by the subcode alone where that says everything.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    retry_after::retry_after,
    rfc::{classify, malformed, oauth_error},
    scan::{Object, Value},
    spec::SpecFacts,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// What a code for a missing permission is called here, whichever of 200 to 299 it is.
const PERMISSION: &str = "200";

/// The flat error of the endpoint that takes the code. It is the same for a code that was used, a
/// redirect that differs and a client that is not known, so all that helps is to begin anew.
const FLAT: &str = "OAuthException/400";

/// The `error_type` of that error.
const FLAT_TYPE: &[u8] = b"OAuthException";

/// The codes. An access token that is refused may have been renewed by another process meanwhile,
/// so that is not the end of the grant yet; what only the person can mend is.
pub(super) const CODES: &[ErrorRow] = &[
    ErrorRow::new(FLAT, FailureKind::GrantOver),
    ErrorRow::new("102", FailureKind::AccessRejected),
    ErrorRow::new("190", FailureKind::AccessRejected),
    ErrorRow::new("190/458", FailureKind::GrantOver),
    ErrorRow::new("190/459", FailureKind::GrantOver),
    ErrorRow::new("190/460", FailureKind::GrantOver),
    ErrorRow::new("190/463", FailureKind::AccessRejected),
    ErrorRow::new("190/464", FailureKind::GrantOver),
    ErrorRow::new("190/467", FailureKind::AccessRejected),
    ErrorRow::new("190/492", FailureKind::AccessRejected),
    ErrorRow::new("3", FailureKind::ClientConfiguration),
    ErrorRow::new("10", FailureKind::ScopeMissing),
    ErrorRow::new(PERMISSION, FailureKind::ScopeMissing),
    ErrorRow::new("1", FailureKind::Unavailable),
    ErrorRow::new("2", FailureKind::Unavailable),
    ErrorRow::new("4", FailureKind::RateLimited),
    ErrorRow::new("17", FailureKind::RateLimited).of_the_account(),
    ErrorRow::new("32", FailureKind::RateLimited).of_the_account(),
    ErrorRow::new("341", FailureKind::RateLimited).waiting(HOUR).of_the_account(),
    ErrorRow::new("368", FailureKind::RateLimited).waiting(HOUR).of_the_account(),
    ErrorRow::new("613", FailureKind::RateLimited).of_the_account(),
    ErrorRow::new("24", FailureKind::InvalidInput),
    ErrorRow::new("100", FailureKind::InvalidInput),
    ErrorRow::new("506", FailureKind::InvalidInput),
    ErrorRow::new("36000", FailureKind::InvalidInput),
    ErrorRow::new("36001", FailureKind::InvalidInput),
    ErrorRow::new("36003", FailureKind::InvalidInput),
    // Publishing.
    ErrorRow::new("2207001", FailureKind::Unavailable).waiting(MINUTE),
    ErrorRow::new("2207003", FailureKind::Unavailable).waiting(MINUTE),
    ErrorRow::new("2207004", FailureKind::InvalidInput),
    ErrorRow::new("2207005", FailureKind::InvalidInput),
    ErrorRow::new("2207006", FailureKind::InvalidInput),
    ErrorRow::new("2207008", FailureKind::Unavailable).waiting(MINUTE),
    ErrorRow::new("2207009", FailureKind::InvalidInput),
    ErrorRow::new("2207010", FailureKind::InvalidInput),
    ErrorRow::new("2207020", FailureKind::InvalidInput),
    ErrorRow::new("2207023", FailureKind::InvalidInput),
    ErrorRow::new("2207026", FailureKind::InvalidInput),
    ErrorRow::new(NOT_READY, FailureKind::Unavailable).waiting(MINUTE),
    ErrorRow::new("9007", FailureKind::Unavailable).waiting(MINUTE),
    ErrorRow::new("2207028", FailureKind::InvalidInput),
    ErrorRow::new("2207032", FailureKind::Unavailable).waiting(MINUTE),
    // An hour is the longest wait that is passed on; the window is of a day.
    ErrorRow::new(LIMIT_REACHED, FailureKind::RateLimited).waiting(HOUR).of_the_account(),
    ErrorRow::new("9", FailureKind::RateLimited).waiting(HOUR).of_the_account(),
    ErrorRow::new("2207050", FailureKind::Blocked),
    ErrorRow::new("2207051", FailureKind::Blocked),
    ErrorRow::new("2207052", FailureKind::Unavailable).waiting(MINUTE),
    ErrorRow::new("2207053", FailureKind::Unavailable).waiting(MINUTE),
    ErrorRow::new("2207057", FailureKind::InvalidInput),
    ErrorRow::new("2207077", FailureKind::InvalidInput),
    ErrorRow::new("2207082", FailureKind::Unavailable).waiting(MINUTE),
];

/// A container was to be published before it was ready.
pub(super) const NOT_READY: &str = "2207027";

/// The account has published as much as it may.
pub(super) const LIMIT_REACHED: &str = "2207042";

/// Failures of a container after which another container may do.
const AGAIN: [&str; 7] =
    ["2207001", "2207003", "2207008", "2207032", "2207052", "2207053", "2207082"];

/// Whether another container may do where this one failed.
pub(super) fn may_be_made_again(failure: &Failure) -> bool {
    failure.code.as_ref().is_some_and(|code| AGAIN.contains(&code.as_str()))
}

/// Whether a container was to be published before it was ready.
pub(super) fn is_not_ready(failure: &Failure) -> bool {
    failure.code.as_ref().is_some_and(|code| matches!(code.as_str(), NOT_READY | "9007"))
}

/// That the account has published as much as it may.
pub(super) fn limit_reached(spec: &SpecFacts) -> Failure {
    row(spec, LIMIT_REACHED).unwrap_or_else(|| FailureKind::RateLimited.into())
}

fn row(spec: &SpecFacts, code: &str) -> Option<Failure> {
    ErrorRow::find(&spec.errors, code.as_bytes()).map(ErrorRow::failure)
}

/// What an answer of the Graph API means; none where it is a success.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    if let Some(failure) = oauth_error::by_status(spec, answer) {
        return Some(failure);
    }
    let success = answer.status.is_success();
    let by_status = || if success { None } else { classify::answer(spec, answer) };
    // An error is read whatever type its body says to be of; a success is not guessed at.
    if success && !answer.is_json() {
        return Some(malformed());
    }
    let Ok(document) = Object::parse(&answer.body) else {
        return if success { Some(malformed()) } else { by_status() };
    };
    match document.object("error") {
        Ok(Some(error)) => {
            let unknown = || if success { Some(malformed()) } else { by_status() };
            stated(spec, answer, &error).or_else(unknown)
        }
        Ok(None) => by_status(),
        // An error that is a word, as gateways and the RFCs have it.
        Err(_) if success => oauth_error::in_body(spec, &document),
        Err(_) => by_status(),
    }
}

/// What the `error` object of an answer states, if that is known: the subcode before the code.
fn stated(spec: &SpecFacts, answer: &Answer, error: &Object<'_>) -> Option<Failure> {
    let number = |name: &str| {
        let text = match error.get(name).ok().flatten()? {
            Value::Number(text) => text.to_owned(),
            other => other.text()?,
        };
        // The sign of a code varies between the pages.
        text.trim_start_matches('-').parse::<u32>().ok()
    };
    let (code, subcode) = (number("code"), number("error_subcode"));
    let transient = matches!(error.get("is_transient"), Ok(Some(Value::Bool(true))));
    let by_subcode = subcode.and_then(|subcode| {
        let both = code.and_then(|code| row(spec, &format!("{code}/{subcode}")));
        both.or_else(|| (subcode > 1_000_000).then(|| row(spec, &subcode.to_string())).flatten())
    });
    let by_code = || match code? {
        200..=299 => row(spec, PERMISSION),
        code => row(spec, &code.to_string()),
    };
    let known = by_subcode.or_else(|| {
        by_code().filter(|failure| {
            // A fault that passes says nothing about what was asked for.
            !(transient && failure.kind == FailureKind::InvalidInput)
        })
    });
    let failure = match known {
        Some(failure) => failure,
        None if transient => FailureKind::Unavailable.into(),
        None => return None,
    };
    if failure.kind != FailureKind::RateLimited {
        return Some(failure);
    }
    let wait = retry_after(answer)
        .or_else(|| regained_in(answer))
        .or(failure.retry_after)
        .or(spec.rate_limit.wait);
    Some(failure.with_retry_after(wait))
}

/// When `X-Business-Use-Case-Usage` says that access comes back: the longest of its minutes.
fn regained_in(answer: &Answer) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Usage {
        #[serde(default)]
        estimated_time_to_regain_access: u64,
    }

    let header = answer.header("x-business-use-case-usage")?;
    let usage: std::collections::BTreeMap<String, Vec<Usage>> =
        serde_json::from_str(header).ok()?;
    let minutes =
        usage.values().flatten().map(|usage| usage.estimated_time_to_regain_access).max()?;
    (minutes > 0).then(|| Duration::from_secs(minutes.saturating_mul(60)))
}

/// What an answer of a token endpoint means; none where it is a success. A token that is refused
/// there leaves nothing to try.
pub(super) fn classify_token(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    if let Some(failure) = oauth_error::by_status(spec, answer) {
        return Some(failure);
    }
    let document = Object::parse(&answer.body).ok();
    if let Some(document) = &document {
        if let Ok(Some(error)) = document.object("error")
            && let Some(failure) = stated(spec, answer, &error)
        {
            return Some(match failure.kind {
                FailureKind::AccessRejected | FailureKind::ScopeMissing => {
                    Failure { kind: FailureKind::GrantOver, ..failure }
                }
                // What is not acceptable at a token endpoint is the registration's.
                FailureKind::InvalidInput => {
                    Failure { kind: FailureKind::ClientConfiguration, ..failure }
                }
                _ => failure,
            });
        }
        let flat = document.string("error_type").ok().flatten();
        if flat.is_some_and(|word| word.as_slice() == FLAT_TYPE)
            && answer.status != http::StatusCode::UNAUTHORIZED
        {
            return row(spec, FLAT);
        }
    }
    oauth_error::judge(spec, answer)
}

/// What the text beside the status `ERROR` of a container means: the subcode that stands in it. One
/// that is not in the table says nothing but that it failed.
pub(super) fn failed_for(spec: &SpecFacts, text: Option<&str>) -> Failure {
    text.into_iter()
        .flat_map(|text| text.split(|c: char| !c.is_ascii_digit()))
        .filter(|digits| digits.len() == 7 && digits.starts_with("2207"))
        .find_map(|digits| row(spec, digits))
        .unwrap_or_else(|| FailureKind::Blocked.into())
}
