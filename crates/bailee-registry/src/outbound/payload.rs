//! A payload for a recipient: built field by field from the list of what it may receive.

use std::{collections::BTreeMap, fmt};

use bailee_core::{Error, ErrorKind, PurposeId, RecipientId, Result, Timestamp};
use serde::Serialize;

use super::{
    fields::{AllowedFields, FieldName},
    finding::{Finding, FindingKind},
    policy::{OnFinding, Screened, ScreeningPolicy},
    record::{OutboundRecord, SentField},
    screen::Screen,
};
use crate::Recipient;

/// What is to leave for a recipient, before it was screened.
///
/// It begins empty and takes fields that are in the recipient's list. There is no way to put a
/// record in and take fields out. `Debug` shows names and no values.
///
/// ```
/// use bailee_core::{PurposeId, RecipientId, Timestamp};
/// use bailee_registry::outbound::{AllowedFields, Outbound, Outcome, Screen, ScreeningPolicy};
///
/// # fn main() -> bailee_core::Result<()> {
/// let recipient = RecipientId::from_static("anthropic");
/// let purpose = PurposeId::from_static("captions");
/// let mut outbound = Outbound::new(recipient, purpose, AllowedFields::caption());
/// outbound.text("title", "Sunrise over the harbour")?;
/// outbound.list("tags", ["sea", "morning"])?;
/// // What is not in the list does not go in.
/// assert!(outbound.text("author", "Ada").is_err());
///
/// let screen = Screen::new().with_terms(["Ada Lovelace"])?; // names of the account
/// let outcome = outbound.screen(&screen, &ScreeningPolicy::new(), Timestamp::from_seconds(0))?;
/// let Outcome::Ready(ready) = outcome else { panic!("nothing was to be reviewed") };
/// let body = serde_json::to_string(&ready.payload).expect("texts are JSON");
/// assert_eq!(body, r#"{"tags":["sea","morning"],"title":"Sunrise over the harbour"}"#);
/// # Ok(()) }
/// ```
pub struct Outbound {
    recipient: RecipientId,
    purpose: PurposeId,
    allowed: AllowedFields,
    fields: BTreeMap<FieldName, Value>,
}

/// What may leave, as it is sent: an object of texts and lists of texts, or an empty one.
///
/// It exists only after screening. `Debug` shows names and no values.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Payload {
    fields: BTreeMap<FieldName, Value>,
}

/// A payload that may leave, and what is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ready {
    /// What is sent.
    pub payload: Payload,
    /// What is kept: names, sizes and digests, no values.
    pub record: OutboundRecord,
}

/// What came of screening.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It may leave.
    Ready(Ready),
    /// A person has to look at it.
    Review(Review),
}

/// A payload that waits for a person, with what they have to look at.
///
/// `Debug` shows names, kinds and places and no values.
#[derive(Clone, PartialEq, Eq)]
pub struct Review {
    ready: Ready,
    findings: Vec<FieldFinding>,
}

/// Something in a field that a person has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FieldFinding {
    /// In which field.
    pub field: FieldName,
    /// In which text of a list; 0 for a text that is alone.
    pub item: usize,
    /// What and where in that text.
    pub finding: Finding,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Value {
    List(Vec<String>),
    Text(String),
}

/// Why a payload does not leave. Field names and kinds alone; the texts are personal data.
#[derive(Debug, thiserror::Error)]
#[error("the field `{field}` holds {kinds}")]
struct Refused {
    field: FieldName,
    kinds: String,
}

impl Outbound {
    /// How many texts a list may have.
    pub const MAX_ITEMS: usize = 256;

    /// Begins with nothing in it.
    pub fn new(recipient: RecipientId, purpose: PurposeId, allowed: AllowedFields) -> Self {
        Self { recipient, purpose, allowed, fields: BTreeMap::new() }
    }

    /// Begins with nothing in it, for a recipient as the declaration has it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] for a purpose that the recipient is not declared for, and as
    /// [`AllowedFields::of`].
    pub fn to(recipient: &Recipient, purpose: PurposeId) -> Result<Self> {
        if !recipient.purposes.contains(&purpose) {
            let detail = format!("`{}` is not declared for `{purpose}`", recipient.id);
            return Err(Error::new(ErrorKind::Denied).with_detail(detail));
        }
        Ok(Self::new(recipient.id.clone(), purpose, AllowedFields::of(recipient)?))
    }

    /// Puts a text into a field.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] for a field that the recipient may not receive;
    /// [`ErrorKind::AlreadyExists`] for one that has a value; [`ErrorKind::TooLarge`] beyond the
    /// field's limit.
    pub fn text(&mut self, name: &str, value: impl Into<String>) -> Result<&mut Self> {
        let value = value.into();
        self.put(name, value.len(), Value::Text(value))
    }

    /// Puts a list of texts into a field, such as tags.
    ///
    /// # Errors
    ///
    /// As [`Outbound::text`]; the limit holds for the whole list, and a list of more than
    /// [`Outbound::MAX_ITEMS`] texts is too large as well.
    pub fn list<T: Into<String>>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Result<&mut Self> {
        let mut values = values.into_iter();
        let list: Vec<String> = values.by_ref().take(Self::MAX_ITEMS).map(Into::into).collect();
        if values.next().is_some() {
            return Err(Error::new(ErrorKind::TooLarge).with_detail("a list of an outbound field"));
        }
        // An empty text is one too: a list of them has a size.
        let size = list.iter().map(|text| text.len() + 1).sum();
        self.put(name, size, Value::List(list))
    }

    fn put(&mut self, name: &str, size: usize, value: Value) -> Result<&mut Self> {
        let refuse = |kind, detail: String| Err(Error::new(kind).with_detail(detail));
        // The name itself came from the caller, and may be whatever a record had.
        let Some((field, limit)) = self.allowed.entry(name) else {
            let detail = format!("`{}` may not receive such a field", self.recipient);
            return refuse(ErrorKind::Denied, detail);
        };
        if size > limit {
            return refuse(
                ErrorKind::TooLarge,
                format!("the field `{field}`, of {limit} bytes at most"),
            );
        }
        if self.fields.contains_key(name) {
            return refuse(ErrorKind::AlreadyExists, format!("the field `{field}`"));
        }
        self.fields.insert(field.clone(), value);
        Ok(self)
    }

    /// Screens every text, and gives what may leave with the record of it.
    ///
    /// The texts of a list are screened one by one. A known name whose words are several texts of a
    /// list (tags, say) is refused unless known names are allowed, because it has no place of its
    /// own that could be replaced.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`], which names the field and the kinds and never the text, when the
    /// policy refuses something that was found.
    pub fn screen(
        self,
        screen: &Screen,
        policy: &ScreeningPolicy,
        now: Timestamp,
    ) -> Result<Outcome> {
        let mut payload = Payload { fields: BTreeMap::new() };
        let mut record = OutboundRecord::new(self.recipient, self.purpose, now);
        let mut findings = Vec::new();
        for (name, value) in self.fields {
            let mut sent = SentField::default();
            let mut pass = |item: usize, text: &str| -> Result<String> {
                let (text, found) = one(&name, text, screen, policy, &mut sent)?;
                findings.extend(found.into_iter().map(|finding| FieldFinding {
                    field: name.clone(),
                    item,
                    finding,
                }));
                Ok(text)
            };
            let value = match value {
                Value::Text(text) => Value::Text(pass(0, &text)?),
                Value::List(list) => {
                    let texts = list.iter().enumerate().map(|(item, text)| pass(item, text));
                    let list: Vec<String> = texts.collect::<Result<_>>()?;
                    together(&name, &list, screen, policy)?;
                    Value::List(list)
                }
            };
            sent.measure(&name, &value);
            record.fields.insert(name.clone(), sent);
            payload.fields.insert(name, value);
        }
        let ready = Ready { payload, record };
        Ok(if findings.is_empty() {
            Outcome::Ready(ready)
        } else {
            Outcome::Review(Review { ready, findings })
        })
    }
}

/// Screens one text of a field.
fn one(
    name: &FieldName,
    text: &str,
    screen: &Screen,
    policy: &ScreeningPolicy,
    sent: &mut SentField,
) -> Result<(String, Vec<Finding>)> {
    match screen.apply(text, policy)? {
        Screened::Clean { allowed } => {
            allowed.iter().for_each(|finding| sent.allow(finding.kind));
            Ok((text.to_owned(), Vec::new()))
        }
        Screened::Redacted { text, allowed, replaced } => {
            allowed.iter().for_each(|finding| sent.allow(finding.kind));
            sent.redact(&replaced);
            Ok((text, Vec::new()))
        }
        Screened::Refused { kinds } => Err(refused(name, kinds.into_iter())),
        Screened::Review { text, findings, allowed, replaced } => {
            allowed.iter().for_each(|finding| sent.allow(finding.kind));
            sent.redact(&replaced);
            findings.iter().for_each(|finding| sent.review(finding.kind));
            Ok((text, findings))
        }
    }
}

/// Refuses a known name whose words are several texts of a list: it has no place of its own.
fn together(
    name: &FieldName,
    list: &[String],
    screen: &Screen,
    policy: &ScreeningPolicy,
) -> Result<()> {
    let kind = FindingKind::KnownTerm;
    if policy.of(kind) == OnFinding::Allow {
        return Ok(());
    }
    let (mut joined, mut ends) = (String::new(), Vec::with_capacity(list.len()));
    for text in list {
        joined.push_str(text);
        joined.push(' ');
        ends.push(joined.len());
    }
    let item = |at: usize| ends.partition_point(|end| *end <= at);
    let across = |finding: &Finding| {
        finding.kind == kind && item(finding.range.start) != item(finding.range.end - 1)
    };
    if screen.find(&joined)?.iter().any(across) {
        return Err(refused(name, [kind].into_iter()));
    }
    Ok(())
}

fn refused(name: &FieldName, kinds: impl Iterator<Item = FindingKind>) -> Error {
    let kinds: Vec<&str> = kinds.map(FindingKind::as_str).collect();
    let refused = Refused { field: name.clone(), kinds: kinds.join(", ") };
    let detail = refused.to_string();
    Error::new(ErrorKind::Denied).with_detail(detail).with_source(refused)
}

impl Payload {
    /// The names of its fields, in their order.
    pub fn names(&self) -> impl Iterator<Item = &FieldName> {
        self.fields.keys()
    }

    /// The texts of a field: one, or those of a list.
    pub fn texts(&self, name: &str) -> Option<&[String]> {
        self.fields.get(name).map(|value| match value {
            Value::List(list) => list.as_slice(),
            Value::Text(text) => std::slice::from_ref(text),
        })
    }
}

impl Review {
    /// What a person has to look at, by field.
    pub fn findings(&self) -> &[FieldFinding] {
        &self.findings
    }

    /// What would leave.
    pub fn payload(&self) -> &Payload {
        &self.ready.payload
    }

    /// Lets it leave: a person looked at it and said so. The record keeps that.
    pub fn approve(mut self) -> Ready {
        self.ready.record.reviewed = true;
        self.ready
    }
}

/// Names of the fields that have a value.
struct Names<'a>(&'a BTreeMap<FieldName, Value>);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("recipient", &self.recipient)
            .field("purpose", &self.purpose)
            .field("fields", &Names(&self.fields))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Payload").field(&Names(&self.fields)).finish()
    }
}

impl fmt::Debug for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Review")
            .field("payload", &self.ready.payload)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}
