//! Which connection an account becomes (TOK-06): its own again, another one, or none.

use bailee::{
    BeginOptions, Completed, ConnectionRef, ErrorKind, Owner, PurposeId, Refusal, RefusalReason,
    Remedy, Visitor, core::ConnectionState,
};
use bailee_testkit::{
    World,
    emulator::{Account, Decision, TokenKind},
};
use bailee_tests::{NOTES, PUBLISH, Trip, rejected, world};

async fn connect(
    w: &World,
    visitor: &Visitor,
    (registration, purpose): (&str, PurposeId),
    options: BeginOptions,
    account: &str,
) -> Result<Completed, Refusal> {
    w.advance(std::time::Duration::from_secs(1));
    let allow = Decision::Allow;
    Trip::choose(w, visitor, registration, &[purpose], options, allow, account)
        .await
        .complete(w, visitor)
        .await
}

fn plain() -> BeginOptions {
    BeginOptions::default()
}

fn again(connection: &ConnectionRef, other_account: bool) -> BeginOptions {
    let mut options = BeginOptions::default();
    options.reconnect = Some(connection.clone());
    options.other_account = other_account;
    options
}

fn for_tenant() -> BeginOptions {
    let mut options = BeginOptions::default();
    options.for_tenant = true;
    options
}

async fn all(w: &World, visitor: &Visitor) -> Vec<ConnectionRef> {
    let all = w.bailee.connections().of_visitor(visitor).await.unwrap();
    assert!(all.iter().all(|status| status.state == ConnectionState::Active));
    let mut all: Vec<_> = all.into_iter().map(|status| status.connection).collect();
    all.sort_by_key(ToString::to_string);
    all
}

/// The accounts of a site that a live access token speaks for.
fn live(w: &World, site: &str) -> Vec<String> {
    let tokens = w.site(site).live_tokens().into_iter();
    let mut accounts: Vec<_> =
        tokens.filter(|token| token.kind == TokenKind::Access).map(|token| token.account).collect();
    accounts.sort();
    accounts.dedup();
    accounts
}

const BOTH: [((&str, PurposeId), &str); 2] =
    [(("notes", NOTES), "id.example.test"), (("tiktok", PUBLISH), "tiktok")];

#[tokio::test]
async fn tok_06_the_same_account_is_the_same_connection() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for (provider, _) in BOTH {
        let first = connect(&w, &ada, provider.clone(), plain(), "ada").await.unwrap();
        assert!(!first.reconnected);
        let second = connect(&w, &ada, provider.clone(), plain(), "ada").await.unwrap();
        assert!(second.reconnected);
        assert_eq!(second.connection, first.connection);
        let options = again(&first.connection, false);
        let third = connect(&w, &ada, provider, options, "ada").await.unwrap();
        assert_eq!((third.connection, third.reconnected), (first.connection, true));
    }
    assert_eq!(all(&w, &ada).await.len(), 2);
    w.settle().await;
    let audited = w.audited("acme").await;
    let count = |name: &str| audited.iter().filter(|event| *event == name).count();
    assert_eq!((count("connection.connected"), count("connection.reconnected")), (2, 4));
}

#[tokio::test]
async fn tok_06_a_second_account_is_a_second_connection() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for (n, (provider, site)) in BOTH.into_iter().enumerate() {
        let first = connect(&w, &ada, provider.clone(), plain(), "ada").await.unwrap();
        let second = connect(&w, &ada, provider.clone(), plain(), "grace").await.unwrap();
        assert!(!second.reconnected);
        assert_ne!(second.connection, first.connection);
        assert_eq!(live(&w, site), ["ada", "grace"]);
        // Each comes back to its own.
        let first_again = connect(&w, &ada, provider.clone(), plain(), "ada").await.unwrap();
        let second_again = connect(&w, &ada, provider, plain(), "grace").await.unwrap();
        assert_eq!(first_again.connection, first.connection);
        assert_eq!(second_again.connection, second.connection);
        assert_eq!(all(&w, &ada).await.len(), 2 * (n + 1));
    }
}

#[tokio::test]
async fn tok_06_another_account_than_before_needs_the_persons_word() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for (provider, site) in BOTH {
        let first = connect(&w, &ada, provider.clone(), plain(), "ada").await.unwrap().connection;
        let before = all(&w, &ada).await;
        let options = again(&first, false);
        let outcome = connect(&w, &ada, provider.clone(), options, "grace").await;
        let refusal = rejected(&w, outcome, RefusalReason::AccountMismatch).await;
        assert_eq!(refusal.error().kind(), ErrorKind::AccountMismatch);
        assert_eq!(refusal.error().remedy(), Remedy::Confirm);
        assert_eq!(all(&w, &ada).await, before, "nothing changed");
        assert_eq!(live(&w, site), ["ada"], "what was issued is revoked");

        let options = again(&first, true);
        let second = connect(&w, &ada, provider, options, "grace").await.unwrap();
        assert!(!second.reconnected);
        assert_ne!(second.connection, first, "a connection never turns into another account's");
        assert_eq!(live(&w, site), ["ada", "grace"]);
    }
}

#[tokio::test]
async fn tok_06_a_mismatch_leaves_a_connected_other_account_alone() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for (provider, site) in BOTH {
        let first = connect(&w, &ada, provider.clone(), plain(), "ada").await.unwrap().connection;
        connect(&w, &ada, provider.clone(), plain(), "grace").await.unwrap();
        let before = all(&w, &ada).await;
        let outcome = connect(&w, &ada, provider, again(&first, false), "grace").await;
        rejected(&w, outcome, RefusalReason::AccountMismatch).await;
        assert_eq!(all(&w, &ada).await, before);
        assert_eq!(live(&w, site), ["ada", "grace"], "both go on");
    }
}

#[tokio::test]
async fn tok_06_names_are_no_keys() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for (provider, site) in BOTH {
        let first = connect(&w, &ada, provider.clone(), plain(), "ada").await.unwrap().connection;
        // The two accounts exchange handle, name and address.
        let (mut one, mut two) = (Account::new("ada"), Account::new("grace"));
        std::mem::swap(&mut one.display_name, &mut two.display_name);
        std::mem::swap(&mut one.username, &mut two.username);
        std::mem::swap(&mut one.email, &mut two.email);
        w.site(site).add_account(one);
        w.site(site).add_account(two);
        let other = connect(&w, &ada, provider.clone(), plain(), "grace").await.unwrap();
        assert_ne!(other.connection, first, "the name of the first account is not that account");
        let same = connect(&w, &ada, provider, again(&first, false), "ada").await.unwrap();
        assert_eq!(same.connection, first);
        let status = w.bailee.connections().status(&ada, &first).await.unwrap();
        assert!(status.display.unwrap().contains("grace"), "the new name is shown");
    }
}

#[tokio::test]
async fn tok_06_only_a_connection_of_ones_own_is_reconnected() {
    let w = world().build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let elsewhere = w.visitor_in("globex", "ada");
    let adas = connect(&w, &ada, ("notes", NOTES), plain(), "ada").await.unwrap().connection;
    let connections = w.bailee.connections();
    for stranger in [&grace, &elsewhere] {
        let begun = connections.begin_with(stranger, "notes", &[NOTES], again(&adas, false)).await;
        assert_eq!(begun.unwrap_err().kind(), ErrorKind::NotFound);
    }
    // A tenant's connection is not reconnected as one's own, nor the other way.
    let mut options = again(&adas, false);
    options.for_tenant = true;
    let begun = connections.begin_with(&ada, "notes", &[NOTES], options).await;
    assert_eq!(begun.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn tok_06_a_connection_that_was_ended_is_connected_anew() {
    let w = world().build().await.unwrap();
    let ada = w.visitor("ada");
    for (provider, site) in BOTH {
        let first = connect(&w, &ada, provider.clone(), plain(), "ada").await.unwrap().connection;
        w.bailee.connections().disconnect(&ada, &first).await.unwrap();
        assert!(live(&w, site).is_empty());
        for account in ["grace", "ada"] {
            let options = again(&first, false);
            let next = connect(&w, &ada, provider.clone(), options, account).await.unwrap();
            assert!(!next.reconnected);
            assert_ne!(next.connection, first);
        }
    }
    assert_eq!(all(&w, &ada).await.len(), 4);
}

#[tokio::test]
async fn tok_06_two_people_with_one_account_have_two_connections() {
    let w = world().build().await.unwrap();
    let people = [w.visitor("ada"), w.visitor("grace"), w.visitor_in("globex", "ada")];
    let mut seen = Vec::new();
    for person in &people {
        let own = connect(&w, person, ("notes", NOTES), plain(), "ada").await.unwrap();
        assert!(!own.reconnected);
        assert_eq!(all(&w, person).await, std::slice::from_ref(&own.connection));
        seen.push(own.connection);
    }
    seen.sort_by_key(ToString::to_string);
    seen.dedup();
    assert_eq!(seen.len(), 3);
    // Ending one leaves the others.
    let connections = w.bailee.connections();
    let adas = all(&w, &people[0]).await;
    connections.disconnect(&people[0], &adas[0]).await.unwrap();
    for person in &people[1..] {
        assert_eq!(all(&w, person).await.len(), 1);
    }
}

#[tokio::test]
async fn tok_06_a_connection_of_the_tenant_is_the_same_for_every_member() {
    let w = world().build().await.unwrap();
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let connections = w.bailee.connections();
    for (provider, site) in BOTH {
        let first = connect(&w, &ada, provider.clone(), for_tenant(), "ada").await.unwrap();
        let shared = first.connection;
        assert_eq!((shared.owner(), shared.tenant()), (Owner::Tenant, ada.tenant()));
        let second = connect(&w, &grace, provider.clone(), for_tenant(), "ada").await.unwrap();
        assert_eq!((second.connection, second.reconnected), (shared.clone(), true));
        for member in [&ada, &grace] {
            let status = connections.status(member, &shared).await.unwrap();
            assert_eq!(status.state, ConnectionState::Active);
        }
        // It is nobody's own, and one's own is another one.
        let own = connect(&w, &ada, provider.clone(), plain(), "ada").await.unwrap();
        assert_ne!(own.connection, shared);
        assert!(!all(&w, &ada).await.contains(&shared));
        // Another tenant has one of its own and does not see this one.
        let stranger = w.visitor_in("globex", "ada");
        let theirs = connect(&w, &stranger, provider, for_tenant(), "ada").await.unwrap();
        assert!(!theirs.reconnected);
        let status = connections.status(&stranger, &shared).await;
        assert_eq!(status.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(live(&w, site), ["ada"]);
    }
    // Who is no member any more can neither make nor end one.
    w.access.remove(grace.person(), grace.tenant());
    let begun = connections.begin_with(&grace, "notes", &[NOTES], for_tenant()).await;
    assert_eq!(begun.unwrap_err().kind(), ErrorKind::Denied);
}
