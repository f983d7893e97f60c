//! What a person is told of a provider, out of its spec.

use bailee_core::{Locale, PurposeId, Result};
use bailee_providers::{Spec, spec::RevokeStyle};
use bailee_registry::{Declaration, Disclosure, Terms};

/// What the purposes open at a provider, and how its side of it is ended.
pub(crate) fn told(
    declaration: &Declaration,
    spec: &Spec,
    purposes: &[PurposeId],
    locale: &Locale,
) -> Result<Disclosure> {
    let terms: Vec<Terms> = spec
        .terms
        .iter()
        .map(|terms| Terms {
            title: terms.title.clone(),
            url: terms.url.to_string(),
            when: terms.when.clone(),
        })
        .collect();
    let told = Disclosure::build(
        declaration,
        &spec.id,
        &spec.title,
        purposes,
        &spec.scopes.catalogue,
        &spec.withdrawal.steps,
        &terms,
        locale,
    )?;
    Ok(match spec.revoke.style {
        RevokeStyle::None => told.without_revocation(),
        _ => told,
    })
}
