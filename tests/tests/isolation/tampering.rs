//! Somebody writes to the database: bytes, parts, places. What they can do is make a row useless.

use std::collections::{BTreeMap, BTreeSet};

use bailee::{
    Error, ErrorKind,
    providers::tiktok::CreatorInfo,
    store::{Facet, Record, Sealed, Version},
    vault::Holder,
};
use bailee_testkit::emulator::{Endpoint, Fault};
use bailee_tests::{NOTES, PUBLISH, declaration};

use super::*;

/// The refusals of a row that is not what was sealed.
fn is_clean(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unopenable
            | ErrorKind::KeyMissing
            | ErrorKind::UnknownSchema
            | ErrorKind::NotFound
            | ErrorKind::StoreUnavailable
            | ErrorKind::Configuration
    )
}

fn with_body(record: &Record, body: Vec<u8>) -> Record {
    Record { body: Sealed::new(body), ..record.clone() }
}

/// The named parts of a body: `0x02, count`, then name and sealed bytes behind their lengths.
fn parts(body: &[u8]) -> Vec<(String, Vec<u8>)> {
    assert_eq!(body[0], 2, "a list of parts");
    let mut rest = &body[2..];
    let mut take = || {
        let (length, tail) = rest.split_first_chunk::<4>().unwrap();
        let (head, tail) = tail.split_at(u32::from_be_bytes(*length) as usize);
        rest = tail;
        head.to_vec()
    };
    (0..body[1]).map(|_| (String::from_utf8(take()).unwrap(), take())).collect()
}

fn join(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut body = vec![2, u8::try_from(parts.len()).unwrap()];
    for (name, sealed) in parts {
        for piece in [name.as_bytes(), sealed] {
            body.extend_from_slice(&u32::try_from(piece.len()).unwrap().to_be_bytes());
            body.extend_from_slice(piece);
        }
    }
    body
}

/// A call and everything else that reads a connection, in a process without caches.
async fn exercise(place: &Place, connection: &ConnectionRef) -> Vec<Result<(), Error>> {
    let w = &place.w;
    let ada = w.visitor("ada");
    let process = match w.another_process(declaration()).await {
        Ok(process) => process,
        Err(error) => return vec![Err(error)],
    };
    let acting = process.acting(&ada, &NOTES);
    vec![
        acting.call(connection, &WriteNote("x")).await,
        process.connections().status(&ada, connection).await.map(|_| ()),
        process.connections().of_visitor(&ada).await.map(|_| ()),
        process.connections().begin(&ada, "notes", &[NOTES]).await.map(|_| ()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn key_03_each_changed_byte_of_a_credential_is_a_clean_error_and_no_token() {
    let place = memory().await;
    let w = &place.w;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let key = credential_key(&connection);
    let good = place.store.row(&ACME, &key).await.unwrap();
    let body = good.body.as_bytes().to_vec();
    let holder = Holder::Subject(connection.owner().subject().unwrap());
    let acting = w.bailee.acting(&ada, &NOTES);
    let refresh = parts(&body).into_iter().find(|(name, _)| name == "refresh").unwrap().1;
    let refresh_at = body.windows(refresh.len()).position(|window| window == refresh).unwrap();
    let calls = notes(w).count(Endpoint::Api);
    for at in 0..body.len() {
        for change in [0x01, 0x80] {
            let mut changed = body.clone();
            changed[at] ^= change;
            place.store.overwrite(&ACME, with_body(&good, changed)).await;
            let view = w.bailee.vault().read(&ACME, holder, std::slice::from_ref(&key)).await;
            let view = view.unwrap();
            let opened = [
                view.facts(0).map(|_| ()),
                view.part(0, "access").map(|_| ()),
                view.part(0, "refresh").map(|_| ()),
            ];
            assert!(opened.iter().any(Result::is_err), "byte {at} is not covered");
            for error in opened.iter().filter_map(|outcome| outcome.as_ref().err()) {
                assert!(is_clean(error), "byte {at}: {error:?}");
            }
            // A call opens facts and access token; it does not even look at the other part.
            if !(refresh_at..refresh_at + refresh.len()).contains(&at) {
                let error = acting.call(&connection, &WriteNote("x")).await.unwrap_err();
                assert!(is_clean(&error), "byte {at}: {error:?}");
            }
        }
    }
    assert_eq!(notes(w).count(Endpoint::Api), calls, "no call left");
    // And a renewal does not send what it cannot open.
    for at in [refresh_at, refresh_at + 40, refresh_at + refresh.len() - 1] {
        let mut changed = body.clone();
        changed[at] ^= 1;
        place.store.overwrite(&ACME, with_body(&good, changed)).await;
        notes(w).fault(Endpoint::Api, Fault::Status(401));
        let error = acting.call(&connection, &WriteNote("x")).await.unwrap_err();
        assert!(is_clean(&error), "{error:?}");
        assert_eq!(notes(w).count(Endpoint::Refresh), 0);
        // The claim of the renewal that failed runs out.
        w.advance(std::time::Duration::from_secs(120));
    }
    place.store.overwrite(&ACME, good).await;
    acting.call(&connection, &WriteNote("x")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn key_03_cut_and_lengthened_credentials_are_clean_errors() {
    let place = memory().await;
    let w = &place.w;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let good = place.store.row(&ACME, &credential_key(&connection)).await.unwrap();
    let body = good.body.as_bytes().to_vec();
    let sent = requests(w);
    let acting = w.bailee.acting(&ada, &NOTES);
    let cut = (0..body.len()).map(|length| body[..length].to_vec());
    let longer = [vec![0], vec![2], body.clone()].map(|more| [body.clone(), more].concat());
    for changed in cut.chain(longer) {
        let length = changed.len();
        place.store.overwrite(&ACME, with_body(&good, changed)).await;
        let error = acting.call(&connection, &WriteNote("x")).await.unwrap_err();
        assert!(is_clean(&error), "{length} bytes: {error:?}");
        let error = w.bailee.connections().status(&ada, &connection).await.unwrap_err();
        assert!(is_clean(&error), "{length} bytes: {error:?}");
    }
    assert_eq!(requests(w), sent, "nothing left");
}

#[tokio::test(flavor = "multi_thread")]
async fn key_02_bodies_do_not_open_in_another_place() {
    let place = memory().await;
    let w = &place.w;
    let (ada, grace, hal) = (w.visitor("ada"), w.visitor("grace"), w.visitor_in("globex", "hal"));
    let own = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let tiktok = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let hers = w.connect(&grace, "notes", &[NOTES]).await.unwrap();
    let far = w.connect(&hal, "notes", &[NOTES]).await.unwrap();
    let row = async |connection: &ConnectionRef, kind: &'static str| {
        let id = match kind {
            "credential" => connection.credential(&USER),
            "subject" | "key.subject" => connection.owner().subject().unwrap().id(),
            _ => connection.connection().id(),
        };
        let key = bailee::store::Key::new(bailee::store::Kind::from_static(kind), id);
        place.store.row(connection.tenant(), &key).await.unwrap()
    };
    let victim = row(&own, "credential").await;
    let sent = requests(w);
    for (what, body) in [
        ("another connection of the same person", row(&tiktok, "credential").await),
        ("another person's", row(&hers, "credential").await),
        ("another tenant's", row(&far, "credential").await),
        ("the connection's own record", row(&own, "connection").await),
        ("the person's record", row(&own, "subject").await),
        ("the person's wrapped key", row(&own, "key.subject").await),
    ] {
        let swapped = with_body(&victim, body.body.as_bytes().to_vec());
        place.store.overwrite(&ACME, swapped).await;
        for outcome in exercise(&place, &own).await.into_iter().take(2) {
            let error = outcome.unwrap_err();
            assert!(is_clean(&error), "{what}: {error:?}");
        }
    }
    place.store.overwrite(&ACME, victim.clone()).await;

    // The other way round, and whole rows of keys and people changed against each other.
    for kind in ["connection", "subject", "key.subject"] {
        let good = row(&own, kind).await;
        for from in [&hers, &far] {
            let other = row(from, kind).await;
            let swapped = with_body(&good, other.body.as_bytes().to_vec());
            place.store.overwrite(&ACME, swapped).await;
            let outcomes = exercise(&place, &own).await;
            assert!(outcomes.iter().any(Result::is_err), "{kind} of {from} was taken");
            for error in outcomes.into_iter().filter_map(Result::err) {
                assert!(is_clean(&error), "{kind} of {from}: {error:?}");
            }
        }
        place.store.overwrite(&ACME, good).await;
    }
    // Under another version.
    for version in [victim.version.0 - 1, victim.version.0 + 1, i64::MAX, 0, -1] {
        place.store.overwrite(&ACME, Record { version: Version(version), ..victim.clone() }).await;
        let error = exercise(&place, &own).await.remove(0).unwrap_err();
        assert!(is_clean(&error), "{version}: {error:?}");
    }
    place.store.overwrite(&ACME, victim).await;
    let api =
        |w: &World| w.emulator.sites().iter().map(|site| site.count(Endpoint::Api)).sum::<u64>();
    // Flows may have begun where nothing of theirs was touched; a token went nowhere.
    assert!(requests(w) >= sent);
    let calls = api(w);
    w.bailee.acting(&ada, &NOTES).call(&own, &WriteNote("x")).await.unwrap();
    assert_eq!(api(w), calls + 1);
    let seen: BTreeSet<String> = notes(w).notes().into_iter().map(|(account, _)| account).collect();
    assert_eq!(seen, BTreeSet::from(["ada".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn key_02_parts_do_not_open_under_other_names_or_beside_other_facts() {
    let place = memory().await;
    let w = &place.w;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let key = credential_key(&connection);
    let first = place.store.row(&ACME, &key).await.unwrap();
    let acting = w.bailee.acting(&ada, &NOTES);
    // A renewal makes the second version of every part.
    notes(w).fault(Endpoint::Api, Fault::Status(401));
    acting.call(&connection, &WriteNote("x")).await.unwrap();
    let second = place.store.row(&ACME, &key).await.unwrap();
    assert_eq!(second.version, first.version.next());
    let (old, new) = (parts(first.body.as_bytes()), parts(second.body.as_bytes()));
    assert_eq!(
        new.iter().map(|part| part.0.as_str()).collect::<Vec<_>>(),
        ["facts", "access", "refresh"]
    );
    assert_eq!(join(&new), second.body.as_bytes());
    let named = |n: usize, name: &str| (name.to_owned(), new[n].1.clone());
    let bodies = BTreeMap::from([
        ("old access beside new facts", vec![new[0].clone(), old[1].clone(), new[2].clone()]),
        ("old facts beside new tokens", vec![old[0].clone(), new[1].clone(), new[2].clone()]),
        (
            "access and refresh exchanged",
            vec![new[0].clone(), named(2, "access"), named(1, "refresh")],
        ),
        ("refresh in both places", vec![new[0].clone(), named(2, "access"), new[2].clone()]),
        ("another order", vec![new[0].clone(), new[2].clone(), new[1].clone()]),
        ("one part less", vec![new[0].clone(), new[1].clone()]),
        ("no access", vec![new[0].clone(), new[2].clone()]),
        ("a part twice", vec![new[0].clone(), new[1].clone(), new[1].clone(), new[2].clone()]),
        (
            "a part more",
            vec![new[0].clone(), new[1].clone(), new[2].clone(), named(1, "candidate")],
        ),
        ("facts last", vec![new[1].clone(), new[2].clone(), new[0].clone()]),
        ("facts alone", vec![new[0].clone()]),
        ("nothing", vec![]),
    ]);
    let calls = notes(w).count(Endpoint::Api);
    for (what, body) in bodies {
        place.store.overwrite(&ACME, with_body(&second, join(&body))).await;
        let error = acting.call(&connection, &WriteNote("x")).await.unwrap_err();
        assert!(is_clean(&error), "{what}: {error:?}");
        assert_eq!(notes(w).count(Endpoint::Api), calls, "{what}");
    }
    // The old refresh token beside the rest is found when it would be used.
    let body = vec![new[0].clone(), new[1].clone(), old[2].clone()];
    place.store.overwrite(&ACME, with_body(&second, join(&body))).await;
    let renewals = notes(w).count(Endpoint::Refresh);
    notes(w).fault(Endpoint::Api, Fault::Status(401));
    let error = acting.call(&connection, &WriteNote("x")).await.unwrap_err();
    assert!(is_clean(&error), "{error:?}");
    assert_eq!(notes(w).count(Endpoint::Refresh), renewals, "it was not presented");
    assert!(notes(w).reuse_alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn key_03_changed_rows_of_every_kind_never_panic_and_are_refused_where_they_are_read() {
    let place = memory().await;
    let w = &place.w;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    exercise(&place, &connection).await.into_iter().for_each(|outcome| outcome.unwrap());
    let all = place.store.dump().await.records;
    let mut refused: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for ((tenant, key), good) in &all {
        let body = good.body.as_bytes().to_vec();
        // Format, key id, salt, seq, commitment, ciphertext, tag: one byte of each, and the ends.
        for at in [0, 1, 2, 20, 36, 50, 74, body.len() / 2, body.len() - 8, body.len() - 1] {
            let mut changed = body.clone();
            changed[at.min(body.len() - 1)] ^= 0x10;
            place.store.overwrite(tenant, with_body(good, changed)).await;
            let mut some = false;
            for error in exercise(&place, &connection).await.into_iter().filter_map(Result::err) {
                assert!(is_clean(&error), "{key}, byte {at}: {error:?}");
                some = true;
            }
            let count = refused.entry(key.kind.to_string()).or_default();
            *count = (count.0 + 1, count.1 + usize::from(some));
        }
        place.store.overwrite(tenant, good.clone()).await;
    }
    exercise(&place, &connection).await.into_iter().for_each(|outcome| outcome.unwrap());
    // Whatever is opened on the way is noticed at every byte; of a credential and a person's record
    // one part is not opened on it, and the index key of the system's tenant is not asked for.
    for kind in ["connection", "directory", "key.subject", "key.tenant", "registration"] {
        let (tried, noticed) = refused[kind];
        assert_eq!(tried, noticed, "{kind}: {refused:?}");
    }
    for kind in ["credential", "key.index", "subject"] {
        let (tried, noticed) = refused[kind];
        assert!(noticed * 2 >= tried, "{kind}: {refused:?}");
    }
    for kind in ["event", "owner", "reservation", "route", "consent", "flow"] {
        assert!(refused.contains_key(kind), "{kind} was there to be changed: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_none_and_an_older_fence_are_refused() {
    let place = memory().await;
    let w = &place.w;
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let good = place.store.row(&ACME, &credential_key(&connection)).await.unwrap();
    let acting = w.bailee.acting(&ada, &PUBLISH);
    for facet in [0, 5, 99, -1, i16::MAX] {
        place.store.overwrite(&ACME, Record { facet: Facet(facet), ..good.clone() }).await;
        let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownSchema, "{facet}");
    }
    // The clear column can be used to stop a connection, like deleting the row.
    place.store.overwrite(&ACME, Record { facet: Facet(4), ..good.clone() }).await;
    let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Frozen);
    place.store.remove(&ACME, &good.key).await;
    let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    // A person's key that is gone while the person lives is an alarm and no erasure.
    place.store.overwrite(&ACME, good).await;
    let person = connection.owner().subject().unwrap();
    let key = bailee::store::Key::new(bailee::store::Kind::from_static("key.subject"), person.id());
    place.store.remove(&ACME, &key).await;
    let error = acting.call(&connection, &CreatorInfo).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyMissing);
}
