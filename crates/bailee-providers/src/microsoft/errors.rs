//! Microsoft's numbers and codes, and what they mean (Entra ID, Graph).

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    rfc::{classify, malformed, oauth_error},
    scan::{Object, Value},
    spec::SpecFacts,
};

/// The codes of Graph, and those of the token endpoint that the RFCs do not have.
pub(super) const CODES: &[ErrorRow] = &[
    ErrorRow::new("invalid_resource", FailureKind::ClientConfiguration),
    ErrorRow::new("Authorization_RequestDenied", FailureKind::Blocked),
    ErrorRow::new("ErrorAccessDenied", FailureKind::Blocked),
    ErrorRow::new("InvalidAuthenticationToken", FailureKind::AccessRejected),
    ErrorRow::new("TooManyRequests", FailureKind::RateLimited),
    ErrorRow::new("accessDenied", FailureKind::Blocked),
    ErrorRow::new("nameAlreadyExists", FailureKind::InvalidInput),
    ErrorRow::new("quotaLimitReached", FailureKind::Blocked),
    ErrorRow::new("serviceNotAvailable", FailureKind::Unavailable),
];

/// The numbers of refused token requests.
const NUMBERS: &[ErrorRow] = &[
    // The person said no, or nobody asked them.
    ErrorRow::new("AADSTS65001", FailureKind::GrantOver),
    // What was presented has run out.
    ErrorRow::new("AADSTS70000", FailureKind::GrantOver),
    ErrorRow::new("AADSTS70008", FailureKind::GrantOver),
    ErrorRow::new("AADSTS700082", FailureKind::GrantOver),
    // The password was changed.
    ErrorRow::new("AADSTS50173", FailureKind::GrantOver),
    // A second factor is wanted.
    ErrorRow::new("AADSTS50076", FailureKind::GrantOver),
    ErrorRow::new("AADSTS50079", FailureKind::GrantOver),
    // The secret is wrong, or has run out.
    ErrorRow::new("AADSTS7000215", FailureKind::ClientConfiguration),
    ErrorRow::new("AADSTS7000222", FailureKind::ClientConfiguration),
];

/// What the numbers of a refused token request say.
pub(super) fn numbered(answer: &Answer) -> Option<Failure> {
    let status = answer.status.as_u16();
    if !(400..500).contains(&status) || status == 429 || !answer.is_json() {
        return None;
    }
    let document = Object::parse(&answer.body).ok()?;
    let numbers = document.get("error_codes").ok().flatten()?.elements()?;
    numbers.iter().filter_map(Value::id_text).find_map(|number| {
        let row = ErrorRow::find(NUMBERS, format!("AADSTS{number}").as_bytes());
        row.map(ErrorRow::failure)
    })
}

/// What an answer of Graph means: the status where it decides, then the code, then the status.
pub(super) fn classify(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    let success = answer.status.is_success();
    let code = code(answer);
    if success && code.is_none() {
        return None;
    }
    if let Some(failure) = oauth_error::by_status(spec, answer) {
        return Some(failure);
    }
    // Continuous access evaluation: a refresh alone does not help, the person has to be there.
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    if answer.status.as_u16() == 401 && challenge.contains("claims=") {
        return Some(FailureKind::GrantOver.into());
    }
    let row = code.as_deref().and_then(|code| CODES.iter().find(|row| row.code == code));
    match row {
        Some(row) => Some(row.failure().with_wait_of(answer)),
        None if success => Some(malformed()),
        None => classify::answer(spec, answer),
    }
}

/// The code of the error that an answer states; an empty one where it states an error without.
fn code(answer: &Answer) -> Option<String> {
    if !answer.is_json() {
        return None;
    }
    let document = Object::parse(&answer.body).ok()?;
    match document.get("error").ok().flatten()? {
        Value::Null => None,
        Value::Object(_) => {
            let error = document.object("error").ok().flatten()?;
            Some(error.get("code").ok().flatten().and_then(|code| code.text()).unwrap_or_default())
        }
        _ => Some(String::new()),
    }
}
