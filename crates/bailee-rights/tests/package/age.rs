//! Packages for a key of the person's own, opened by a reader that first shows that it reads what the
//! format's own implementation (`age` 0.11) wrote.

use bailee_core::ErrorKind;
use bailee_rights::{
    package::{AgeRecipient, Form},
    request::Right,
    source::{MemorySource, Value},
};
use bailee_store::Fence;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    hkdf, hmac,
};

use crate::{
    archive::Archive,
    curve::scalar_mult,
    world::{self, World, row, text},
};

/// Made for these tests and used nowhere else.
const RECIPIENT: &str = "age1usxde9k5assupql38muy07d9at3vsjk7awkjf8ajetyezzl96saq9a3qd2";
const FAKE_SECRET: [u8; 32] = [
    0xba, 0xd1, 0xed, 0x89, 0x2b, 0x27, 0xec, 0xab, 0x60, 0x50, 0xd9, 0xee, 0x59, 0x55, 0xac, 0x2c,
    0xd4, 0x5e, 0x7e, 0xbe, 0x22, 0x59, 0x38, 0x62, 0x01, 0xc3, 0x75, 0x6f, 0x29, 0x6f, 0x60, 0xe1,
];

/// With a stanza that nobody can open beside the one for this recipient, as that implementation adds.
const FIXTURE: &str = "\
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBTV1YxQUFtWjdLMXNmWjhIbVRreTdGOGRlRG9pVW5ZSWJt\
cWVOREgxaWdvCjFiQm1Sa1h0dGtPdnhUdzhTQVl6ZVFxMzJ0cTNpQ0VUVGZYTXk4emkvM3MKLT4gY0FyMFVwTy1n\
cmVhc2UgOkggbFI2ciAqbyVOIE4xCmRMNGRpNUpHT0pFVE5nYWJ5L1FTdHZkcjAzSWJqaVNkbERqTGlKQzdSRFU5\
QzA4S3Y3RGxjZ240TUJ6MnRZOAotLS0gZlpqZDYxRjBhcmo0Q3VrRzVqaVJoRDgzN2t1ZmI2NEtIZnFkWXZadCtY\
dwqO6S749+0Q9TbiYv2q5/c1pvrsk7Gip8PJMZNOOfRquczWU+0oPLA74pf4bvLejtfvefvn1zVKj9AhBKNl+rJs\
nbI91SY8pw==";

/// Opens a file for the recipient; `None` for everything that is not what was written.
fn open(file: &[u8]) -> Option<Vec<u8>> {
    let end = file.windows(5).position(|window| window == b"\n--- ")? + 1;
    let line = file[end..].iter().position(|byte| *byte == b'\n')? + end;
    let header = std::str::from_utf8(&file[..end]).ok()?;
    let mut lines = header.lines();
    assert_eq!(lines.next()?, "age-encryption.org/v1");
    let share = lines.by_ref().find_map(|line| line.strip_prefix("-> X25519 "))?;
    let share: [u8; 32] = STANDARD_NO_PAD.decode(share).ok()?.try_into().ok()?;
    let body = STANDARD_NO_PAD.decode(lines.next()?).ok()?;

    let mut base = [0; 32];
    base[0] = 9;
    let public = scalar_mult(&FAKE_SECRET, &base);
    let shared = scalar_mult(&FAKE_SECRET, &share);
    let wrapping = derive(&shared, &[share, public].concat(), b"age-encryption.org/v1/X25519");
    let file_key = unseal(&wrapping, [0; 12], &body)?;
    let mac = hmac::Key::new(hmac::HMAC_SHA256, &derive(&file_key, &[], b"header"));
    let told = STANDARD_NO_PAD.decode(&file[end + 4..line]).ok()?;
    hmac::verify(&mac, &file[..end + 3], &told).ok()?;

    let (nonce, payload) = file[line + 1..].split_at_checked(16)?;
    let key = derive(&file_key, nonce, b"payload");
    let chunks: Vec<_> = payload.chunks(64 * 1024 + 16).collect();
    let mut opened = Vec::new();
    for (n, chunk) in chunks.iter().enumerate() {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&(n as u64).to_be_bytes());
        nonce[11] = u8::from(n + 1 == chunks.len());
        let bytes = unseal(&key, nonce, chunk)?;
        // The last chunk of a file with something in it is not empty.
        if bytes.is_empty() && n > 0 {
            return None;
        }
        opened.extend(bytes);
    }
    (!chunks.is_empty()).then_some(opened)
}

fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    prk.expand(&[info], hkdf::HKDF_SHA256).unwrap().fill(&mut key).unwrap();
    key
}

fn unseal(key: &[u8], nonce: [u8; 12], sealed: &[u8]) -> Option<Vec<u8>> {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).unwrap());
    let mut bytes = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.open_in_place(nonce, Aad::empty(), &mut bytes).ok().map(|opened| opened.to_vec())
}

#[test]
fn the_reader_of_these_tests_reads_what_others_wrote() {
    let opened = open(&STANDARD.decode(FIXTURE).unwrap()).unwrap();
    assert_eq!(opened, b"made by the format's own implementation");
}

#[tokio::test]
async fn a_package_opens_with_the_persons_own_key_and_is_the_same() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let recipient = AgeRecipient::parse(RECIPIENT).unwrap();
    // Around the length of a chunk, where the last one has to say that it is the last.
    for noise in [0, 50_000, 200_000] {
        let source = world::source(&world.ada);
        let bytes: Vec<u8> =
            (0..noise).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let values = vec![text("x"), text("y"), Value::Bytes(bytes), Value::Null, Value::Null];
        source.insert(&world.ada, "posts", row("noise", values));
        let stored = world.package_of(Right::Access, &source).await;
        let plain = world.bytes(&stored).await;
        let sealed = world.packages.encrypt(&order, &stored, &recipient, Fence(11)).await.unwrap();
        assert_eq!((sealed.form, sealed.parts.len()), (Form::Age, 1));
        assert_eq!(sealed.entries, stored.entries);
        world.packages.delete(&stored).await.unwrap();

        let file = world.bytes(&sealed).await;
        assert!(open(&file).unwrap() == plain);
        assert!(open(&file[..file.len() - 1]).is_none());
        let chunk = file.len() - (plain.len() % (64 * 1024)) - 16;
        assert!(plain.len() < 64 * 1024 || open(&file[..chunk]).is_none(), "cut off at a chunk");
        let mut wrong = file.clone();
        wrong[file.len() / 2] ^= 1;
        assert!(open(&wrong).is_none());
        assert_eq!(Archive::read(&plain).names.len() as u64, stored.entries);
    }
}

#[tokio::test]
async fn no_two_files_have_the_same_key() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let recipient = AgeRecipient::parse(RECIPIENT).unwrap();
    let source = MemorySource::new(world::facts(), 1);
    let stored = world.package_of(Right::Access, &source).await;
    let one = world.packages.encrypt(&order, &stored, &recipient, Fence(1)).await.unwrap();
    let two = world.packages.encrypt(&order, &stored, &recipient, Fence(2)).await.unwrap();
    let (one, two) = (world.bytes(&one).await, world.bytes(&two).await);
    assert_eq!(one.len(), two.len());
    for (one, two) in one.chunks(32).zip(two.chunks(32)).skip(2).filter(|(one, _)| one.len() == 32)
    {
        assert_ne!(one, two);
    }
}

#[tokio::test]
async fn what_is_encrypted_is_not_encrypted_again_and_not_for_another_request() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let recipient = AgeRecipient::parse(RECIPIENT).unwrap();
    let stored = world.package_of(Right::Access, &world::source(&world.ada)).await;
    let sealed = world.packages.encrypt(&order, &stored, &recipient, Fence(1)).await.unwrap();
    let mut other = order.clone();
    other.request = bailee_core::Id::from_bytes([1; 16]);
    for (order, stored) in [(&order, &sealed), (&other, &stored)] {
        let again = world.packages.encrypt(order, stored, &recipient, Fence(2)).await;
        assert_eq!(again.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert!(!format!("{recipient:?}").contains("age1"));
}
