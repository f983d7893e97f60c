//! Least scopes, ceilings, and the check against a provider's catalogue.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use bailee_core::{
    DataCategory, Effect, Error, ErrorKind, ProviderId, PurposeId, Remedy, Result, ScopeEntry,
    ScopeName, Sha256,
};

use crate::{Declaration, Integration, Position, Problem, problem, read::quoted};

impl Declaration {
    /// The least scopes that the purposes need at a provider, sorted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for no purpose at all; [`ErrorKind::Denied`] for an integration
    /// that is not declared, or a purpose that it does not serve.
    pub fn least_scopes(
        &self,
        provider: &ProviderId,
        purposes: &[PurposeId],
    ) -> Result<Vec<ScopeName>> {
        if purposes.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("no purpose was named"));
        }
        let integration = self.declared(provider)?;
        let served = integration.purposes();
        let missing: Vec<_> = purposes.iter().filter(|purpose| !served.contains(purpose)).collect();
        if !missing.is_empty() {
            let mut detail = String::from("the integration is not declared for");
            for (n, purpose) in missing.iter().enumerate() {
                let _ = write!(detail, "{} purpose `{purpose}`", if n > 0 { "," } else { "" });
            }
            return Err(denied(provider, detail));
        }
        let needed = |served: &BTreeSet<PurposeId>| purposes.iter().any(|p| served.contains(p));
        let scopes = integration.scopes.iter().filter(|(_, served)| needed(served));
        Ok(scopes.map(|(scope, _)| scope.clone()).collect())
    }

    /// Whether an operation may be called at a provider for a purpose, with the scopes that it
    /// needs. What is declared is the ceiling, whatever a person granted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`], saying all that is missing.
    pub fn admits(
        &self,
        provider: &ProviderId,
        purpose: &PurposeId,
        operation: &str,
        needed: &[ScopeName],
    ) -> Result<()> {
        let integration = self.declared(provider)?;
        let served = integration.operations.get(operation);
        self.admits_served(integration, purpose, ("operation", operation), served, needed)
    }

    /// Whether an endpoint of the declaration may be called for a purpose, with the scopes that it
    /// needs. An operation of the same name is not meant.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`], saying all that is missing.
    pub fn admits_endpoint(
        &self,
        provider: &ProviderId,
        purpose: &PurposeId,
        endpoint: &str,
        needed: &[ScopeName],
    ) -> Result<()> {
        let integration = self.declared(provider)?;
        let served = integration.endpoints.iter().find(|known| known.name == endpoint);
        let served = served.map(|endpoint| &endpoint.purposes);
        self.admits_served(integration, purpose, ("endpoint", endpoint), served, needed)
    }

    fn admits_served(
        &self,
        integration: &Integration,
        purpose: &PurposeId,
        (what, name): (&str, &str),
        served: Option<&BTreeSet<PurposeId>>,
        needed: &[ScopeName],
    ) -> Result<()> {
        let mut missing = Vec::new();
        if self.purpose(purpose).is_none() {
            missing.push(format!("purpose {} is not declared", quoted(purpose.as_str())));
        } else {
            let serves = |served: Option<&BTreeSet<PurposeId>>| {
                served.is_some_and(|served| served.contains(purpose))
            };
            if !serves(served) {
                // A model may have named it: anything but a plain word is not repeated.
                let name = if is_word(name) { quoted(name) } else { "(unknown)".into() };
                missing.push(format!("{what} {name} is not declared for purpose `{purpose}`"));
            }
            for scope in needed {
                if !serves(integration.scopes.get(scope)) {
                    let name = quoted(scope.as_str());
                    missing.push(format!("scope {name} is not declared for purpose `{purpose}`"));
                }
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(denied(&integration.provider, missing.join("; ")))
        }
    }

    /// Whether data of these categories may go to a provider and be read from it. What goes there
    /// must be among the categories of the provider's recipient; what is read must be kept, or
    /// declared as read and not kept.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`], naming every category that is not declared so, or that is declared as
    /// never accessed.
    pub fn admits_data(
        &self,
        provider: &ProviderId,
        sends: impl IntoIterator<Item: Into<DataCategory>>,
        reads: impl IntoIterator<Item: Into<DataCategory>>,
    ) -> Result<()> {
        let integration = self.declared(provider)?;
        let recipient = self.recipient(&integration.recipient);
        let mut missing = Vec::new();
        let mut check = |category: &DataCategory, declared: bool, verb: &str| {
            let name = quoted(category.as_str());
            if integration.never_categories.contains(category) {
                missing.push(format!("category {name} is declared as never accessed"));
            } else if !declared {
                missing.push(format!("category {name} is not declared to be {verb}"));
            }
        };
        for category in sends {
            let category = category.into();
            let declared = recipient.is_some_and(|to| to.categories.contains(&category));
            check(&category, declared, "sent there");
        }
        for category in reads {
            let category = category.into();
            check(&category, integration.reads(&category), "read there");
        }
        if missing.is_empty() { Ok(()) } else { Err(denied(provider, missing.join("; "))) }
    }

    /// Sees that the program's purposes are declared, when it starts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`], naming every purpose that is not.
    pub fn requires(&self, purposes: &[PurposeId]) -> Result<()> {
        let missing: Vec<String> = purposes
            .iter()
            .filter(|purpose| self.purpose(purpose).is_none())
            .map(|purpose| quoted(purpose.as_str()))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let detail = format!(
            "the program needs {} {}, which the declaration does not have; declare it under \
             [purposes]",
            if missing.len() == 1 { "the purpose" } else { "the purposes" },
            missing.join(", ")
        );
        Err(Error::new(ErrorKind::Configuration).with_detail(detail))
    }

    /// Checks an integration against the provider's catalogue of scopes, when the program starts.
    ///
    /// Every declared scope must be in the catalogue, and its category must be described, must not
    /// be declared as never accessed and, where the scope only reads, must be declared as kept or
    /// read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] for an integration that is not declared; otherwise
    /// [`ErrorKind::Configuration`] with every problem at its line.
    pub fn check_scopes(&self, provider: &ProviderId, catalogue: &[ScopeEntry]) -> Result<()> {
        let integration = self.declared(provider)?;
        let catalogue: BTreeMap<&ScopeName, &ScopeEntry> =
            catalogue.iter().map(|entry| (&entry.name, entry)).collect();
        let mut problems = Vec::new();
        for scope in integration.scopes.keys() {
            let name = quoted(scope.as_str());
            let entry = catalogue.get(scope);
            let fault = match entry {
                None => Some((
                    format!("`{provider}` has no scope {name}"),
                    "remove it, correct its spelling, or add it to the provider's catalogue".into(),
                )),
                Some(entry) => self.fault(integration, entry),
            };
            if let Some((what, mend)) = fault {
                problems.push(Problem { position: self.place(provider, scope), what, mend });
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problem::sorted(problems).into()) }
    }

    fn fault(&self, integration: &Integration, entry: &ScopeEntry) -> Option<(String, String)> {
        let scope = quoted(entry.name.as_str());
        let category = quoted(entry.category.as_str());
        if integration.never_categories.contains(&entry.category) {
            return Some((
                format!("scope {scope} opens the category {category}, declared as never accessed"),
                "remove the scope, or the category from `never`".into(),
            ));
        }
        if self.category(&entry.category).is_none() {
            return Some((
                format!("scope {scope} opens the category {category}, which is not declared"),
                "describe it under [categories]".into(),
            ));
        }
        if entry.effect == Effect::Read && !integration.reads(&entry.category) {
            return Some((
                format!("scope {scope} reads the category {category}, of which no data is listed"),
                format!(
                    "say what is kept of it and how long ([[integrations.{0}.data]]), or name it \
                     in `reads` of [integrations.{0}] if nothing is kept",
                    integration.provider
                ),
            ));
        }
        None
    }

    fn place(&self, provider: &ProviderId, scope: &ScopeName) -> Position {
        // Every scope was read somewhere.
        let place = self.places().scopes.get(&(provider.clone(), scope.clone()));
        place.copied().unwrap_or(Position { line: 1, column: 1 })
    }

    pub(crate) fn declared(&self, provider: &ProviderId) -> Result<&Integration> {
        self.integration(provider)
            .ok_or_else(|| denied(provider, String::from("the integration is not declared")))
    }
}

/// The SHA-256 of a set of scopes: order and repetition do not change it.
pub fn hash_scopes<'a>(scopes: impl IntoIterator<Item = &'a ScopeName>) -> [u8; 32] {
    let scopes: BTreeSet<&ScopeName> = scopes.into_iter().collect();
    let mut hash = Sha256::default();
    hash.update(b"bailee scopes 1\n");
    for scope in scopes {
        // A scope holds no space and no line break (RFC 6749 §3.3).
        hash.update(scope.as_str().as_bytes());
        hash.update(b"\n");
    }
    hash.finish()
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
}

pub(crate) fn denied(provider: &ProviderId, detail: String) -> Error {
    Error::new(ErrorKind::Denied)
        .with_detail(detail)
        .with_provider(provider.clone())
        .with_remedy(Remedy::FixConfiguration)
}
