//! What two declarations both allow.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use bailee_core::PurposeId;

use crate::{
    AgeLimits, Country, DataItem, DataSet, Integration, Never, Purpose, Recipient,
    declaration::Content,
};

use super::{super::Place, Limits, limit};

/// Who is who, and what is said of it, is the first one's.
pub(super) fn content(own: &Content, other: &Content, limits: &mut Limits) -> Content {
    let Content {
        controller,
        role,
        categories,
        purposes,
        recipients,
        retention,
        integrations,
        never,
        joint_controllers,
        data_sets,
        age,
        authorities,
        measures,
        policy,
    } = own;
    let recipients = both(recipients, &other.recipients, |_, own, other| recipient(own, other));
    let integrations = both(integrations, &other.integrations, |_, own, other| {
        recipients.contains_key(&own.recipient).then(|| integration(own, other, limits)).flatten()
    });
    let data_sets = both(data_sets, &other.data_sets, |id, own, other| {
        let DataSet { id: _, title: _, origin: _, data } = own;
        let place = Place::DataSet(id.clone());
        Some(DataSet { data: rows(&place, data, &other.data, limits), ..own.clone() })
    });
    let mut content = Content {
        controller: controller.clone(),
        role: *role,
        categories: both(categories, &other.categories, |_, own, _| Some(own.clone())),
        purposes: both(purposes, &other.purposes, |_, own, other| {
            is_the_same(own, other).then(|| own.clone())
        }),
        recipients,
        retention: retention.clone(),
        integrations,
        never: promises(never, &other.never),
        joint_controllers: joint_controllers.clone(),
        data_sets,
        age: ages(age.as_ref(), other.age.as_ref()),
        authorities: authorities.clone(),
        measures: measures.clone(),
        policy: policy.clone(),
    };
    let kept: BTreeSet<PurposeId> = content.purposes.keys().cloned().collect();
    super::cut::keep_purposes(&mut content, &kept);
    content
}

fn is_the_same(own: &Purpose, other: &Purpose) -> bool {
    // What else is said of a purpose is for people to read.
    let Purpose { id: _, title: _, plain: _, basis, usage, condition, necessity: _, automated: _ } =
        own;
    mem::discriminant(basis) == mem::discriminant(&other.basis)
        && *usage == other.usage
        && *condition == other.condition
}

fn recipient(own: &Recipient, other: &Recipient) -> Option<Recipient> {
    let Recipient {
        id: _,
        name: _,
        country,
        role,
        purposes,
        categories,
        safeguard,
        reference: _,
        service: _,
        contract: _,
        since: _,
        notice_days: _,
        supplementary: _,
        review: _,
        fields,
    } = own;
    let same = *country == other.country && *role == other.role && *safeguard == other.safeguard;
    same.then(|| Recipient {
        purposes: purposes & &other.purposes,
        categories: categories & &other.categories,
        fields: fields & &other.fields,
        ..own.clone()
    })
}

fn integration(own: &Integration, other: &Integration, limits: &mut Limits) -> Option<Integration> {
    let Integration {
        provider,
        recipient,
        scopes,
        operations,
        endpoints,
        data,
        reads: _,
        never_scopes,
        never_categories,
    } = own;
    if *recipient != other.recipient {
        return None;
    }
    let endpoints = endpoints.iter().filter_map(|own| {
        let other = other.endpoints.iter().find(|other| other.name == own.name)?;
        let purposes = &own.purposes & &other.purposes;
        let mut left = own.clone();
        left.purposes = other.purposes.clone();
        // The same request with the same data, or none.
        (left == *other).then(|| {
            left.purposes = purposes;
            left
        })
    });
    let data = rows(&Place::Integration(provider.clone()), data, &other.data, limits);
    // What the one keeps and the other only reads, both read.
    let read = own.reads.iter().chain(own.data.iter().map(|row| &row.category));
    let reads = read
        .filter(|category| other.reads(category))
        .filter(|category| !data.iter().any(|row| row.category == **category))
        .cloned()
        .collect();
    Some(Integration {
        provider: provider.clone(),
        recipient: recipient.clone(),
        scopes: both(scopes, &other.scopes, |_, own, other| Some(own & other)),
        operations: both(operations, &other.operations, |_, own, other| Some(own & other)),
        endpoints: endpoints.collect(),
        data,
        reads,
        never_scopes: never_scopes | &other.never_scopes,
        never_categories: never_categories | &other.never_categories,
    })
}

fn rows(place: &Place, own: &[DataItem], other: &[DataItem], limits: &mut Limits) -> Vec<DataItem> {
    let rows = own.iter().filter_map(|own| {
        let DataItem { name, category, purpose, retention: _, rule: _ } = own;
        let other = other.iter().find(|other| {
            other.name == *name && other.category == *category && other.purpose == *purpose
        })?;
        let mut row = own.clone();
        limit(limits, place, &mut row, other.retention);
        Some(row)
    });
    rows.collect()
}

fn promises(own: &Never, other: &Never) -> Never {
    let Never { uses, categories } = own;
    Never { uses: uses | &other.uses, categories: categories | &other.categories }
}

/// The stricter age, each time.
fn ages(own: Option<&AgeLimits>, other: Option<&AgeLimits>) -> Option<AgeLimits> {
    let (own, other) = match (own, other) {
        (Some(own), Some(other)) => (own, other),
        (one, another) => return one.or(another).cloned(),
    };
    let AgeLimits { minimum, consent, countries, unknown_is_young: _ } = own;
    let named: BTreeSet<_> = countries.keys().chain(other.countries.keys()).copied().collect();
    let age_in = |limits: &AgeLimits, country: &Country| {
        limits.countries.get(country).copied().unwrap_or(limits.consent)
    };
    let stricter = |country: Country| (country, age_in(own, &country).max(age_in(other, &country)));
    let mut stricter = AgeLimits {
        minimum: other.minimum.max(*minimum),
        consent: other.consent.max(*consent),
        countries: named.into_iter().map(stricter).collect(),
        unknown_is_young: false,
    };
    stricter.unknown_is_young = (own.has_minors() || other.has_minors()) && !stricter.has_minors();
    Some(stricter)
}

/// What stands under the keys of both.
fn both<K: Ord + Clone, V>(
    own: &BTreeMap<K, V>,
    other: &BTreeMap<K, V>,
    mut join: impl FnMut(&K, &V, &V) -> Option<V>,
) -> BTreeMap<K, V> {
    let joined = own.iter().filter_map(|(key, own)| {
        let joined = join(key, own, other.get(key)?)?;
        Some((key.clone(), joined))
    });
    joined.collect()
}
