//! Links to packages.

use std::time::Duration;

use bailee_audit::check;
use bailee_core::{Clock as _, ErrorKind};
use bailee_rights::package::Links;
use bailee_store::{LoggedEntry, Window};

use crate::world::{ACME, GLOBEX, REQUEST, World};

async fn entries(world: &World) -> Vec<LoggedEntry> {
    world.store.entries(&ACME, Window::default()).await.unwrap()
}

async fn events(world: &World) -> Vec<String> {
    let entries = entries(world).await;
    let events = entries.iter().map(|logged| logged.entry.event().to_owned());
    let mut events: Vec<_> = events.filter(|event| event.starts_with("rights.")).collect();
    // All of them are of one time.
    events.sort();
    events
}

async fn refused(links: &Links, world: &World, token: &str) {
    let error = links.fetch(&ACME, world.ada.subject(), token).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_link_opens_for_its_person_and_each_fetch_is_noted() {
    let world = World::new().await;
    let links = Links::new(world.vault.clone());
    let link = links.make(&ACME, world.ada.subject(), REQUEST).await.unwrap();
    let token = link.token.expose(str::to_owned);
    assert_eq!(token.len(), 43);
    for _ in 0..2 {
        let fetch = links.fetch(&ACME, world.ada.subject(), &token).await.unwrap();
        assert_eq!((fetch.request, fetch.link, fetch.expires), (REQUEST, link.id, link.expires));
    }
    let fetched = "rights.package_fetched";
    assert_eq!(events(&world).await, ["rights.link_made", fetched, fetched]);
    for logged in entries(&world).await {
        check(&logged.entry).unwrap();
        assert!(!format!("{:?}", logged.entry).contains(&token));
    }
}

#[tokio::test]
async fn r1_nobody_else_opens_it_and_all_that_is_wrong_answers_the_same() {
    let world = World::new().await;
    let links = Links::new(world.vault.clone());
    let link = links.make(&ACME, world.ada.subject(), REQUEST).await.unwrap();
    let token = link.token.expose(str::to_owned);
    let elsewhere = world.ada_at_globex.subject();
    for (tenant, visitor) in [(&ACME, world.ben), (&GLOBEX, elsewhere)] {
        let error = links.fetch(tenant, visitor, &token).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    let mut other = token.clone().into_bytes();
    other[5] = if other[5] == b'A' { b'B' } else { b'A' };
    let other = String::from_utf8(other).unwrap();
    for wrong in ["", "x", &token[..42], &format!("{token}A"), &other, &"\u{e9}".repeat(43)] {
        refused(&links, &world, wrong).await;
    }
    assert_eq!(events(&world).await, ["rights.link_made"], "nothing was fetched");
}

#[tokio::test]
async fn a_link_ends_with_its_time() {
    let world = World::new().await;
    let links = Links::new(world.vault.clone());
    let link = links.make(&ACME, world.ada.subject(), REQUEST).await.unwrap();
    let token = link.token.expose(str::to_owned);
    assert_eq!(link.expires.since(world.clock.now()), Duration::from_secs(7 * 86_400));
    world.clock.advance(Duration::from_secs(7 * 86_400 - 1));
    links.fetch(&ACME, world.ada.subject(), &token).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    refused(&links, &world, &token).await;
}

#[tokio::test]
async fn revoking_ends_every_link_to_a_package() {
    let world = World::new().await;
    let links = Links::new(world.vault.clone()).living(Duration::from_secs(60));
    let (ada, other) = (world.ada.subject(), bailee_core::Id::from_bytes([1; 16]));
    let one = links.make(&ACME, ada, REQUEST).await.unwrap();
    let two = links.make(&ACME, ada, REQUEST).await.unwrap();
    let kept = links.make(&ACME, ada, other).await.unwrap();
    assert_ne!(one.token.expose(str::to_owned), two.token.expose(str::to_owned));
    assert_eq!(links.revoke(&ACME, world.ben, REQUEST).await.unwrap(), 0, "not Ben's");
    assert_eq!(links.revoke(&ACME, ada, REQUEST).await.unwrap(), 2);
    assert_eq!(links.revoke(&ACME, ada, REQUEST).await.unwrap(), 0);
    for link in [&one, &two] {
        refused(&links, &world, &link.token.expose(str::to_owned)).await;
    }
    links.fetch(&ACME, ada, &kept.token.expose(str::to_owned)).await.unwrap();
    for logged in entries(&world).await {
        check(&logged.entry).unwrap();
    }
}

#[tokio::test]
async fn a_link_prints_nothing_of_itself() {
    let world = World::new().await;
    let links = Links::new(world.vault.clone());
    let link = links.make(&ACME, world.ada.subject(), REQUEST).await.unwrap();
    let printed = format!("{link:?} {links:?}");
    assert!(!printed.contains(&link.token.expose(str::to_owned)), "{printed}");
}
