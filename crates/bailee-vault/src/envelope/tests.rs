use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
};

use bailee_core::{SystemRandom, TenantId};
use proptest::prelude::*;

use super::*;
use crate::{RootKeys, facts::Facts, parts};

/// The known answers, by block and field.
struct Vectors(HashMap<String, HashMap<String, String>>);

impl Vectors {
    fn read() -> Self {
        let mut blocks = HashMap::new();
        let mut name = String::new();
        for line in include_str!("../../tests/vectors/v1.txt").lines() {
            if let Some(begun) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name = begun.to_owned();
            } else if let Some((field, value)) = line.split_once(" =") {
                let block: &mut HashMap<_, _> = blocks.entry(name.clone()).or_default();
                block.insert(field.to_owned(), value.trim().to_owned());
            }
        }
        Self(blocks)
    }

    fn text(&self, block: &str, field: &str) -> &str {
        &self.0[block][field]
    }

    fn bytes(&self, block: &str, field: &str) -> Vec<u8> {
        let text = self.text(block, field);
        (0..text.len())
            .step_by(2)
            .map(|n| u8::from_str_radix(&text[n..n + 2], 16).unwrap())
            .collect()
    }

    fn array<const N: usize>(&self, block: &str, field: &str) -> [u8; N] {
        self.bytes(block, field).try_into().unwrap()
    }

    fn id(&self, block: &str, field: &str) -> Id {
        Id::from_bytes(self.array(block, field))
    }

    fn key(&self, block: &str, field: &str) -> NamedKey {
        NamedKey {
            id: self.id(block, "key_id"),
            material: KeyMaterial::copy_from(&self.array(block, field)),
        }
    }
}

/// Gives these bytes as randomness.
#[derive(Debug)]
struct Salt(Vec<u8>);

impl Random for Salt {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        buffer.copy_from_slice(&self.0);
        Ok(())
    }
}

#[derive(Debug)]
struct Broken;

impl Random for Broken {
    fn fill(&self, _: &mut [u8]) -> Result<()> {
        Err(ErrorKind::RandomnessFailed.into())
    }
}

const TENANT: TenantId = TenantId::from_static("acme");

fn pattern<const N: usize>(start: usize) -> [u8; N] {
    std::array::from_fn(|n| ((start + 7 * n) % 256) as u8)
}

/// The contexts of the known answers, built as the crate builds them.
fn known_contexts() -> Vec<(&'static str, Context)> {
    let [subject, connection, record, key] =
        [4, 5, 6, 9].map(|start| Id::from_bytes(pattern(start)));
    let access = || Context::record(&TENANT, &["credential"], record.as_bytes(), "access").unwrap();
    vec![
        ("record", access()),
        ("record-empty", access()),
        ("host-field", Context::record(&TENANT, &["host.", "users"], b"42", "email").unwrap()),
        ("subject-key", Context::subject_key(&TENANT, subject.as_bytes(), key)),
        ("subject-key-of-nobody", Context::subject_key(&TENANT, b"", key)),
        ("index-key", Context::subject_key(&TENANT, b"\0index", key)),
        ("tenant-key", Context::tenant_key(&TENANT, key)),
        ("connection-key", Context::connection_key(&TENANT, b"", connection, key)),
        (
            "connection-key-of-a-subject",
            Context::connection_key(&TENANT, subject.as_bytes(), connection, key),
        ),
    ]
}

fn body(plaintext: &[u8]) -> (NamedKey, Vec<u8>) {
    let key = NamedKey::generate(&SystemRandom).unwrap();
    let body = seal(&key, context(), 7, &[plaintext], &SystemRandom).unwrap();
    (key, body)
}

fn context() -> Context {
    Context::record(&TENANT, &["credential"], &[1; 16], "access").unwrap()
}

fn open(key: &NamedKey, body: &[u8], context: Context) -> Result<Vec<u8>, Fault> {
    Envelope::parse(body)?.open(&key.material, context).map(|plaintext| plaintext.to_vec())
}

#[test]
fn key_01_known_answers_of_the_four_contexts() {
    let vectors = Vectors::read();
    let known = known_contexts();
    assert_eq!(known.len(), 9);
    for (block, context) in known {
        assert_eq!(context.bytes(), vectors.bytes(block, "context"), "{block}");
        assert_eq!(context.label(), vectors.text(block, "label").as_bytes(), "{block}");
        let key = vectors.key(block, "key");
        let plaintext = vectors.bytes(block, "plaintext");
        let expected = vectors.bytes(block, "body");
        let seq = vectors.text(block, "seq").parse().unwrap();
        let salt = Salt(vectors.bytes(block, "salt"));
        assert_eq!(seal(&key, context, seq, &[&plaintext], &salt).unwrap(), expected, "{block}");
    }
    for (block, context) in known_contexts() {
        let expected = vectors.bytes(block, "body");
        let envelope = Envelope::parse(&expected).unwrap();
        assert_eq!(envelope.key_id(), vectors.id(block, "key_id"));
        assert_eq!(envelope.seq().to_string(), vectors.text(block, "seq"));
        let opened = envelope.open(&vectors.key(block, "key").material, context).unwrap();
        assert_eq!(*opened, vectors.bytes(block, "plaintext"), "{block}");
    }
}

#[test]
fn key_01_known_answers_of_the_other_forms() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use crate::KeySource as _;

    let vectors = Vectors::read();
    let root = RootKeys::base64(&STANDARD.encode(vectors.bytes("root-id", "key"))).unwrap();
    assert_eq!(root.primary().id(), vectors.id("root-id", "id"));

    let seqs =
        ["access", "refresh"].map(|part| (part, vectors.text("facts", part).parse().unwrap()));
    let schema = vectors.text("facts", "schema").parse().unwrap();
    let prefix = Facts::prefix(schema, seqs.into_iter()).unwrap();
    let plaintext = [prefix, vectors.bytes("facts", "bytes")].concat();
    assert_eq!(plaintext, vectors.bytes("facts", "plaintext"));

    let list = [("facts", "sealed one"), ("access", "sealed two")];
    let list = list.iter().map(|(name, sealed)| (name.as_bytes(), sealed.as_bytes()));
    assert_eq!(parts::write(list).unwrap(), vectors.bytes("parts", "body"));
}

#[test]
fn key_01_a_body_that_opens_under_two_keys_is_refused_for_the_second() {
    let vectors = Vectors::read();
    let body = vectors.bytes("two-keys", "body");
    let envelope = Envelope::parse(&body).unwrap();
    let context = || known_contexts().swap_remove(0).1;

    // Plain AES-GCM opens it under both message keys, to two plaintexts.
    let mut opened = Vec::new();
    for message_key in ["first", "second"] {
        let mut plaintext = envelope.ciphertext.to_vec();
        let mut context = context();
        let aad = context.behind(envelope.header);
        let key = vectors.array("two-keys", message_key);
        cipher::open(&key, &ZERO_NONCE, aad, &mut plaintext, envelope.tag).unwrap();
        opened.push(plaintext);
    }
    assert_ne!(opened[0], opened[1]);

    assert_eq!(
        *envelope.open(&vectors.key("two-keys", "key").material, context()).unwrap(),
        opened[0]
    );
    let second = envelope.open(&vectors.key("two-keys", "other").material, context());
    assert_eq!(second.unwrap_err(), Fault::Refused);
}

/// A hundred thousand, or as many as `BAILEE_SEALS` says (each takes some hundred bytes of memory).
#[test]
#[expect(clippy::disallowed_methods, reason = "a test is told how long it may take")]
fn key_01_a_hundred_thousand_seals_have_salts_and_commitments_of_their_own() {
    let seals = std::env::var("BAILEE_SEALS").map_or(100_000, |seals| seals.parse().unwrap());
    let key = NamedKey::generate(&SystemRandom).unwrap();
    let (mut salts, mut commitments) = (HashSet::new(), HashSet::new());
    for _ in 0..seals {
        let body = seal(&key, context(), 7, &[b"x"], &SystemRandom).unwrap();
        assert!(salts.insert(<[u8; 16]>::try_from(&body[18..34]).unwrap()));
        // The commitment is the other half of what gives the message key.
        assert!(commitments.insert(<[u8; 32]>::try_from(&body[42..74]).unwrap()));
    }
}

#[test]
fn key_01_failing_randomness_seals_nothing() {
    let key = NamedKey::generate(&SystemRandom).unwrap();
    let error = seal(&key, context(), 7, &[b"x"], &Broken).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RandomnessFailed);
    assert!(KeyMaterial::generate(&Broken).is_err());
}

#[test]
fn key_01_each_seal_draws_its_salt_once_from_the_given_source() {
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);
    impl Random for Counting {
        fn fill(&self, buffer: &mut [u8]) -> Result<()> {
            self.0.fetch_add(buffer.len(), Ordering::Relaxed);
            SystemRandom.fill(buffer)
        }
    }
    let counting = Counting::default();
    let key = NamedKey::generate(&SystemRandom).unwrap();
    seal(&key, context(), 7, &[b"x"], &counting).unwrap();
    assert_eq!(counting.0.into_inner(), 16);
}

#[test]
fn key_03_every_flipped_bit_is_refused() {
    let (key, body) = body(b"fake-token");
    for bit in 0..body.len() * 8 {
        let mut changed = body.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let fault = open(&key, &changed, context()).unwrap_err();
        let expected = match bit / 8 {
            0 => Fault::UnknownVersion,
            1 => Fault::UnknownSuite,
            _ => Fault::Refused,
        };
        assert_eq!(fault, expected, "bit {bit}");
    }
}

#[test]
fn key_03_every_truncation_and_extension_is_refused() {
    let (key, body) = body(b"fake-token");
    for length in 0..body.len() {
        assert!(open(&key, &body[..length], context()).is_err(), "{length}");
        assert!(open(&key, &body[length + 1..], context()).is_err(), "{length}");
    }
    for more in 1..40 {
        assert!(open(&key, &[body.clone(), vec![0; more]].concat(), context()).is_err());
    }
}

#[test]
fn key_03_errors_say_nothing_of_what_was_wrong() {
    let (key, body) = body(b"fake-token");
    let mut tag = body.clone();
    *tag.last_mut().unwrap() ^= 1;
    let mut commitment = body.clone();
    commitment[50] ^= 1;
    let other = Context::record(&TENANT, &["credential"], &[1; 16], "refresh").unwrap();
    let faults = [
        open(&key, &tag, context()).unwrap_err(),
        open(&key, &commitment, context()).unwrap_err(),
        open(&key, &body, other).unwrap_err(),
    ];
    for fault in faults {
        let error = Error::from(fault);
        assert_eq!(format!("{error:?}"), format!("{:?}", Error::new(ErrorKind::Unopenable)));
    }
}

#[test]
fn key_02_each_piece_of_the_context_and_each_boundary_is_bound() {
    let key = NamedKey::generate(&SystemRandom).unwrap();
    let make = |tenant: &'static str, kind: &str, id: &[u8], part: &str| {
        Context::record(&TenantId::from_static(tenant), &[kind], id, part).unwrap()
    };
    let body = seal(&key, make("ab", "cd", b"ef", "gh"), 7, &[b"x"], &SystemRandom).unwrap();
    assert!(open(&key, &body, make("ab", "cd", b"ef", "gh")).is_ok());
    let others = [
        make("aB", "cd", b"ef", "gh"),
        make("ab", "cD", b"ef", "gh"),
        make("ab", "cd", b"eF", "gh"),
        make("ab", "cd", b"ef", "gH"),
        make("abc", "d", b"ef", "gh"),
        make("a", "bcd", b"ef", "gh"),
        make("ab", "cde", b"f", "gh"),
        make("ab", "c", b"def", "gh"),
        make("ab", "cd", b"efg", "h"),
        make("ab", "cd", b"e", "fgh"),
    ];
    for other in others {
        assert_eq!(open(&key, &body, other).unwrap_err(), Fault::Refused);
    }
}

#[test]
fn key_02_the_four_contexts_never_pass_for_one_another() {
    let key = NamedKey::generate(&SystemRandom).unwrap();
    let id = Id::from_bytes([1; 16]);
    let all: [fn(Id) -> Context; 6] = [
        |id| Context::record(&TENANT, &["subject-key"], id.as_bytes(), "body").unwrap(),
        |id| Context::subject_key(&TENANT, id.as_bytes(), id),
        |id| Context::subject_key(&TENANT, b"", id),
        |id| Context::tenant_key(&TENANT, id),
        |id| Context::connection_key(&TENANT, b"", id, id),
        |id| Context::connection_key(&TENANT, id.as_bytes(), id, id),
    ];
    for (n, of) in all.iter().enumerate() {
        let secret = KeyMaterial::generate(&SystemRandom).unwrap();
        let body = wrap(&key, of(id), &secret, &SystemRandom).unwrap();
        assert_eq!(body.len(), WRAPPED);
        for (m, other) in all.iter().enumerate() {
            assert_eq!(open(&key, &body, other(id)).is_ok(), n == m, "{n} {m}");
            assert_eq!(unwrap(&key.material, other(id), &body).is_ok(), n == m, "{n} {m}");
        }
    }
}

#[test]
fn key_02_a_wrapped_key_has_one_length_and_no_seq() {
    let key = NamedKey::generate(&SystemRandom).unwrap();
    let id = Id::from_bytes([1; 16]);
    let context = || Context::subject_key(&TENANT, id.as_bytes(), id);
    for (seq, length) in [(1, 32), (0, 31), (0, 33), (0, 0)] {
        let body = seal(&key, context(), seq, &[&vec![5; length]], &SystemRandom).unwrap();
        assert_eq!(unwrap(&key.material, context(), &body).unwrap_err(), Fault::Malformed);
    }
}

#[test]
fn key_02_a_body_under_another_key_is_refused() {
    let (_, body) = body(b"fake-token");
    let other = NamedKey::generate(&SystemRandom).unwrap();
    assert_eq!(open(&other, &body, context()).unwrap_err(), Fault::Refused);
}

#[test]
fn the_largest_part_is_sealed_and_a_larger_one_refused() {
    let (key, sealed) = body(&[7; MAX_PART]);
    assert_eq!(sealed.len(), MAX_PART + OVERHEAD);
    assert_eq!(open(&key, &sealed, context()).unwrap(), [7; MAX_PART]);
    let error = seal(&key, context(), 7, &[&[7; MAX_PART], b"x"], &SystemRandom).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn sec_01_plaintext_lies_in_buffers_of_exactly_its_size() {
    let (key, sealed) = body(b"fake-token");
    assert_eq!(sealed.capacity(), sealed.len());
    let opened = Envelope::parse(&sealed).unwrap().open(&key.material, context()).unwrap();
    assert_eq!(opened.capacity(), opened.len());
}

proptest! {
    #[test]
    fn key_01_what_is_sealed_opens(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4),
        seq in any::<u64>(),
    ) {
        let key = NamedKey::generate(&SystemRandom).unwrap();
        let borrowed: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let body = seal(&key, context(), seq, &borrowed, &SystemRandom).unwrap();
        prop_assert_eq!(Envelope::parse(&body).unwrap().seq(), seq);
        prop_assert_eq!(open(&key, &body, context()).unwrap(), pieces.concat());
    }

    #[test]
    fn key_03_no_foreign_bytes_open(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (key, _) = body(b"");
        let bytes = [vec![1, 1], bytes].concat();
        prop_assert!(open(&key, &bytes, context()).is_err());
    }
}

#[test]
fn key_03_a_hundred_thousand_random_changes_are_refused() {
    let (key, body) = body(b"fake-token-of-some-length");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        // splitmix64: the changes are the same in each run.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize
    };
    for _ in 0..100_000 {
        let mut changed = body.clone();
        for _ in 0..=next() % 4 {
            let at = next() % changed.len();
            changed[at] ^= (next() % 255 + 1) as u8;
        }
        if changed != body {
            assert!(open(&key, &changed, context()).is_err());
        }
    }
}
