//! Why a callback was refused: a stable code for each reason, and one answer for all of them.

use std::fmt;

use bailee_core::{Error, ErrorKind, Remedy};
use http::{HeaderValue, StatusCode, header};

use crate::answer::Answer;

/// Why a callback was refused. The code of each is stable; none holds text from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// The account is another one than the connection's, and the person did not say that this is
    /// meant.
    AccountMismatch,
    /// The provider's form came before; the first one stays.
    AlreadyPosted,
    /// The cookie's secret is not the flow's.
    BrowserMismatch,
    /// The cookie is not of the form that we plant.
    CookieMalformed,
    /// The browser has no cookie of this flow.
    CookieMissing,
    /// The cookie came twice.
    CookieTwice,
    /// Nothing is refused: the provider's form was kept, and the answer has the browser fetch it
    /// with a request of this site's own ([`Refusal::goes_on`]).
    ComesBack,
    /// What the declaration asks for changed since the flow began.
    DeclarationChanged,
    /// The account is of a type that cannot be used.
    Ineligible,
    /// The tokens could not be had or the account could not be told.
    ExchangeFailed,
    /// A flow was to begin from another site than the host's own.
    ForeignOrigin,
    /// The provider signs its callbacks, and did not sign this one.
    Forged,
    /// There is no such flow: used, expired, pushed out or never begun.
    FlowUnknown,
    /// `iss` is missing or not the flow's issuer.
    IssuerMismatch,
    /// Another method than GET; where the provider posts its answer, also a GET that did not come
    /// of a POST.
    MethodNotAllowed,
    /// The host no longer allows this person to connect here.
    NotAllowed,
    /// The provider's form is to be fetched, and has not come.
    NotPosted,
    /// Nobody is logged in.
    NoVisitor,
    /// The person said no at the provider.
    PersonRefused,
    /// A browser looked ahead; the person has not clicked.
    Prefetch,
    /// The provider answered with an error.
    ProviderError,
    /// The redirect URI or the registration is not the flow's.
    RegistrationMismatch,
    /// The query or the form is too long, or a parameter is missing, empty, twice or contradicts
    /// another; or what was posted is no form.
    Shape,
    /// The store or the host failed; the flow is over.
    Unavailable,
    /// Somebody else than who began the flow.
    VisitorMismatch,
}

impl RefusalReason {
    /// The stable code, as audit entries and pages name it.
    pub fn code(self) -> &'static str {
        match self {
            Self::AccountMismatch => "account_mismatch",
            Self::AlreadyPosted => "already_posted",
            Self::BrowserMismatch => "browser_mismatch",
            Self::ComesBack => "comes_back",
            Self::CookieMalformed => "cookie_malformed",
            Self::CookieMissing => "cookie_missing",
            Self::CookieTwice => "cookie_twice",
            Self::DeclarationChanged => "declaration_changed",
            Self::ExchangeFailed => "exchange_failed",
            Self::FlowUnknown => "flow_unknown",
            Self::ForeignOrigin => "foreign_origin",
            Self::Forged => "forged",
            Self::Ineligible => "ineligible",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NoVisitor => "no_visitor",
            Self::NotAllowed => "not_allowed",
            Self::NotPosted => "not_posted",
            Self::PersonRefused => "person_refused",
            Self::Prefetch => "prefetch",
            Self::ProviderError => "provider_error",
            Self::RegistrationMismatch => "registration_mismatch",
            Self::Shape => "shape",
            Self::Unavailable => "unavailable",
            Self::VisitorMismatch => "visitor_mismatch",
        }
    }

    fn error(self) -> Error {
        let error = Error::new(ErrorKind::Rejected).with_detail(self.code());
        match self {
            Self::AccountMismatch => {
                Error::new(ErrorKind::AccountMismatch).with_remedy(Remedy::Confirm)
            }
            Self::NotAllowed | Self::VisitorMismatch => error.with_remedy(Remedy::None),
            Self::Ineligible | Self::PersonRefused => error.with_remedy(Remedy::None),
            _ => error,
        }
    }
}

/// A callback, or the beginning of a flow, that was refused: why, and what to answer to the browser.
///
/// It turns into a [`bailee_core::Error`] by itself; a host that serves the callback sends
/// [`Refusal::answer`] first.
pub struct Refusal(Box<Inner>);

struct Inner {
    reason: RefusalReason,
    error: Error,
    answer: Answer,
    goes_on: bool,
}

impl Refusal {
    pub(crate) fn new(reason: RefusalReason) -> Self {
        Self::because(reason, reason.error())
    }

    pub(crate) fn because(reason: RefusalReason, error: Error) -> Self {
        let answer = match reason {
            RefusalReason::MethodNotAllowed => {
                Answer::page(StatusCode::METHOD_NOT_ALLOWED, REFUSED)
                    .with_header(header::ALLOW, HeaderValue::from_static("GET"))
            }
            _ => Answer::page(StatusCode::BAD_REQUEST, REFUSED),
        };
        Self(Box::new(Inner { reason, error, answer, goes_on: false }))
    }

    pub(crate) fn with_answer(mut self, answer: Answer) -> Self {
        self.0.answer = answer;
        self
    }

    /// The flow stays open, and this answer brings the browser back.
    pub(crate) fn going_on(reason: RefusalReason, answer: Answer) -> Self {
        Self(Box::new(Inner { reason, error: reason.error(), answer, goes_on: true }))
    }

    /// A method that is not one of these.
    pub(crate) fn allowing(methods: &'static str) -> Self {
        let mut refusal = Self::new(RefusalReason::MethodNotAllowed);
        let allow = HeaderValue::from_static(methods);
        refusal.0.answer = refusal.0.answer.with_header(header::ALLOW, allow);
        refusal
    }

    pub(crate) fn clearing(mut self, cookie: HeaderValue) -> Self {
        self.0.answer = self.0.answer.with_cookie(cookie);
        self
    }

    /// Whether the flow is still open and the answer brings the browser back by itself: nothing
    /// was refused yet, and there is nothing to tell the person.
    pub fn goes_on(&self) -> bool {
        self.0.goes_on
    }

    /// Why.
    pub fn reason(&self) -> RefusalReason {
        self.0.reason
    }

    /// The error behind it, with its remedy.
    pub fn error(&self) -> &Error {
        &self.0.error
    }

    /// What to answer to the browser.
    pub fn answer(&self) -> &Answer {
        &self.0.answer
    }

    /// The same, to be sent.
    pub fn into_answer(self) -> Answer {
        self.0.answer
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("reason", &self.0.reason)
            .field("error", &self.0.error)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the callback was refused: {}", self.0.reason.code())
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0.error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        refusal.0.error
    }
}

const REFUSED: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width\">\n<title>Not connected</title>\n\
<h1>The account was not connected</h1>\n\
<p>Nothing was stored. Go back to the application and start again from there.</p>\n";

/// A page that loads the same address again, from this site: cookies that a browser keeps from
/// cross-site navigations (`SameSite=Strict`) then arrive.
pub(crate) const RELOAD: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width\">\n<title>One moment</title>\n\
<p>One moment …</p>\n";
