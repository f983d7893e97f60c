//! The declaration in the W3C Data Privacy Vocabulary (DPV 2.3), as JSON-LD.

mod declaration;
mod process;
mod terms;

use bailee_audit::Json;

pub(crate) use self::{process::Subset, terms::purpose_iri};

/// The prefixes of every document, and the address against which its own names stand.
pub(crate) fn context(base: Option<&str>) -> Json {
    let mut prefixes = vec![
        ("dct", "http://purl.org/dc/terms/"),
        ("dpv", "https://w3id.org/dpv#"),
        ("g", "https://w3id.org/dpv/legal/eu/gdpr#"),
        ("loc", "https://w3id.org/dpv/loc#"),
        ("pd", "https://w3id.org/dpv/pd#"),
        ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
        ("xsd", "http://www.w3.org/2001/XMLSchema#"),
    ];
    prefixes.extend(base.map(|base| ("@base", base)));
    Json::object(prefixes.into_iter().map(|(name, iri)| (name, Json::from(iri))))
}

/// Something that has an address.
pub(crate) fn iri(iri: impl Into<String>) -> Json {
    Json::object([("@id", Json::Text(iri.into()))])
}

/// What is of these kinds and has these properties. One kind stands alone, several as a list.
pub(crate) fn node(
    kinds: &[&str],
    members: impl IntoIterator<Item = (&'static str, Json)>,
) -> Json {
    let kinds = match kinds {
        [one] => Json::from(*one),
        several => Json::array(several.iter().copied()),
    };
    Json::object(std::iter::once(("@type", kinds)).chain(members))
}

/// A country of ISO 3166-1 as the vocabulary's extension for places has it.
pub(crate) fn country(country: crate::Country) -> Json {
    iri(format!("loc:{}", country.as_str()))
}
