//! Two tenants, every public call, each with the other's references.

use bailee::{
    BeginOptions, Error, ErrorKind, IdempotencyKey, Owner, Remedy, SubjectId, Visitor, Who,
    core::{ConnectionId, Id},
    providers::tiktok::{CreatorInfo, PrivacyLevel, PublishVideo},
    vault::Holder,
};
use bailee_tests::{Asked, NOTES, PUBLISH};

use super::*;

const GLOBEX: TenantId = TenantId::from_static("globex");

fn video() -> PublishVideo {
    PublishVideo::from_url("https://media.example/v.mp4").privacy(PrivacyLevel::SelfOnly)
}

fn key() -> IdempotencyKey {
    IdempotencyKey::new("post-1").unwrap()
}

/// What a call said, without the id that it was asked about, and what it asked of the store.
type Answered = (String, ErrorKind, Remedy, Asked);

/// Every public call that takes a reference, made by a visitor with one.
async fn every_call(
    place: &Place,
    by: &Visitor,
    r: &ConnectionRef,
) -> Vec<(&'static str, Answered)> {
    let Place { w, store, .. } = place;
    let connections = w.bailee.connections();
    let agent = Who::Agent { visitor: by.clone(), run: Id::from_bytes([1; 16]) };
    let schedule = Who::Schedule {
        tenant: by.tenant().clone(),
        person: by.person().clone(),
        schedule: Id::from_bytes([2; 16]),
    };
    let publishing = w.bailee.acting(by, &PUBLISH);
    let mut all = Vec::new();
    let mut note = |what, before: Asked, error: Option<Error>| {
        let Some(error) = error else { panic!("{}: {what} was allowed with {r}", place.name) };
        let after = store.asked();
        let asked = Asked {
            reads: after.reads - before.reads,
            finds: after.finds - before.finds,
            commits: after.commits - before.commits,
            claims: after.claims - before.claims,
        };
        let hide = |text: String| text.replace(&r.connection().to_string(), "<connection>");
        let said = hide(format!("{error} {error:?}"));
        all.push((what, (said, error.kind(), error.remedy(), asked)));
    };
    let before = store.asked();
    note("status", before, connections.status(by, r).await.err());
    let before = store.asked();
    note("check", before, connections.check(by, r).await.err());
    let before = store.asked();
    note("explain a use", before, connections.explain_use(by, r, &[PUBLISH]).await.err());
    let before = store.asked();
    note("agree", before, connections.agree(by, r, &[PUBLISH], [7; 32]).await.err());
    let before = store.asked();
    note("disconnect", before, connections.disconnect(by, r).await.err());
    let before = store.asked();
    note("disconnect by an agent", before, connections.disconnect(agent.clone(), r).await.err());
    let before = store.asked();
    note("call", before, publishing.call(r, &CreatorInfo).await.err());
    let before = store.asked();
    let by_agent = w.bailee.acting(agent, &PUBLISH).call(r, &CreatorInfo).await;
    note("call by an agent", before, by_agent.err());
    let before = store.asked();
    let planned = w.bailee.acting(schedule, &PUBLISH).call(r, &CreatorInfo).await;
    note("call by a schedule", before, planned.err());
    let before = store.asked();
    note("publish", before, publishing.publish(r, &key(), video()).await.err());
    let before = store.asked();
    note("publication", before, publishing.publication(r, &key()).await.err());
    all
}

async fn is_isolated(place: Place) {
    let w = &place.w;
    w.site("tiktok").change_tiktok(|tiktok| {
        tiktok.verified_urls.push("https://media.example/".into());
    });
    let ada = w.visitor("ada");
    let theirs = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
    let published = w.bailee.acting(&ada, &PUBLISH).publish(&theirs, &key(), video()).await;
    let published = published.unwrap();
    let options = |for_tenant| {
        let mut options = BeginOptions::default();
        options.for_tenant = for_tenant;
        options
    };
    let allow = || bailee_testkit::emulator::Decision::Allow;
    let shared =
        w.connect_as(&ada, "notes", &[NOTES], options(true), allow(), "ada").await.unwrap();
    let shared = shared.unwrap().connection;
    // Two who look from outside: somebody else, and the same person in another tenant.
    let hal = w.visitor_in("globex", "hal");
    let ada_elsewhere = w.visitor_in("globex", "ada");
    let own = w.connect(&hal, "tiktok", &[PUBLISH]).await.unwrap();
    w.connect(&ada_elsewhere, "notes", &[NOTES]).await.unwrap();
    w.settle().await;
    // Everything that a process caches is cached.
    w.bailee.acting(&hal, &PUBLISH).call(&own, &CreatorInfo).await.unwrap();
    // The renewal of what was used is planned beside the call.
    while !w.audited("globex").await.iter().any(|event| *event == "credential.refresh_planned") {
        tokio::task::yield_now().await;
    }

    let nobody = ConnectionId::from_id(Id::from_bytes([0x5a; 16]));
    let stranger = Owner::Subject(SubjectId::from_id(Id::from_bytes([0xa5; 16])));
    let mut lookalike = *theirs.connection().id().as_bytes();
    lookalike[0] ^= 0x80;
    let lookalike = ConnectionId::from_id(Id::from_bytes(lookalike));
    let of_hal = own.owner();
    let before = place.store.dump().await;
    let sent = requests(w);
    for by in [&hal, &ada_elsewhere] {
        for (tenant, owner) in [
            (ACME, theirs.owner()),
            (ACME, Owner::Tenant),
            (ACME, of_hal),
            (ACME, stranger),
            (GLOBEX, theirs.owner()),
            (GLOBEX, Owner::Tenant),
            (GLOBEX, stranger),
            (ACME, Owner::Instance),
        ] {
            let make = |id| ConnectionRef::new(tenant.clone(), owner, id);
            // Once for whatever a process remembers of the visitor and of the tenant's keys.
            every_call(&place, by, &make(nobody)).await;
            let unknown = every_call(&place, by, &make(nobody)).await;
            for (what, (said, kind, remedy, _)) in &unknown {
                assert_eq!(*kind, ErrorKind::NotFound, "{}: {what}: {said}", place.name);
                assert_eq!(*remedy, Remedy::None, "{what}");
            }
            for id in [theirs.connection(), shared.connection(), lookalike] {
                let known = every_call(&place, by, &make(id)).await;
                assert_eq!(known, unknown, "{}: {}", place.name, make(id));
            }
        }
    }
    // The foreign ids under one's own name.
    let own_name = |id| ConnectionRef::new(GLOBEX, of_hal, id);
    let unknown = every_call(&place, &hal, &own_name(nobody)).await;
    assert!(unknown.iter().all(|(_, (_, kind, ..))| *kind == ErrorKind::NotFound));
    for id in [theirs.connection(), shared.connection()] {
        assert_eq!(every_call(&place, &hal, &own_name(id)).await, unknown, "{}", place.name);
    }
    assert_eq!(before.differences(&place.store.dump().await), [""; 0], "{}", place.name);
    assert_eq!(requests(w), sent, "{}: nothing left", place.name);

    reconnects_and_lists(&place, &hal, &ada_elsewhere, &theirs, &shared).await;
    opens_nothing(&place, &theirs).await;

    // Whose it is still has it.
    let acting = w.bailee.acting(&ada, &PUBLISH);
    acting.call(&theirs, &CreatorInfo).await.unwrap();
    assert_eq!(acting.publication(&theirs, &key()).await.unwrap().id, published.id);
    w.assert_clean_audit(&["acme", "globex", "~"]).await;
}

/// Flows and lists, which take no reference or another kind of one.
async fn reconnects_and_lists(
    place: &Place,
    hal: &Visitor,
    ada_elsewhere: &Visitor,
    theirs: &ConnectionRef,
    shared: &ConnectionRef,
) {
    let connections = place.w.bailee.connections();
    for by in [hal, ada_elsewhere] {
        for reference in [
            theirs.clone(),
            shared.clone(),
            ConnectionRef::new(GLOBEX, theirs.owner(), theirs.connection()),
            ConnectionRef::new(GLOBEX, Owner::Tenant, shared.connection()),
        ] {
            let mut options = BeginOptions::default();
            options.reconnect = Some(reference);
            let error = connections.begin_with(by, "tiktok", &[PUBLISH], options).await;
            assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound, "{}", place.name);
        }
        let listed = connections.of_visitor(by).await.unwrap();
        assert_eq!(listed.len(), 1);
        for status in listed {
            assert_eq!(status.connection.tenant(), &GLOBEX);
            assert_ne!(status.connection.connection(), theirs.connection());
        }
    }
}

/// The vault underneath.
async fn opens_nothing(place: &Place, theirs: &ConnectionRef) {
    let vault = place.w.bailee.vault();
    let person = theirs.owner().subject().unwrap();
    let error = vault.read(&GLOBEX, Holder::Subject(person), &[credential_key(theirs)]).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound, "{}", place.name);
    let view = vault.read(&GLOBEX, Holder::Tenant, &[credential_key(theirs)]).await.unwrap();
    assert!(view.record(0).is_none(), "{}", place.name);
    assert_eq!(vault.person(&GLOBEX, person).await.unwrap_err().kind(), ErrorKind::NotFound);
    let here = vault.subject(&ACME, place.w.visitor("ada").person()).await.unwrap();
    let there = vault.subject(&GLOBEX, place.w.visitor("ada").person()).await.unwrap();
    assert!(here.is_some() && there.is_some());
    assert_ne!(here, there, "one person has another pseudonym in each tenant");
}

#[tokio::test(flavor = "multi_thread")]
async fn sto_08_no_call_reaches_another_tenant_in_memory() {
    is_isolated(memory().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sto_08_no_call_reaches_another_tenant_on_sqlite() {
    is_isolated(sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sto_08_no_call_reaches_another_tenant_on_postgresql() {
    is_isolated(postgres().await).await;
}
