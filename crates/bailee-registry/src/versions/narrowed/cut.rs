//! What an overlay takes away.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{DataCategory, PurposeId};

use crate::{
    AgeLimits, DataItem, Integration, LegalBasis, Recipient, Retention, declaration::Content,
};

use super::{
    super::{Overlay, Place},
    Limits, limit,
};

pub(super) fn content(declared: &Content, overlay: &Overlay, limits: &mut Limits) -> Content {
    let Overlay {
        purposes,
        integrations,
        recipients,
        categories,
        scopes,
        operations,
        retention,
        minimum_age,
        consent,
        source: _,
    } = overlay;
    let mut content = declared.clone();

    content.never.categories.extend(categories.iter().cloned());
    content.recipients.retain(|id, _| !recipients.contains(id));
    for recipient in content.recipients.values_mut() {
        recipient.categories.retain(|category| !categories.contains(category));
    }
    content.integrations.retain(|provider, integration| {
        !integrations.contains(provider) && !recipients.contains(&integration.recipient)
    });
    for (provider, integration) in &mut content.integrations {
        integration.never_categories.extend(categories.iter().cloned());
        integration.reads.retain(|category| !categories.contains(category));
        integration.data.retain(|row| !categories.contains(&row.category));
        integration.endpoints.retain(|endpoint| {
            !endpoint.sends.iter().chain(&endpoint.reads).any(|one| categories.contains(one))
        });
        if let Some(scopes) = scopes.get(provider) {
            integration.never_scopes.extend(scopes.iter().cloned());
            integration.scopes.retain(|scope, _| !scopes.contains(scope));
            integration
                .endpoints
                .retain(|endpoint| !endpoint.scopes.iter().any(|scope| scopes.contains(scope)));
        }
        if let Some(operations) = operations.get(provider) {
            integration.operations.retain(|name, _| !operations.contains(name));
            integration.endpoints.retain(|endpoint| !operations.contains(&endpoint.name));
        }
        let place = Place::Integration(provider.clone());
        shorten(&place, &mut integration.data, retention, limits);
    }
    for (id, set) in &mut content.data_sets {
        set.data.retain(|row| !categories.contains(&row.category));
        let place = Place::DataSet(id.clone());
        shorten(&place, &mut set.data, retention, limits);
    }

    for purpose in consent {
        if let Some(purpose) = content.purposes.get_mut(purpose) {
            purpose.basis = LegalBasis::Consent;
        }
    }
    let kept: BTreeSet<PurposeId> =
        content.purposes.keys().filter(|id| !purposes.contains(*id)).cloned().collect();
    keep_purposes(&mut content, &kept);

    if let Some(minimum) = *minimum_age {
        content.age = Some(raised(content.age.as_ref(), minimum));
    }
    content
}

/// Leaves what serves some purposes, and nothing that serves none of them.
pub(super) fn keep_purposes(content: &mut Content, kept: &BTreeSet<PurposeId>) {
    content.purposes.retain(|id, _| kept.contains(id));
    content.recipients.retain(|_, recipient| {
        let Recipient { purposes, .. } = recipient;
        purposes.retain(|purpose| kept.contains(purpose));
        !purposes.is_empty()
    });
    let recipients = &content.recipients;
    content.integrations.retain(|_, integration| {
        let Integration { recipient, scopes, operations, endpoints, data, .. } = integration;
        let left = |purposes: &mut BTreeSet<PurposeId>| {
            purposes.retain(|purpose| kept.contains(purpose));
            !purposes.is_empty()
        };
        scopes.retain(|_, purposes| left(purposes));
        operations.retain(|_, purposes| left(purposes));
        endpoints.retain_mut(|endpoint| left(&mut endpoint.purposes));
        let read: Vec<_> = data.iter().map(|row| row.category.clone()).collect();
        data.retain(|row| kept.contains(&row.purpose));
        // Reading is not for a purpose of its own: what is no longer kept may still be read.
        let unread = read.into_iter().filter(|one| !data.iter().any(|row| row.category == *one));
        integration.reads.extend(unread);
        recipients.contains_key(recipient)
    });
    for set in content.data_sets.values_mut() {
        set.data.retain(|row| kept.contains(&row.purpose));
    }
}

fn shorten(
    place: &Place,
    rows: &mut [DataItem],
    at_most: &BTreeMap<DataCategory, Retention>,
    limits: &mut Limits,
) {
    for row in rows {
        if let Some(most) = at_most.get(&row.category) {
            limit(limits, place, row, *most);
        }
    }
}

/// The ages with a higher minimum. That nobody younger may use the service does not make the ages of
/// those known who do.
fn raised(declared: Option<&AgeLimits>, minimum: u8) -> AgeLimits {
    match declared {
        Some(limits) => AgeLimits {
            minimum: limits.minimum.max(minimum),
            unknown_is_young: limits.has_minors(),
            ..limits.clone()
        },
        None => AgeLimits {
            minimum,
            consent: 16,
            countries: Default::default(),
            unknown_is_young: false,
        },
    }
}
