//! What the database gives: bodies, wrapped keys, host fields; and the root key's file.

use std::sync::{Arc, LazyLock, Mutex};

use bailee_core::{
    Error, ErrorKind, HostId, Id, ManualClock, Plaintext, Random, Result, SubjectId, TenantId,
};
use bailee_store::{Key, Kind, MemoryStore, Query, Record, Sealed, Store};
use bailee_vault::{
    Draft, Field, Fields, Holder, KeyContext, KeySource, RootId, RootKeys, Vault, fuzzing, kind,
};
use futures_util::FutureExt;

use crate::quiet_error;

/// A body as a `body` column holds it.
pub(crate) fn body(data: &[u8]) {
    let parts = match fuzzing::body(data) {
        Ok(parts) => parts,
        Err(error) => return refused(&error),
    };
    assert!(parts.len() <= 255);
    match parts.as_slice() {
        [(name, sealed)] if name.is_empty() => assert_eq!(sealed, data),
        parts => {
            assert_eq!(fuzzing::write_body(parts).ok().as_deref(), Some(data));
            let mut names: Vec<_> = parts.iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), parts.len(), "a name stands twice");
        }
    }
    for (_, sealed) in &parts {
        match fuzzing::envelope(sealed) {
            Ok((key, seq)) => {
                assert!((90..=90 + 64 * 1024).contains(&sealed.len()));
                assert_eq!(sealed[2..18], key);
                assert_eq!(sealed[34..42], seq.to_be_bytes());
            }
            Err(error) => refused(&error),
        }
    }
}

/// A line with the names of parts, separated by commas, then opened facts.
pub(crate) fn facts(data: &[u8]) {
    let (names, plaintext) = crate::answers::line(data);
    let names: Vec<&[u8]> = names.split(|b| *b == b',').filter(|name| !name.is_empty()).collect();
    match fuzzing::facts(plaintext, &names) {
        Ok((facts, seqs)) => {
            crate::quiet("facts", &facts);
            assert_eq!(seqs.len(), names.len());
            assert!(plaintext.ends_with(facts.bytes()));
            let texts = names.iter().map(|name| std::str::from_utf8(name).ok());
            let Some(texts) = texts.collect::<Option<Vec<&str>>>() else { return };
            let parts: Vec<(&str, u64)> = texts.into_iter().zip(seqs).collect();
            let mut again = fuzzing::facts_prefix(facts.schema(), &parts).expect("it was read");
            again.extend_from_slice(facts.bytes());
            assert_eq!(again, plaintext, "what is read and written again is the same");
            if let Err(error) = facts.json::<serde_json::Map<String, serde_json::Value>>() {
                quiet_error("facts", &error);
            }
        }
        Err(error) => refused(&error),
    }
}

/// A root key as a file holds it.
pub(crate) fn root_key(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match RootKeys::base64(&text) {
        Ok(keys) => {
            assert_eq!(text.trim_end().len(), 44);
            let printed = format!("{keys:?}");
            assert!(!printed.contains(text.trim_end()), "a root key is printed");
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Configuration);
            quiet_error("root key", &error);
        }
    }
}

/// A record's body in the place of one that was sealed there. Nothing else opens.
pub(crate) fn record(data: &[u8]) {
    let room = &*ROOM;
    let record = Record { body: Sealed::new(data.to_vec()), ..room.record.clone() };
    let holder = Holder::Subject(room.subject);
    let opened = now(room.vault.open(&TENANT, holder, &record)).expect("its keys are there");
    match opened.facts() {
        Ok(facts) => assert_eq!(facts.bytes(), FACTS),
        Err(error) => refused(&error),
    }
    match opened.part(PART) {
        Ok(part) => {
            assert!(part.expose(|part| part == SECRET));
            assert!(opened.facts().is_ok(), "a part without the facts that name it");
        }
        Err(error) => refused(&error),
    }
    if opened.facts().is_ok() && opened.part(PART).is_ok() {
        assert_eq!(data, room.record.body.as_bytes(), "another body opens");
    }
}

/// A tenant's key as it is wrapped. Nothing but what was wrapped is unwrapped.
pub(crate) fn wrapped_key(data: &[u8]) {
    let room = &*ROOM;
    match RootId::of_wrapped(data) {
        Ok(root) => crate::quiet("root", &root),
        Err(error) => refused(&error),
    }
    let context = KeyContext::new(&TENANT, room.tenant_key);
    match now(room.root.unwrap(context, data)) {
        Ok(key) => {
            assert_eq!(data, room.wrapped, "another key is unwrapped");
            crate::quiet("key", &key);
        }
        Err(error) => refused(&error),
    }
}

/// A sealed column of a host's own table.
pub(crate) fn host_field(data: &[u8]) {
    let room = &*ROOM;
    match room.fields.open(&[FIELD], &[data]) {
        Ok(opened) => {
            assert_eq!(data, room.field, "another value opens");
            assert!(opened[0].expose(|bytes| bytes == SECRET));
        }
        Err(error) => refused(&error),
    }
}

/// A refusal without reasons.
fn refused(error: &Error) {
    let kinds = [
        ErrorKind::Configuration,
        ErrorKind::KeyMissing,
        ErrorKind::NotFound,
        ErrorKind::Unopenable,
        ErrorKind::UnknownSchema,
    ];
    assert!(kinds.contains(&error.kind()), "{error:?}");
    quiet_error("vault", error);
}

/// What is sealed once for all inputs. It is the same in every run, so that a corpus holds it.
struct Room {
    vault: Vault,
    root: RootKeys,
    subject: SubjectId,
    record: Record,
    tenant_key: Id,
    wrapped: Vec<u8>,
    fields: Fields,
    field: Vec<u8>,
}

static ROOM: LazyLock<Room> = LazyLock::new(|| room().expect("a room can be made"));

fn room() -> Result<Room> {
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let builder = Vault::builder(store.clone(), RootKeys::base64(ROOT)?)
        .clock(clock)
        .random(Arc::new(Counted(Mutex::new(0))));
    let vault = now(builder.open())?;
    let subject = now(vault.ensure_subject(&TENANT, &HostId::text("ada@example.test")))?;

    let key = Key::new(Kind::from_static("credential"), Id::from_bytes([1; 16]));
    let draft = Draft::new(key.clone(), Holder::Subject(subject))
        .about(subject)
        .facts(1, FACTS)
        .part(PART, Plaintext::copy_from(SECRET));
    let put = now(vault.put(&TENANT, draft, None))?;
    let entry = bailee_core::audit::Entry::new(
        "connection.connected",
        bailee_core::Timestamp::from_seconds(0),
    );
    now(vault.commit(&TENANT, vault.batch()?.op(put).audit(entry)))?;
    let record = now(store.read(&TENANT, &[key]))?.records.remove(0).expect("it is there");
    let keys = now(store.find(&TENANT, &Query::of_kind(kind::TENANT_KEY)))?.records;
    let [tenant] = keys.as_slice() else { return Err(ErrorKind::NotFound.into()) };
    let (tenant_key, wrapped) = (tenant.key.id, tenant.body.as_bytes().to_vec());

    let fields = now(vault.fields(&TENANT, subject))?;
    let field = fields.seal(&[FIELD], &[Plaintext::copy_from(SECRET)])?.remove(0);
    let root = RootKeys::base64(ROOT)?;
    Ok(Room { vault, root, subject, record, tenant_key, wrapped, fields, field })
}

/// The store is memory, so nothing waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing waits")
}

/// Bytes that count up, so that what is sealed is the same in every run.
#[derive(Debug)]
struct Counted(Mutex<u8>);

impl Random for Counted {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        let mut next = self.0.lock().map_err(|_| ErrorKind::RandomnessFailed)?;
        for byte in buffer {
            *next = next.wrapping_mul(5).wrapping_add(17);
            *byte = *next;
        }
        Ok(())
    }
}

static TENANT: TenantId = TenantId::from_static("acme");
const ROOT: &str = "ZmFrZS1yb290LWtleYCBgoOEhYaHiImKi4yNjo+QkZI="; // an example
const FACTS: &[u8] = b"{\"name\":\"fake-canary\"}";
const PART: &str = "access";
const SECRET: &[u8] = b"fake-canary-secret";
const FIELD: Field<'static> = Field { table: "users", row: b"42", column: "email", version: 3 };

/// What was sealed, by the target that opens it: a corpus holds it.
pub fn sealed() -> [(&'static str, Vec<u8>); 3] {
    let room = &*ROOM;
    [
        ("sealed_record", room.record.body.as_bytes().to_vec()),
        ("wrapped_key", room.wrapped.clone()),
        ("host_field", room.field.clone()),
    ]
}
