//! Parts of addresses that differ between registrations or accounts: a directory, a shop.

use std::collections::BTreeMap;

use bailee_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::{
    SpecFacts, address,
    check::Check,
    file::{FileEndpoints, Text},
};

/// What stands for a variable that has no value yet, in addresses that are checked and never used.
pub(super) const PLACEHOLDER: &str = "placeholder";

/// A part of addresses that differs between registrations or accounts. It stands as `{name}` in the
/// spec's hosts and addresses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it is, in words for whoever gives it.
    pub plain: String,
    /// Who gives it.
    pub source: VariableSource,
    /// Its value where nobody gives one.
    pub default: Option<String>,
    /// Whether it may have several labels, with dots between.
    #[serde(default)]
    pub dots: bool,
}

/// Who gives a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VariableSource {
    /// Whoever connects their account.
    Person,
    /// Whoever configures the registration.
    Registration,
}

impl Variable {
    /// Whether a value can stand in a host name or a path: labels of lower-case letters, digits and
    /// hyphens (RFC 1123 §2.1).
    pub(crate) fn admits(&self, value: &str) -> bool {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        value.len() <= 253 && if self.dots { value.split('.').all(label) } else { label(value) }
    }
}

/// The texts that a spec with variables is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Templates {
    pub(super) hosts: Vec<String>,
    pub(super) addresses: Vec<(Slot, String)>,
    pub(super) unfilled: bool,
}

/// Which address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Api,
    Authorization,
    Introspection,
    Jwks,
    LongLived,
    Refresh,
    Revocation,
    Token,
    Userinfo,
}

impl Slot {
    fn place(self, facts: &mut SpecFacts) -> &mut Option<Url> {
        match self {
            Self::Api => &mut facts.api,
            Self::Authorization => &mut facts.endpoints.authorization,
            Self::Introspection => &mut facts.endpoints.introspection,
            Self::Jwks => &mut facts.endpoints.jwks,
            Self::LongLived => &mut facts.endpoints.long_lived,
            Self::Refresh => &mut facts.endpoints.refresh,
            Self::Revocation => &mut facts.endpoints.revocation,
            Self::Token => &mut facts.endpoints.token,
            Self::Userinfo => &mut facts.endpoints.userinfo,
        }
    }
}

impl SpecFacts {
    /// Whether a variable still needs a value before any address can be used.
    pub fn lacks_variables(&self) -> bool {
        self.templates.unfilled
    }
}

impl Check<'_> {
    pub(super) fn variables(&mut self, file: &[Spanned<Variable>]) -> Vec<Variable> {
        for entry in file {
            let variable = entry.get_ref();
            let word = variable.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if variable.name.is_empty() || !word || variable.plain.trim().is_empty() {
                self.fault(entry.span(), "a variable needs a name in lower case and plain words");
            }
            let value = variable.default.as_deref().unwrap_or(PLACEHOLDER);
            if !variable.admits(value) {
                self.fault(entry.span(), "the variable's default cannot stand in an address");
            }
            if self.values.insert(variable.name.clone(), value.to_owned()).is_some() {
                self.fault(entry.span(), "the variable stands twice");
            }
        }
        file.iter().map(|entry| entry.get_ref().clone()).collect()
    }

    pub(super) fn templates(
        &self,
        variables: &[Variable],
        hosts: &[Text],
        endpoints: &FileEndpoints,
        api: Option<&Text>,
    ) -> Templates {
        if variables.is_empty() {
            return Templates::default();
        }
        let slots = [
            (Slot::Api, api),
            (Slot::Authorization, endpoints.authorization.as_ref()),
            (Slot::Introspection, endpoints.introspection.as_ref()),
            (Slot::Jwks, endpoints.jwks.as_ref()),
            (Slot::LongLived, endpoints.long_lived.as_ref()),
            (Slot::Refresh, endpoints.refresh.as_ref()),
            (Slot::Revocation, endpoints.revocation.as_ref()),
            (Slot::Token, endpoints.token.as_ref()),
            (Slot::Userinfo, endpoints.userinfo.as_ref()),
        ];
        Templates {
            hosts: hosts.iter().map(|host| host.get_ref().clone()).collect(),
            addresses: slots
                .into_iter()
                .filter_map(|(slot, text)| Some((slot, text?.get_ref().clone())))
                .collect(),
            unfilled: variables.iter().any(|variable| variable.default.is_none()),
        }
    }
}

/// Puts values in. One that is missing leaves the spec as unusable as it was.
pub(super) fn fill(spec: &SpecFacts, given: &BTreeMap<String, String>) -> Result<SpecFacts> {
    let wrong = |what: String| {
        Error::new(ErrorKind::InvalidInput).with_provider(spec.id.clone()).with_detail(what)
    };
    let mut values = BTreeMap::new();
    let mut unfilled = false;
    for variable in &spec.variables {
        let value = given.get(&variable.name).or(variable.default.as_ref());
        unfilled |= value.is_none();
        let value = value.map_or(PLACEHOLDER, String::as_str);
        if !variable.admits(value) {
            return Err(wrong(format!(
                "`{}` is not a name that addresses can have",
                variable.name
            )));
        }
        values.insert(variable.name.clone(), value.to_owned());
    }
    let mut facts = spec.clone();
    facts.templates.unfilled = unfilled;
    facts.hosts = spec.templates.hosts.iter().map(|host| substitute(host, &values)).collect();
    if !facts.hosts.iter().all(|host| address::is_host_name(host)) {
        return Err(wrong("a variable does not make a host name".into()));
    }
    for (slot, text) in &spec.templates.addresses {
        let url = address::parse(&substitute(text, &values))
            .ok()
            .filter(|url| url.host_str().is_some_and(|host| facts.hosts.iter().any(|h| h == host)))
            .ok_or_else(|| wrong("a variable does not make an address of the provider".into()))?;
        *slot.place(&mut facts) = Some(url);
    }
    Ok(facts)
}

/// Puts values in the places of their names.
pub(super) fn substitute(text: &str, values: &BTreeMap<String, String>) -> String {
    values
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}
