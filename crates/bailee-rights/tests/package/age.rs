//! Packages for a key of the person's own.

use std::io::Read;

use age::{Decryptor, secrecy::ExposeSecret, x25519::Identity};
use bailee_core::ErrorKind;
use bailee_rights::{
    package::{AgeRecipient, Form},
    request::Right,
    source::Value,
};
use bailee_store::Fence;

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
    for noise in [0, 50_000, 200_000] {
        let source = world::source(&world.ada);
        let bytes: Vec<u8> =
            (0..noise).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let values = vec![text("x"), text("y"), Value::Bytes(bytes), Value::Null, Value::Null];
        source.insert(&world.ada, "posts", row("noise", values));
        let stored = world.package_of(Right::Access, &source).await;
        let plain = world.bytes(&stored).await;
        let sealed =
            world.packages.encrypt(&order, &stored, &recipient(&key), Fence(11)).await.unwrap();
        assert_eq!((sealed.form, sealed.parts.len()), (Form::Age, 1));
        assert_eq!(sealed.entries, stored.entries);
        world.packages.delete(&stored).await.unwrap();

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
async fn what_is_encrypted_is_not_encrypted_again_and_not_for_another_request() {
    let world = World::new().await;
    let order = world.order(Right::Access);
    let recipient = recipient(&Identity::generate());
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
