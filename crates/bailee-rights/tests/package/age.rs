//! Packages for a key of the person's own.

use std::io::Read;

use age::{Decryptor, secrecy::ExposeSecret, x25519::Identity};
use bailee_core::ErrorKind;
use bailee_rights::{
    package::{AgeRecipient, Form},
    request::Right,
    source::Value,
};

use crate::{
    archive::Archive,
    world::{self, World, row, text},
};

/// Opens a file with a key; `None` for everything that is not what was written.
fn open(file: &[u8], key: &Identity) -> Option<Vec<u8>> {
    let decryptor = Decryptor::new(file).ok()?;
    let mut reader = decryptor.decrypt([key as &dyn age::Identity].into_iter()).ok()?;
    let mut opened = Vec::new();
    reader.read_to_end(&mut opened).ok()?;
    Some(opened)
}

fn recipient(key: &Identity) -> AgeRecipient {
    AgeRecipient::parse(&key.to_public().to_string()).unwrap()
}

#[tokio::test]
async fn a_package_opens_with_the_persons_own_key_and_is_the_same() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let (key, other) = (Identity::generate(), Identity::generate());
    // Around the length of a chunk, where the last one has to say that it is the last.
    for noise in [0_u32, 50_000, 200_000] {
        let source = world::source(&world.ada);
        let bytes: Vec<u8> =
            (0..noise).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let values = vec![text("x"), text("y"), Value::Bytes(bytes), Value::Null, Value::Null];
        source.insert(&world.ada, "posts", row("noise", values));
        let stored = world.package_of(Right::Access, &source).await;
        let plain = world.bytes(&stored).await;
        let sealed = world.packages.encrypt(&order, &stored, &recipient(&key)).await.unwrap();
        assert_eq!((sealed.form, sealed.entries), (Form::Age, stored.entries));
        assert_ne!(sealed.digest, stored.digest);

        let file = world.bytes(&sealed).await;
        assert!(open(&file, &key).unwrap() == plain);
        assert!(open(&file, &other).is_none());
        assert!(open(&file[..file.len() - 1], &key).is_none());
        let chunk = file.len() - (plain.len() % (64 * 1024)) - 16;
        assert!(plain.len() < 64 * 1024 || open(&file[..chunk], &key).is_none(), "cut at a chunk");
        let mut wrong = file.clone();
        wrong[file.len() / 2] ^= 1;
        assert!(open(&wrong, &key).is_none());
        assert_eq!(Archive::read(&plain).names.len() as u64, stored.entries);
    }
}

#[tokio::test]
async fn an_encrypted_package_is_the_same_from_every_place() {
    let world = World::new().await;
    let source = world::source(&world.ada);
    let noise: Vec<u8> =
        (0..150_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let values = vec![text("x"), text("y"), Value::Bytes(noise), Value::Null, Value::Null];
    source.insert(&world.ada, "posts", row("noise", values));
    let stored = world.package_of(Right::Access, &source).await;
    let before = world.spool.contents();
    let order = world.order(Right::Access);
    let key = Identity::generate();
    let sealed = world.packages.encrypt(&order, &stored, &recipient(&key)).await.unwrap();
    assert_eq!(world.spool.contents(), before, "nothing is written a second time");
    let file = world.bytes(&sealed).await;
    // What a record keeps is enough, and shows no key.
    let written = serde_json::to_string(&sealed).unwrap();
    let package = world.packages.open(&serde_json::from_str(&written).unwrap());
    let chunk = 64 * 1024 + 16;
    let opens =
        file.len() - (stored.length as usize + stored.length.div_ceil(65_536) as usize * 16);
    let edges = [0, 1, opens - 1, opens, opens + 1, opens + chunk - 1, opens + chunk]
        .into_iter()
        .chain([opens + chunk + 1, opens + 2 * chunk, file.len() - 1, file.len()]);
    for from in edges.clone() {
        for to in edges.clone().filter(|to| *to >= from) {
            let read = package.read(from as u64, to - from).await.unwrap();
            assert!(read == file[from..to], "{from}..{to} of {}", file.len());
        }
    }
    assert!(package.read(file.len() as u64, 1).await.is_err());
    // Another recipient's file has another key.
    let again = world.packages.encrypt(&order, &stored, &recipient(&key)).await.unwrap();
    assert_ne!(world.bytes(&again).await[opens..], file[opens..]);
    // And the file goes with its person.
    world.destroy_key(&world.ada).await;
    assert!(package.read(opens as u64, 1).await.is_err());
}

#[tokio::test]
async fn what_is_encrypted_is_not_encrypted_again_and_not_for_another_request() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let recipient = recipient(&Identity::generate());
    let stored = world.package_of(Right::Access, &world::source(&world.ada)).await;
    let sealed = world.packages.encrypt(&order, &stored, &recipient).await.unwrap();
    let mut other = order.clone();
    other.request = bailee_core::Id::from_bytes([1; 16]);
    for (order, stored) in [(&order, &sealed), (&other, &stored)] {
        let again = world.packages.encrypt(order, stored, &recipient).await;
        assert_eq!(again.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert!(!format!("{recipient:?}").contains("age1"));
}

#[test]
fn what_is_no_recipient_is_refused_and_not_repeated() {
    let key = Identity::generate();
    let secret = key.to_string();
    let public = key.to_public().to_string();
    let mut mistaken = public.clone();
    mistaken.replace_range(10..11, if &public[10..11] == "q" { "p" } else { "q" });
    for text in [secret.expose_secret(), "", "age1", &mistaken, "ssh-ed25519 AAAA fake"] {
        let refused = AgeRecipient::parse(text).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        assert!(text.len() < 10 || !format!("{refused:?} {refused}").contains(text));
    }
    assert!(AgeRecipient::parse(&format!(" {public}\n")).is_ok());
}
