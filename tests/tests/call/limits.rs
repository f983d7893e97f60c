//! Limits of a provider: whom they hold up, in which process, and whom not.

use std::time::Duration;

use bailee::{Bailee, ErrorKind, Remedy, Visitor, providers::tiktok::CreatorInfo, store::Window};
use bailee_testkit::emulator::Fault;
use bailee_tests::{NOTES, NOTES_SPEC, PUBLISH, declaration, notes_issuer, postgres_world, world};

use super::*;

fn too_many(seconds: u64) -> Fault {
    Fault::RateLimited { retry_after: Some(seconds.to_string()) }
}

async fn look(process: &Bailee, who: &Visitor, which: &ConnectionRef) -> bailee::Result<()> {
    process.acting(who, &PUBLISH).call(which, &CreatorInfo).await.map(|_| ())
}

async fn write(process: &Bailee, who: &Visitor, which: &ConnectionRef) -> bailee::Result<()> {
    process.acting(who, &NOTES).call(which, &WriteNote("x")).await.map(|_| ())
}

fn assert_waits(outcome: bailee::Result<()>, seconds: u64) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error:?}");
    assert_eq!(error.remedy(), Remedy::Wait(Duration::from_secs(seconds)), "{error:?}");
}

/// A world whose provider of notes states more about its limits.
async fn world_with(rate_limit: &str) -> World {
    let spec = NOTES_SPEC.replacen("[identity]", &format!("{rate_limit}\n[identity]"), 1);
    World::builder(declaration()).issuer(notes_issuer(), spec).build().await.unwrap()
}

async fn connect_as(w: &World, who: &Visitor, account: &str) -> ConnectionRef {
    let (options, allow) =
        (bailee::BeginOptions::default(), bailee_testkit::emulator::Decision::Allow);
    let done = w.connect_as(who, "notes", &[NOTES], options, allow, account).await;
    done.unwrap().unwrap().connection
}

/// The entries that say that a limit was told.
async fn told(w: &World) -> usize {
    let window = Window { limit: 1000, ..Window::default() };
    let entries = w.store().entries(&TenantId::SYSTEM, window).await.unwrap();
    for logged in &entries {
        bailee::audit::check(&logged.entry).unwrap();
    }
    entries.iter().filter(|logged| logged.entry.event() == "registration.limited").count()
}

async fn a_limit_is_known_everywhere(w: World) {
    let ada = w.visitor("ada");
    let mine = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let notes_ = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let (first, used) = (&w.bailee, w.another_process(declaration()).await.unwrap());
    let new = w.another_process(declaration()).await.unwrap();
    let tiktok = w.site("tiktok");
    look(&used, &ada, &mine).await.unwrap();

    tiktok.fault(Address::Api, too_many(120));
    assert_waits(look(first, &ada, &mine).await, 120);
    let sent = tiktok.count(Address::Api);
    // A process that looks for the first time sees it at once, one in use within a second.
    assert_waits(look(&new, &ada, &mine).await, 120);
    w.advance(Duration::from_secs(1));
    for process in [first, &used, &new] {
        assert_waits(look(process, &ada, &mine).await, 119);
    }
    assert_eq!(tiktok.count(Address::Api), sent, "nothing left");
    write(&used, &ada, &notes_).await.unwrap();
    assert_eq!(told(&w).await, 1, "who learnt of it does not tell it again");

    w.advance(Duration::from_secs(119));
    for process in [first, &used, &new] {
        look(process, &ada, &mine).await.unwrap();
    }
    // The record that is over is in nobody's way, swept or not.
    w.store().sweep(100).await.unwrap();
    tiktok.fault(Address::Api, too_many(30));
    assert_waits(look(&used, &ada, &mine).await, 30);
    w.advance(Duration::from_secs(1));
    assert_waits(look(first, &ada, &mine).await, 29);
    assert_eq!(told(&w).await, 2);
    w.assert_clean_audit(&["acme"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn out_08_a_limit_that_one_process_was_told_holds_in_every_process() {
    a_limit_is_known_everywhere(world().build().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn out_08_a_limit_that_one_process_was_told_holds_in_every_process_on_sqlite() {
    let (w, _folder) = bailee_tests::sqlite_world().await.unwrap();
    a_limit_is_known_everywhere(w).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn out_08_a_limit_that_one_process_was_told_holds_in_every_process_on_postgresql() {
    a_limit_is_known_everywhere(postgres_world().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn out_08_a_longer_limit_is_told_and_a_short_one_is_not() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    let mine = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let other = w.another_process(declaration()).await.unwrap();
    let tiktok = w.site("tiktok");
    tiktok.fault(Address::Api, too_many(1));
    assert_waits(look(&w.bailee, &ada, &mine).await, 1);
    assert_eq!(told(&w).await, 0, "it is over when the others would see it");
    look(&other, &ada, &mine).await.unwrap();
    w.advance(Duration::from_secs(1));

    tiktok.fault(Address::Api, too_many(5));
    assert_waits(look(&w.bailee, &ada, &mine).await, 5);
    w.advance(Duration::from_secs(5));
    tiktok.fault(Address::Api, too_many(60));
    assert_waits(look(&w.bailee, &ada, &mine).await, 60);
    assert_eq!(told(&w).await, 2);
    assert_waits(look(&other, &ada, &mine).await, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn out_08_a_limit_of_the_api_holds_up_neither_renewal_nor_revocation() {
    let mut issuer = notes_issuer();
    issuer.access_lifetime = 600;
    let w = World::builder(declaration()).issuer(issuer, NOTES_SPEC).build().await.unwrap();
    let ada = w.visitor("ada");
    let mine = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
    let other = w.another_process(declaration()).await.unwrap();
    notes(&w).fault(Address::Api, too_many(3600));
    assert_waits(write(&w.bailee, &ada, &mine).await, 3600);
    w.advance(Duration::from_secs(700));
    let (sent, renewed) = (notes(&w).count(Address::Api), notes(&w).count(Address::Refresh));
    assert_waits(write(&other, &ada, &mine).await, 2900);
    assert_eq!(notes(&w).count(Address::Api), sent);
    assert_eq!(notes(&w).count(Address::Refresh), renewed + 1);
    let receipt = other.connections().disconnect(&ada, &mine).await.unwrap();
    assert!(receipt.confirmed);
}

#[tokio::test(flavor = "multi_thread")]
async fn out_08_a_limit_of_an_account_holds_up_that_account_in_every_process() {
    let w = world_with("[rate_limit]\nscope = \"account\"").await;
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let (mine, hers) = (connect_as(&w, &ada, "ada").await, connect_as(&w, &grace, "grace").await);
    let other = w.another_process(declaration()).await.unwrap();
    notes(&w).fault(Address::Api, too_many(120));
    assert_waits(write(&w.bailee, &ada, &mine).await, 120);
    let sent = notes(&w).count(Address::Api);
    for process in [&w.bailee, &other] {
        assert_waits(write(process, &ada, &mine).await, 120);
        write(process, &grace, &hers).await.unwrap();
    }
    assert_eq!(notes(&w).count(Address::Api), sent + 2);
    w.advance(Duration::from_secs(120));
    write(&other, &ada, &mine).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn out_08_an_answer_that_says_that_nothing_remains_is_the_last_until_the_reset() {
    let w = world_with(
        "[rate_limit]\nremaining_header = \"x-left\"\nreset_header = \"x-reset\"\n\
         reset_format = \"delta_seconds\"",
    )
    .await;
    let ada = w.visitor("ada");
    let mine = connect_as(&w, &ada, "ada").await;
    let other = w.another_process(declaration()).await.unwrap();
    let says = |left: &str| {
        let headers = [("x-left", left), ("x-reset", "45")];
        Fault::Headers(headers.map(|(name, value)| (name.into(), value.into())).to_vec())
    };
    notes(&w).fault(Address::Api, says("1"));
    write(&w.bailee, &ada, &mine).await.unwrap();
    notes(&w).fault(Address::Api, says("0"));
    write(&w.bailee, &ada, &mine).await.unwrap();
    let sent = notes(&w).count(Address::Api);
    for process in [&w.bailee, &other] {
        assert_waits(write(process, &ada, &mine).await, 45);
    }
    assert_eq!(notes(&w).count(Address::Api), sent);
    w.advance(Duration::from_secs(45));
    write(&other, &ada, &mine).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn out_08_no_more_leaves_than_the_ceiling_of_the_spec() {
    let w = world_with("[rate_limit]\nrequests = 2\nseconds = 60").await;
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let (mine, hers) = (connect_as(&w, &ada, "ada").await, connect_as(&w, &grace, "grace").await);
    write(&w.bailee, &ada, &mine).await.unwrap();
    w.advance(Duration::from_secs(10));
    write(&w.bailee, &grace, &hers).await.unwrap();
    let sent = notes(&w).count(Address::Api);
    assert_waits(write(&w.bailee, &ada, &mine).await, 50);
    assert_eq!(notes(&w).count(Address::Api), sent);
    assert_eq!(told(&w).await, 0, "a ceiling of our own is each process's");
    w.advance(Duration::from_secs(50));
    write(&w.bailee, &ada, &mine).await.unwrap();
}
