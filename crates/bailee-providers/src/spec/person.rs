//! What the person is told: who can connect, under which terms, and how they withdraw.

use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::check::Check;
use crate::{
    failure::{Failure, FailureKind},
    grant::Account,
};

/// How a person withdraws at the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Withdrawal {
    /// What to do there, step by step.
    pub steps: Vec<String>,
    /// The page that says so.
    pub page: Option<String>,
}

/// A provider's own terms.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Terms {
    /// Their title.
    pub title: String,
    /// Where they stand.
    pub url: Url,
    /// When they apply, as a clause for the person; always where it is missing.
    pub when: Option<String>,
}

/// Which accounts can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Eligibility {
    /// What the person should know beforehand.
    pub plain: Vec<String>,
    /// The account types that can be used; all where the list is empty.
    pub account_types: Vec<String>,
}

impl Eligibility {
    /// Whether an account can be used.
    pub(crate) fn admits(&self, account: &Account) -> Result<(), Failure> {
        if self.account_types.is_empty() {
            return Ok(());
        }
        match &account.account_type {
            Some(word) if self.account_types.contains(word) => Ok(()),
            _ => Err(FailureKind::Blocked.into()),
        }
    }
}

impl Check<'_> {
    pub(super) fn terms(&mut self, file: Vec<Spanned<Terms>>) -> Vec<Terms> {
        for terms in file.iter().filter(|terms| terms.get_ref().url.scheme() != "https") {
            self.fault(terms.span(), "the address of the terms is not https");
        }
        file.into_iter().map(Spanned::into_inner).collect()
    }
}
