//! The defaults: what the RFCs say, a file for each part.

pub(crate) mod authorize_url;
pub(crate) mod classify;
pub(crate) mod codes;
pub(crate) mod discovery;
pub(crate) mod id_token;
pub(crate) mod identity;
pub(crate) mod introspect;
pub(crate) mod jose;
pub(crate) mod key_set;
pub(crate) mod liveness;
pub(crate) mod oauth_error;
pub(crate) mod revoke;
pub(crate) mod scope_list;
pub(crate) mod token;
pub(crate) mod token_answer;
mod vocabulary;
mod www_authenticate;

use crate::failure::{Failure, FailureKind};

/// What a step answers that was not driven in order.
pub(crate) fn misuse() -> Failure {
    Failure::new(FailureKind::Misuse)
}

/// What a step answers to a document that is not what it should be.
pub(crate) fn malformed() -> Failure {
    Failure::new(FailureKind::Malformed)
}
