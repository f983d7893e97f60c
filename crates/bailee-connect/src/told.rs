//! What a person is told of a provider, out of its spec.

use bailee_core::{Locale, PurposeId, Result};
use bailee_providers::{
    Spec,
    spec::{CredentialKind, RevokeStyle},
};
use bailee_registry::{Catalogue, Declaration, Disclosure, ProviderFacts, Terms, Texts};

use crate::engine::Engine;

/// What the purposes open at a provider, and how its side of it is ended.
pub(crate) fn told(
    declaration: &Declaration,
    spec: &Spec,
    purposes: &[PurposeId],
    words: &Catalogue,
) -> Result<Disclosure> {
    let terms = terms_of(spec);
    let told = Disclosure::build(
        declaration,
        &spec.id,
        &spec.title,
        purposes,
        &spec.scopes.catalogue,
        &spec.withdrawal.steps,
        &terms,
        words,
    )?;
    Ok(match spec.revoke.style {
        RevokeStyle::None => told.without_revocation(),
        _ => told,
    })
}

fn terms_of(spec: &Spec) -> Vec<Terms> {
    let terms = spec.terms.iter().map(|terms| Terms {
        title: terms.title.clone(),
        url: terms.url.to_string(),
        when: terms.when.clone(),
    });
    terms.collect()
}

/// What a provider's spec says of it in a policy: its name, its scopes in plain words, how access is
/// taken back there, and which terms of its own apply.
pub fn provider_facts(spec: &Spec) -> ProviderFacts {
    ProviderFacts {
        title: spec.title.clone(),
        scopes: spec.scopes.catalogue.clone(),
        steps: spec.withdrawal.steps.clone(),
        revokes: match spec.credential {
            // Whoever made a key ends it; nobody is asked to.
            CredentialKind::ApiKey(_) => None,
            _ => Some(spec.revoke.style != RevokeStyle::None),
        },
        terms: terms_of(spec),
    }
}

impl Engine {
    /// The sentences in which somebody is told something.
    pub(crate) fn words(&self, reader: &Locale) -> Catalogue {
        Catalogue::of(&self.0.catalogues, reader)
    }

    /// The texts of the declaration, with what the providers of the registrations say of themselves.
    pub fn texts(&self, reader: &Locale) -> Texts {
        let mut texts = Texts::new(self.declaration().clone(), self.words(reader));
        for registered in self.0.registrations.values() {
            let spec = registered.provider.spec();
            texts = texts.provider(spec.id.clone(), provider_facts(spec));
        }
        texts
    }
}
