//! Every event of the libraries, and every field that an entry may hold.

use bailee_core::audit::Field;

/// What may stand in the log.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue(());

/// An event that may stand in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventShape {
    /// Its name.
    pub event: &'static str,
    /// What happened, as a clause for people.
    pub clause: &'static str,
    /// The fields without which an entry would say nothing.
    pub needs: &'static [&'static str],
}

/// A field that an entry may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldShape {
    /// Its name.
    pub name: &'static str,
    /// What its value may be.
    pub kinds: &'static [FieldKind],
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldKind {
    /// A SHA-256.
    Digest,
    /// An id.
    Id,
    /// A number.
    Number,
    /// A time.
    Time,
    /// A word of the program or a checked name: 1 to 64 bytes of lower-case ASCII letters, digits,
    /// `.`, `-` and `_`, beginning with a letter. A person's name, an address and most tokens are
    /// none.
    Word,
}

impl Catalogue {
    /// The catalogue of this release.
    pub const CURRENT: Self = Self(());

    /// The events, by name.
    pub fn events(self) -> &'static [EventShape] {
        EVENTS
    }

    /// The fields, by name. Each may stand in an entry of any event.
    pub fn fields(self) -> &'static [FieldShape] {
        FIELDS
    }

    /// The event of this name.
    pub fn event(self, name: &str) -> Option<&'static EventShape> {
        EVENTS.binary_search_by(|shape| shape.event.cmp(name)).ok().map(|n| &EVENTS[n])
    }

    /// The field of this name.
    pub fn field(self, name: &str) -> Option<&'static FieldShape> {
        FIELDS.binary_search_by(|shape| shape.name.cmp(name)).ok().map(|n| &FIELDS[n])
    }
}

impl FieldKind {
    /// The kind of a value, if its form is good: a word must be one.
    pub(crate) fn of(value: &Field) -> Option<Self> {
        match value {
            Field::Digest(_) => Some(Self::Digest),
            Field::Id(_) => Some(Self::Id),
            Field::Number(_) => Some(Self::Number),
            Field::Time(_) => Some(Self::Time),
            Field::Word(word) => is_word(word).then_some(Self::Word),
            _ => None,
        }
    }
}

pub(crate) fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'))
}

const fn event(
    event: &'static str,
    clause: &'static str,
    needs: &'static [&'static str],
) -> EventShape {
    EventShape { event, clause, needs }
}

const fn field(name: &'static str, kinds: &'static [FieldKind]) -> FieldShape {
    FieldShape { name, kinds }
}

/// In the order of their names, for the search.
const EVENTS: &[EventShape] = &[
    event("age.learnt", "it was learnt how old a person is", &["method"]),
    event(
        "announcement.carried",
        "a change was taken to tenants whose people are told of it",
        &["announcement", "count"],
    ),
    event("announcement.made", "a change was announced", &["announcement", "version"]),
    event("announcement.reached", "a change reached a tenant", &["announcement"]),
    event(
        "announcement.spread",
        "people were found whom a change concerns",
        &["announcement", "count"],
    ),
    event(
        "brake.engaged",
        "a provider refused so many grants at once that connections were left as they are",
        &["registration"],
    ),
    event("brake.released", "an operator let a provider's refusals count again", &["registration"]),
    event("call.effect_done", "a call that changes something was answered", &["effect"]),
    event("call.effect_intended", "a call that changes something is about to be sent", &["effect"]),
    event("checkpoint.signed", "the head of this log's tree was signed", &["count", "digest"]),
    event("child.found", "a person was found to be too young for the service", &["method"]),
    event("connection.checked", "a provider was asked about a connection", &["connection"]),
    event("connection.connected", "an account was connected", &["connection"]),
    event("connection.disconnected", "a connection ended", &["connection"]),
    event("connection.disconnecting", "a connection is being ended", &["connection"]),
    event("connection.reconnected", "an account was connected again", &["connection"]),
    event("connection.state_changed", "a connection changed its state", &["connection"]),
    event("connection_key.created", "a connection's key was made", &["of"]),
    event("connection_key.destroyed", "a connection's key was destroyed", &["of"]),
    event("consent.expired", "consent ran out or has to be given anew", &["purpose"]),
    event("consent.given", "consent was given", &["purpose"]),
    event(
        "consent.imported",
        "a consent was taken over without proof and waits to be confirmed",
        &["purpose"],
    ),
    event("consent.refused", "consent was refused", &["purpose"]),
    event("consent.withdrawn", "consent was withdrawn", &["purpose"]),
    event("control.changed", "an operator changed what is allowed at all", &[]),
    event(
        "credential.candidate_kept",
        "a renewed token came too late and is kept beside the one in use",
        &["connection"],
    ),
    event("credential.refresh_failed", "a token could not be renewed", &["connection"]),
    event("credential.refresh_planned", "the renewal of a token was planned", &["connection"]),
    event("credential.refreshed", "a token was renewed", &["connection"]),
    event("credential.revoked", "a token was revoked", &["connection"]),
    event(
        "declaration.activated",
        "an operator put another declaration in force",
        &["version", "former"],
    ),
    event("declaration.kept", "the text of the declaration in force was kept", &["version"]),
    event("declaration.retired", "a former declaration is no longer in force", &["version"]),
    event("disclosure.recorded", "data went to a recipient", &["recipient"]),
    event("entered_key.refused", "a key that somebody entered was refused", &["reason"]),
    event("event.delivered", "an event was delivered to the application", &["event"]),
    event("flow.abandoned", "an attempt to connect was given up", &[]),
    event("flow.begun", "an attempt to connect began", &[]),
    event("flow.consumed", "an attempt to connect came back from the provider", &["flow"]),
    event("flow.posted", "the provider's answer to an attempt to connect was kept", &["flow"]),
    event("flow.rejected", "an attempt to connect was refused", &["reason"]),
    event("gpc.honoured", "the privacy signal of a person's browser was honoured", &[]),
    event(
        "grant.dropped",
        "tokens that were held have their connection or were revoked",
        &["flow"],
    ),
    event(
        "grant.held",
        "tokens were received and are held until they have their connection",
        &["flow"],
    ),
    event("grant.refused", "a provider said that a grant is over", &["connection"]),
    event(
        "handover.recorded",
        "data was handed over to an authority or a successor",
        &["handover", "kind"],
    ),
    event(
        "handover.telling_changed",
        "what a person may know of a handover changed",
        &["handover", "kind"],
    ),
    event("key.created", "a key was made", &[]),
    event("key.destroyed", "a key was destroyed", &[]),
    event("key.rotated", "a key was replaced", &[]),
    event(
        "keys.rewrapped",
        "people's keys were wrapped under another key of the tenant",
        &["rows"],
    ),
    event("marketing.objection_ended", "the objection to all marketing is over", &[]),
    event("marketing.objection_made", "an objection to all marketing was made", &[]),
    event(
        "notice.delayed",
        "a message could not be sent and is tried again",
        &["notice", "reason"],
    ),
    event("notice.ended", "a message has nobody to be sent to, or needs no sending", &["notice"]),
    event("notice.given_up", "a message was given up", &["notice", "reason"]),
    event("notice.queued", "it was found that a person has to be told", &["notice", "version"]),
    event(
        "notice.sent",
        "a message was taken by whoever carries it",
        &["notice", "version", "digest"],
    ),
    event("notice.shown", "a person was shown what they are told", &["notice", "digest"]),
    event("objection.ended", "an objection is over", &["purpose"]),
    event("objection.made", "an objection was made", &["purpose"]),
    event("objection.overridden", "an objection was overridden on recorded grounds", &["purpose"]),
    event("objection.upheld", "an objection was upheld", &["purpose"]),
    event(
        "outbound.field_sent",
        "a declared field of text went to a recipient",
        &["recipient", "purpose", "field"],
    ),
    event("overlay.removed", "an operator took a tenant's own limits away", &[]),
    event("overlay.set", "an operator laid down a tenant's own limits", &["digest"]),
    event("owner.created", "the owner of connections without a person was made", &[]),
    event("publication.failed", "a publication failed", &["publication"]),
    event(
        "publication.processing",
        "a publication is being processed by the provider",
        &["publication"],
    ),
    event("publication.published", "a publication is out", &["publication"]),
    event("publication.queued", "a publication was ordered", &["publication"]),
    event("publication.sent", "a publication is about to be sent", &["publication"]),
    event("publication.unknown", "nobody can tell whether a publication is out", &["publication"]),
    event("records.swept", "records whose time was over were deleted", &["count"]),
    event("registration.added", "a client was registered", &["registration"]),
    event(
        "registration.limited",
        "a provider said when it takes requests again",
        &["registration", "until"],
    ),
    event("registration.rotated", "a client's secret was replaced", &["registration"]),
    event("request.closed", "a request that a provider brought was closed", &["request"]),
    event("request.due", "a request that a provider brought is due", &["request"]),
    event("request.opened", "a provider brought a request about data", &["request", "kind"]),
    event("request.told", "a provider was told that its request is closed", &["request"]),
    event("restriction.begun", "processing was restricted", &[]),
    event("restriction.ended", "the restriction of processing is over", &[]),
    event(
        "restriction.exempted",
        "restricted data was used for a reason that the law allows",
        &["purpose", "reason"],
    ),
    event("rights.answered", "a person was told what became of their request", &["request"]),
    event("rights.approved", "an operator let a request go on", &["request", "right"]),
    event("rights.begun", "a request is being done from now on", &["request"]),
    event(
        "rights.came_back",
        "a hold is over, and the person came back meanwhile: an operator says what goes",
        &["request"],
    ),
    event(
        "rights.cleared",
        "a second look found nothing left of what a request erases",
        &["request"],
    ),
    event(
        "rights.closed",
        "a request of a person was closed",
        &["request", "right", "outcome", "digest"],
    ),
    event(
        "rights.code_checked",
        "somebody entered a code to show who they are",
        &["request", "outcome"],
    ),
    event("rights.code_made", "a code was made to show who somebody is", &["request", "until"]),
    event(
        "rights.dropped",
        "planned work of a request that is not there was dropped",
        &["request"],
    ),
    event("rights.due", "a request of a person comes near its deadline", &["request", "until"]),
    event("rights.erasure_anchored", "an erasure was noted outside of the database", &["request"]),
    event("rights.erasure_checked", "it was looked after what is noted of erasures", &[]),
    event(
        "rights.erasure_noted",
        "an erasure was noted for as long as backups live",
        &["request", "until"],
    ),
    event("rights.erasure_replayed", "a restored database learnt of an erasure", &["request"]),
    event(
        "rights.erasure_waits",
        "an erasure could not be noted outside of the database yet",
        &["request"],
    ),
    event("rights.erasures_forgotten", "old notes of erasures were let go", &["count"]),
    event(
        "rights.erasures_replayed",
        "a restored database was brought to what was erased after it was kept",
        &["count", "erased"],
    ),
    event(
        "rights.extended",
        "a request takes longer, and the person was told",
        &["request", "reason"],
    ),
    event("rights.held", "a request was done but for what is held", &["request"]),
    event("rights.held_at_once", "what a person says holds until it is weighed", &["request"]),
    event("rights.hold_checked", "it was looked whether a hold is over", &["hold"]),
    event("rights.hold_due", "a hold ends soon and a reviewer should look at it again", &["hold"]),
    event("rights.hold_ended", "a hold is over", &["hold", "outcome"]),
    event("rights.hold_placed", "an operator kept data from being erased", &["hold", "reason"]),
    event("rights.hold_renewed", "a reviewer let a hold go on", &["hold", "until"]),
    event("rights.identified", "it was established that the person asks", &["request", "method"]),
    event(
        "rights.identifiers_kept",
        "what a person is known by was kept for a request",
        &["request"],
    ),
    event(
        "rights.identity_attested",
        "an operator saw what shows who a person is",
        &["request", "method"],
    ),
    event(
        "rights.link_made",
        "a person was given a link to their package",
        &["request", "link", "until"],
    ),
    event("rights.link_revoked", "a link to a package was revoked", &["request", "link"]),
    event("rights.looked", "a request was looked at, and nothing was to be done", &["request"]),
    event(
        "rights.message_delayed",
        "a letter about a request could not be sent and is tried again",
        &["message", "reason"],
    ),
    event("rights.message_ended", "a letter has nobody to be sent to any more", &["message"]),
    event(
        "rights.message_given_up",
        "a letter about a request was given up",
        &["message", "reason"],
    ),
    event(
        "rights.message_queued",
        "a letter about a request was written",
        &["message", "request", "kind"],
    ),
    event(
        "rights.message_sent",
        "a letter about a request was taken by whoever carries it",
        &["message", "digest"],
    ),
    event("rights.overdue", "the deadline of a request is over", &["request", "until"]),
    event("rights.package_ended", "a copy for a person was deleted", &["request"]),
    event("rights.package_fetched", "a person fetched their package", &["request", "link"]),
    event("rights.package_made", "a copy for a person is ready", &["request", "until", "digest"]),
    event("rights.packing", "a part of the end of a copy was written", &["request"]),
    event("rights.part_begun", "a tenant began its part of a request", &["request", "right"]),
    event("rights.part_done", "a tenant has done its part of a request", &["request"]),
    event("rights.part_step", "a tenant did a step of its part of a request", &["request"]),
    event("rights.part_waits", "a source gave no good answer, and is asked again", &["request"]),
    event("rights.part_woken", "a tenant goes on with its part of a request", &["request"]),
    event(
        "rights.person_answered",
        "a person answered what their request waited for",
        &["request"],
    ),
    event(
        "rights.person_asked",
        "a person was asked what their request waits for",
        &["request", "reason"],
    ),
    event(
        "rights.provider_asked",
        "a provider asked for what is a request now",
        &["request", "provider"],
    ),
    event(
        "rights.received",
        "a person asked for something about their data",
        &["request", "right", "method", "until"],
    ),
    event("rights.recipient_told", "a recipient was told by hand, or cannot be told", &["request"]),
    event("rights.recipients", "recipients are still to be told", &["request", "count"]),
    event("rights.records_erased", "records about a person were erased", &["request", "count"]),
    event("rights.released", "a hold is over, and what it kept is erased", &["request"]),
    event(
        "rights.restriction_ended",
        "the restriction that a request brought about is over",
        &["request"],
    ),
    event("rights.restriction_ending", "a restriction ends once its person was told", &["request"]),
    event("rights.restriction_waits", "a source keeps its marks, and is asked again", &["request"]),
    event("rights.retention_begun", "it was planned to look for what is kept too long", &[]),
    event(
        "rights.retention_carried",
        "tenants are looked at for what is kept too long",
        &["count"],
    ),
    event(
        "rights.retention_looked",
        "it was looked for what is kept too long",
        &["rows", "failing"],
    ),
    event(
        "rights.return_waits",
        "it waits for an operator what goes of a person who came back",
        &["request", "until"],
    ),
    event(
        "rights.return_weighed",
        "an operator said what goes of a person who came back",
        &["request", "outcome"],
    ),
    event("rights.statements_kept", "what completes data was kept", &["request", "count"]),
    event("rights.stream_begun", "a person began to fetch a copy directly", &["request", "right"]),
    event("rights.streamed", "a person was given a copy directly", &["request", "right", "rows"]),
    event(
        "rights.stuck",
        "something is wrong in a part of a request that does not pass with time",
        &["request"],
    ),
    event(
        "rights.sweep_begun",
        "data is about to be erased because its time is over",
        &["sweep", "rows", "before"],
    ),
    event("rights.sweep_failed", "data whose time is over could not be erased", &["sweep"]),
    event("rights.swept", "data was erased because its time is over", &["sweep", "rows"]),
    event(
        "rights.waits",
        "a request waits until another one has handed out what it would destroy",
        &["request"],
    ),
    event("root_key.registered", "a root key was taken into use", &["root"]),
    event("root_key.retired", "a root key was retired", &["root"]),
    event("route.added", "a provider account was tied to a connection", &["connection"]),
    event("route.removed", "a provider account was untied from a connection", &["connection"]),
    event("signal.applied", "what a provider told was acted on", &["signal", "outcome"]),
    event("signal.received", "a provider told something of its own accord", &["signal"]),
    event("signal.refused", "what claimed to come from a provider was refused", &["reason"]),
    event("signals.fetched", "what a provider keeps for us was fetched", &["registration"]),
    event(
        "signals.planned",
        "the fetching of what a provider keeps was planned",
        &["registration"],
    ),
    event("subject.created", "a person was taken in", &[]),
    event("subject.erased", "a person was erased", &["request"]),
    event("subject_key.created", "a person's key was made", &["of"]),
    event("subject_key.destroyed", "a person's key was destroyed", &["of"]),
    event("tenant.enrolled", "a tenant was taken in", &["tenant"]),
    event("tenant_key.created", "a tenant's key was made", &["key"]),
    event("tenant_key.retired", "a tenant's key was retired", &["key"]),
    event("tenant_key.turned", "a tenant's key was replaced", &["new"]),
    event("tenant_keys.destroyed", "a tenant's keys were destroyed", &["keys"]),
    event("tenant_keys.rewrapped", "a tenant's keys were wrapped under another root", &["rows"]),
    event("work.finished", "a piece of work was finished", &[]),
];

/// In the order of their names, for the search.
const FIELDS: &[FieldShape] = &[
    field("actor", &[FieldKind::Word]),
    field("announcement", &[FieldKind::Id]),
    field("asked", &[FieldKind::Number]),
    field("batch", &[FieldKind::Id]),
    field("before", &[FieldKind::Time]),
    field("bytes", &[FieldKind::Number]),
    field("connection", &[FieldKind::Id]),
    field("count", &[FieldKind::Number]),
    field("credential", &[FieldKind::Id, FieldKind::Word]),
    field("digest", &[FieldKind::Digest]),
    field("effect", &[FieldKind::Id]),
    field("erased", &[FieldKind::Number]),
    field("event", &[FieldKind::Id]),
    field("failing", &[FieldKind::Number]),
    field("field", &[FieldKind::Word]),
    field("flow", &[FieldKind::Id]),
    field("for", &[FieldKind::Id]),
    field("former", &[FieldKind::Digest]),
    field("generation", &[FieldKind::Number]),
    field("handover", &[FieldKind::Id]),
    field("hold", &[FieldKind::Id]),
    field("key", &[FieldKind::Id]),
    field("keys", &[FieldKind::Number]),
    field("kind", &[FieldKind::Word]),
    field("link", &[FieldKind::Id]),
    field("member", &[FieldKind::Id]),
    field("message", &[FieldKind::Id]),
    field("method", &[FieldKind::Word]),
    field("new", &[FieldKind::Id]),
    field("notice", &[FieldKind::Id]),
    field("of", &[FieldKind::Id]),
    field("old", &[FieldKind::Id]),
    field("operation", &[FieldKind::Word]),
    field("operator", &[FieldKind::Id]),
    field("outcome", &[FieldKind::Word]),
    field("provider", &[FieldKind::Word]),
    field("publication", &[FieldKind::Id]),
    field("purpose", &[FieldKind::Word]),
    field("reason", &[FieldKind::Word]),
    field("recipient", &[FieldKind::Word]),
    field("registration", &[FieldKind::Id, FieldKind::Word]),
    field("replaced", &[FieldKind::Number]),
    field("request", &[FieldKind::Id]),
    field("right", &[FieldKind::Word]),
    field("root", &[FieldKind::Id]),
    field("rows", &[FieldKind::Number]),
    field("run", &[FieldKind::Id]),
    field("schedule", &[FieldKind::Id]),
    field("scopes", &[FieldKind::Number]),
    field("signal", &[FieldKind::Id]),
    field("state", &[FieldKind::Word]),
    field("sweep", &[FieldKind::Id]),
    field("tenant", &[FieldKind::Id]),
    field("unasked", &[FieldKind::Number]),
    field("until", &[FieldKind::Time]),
    field("version", &[FieldKind::Digest, FieldKind::Number]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_fields_are_sorted_without_repeats_and_can_be_found() {
        assert!(EVENTS.is_sorted_by(|a, b| a.event < b.event));
        assert!(FIELDS.is_sorted_by(|a, b| a.name < b.name));
        for shape in EVENTS {
            assert_eq!(Catalogue::CURRENT.event(shape.event), Some(shape));
        }
        for shape in FIELDS {
            assert_eq!(Catalogue::CURRENT.field(shape.name), Some(shape));
        }
        assert_eq!(Catalogue::CURRENT.event("connection"), None);
        assert_eq!(Catalogue::CURRENT.field("token"), None);
    }

    #[test]
    fn what_an_event_needs_is_a_field_and_its_clause_is_one_clause() {
        for shape in EVENTS {
            assert!(shape.needs.iter().all(|name| Catalogue::CURRENT.field(name).is_some()));
            assert!(shape.clause.starts_with(|c: char| c.is_ascii_lowercase()), "{}", shape.event);
            assert!(!shape.clause.contains(['.', ';', '\n']), "{}", shape.event);
            assert!(shape.event.len() <= 64 && is_word(shape.event));
        }
    }

    #[test]
    fn aud_03_words_are_no_sentences_names_addresses_or_tokens() {
        for word in ["active", "invalid_grant", "publish.video", "tiktok-eu_2"] {
            assert!(is_word(word), "{word}");
        }
        for text in [
            "",
            "Ada Lovelace",
            "Ada",
            "ada@example.test",
            "https://x.example/",
            "1st",
            "a\nb",
            "ya29.A0Fake",
            "a b",
            "é",
            &"a".repeat(65),
        ] {
            assert!(!is_word(text), "{text:?}");
        }
    }
}
