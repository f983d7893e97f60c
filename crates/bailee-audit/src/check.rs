//! Nothing undeclared gets into the log.

use bailee_core::{
    Error, ErrorKind, Result,
    audit::{Entry, Field},
};

use crate::{Catalogue, FieldKind};

/// Checks an entry against the catalogue, before it goes into a batch.
///
/// # Errors
///
/// Refuses ([`ErrorKind::InvalidInput`]) an unknown event, an unknown field, a field that stands
/// twice, a value of another kind than declared (a text that is no word among them), an unknown
/// actor, a needed field that is missing (what a provider did names it), and a sealed part without a subject, whose key it would
/// have to die with. The error names events and fields of the catalogue alone.
pub fn check(entry: &Entry) -> Result<()> {
    refusal(entry).map_or(Ok(()), |undeclared| {
        Err(Error::new(ErrorKind::InvalidInput).with_source(undeclared))
    })
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Undeclared {
    #[error("the audit entry names no known actor")]
    Actor,
    #[error("the event of an audit entry is not in the catalogue")]
    Event,
    #[error("a field of the audit entry {event} is not in the catalogue")]
    Field { event: &'static str },
    #[error("the audit entry {event} lacks the field {field}")]
    Missing { event: &'static str, field: &'static str },
    #[error("the audit entry {event} has a sealed part and no subject")]
    Sealed { event: &'static str },
    #[error("the audit entry {event} has the field {field} twice")]
    Twice { event: &'static str, field: &'static str },
    #[error("the field {field} of the audit entry {event} is of another kind")]
    Value { event: &'static str, field: &'static str },
}

fn refusal(entry: &Entry) -> Option<Undeclared> {
    let Some(shape) = Catalogue::CURRENT.event(entry.event()) else {
        return Some(Undeclared::Event);
    };
    let event = shape.event;
    let mut seen = Vec::new();
    let mut by_provider = false;
    for (name, value) in entry.fields() {
        let Some(known) = Catalogue::CURRENT.field(name) else {
            return Some(Undeclared::Field { event });
        };
        let field = known.name;
        if seen.contains(&field) {
            return Some(Undeclared::Twice { event, field });
        }
        seen.push(field);
        if !FieldKind::of(value).is_some_and(|kind| known.kinds.contains(&kind)) {
            return Some(Undeclared::Value { event, field });
        }
        if let ("actor", Field::Word(word)) = (field, value) {
            if !ACTORS.contains(&word.as_ref()) {
                return Some(Undeclared::Actor);
            }
            by_provider = word == "provider";
        }
    }
    if by_provider && !seen.contains(&"provider") {
        return Some(Undeclared::Missing { event, field: "provider" });
    }
    if let Some(field) = shape.needs.iter().find(|field| !seen.contains(*field)) {
        return Some(Undeclared::Missing { event, field });
    }
    (entry.sealed().is_some() && entry.subject().is_none()).then_some(Undeclared::Sealed { event })
}

/// The words of [`bailee_core::Actor::word`].
const ACTORS: [&str; 7] =
    ["agent", "member", "operator", "provider", "schedule", "subject", "system"];

#[cfg(test)]
mod tests {
    use bailee_core::{Actor, Id, ProviderId, SubjectId, Timestamp};

    use super::*;

    fn entry(event: &'static str) -> Entry {
        Entry::new(event, Timestamp::from_seconds(0))
    }

    fn connected() -> Entry {
        entry("connection.connected").with("connection", Id::ZERO)
    }

    #[test]
    fn aud_03_every_actor_passes_with_the_fields_that_name_it() {
        let subject = SubjectId::from_id(Id::from_bytes([1; 16]));
        let id = Id::from_bytes([2; 16]);
        for actor in [
            Actor::Agent { subject, run: id },
            Actor::Member { subject },
            Actor::Operator { operator: id },
            Actor::Schedule { subject, schedule: id },
            Actor::Subject { subject },
            Actor::System,
        ] {
            assert_eq!(refusal(&connected().by(&actor)), None, "{actor:?}");
        }
        let provider = ProviderId::from_static("tiktok");
        let told = connected().by(&Actor::Provider { provider: provider.clone() });
        let missing = Undeclared::Missing { event: "connection.connected", field: "provider" };
        assert_eq!(refusal(&told.clone()), Some(missing));
        assert_eq!(refusal(&told.with("provider", &provider)), None);
        assert_eq!(refusal(&connected().with("actor", "nobody")), Some(Undeclared::Actor));
    }

    #[test]
    fn aud_03_each_event_passes_with_what_it_needs_and_not_without() {
        for shape in Catalogue::CURRENT.events() {
            let full =
                shape.needs.iter().fold(entry(shape.event), |entry, name| match Catalogue::CURRENT
                    .field(name)
                    .unwrap()
                    .kinds[0]
                {
                    FieldKind::Digest => entry.with(name, [0; 32]),
                    FieldKind::Id => entry.with(name, Id::ZERO),
                    FieldKind::Number => entry.with(name, 1_i64),
                    FieldKind::Time => entry.with(name, Timestamp::from_seconds(1)),
                    FieldKind::Word => entry.with(name, "word"),
                });
            assert_eq!(refusal(&full), None, "{}", shape.event);
            if !shape.needs.is_empty() {
                let missing = Undeclared::Missing { event: shape.event, field: shape.needs[0] };
                assert_eq!(refusal(&entry(shape.event)), Some(missing));
            }
        }
    }

    #[test]
    fn aud_03_what_is_not_declared_is_refused() {
        let event = "connection.connected";
        for (entry, expected) in [
            (entry("connection.renamed"), Undeclared::Event),
            (connected().with("email", "ada"), Undeclared::Field { event }),
            (connected().with("count", "three"), Undeclared::Value { event, field: "count" }),
            (connected().with("run", "a"), Undeclared::Value { event, field: "run" }),
            (
                connected().with("reason", "Ada asked for it"),
                Undeclared::Value { event, field: "reason" },
            ),
            (
                connected().with("connection", Id::ZERO),
                Undeclared::Twice { event, field: "connection" },
            ),
            (connected().with_sealed(vec![1]), Undeclared::Sealed { event }),
        ] {
            assert_eq!(refusal(&entry), Some(expected));
        }
        let subject = SubjectId::from_id(Id::ZERO);
        assert_eq!(refusal(&connected().about(subject).with_sealed(vec![1])), None);
    }

    #[test]
    fn sec_03_a_refused_value_is_not_repeated() {
        let canary = "fake-Canary";
        let entry = connected().with("reason", canary);
        let error = check(&entry).unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        for text in [format!("{error} {error:?}"), format!("{source} {source:?}")] {
            assert!(!text.contains("anary"), "{text}");
        }
    }
}
