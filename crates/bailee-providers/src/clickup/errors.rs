//! ClickUp's codes, and what they mean (the page on common errors in `spec.toml`).

use crate::{
    answer::Answer,
    failure::{ErrorRow, Failure, FailureKind},
    rfc::oauth_error,
    scan::Object,
    spec::SpecFacts,
};

/// A workspace that the person did not tick: they have to go through ClickUp's page again to add
/// it. The token is as good as before.
const NOT_TICKED: FailureKind = FailureKind::ScopeMissing;

/// The codes that say more than the status beside them. The list grows at ClickUp; codes that are
/// not here are judged by the status.
pub(super) const CODES: &[ErrorRow] = &[
    ErrorRow::new("APP_002", FailureKind::RateLimited),
    ErrorRow::new("OAUTH_007", FailureKind::ClientConfiguration),
    ErrorRow::new("OAUTH_010", FailureKind::ClientConfiguration),
    ErrorRow::new("OAUTH_014", FailureKind::GrantOver),
    ErrorRow::new("OAUTH_017", FailureKind::ClientConfiguration),
    ErrorRow::new("OAUTH_019", FailureKind::GrantOver),
    ErrorRow::new("OAUTH_021", FailureKind::GrantOver),
    ErrorRow::new("OAUTH_023", NOT_TICKED),
    ErrorRow::new("OAUTH_025", FailureKind::GrantOver),
    ErrorRow::new("OAUTH_026", NOT_TICKED),
    ErrorRow::new("OAUTH_027", NOT_TICKED),
    ErrorRow::new("OAUTH_029", NOT_TICKED),
    ErrorRow::new("OAUTH_030", NOT_TICKED),
    ErrorRow::new("OAUTH_031", NOT_TICKED),
    ErrorRow::new("OAUTH_032", NOT_TICKED),
    ErrorRow::new("OAUTH_033", NOT_TICKED),
    ErrorRow::new("OAUTH_034", NOT_TICKED),
    ErrorRow::new("OAUTH_035", NOT_TICKED),
    ErrorRow::new("OAUTH_036", NOT_TICKED),
    ErrorRow::new("OAUTH_037", NOT_TICKED),
    ErrorRow::new("OAUTH_038", NOT_TICKED),
    ErrorRow::new("OAUTH_039", NOT_TICKED),
    ErrorRow::new("OAUTH_040", NOT_TICKED),
    ErrorRow::new("OAUTH_041", NOT_TICKED),
    ErrorRow::new("OAUTH_042", NOT_TICKED),
    ErrorRow::new("OAUTH_043", NOT_TICKED),
    ErrorRow::new("OAUTH_044", NOT_TICKED),
    ErrorRow::new("OAUTH_045", NOT_TICKED),
    ErrorRow::new("OAUTH_077", FailureKind::GrantOver),
];

/// What a code in the answer of the token endpoint means. None where there is none that is known:
/// then the status says it.
pub(super) fn at_token_endpoint(spec: &SpecFacts, answer: &Answer) -> Option<Failure> {
    if oauth_error::by_status(spec, answer).is_some() || !answer.is_json() {
        return None;
    }
    let code = Object::parse(&answer.body).ok()?.string("ECODE").ok().flatten()?;
    ErrorRow::find(CODES, &code).map(ErrorRow::failure)
}
