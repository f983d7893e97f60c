//! Organisations: who answers for the service, who stands in for it, who oversees it.

use serde::Serialize;

use crate::Country;

/// Who answers for the service (Art. 13(1)(a) GDPR).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Controller {
    /// Its name.
    pub name: String,
    /// Where privacy requests go: an e-mail address or an `https` address.
    pub contact: String,
    /// Its telephone number: receipts of one form need it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Its postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Where it is established.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// The service's address in the web.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Who represents it in the Union, where it is not established there (Art. 27 GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub representative: Option<Party>,
    /// Its data protection officer, where it has one (Art. 37 to 39 GDPR).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection_officer: Option<ProtectionOfficer>,
}

/// Another organisation: a representative, a joint controller, a supervisory authority.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Party {
    /// Its name.
    pub name: String,
    /// An e-mail address or an `https` address.
    pub contact: String,
    /// Its postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
}

/// The data protection officer (Art. 13(1)(b) GDPR).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProtectionOfficer {
    /// Their name, where it is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An e-mail address or an `https` address.
    pub contact: String,
}
