//! `[[integrations.<provider>.endpoints]]`.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::{CredentialName, DataCategory, Effect, ProviderId, PurposeId, ScopeName};

use crate::{
    Endpoint, Recipient, Segment,
    endpoint::segments,
    problem::Report,
    read::{Section, Text, quoted},
};

use super::{integration::Reader, one_of, word};

/// What the endpoints of an integration are checked against.
pub(super) struct Around<'a> {
    pub(super) provider: &'a ProviderId,
    pub(super) scopes: &'a BTreeMap<ScopeName, BTreeSet<PurposeId>>,
    pub(super) operations: &'a BTreeMap<String, BTreeSet<PurposeId>>,
    /// The categories that the integration reads, whether they are kept or not.
    pub(super) reads: &'a BTreeSet<DataCategory>,
    pub(super) never: &'a BTreeSet<DataCategory>,
    pub(super) recipient: Option<&'a Recipient>,
}

const METHODS: [(&str, &str); 6] = [
    ("DELETE", "DELETE"),
    ("GET", "GET"),
    ("HEAD", "HEAD"),
    ("PATCH", "PATCH"),
    ("POST", "POST"),
    ("PUT", "PUT"),
];

const EFFECTS: [(&str, Effect); 3] =
    [("effect", Effect::Effect), ("idempotent", Effect::Idempotent), ("read", Effect::Read)];

const PATH: &str = "write the path behind the provider's `api` address, as in /notes/{id}: a `{part}` \
                    fills a whole segment, and everything else stands as it is sent";

/// Reads the endpoints, in the order of their names.
pub(super) fn endpoints(
    reader: &mut Reader<'_>,
    section: &mut Section<'_>,
    around: &Around<'_>,
) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for row in section.tables(reader.report, "endpoints") {
        let span = row.span.clone();
        let Some(endpoint) = endpoint(reader, row, around) else { continue };
        if endpoints.iter().any(|known| known.name == endpoint.name) {
            let what = format!("{} has two endpoints {}", section.name, quoted(&endpoint.name));
            reader.report.add(&span, what, "give one of the two another name");
        } else if around.operations.contains_key(&endpoint.name) {
            let what = format!("the endpoint {} is also an operation", quoted(&endpoint.name));
            reader.report.add(&span, what, "give the endpoint another name");
        }
        let same = |known: &&Endpoint| known.method == endpoint.method && alike(known, &endpoint);
        if let Some(known) = endpoints.iter().find(same) {
            let (one, other) = (quoted(&known.name), quoted(&endpoint.name));
            let what = format!("the endpoints {one} and {other} have one method and path");
            reader.report.add(&span, what, "make one of the two");
        }
        endpoints.push(endpoint);
    }
    endpoints.sort_by(|one, other| one.name.cmp(&other.name));
    endpoints
}

fn endpoint(
    reader: &mut Reader<'_>,
    mut row: Section<'_>,
    around: &Around<'_>,
) -> Option<Endpoint> {
    let whose = row.name.clone();
    let provider = around.provider;
    let report = &mut *reader.report;
    let mend = format!("write a name such as {provider}.read_one");
    let name = row.text(report, "name", &mend).and_then(|text| name(report, provider, &text));
    let mend = format!("write method = {}", one_of(METHODS.map(|(word, _)| word)));
    let method = row
        .text(report, "method", &mend)
        .and_then(|text| Some((word(report, &text, "a method of an endpoint", &METHODS)?, text)));
    let path = row.text(report, "path", PATH).and_then(|text| path(report, &text));
    let mend = format!("write effect = {}", one_of(EFFECTS.map(|(word, _)| word)));
    let effect = row
        .text(report, "effect", &mend)
        .and_then(|text| word(report, &text, "an effect", &EFFECTS));
    if let (Some((method @ ("DELETE" | "PATCH" | "PUT"), text)), Some(Effect::Read)) =
        (&method, effect)
    {
        let what = format!("{method} in {whose} does more than read");
        report.add(&text.span, what, "write effect = \"idempotent\" or \"effect\"");
    }
    let credential = row
        .maybe_text(report, "credential", "name the credential, or leave it out")
        .and_then(|text| {
            let credential = CredentialName::new(&text.text).ok();
            if credential.is_none() {
                let what = format!("{} is not the name of a credential", quoted(&text.text));
                report.add(&text.span, what, "write it as the provider's file does");
            }
            credential
        });
    let purposes = purposes(reader, &mut row, &whose);
    let scopes = scopes(reader, &mut row, around, &purposes);
    let mend = "list categories of [categories]";
    let texts = row.texts(reader.report, "sends", mend).unwrap_or_default();
    let sends = categories(reader, &whose, "sends", &texts, around.never, |category| {
        // Without a recipient that is the problem, and each category is not another.
        around.recipient.is_none_or(|recipient| recipient.categories.contains(category))
    });
    let texts = row.texts(reader.report, "reads", mend).unwrap_or_default();
    let reads = categories(reader, &whose, "reads", &texts, around.never, |category| {
        around.reads.contains(category)
    });
    row.finish(reader.report);
    Some(Endpoint {
        name: name?,
        method: method?.0.to_owned(),
        path: path?,
        scopes: scopes.into_iter().collect(),
        effect: effect?,
        sends: sends.into_iter().collect(),
        reads: reads.into_iter().collect(),
        purposes,
        credential,
    })
}

fn name(report: &mut Report, provider: &ProviderId, text: &Text) -> Option<String> {
    let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    let own = text.text.strip_prefix(provider.as_str()).and_then(|rest| rest.strip_prefix('.'));
    let good = own.is_some_and(|rest| !rest.is_empty())
        && text.text.len() <= 96
        && text.text.bytes().all(plain);
    if !good {
        let what = format!("{} is not the name of an endpoint of `{provider}`", quoted(&text.text));
        let mend = format!(
            "begin with `{provider}.` and use lower-case letters, digits, -, _ and dots, at most 96"
        );
        report.add(&text.span, what, mend);
    }
    good.then(|| text.text.clone())
}

fn path(report: &mut Report, text: &Text) -> Option<String> {
    let fault = path_fault(&text.text);
    if let Some(fault) = fault {
        let what = format!("the path {} {fault}", quoted(&text.text));
        report.add(&text.span, what, PATH);
        return None;
    }
    Some(text.text.clone())
}

fn path_fault(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("does not begin with a slash");
    }
    if path.len() > 512 {
        return Some("is longer than 512 characters");
    }
    let mut parts = BTreeSet::new();
    for segment in segments(path) {
        match segment {
            Segment::Part(name) => {
                let plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_');
                if name.is_empty() || !name.bytes().all(plain) {
                    return Some(
                        "has a part whose name is not of lower-case letters, digits and _",
                    );
                }
                if !parts.insert(name) {
                    return Some("has two parts of one name");
                }
            }
            Segment::Literal("") => return Some("has an empty segment"),
            Segment::Literal(text) => {
                // The characters of a segment (RFC 3986 §3.3) that are sent as they are.
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:@!$&'()*+,;=".contains(&b);
                if !text.bytes().all(plain) {
                    return Some("has a character that does not stand in a path as it is");
                }
                if text.bytes().all(|b| b == b'.') {
                    return Some("has a segment of dots");
                }
            }
        }
    }
    None
}

fn purposes(reader: &mut Reader<'_>, row: &mut Section<'_>, whose: &str) -> BTreeSet<PurposeId> {
    let mend = "list the purposes that need it";
    let Some(texts) = row.texts(reader.report, "purposes", mend) else {
        row.missing(reader.report, "purposes", mend);
        return BTreeSet::new();
    };
    if texts.is_empty() {
        let what = format!("{whose} serves no purpose");
        reader.report.add(&row.span, what, mend);
    }
    reader.names.purposes(reader.report, whose, &texts)
}

fn scopes(
    reader: &mut Reader<'_>,
    row: &mut Section<'_>,
    around: &Around<'_>,
    purposes: &BTreeSet<PurposeId>,
) -> BTreeSet<ScopeName> {
    let mend = "list scopes that are declared for the integration";
    let texts = row.texts(reader.report, "scopes", mend).unwrap_or_default();
    let mut scopes = BTreeSet::new();
    for text in &texts {
        let name = quoted(&text.text);
        let known = around.scopes.iter().find(|(scope, _)| scope.as_str() == text.text);
        let Some((scope, served)) = known else {
            let what = format!("{} needs the scope {name}, which is not declared", row.name);
            let mend = format!("add it to [integrations.{}.scopes]", around.provider);
            reader.report.add(&text.span, what, mend);
            continue;
        };
        for purpose in purposes.difference(served) {
            let what = format!(
                "{} serves the purpose `{purpose}`, for which its scope {name} is not declared",
                row.name
            );
            let mend = format!("add the purpose in [integrations.{}.scopes]", around.provider);
            reader.report.add(&text.span, what, mend);
        }
        scopes.insert(scope.clone());
    }
    scopes
}

fn categories(
    reader: &mut Reader<'_>,
    whose: &str,
    does: &str,
    texts: &[Text],
    never: &BTreeSet<DataCategory>,
    is_declared: impl Fn(&DataCategory) -> bool,
) -> BTreeSet<DataCategory> {
    let mut categories = BTreeSet::new();
    for text in texts {
        let Some(category) = reader.category(whose, does, text, never) else { continue };
        if !is_declared(&category) {
            let name = quoted(category.as_str());
            let what =
                format!("{whose} {does} the category {name}, which is not declared for that");
            let mend = if does == "sends" {
                "add it to the categories of the provider's recipient"
            } else {
                "say what is kept of it, or name it in `reads` of the integration"
            };
            reader.report.add(&text.span, what, mend);
        }
        categories.insert(category);
    }
    categories
}

/// Whether two paths match the same requests.
fn alike(one: &Endpoint, other: &Endpoint) -> bool {
    let shape = |endpoint: &Endpoint| -> Vec<Option<String>> {
        let literal = |segment| match segment {
            Segment::Literal(text) => Some(text.to_owned()),
            Segment::Part(_) => None,
        };
        endpoint.segments().map(literal).collect()
    };
    shape(one) == shape(other)
}
