//! Tokens of a holder that lost its claim and came when others were stored already: nobody can tell
//! which of the two the provider takes, so both are kept, and both are ended.

use bailee::{ConnectionState, Happened, ReconnectReason};
use bailee_testkit::emulator::oidc::Revocation;
use bailee_tests::{
    declaration,
    drill::{
        Parking, assert_never_goes_back, client, notes_world_where, presented, seconds, state, told,
    },
};

use super::*;

const UNTIL_USED: &str = "class = \"until_replacement_used\"";
const UNTIL_USED_STYLE: RefreshStyle = RefreshStyle::UntilReplacementUsed;

/// A renewal whose request does not leave, and another process that renews when its claim is over.
struct Overtaken {
    w: World,
    ada: Visitor,
    notes: ConnectionRef,
    /// The process whose request waits.
    slow: Bailee,
    parking: Parking,
    waiting: JoinHandle<bailee::Result<()>>,
}

impl Overtaken {
    async fn at(builder: WorldBuilder) -> Self {
        let (w, ada, notes) = due(builder).await;
        let parking = Parking::at("/token", client(&w));
        let slow = w.process(declaration(), w.store().clone()).unwrap();
        let slow = slow.http(parking.clone()).build().await.unwrap();
        parking.close();
        let waiting = spawn_call(&slow, &ada, &notes);
        parking.until_arrived(1).await;
        w.advance(seconds(120));
        w.settle().await;
        assert_eq!(w.site(ISSUER).count(Endpoint::Refresh), 1, "the other one renewed");
        Self { w, ada, notes, slow, parking, waiting }
    }

    /// The request leaves. At a provider that takes the token until its replacement is used it ends
    /// the tokens that are stored.
    async fn let_go(&mut self) -> bailee::Result<()> {
        self.parking.open();
        (&mut self.waiting).await.unwrap()
    }

    async fn kept(&self) -> usize {
        let audited = self.w.audited("acme").await;
        audited.iter().filter(|event| *event == "credential.candidate_kept").count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_06_late_tokens_are_shown_when_those_that_are_stored_are_refused() {
    let mut o = Overtaken::at(notes_world(UNTIL_USED, UNTIL_USED_STYLE)).await;
    let site = o.w.site(ISSUER);
    let before = presented(site);
    o.let_go().await.unwrap();
    assert_eq!(o.kept().await, 1);

    // It was called with the token that its own answer had ended: the 401 led to the candidate.
    let tokens = presented(o.w.site(ISSUER));
    assert_eq!(tokens.len(), 4, "the old one twice, the stored one, the candidate");
    assert_eq!(tokens[0], tokens[1]);
    assert_eq!(before, tokens[..1]);
    assert_eq!(state(&o.w, &o.ada, &o.notes).await, ConnectionState::Active);
    for _ in 0..3 {
        o.w.advance(hours(2));
        call(&o.w.bailee, &o.ada, &o.notes, "notes").await.unwrap();
        call(&o.slow, &o.ada, &o.notes, "notes").await.unwrap();
    }
    let site = o.w.site(ISSUER);
    assert_eq!(presented(site).len(), 7, "one for each time, and nothing of the candidate");
    assert!(site.reuse_alarms().is_empty());
    o.w.settle().await;
    assert_eq!(told(&o.w, &o.notes), [Happened::Connected], "the person has nothing to do");
    o.w.bailee.connections().disconnect(&o.ada, &o.notes).await.unwrap();
    assert!(o.w.site(ISSUER).live_tokens().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_06_a_candidate_that_is_refused_too_is_not_shown_again() {
    let mut o = Overtaken::at(notes_world(UNTIL_USED, UNTIL_USED_STYLE)).await;
    o.let_go().await.unwrap();
    o.w.advance(hours(2));
    assert_eq!(o.w.site(ISSUER).withdraw("ada", "fake-client-1"), 1);
    assert!(call(&o.w.bailee, &o.ada, &o.notes, "notes").await.is_err());
    let reason = ReconnectReason::Revoked;
    assert_eq!(state(&o.w, &o.ada, &o.notes).await, ConnectionState::NeedsReconnect(reason));
    let shown = presented(o.w.site(ISSUER)).len();
    for _ in 0..10 {
        o.w.advance(hours(1));
        o.w.settle().await;
        assert!(call(&o.w.bailee, &o.ada, &o.notes, "notes").await.is_err());
    }
    assert_eq!(presented(o.w.site(ISSUER)).len(), shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_06_late_tokens_take_the_place_of_those_that_were_refused_already() {
    let mut o = Overtaken::at(notes_world(UNTIL_USED, UNTIL_USED_STYLE)).await;
    // The provider has answered, and the answer is on its way.
    let gate = Gate::new();
    o.w.site(ISSUER).fault(Endpoint::Refresh, Fault::Held(gate.clone()));
    o.parking.open();
    gate.until_arrived(1).await;
    assert!(call(&o.w.bailee, &o.ada, &o.notes, "notes").await.is_err());
    let reason = ReconnectReason::Revoked;
    assert_eq!(state(&o.w, &o.ada, &o.notes).await, ConnectionState::NeedsReconnect(reason));

    gate.open();
    o.let_go().await.unwrap();
    assert_eq!(state(&o.w, &o.ada, &o.notes).await, ConnectionState::Active);
    assert_eq!(o.kept().await, 0, "there was nothing to keep them beside");
    o.w.advance(hours(2));
    call(&o.w.bailee, &o.ada, &o.notes, "notes").await.unwrap();
    o.w.settle().await;
    let expected = [Happened::Connected, Happened::NeedsReconnect { reason }, Happened::Recovered];
    assert_eq!(told(&o.w, &o.notes), expected);
    assert!(o.w.site(ISSUER).reuse_alarms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_06_a_disconnect_ends_late_tokens_with_the_others() {
    let revoking = |class: &str, style| {
        notes_world_where(class, style, |issuer| {
            issuer.revocation = Revocation::Rfc7009 { cascades: false };
        })
    };
    // Where both are good, and where the stored ones are not.
    for (class, style) in [(GRACE, GRACE_STYLE), (UNTIL_USED, UNTIL_USED_STYLE)] {
        let mut o = Overtaken::at(revoking(class, style)).await;
        o.let_go().await.unwrap();
        assert_eq!(o.kept().await, 1, "{class}");
        o.w.advance(seconds(3));
        let receipt = o.w.bailee.connections().disconnect(&o.ada, &o.notes).await.unwrap();
        assert!(receipt.confirmed, "{class}");
        // What was replaced has its window.
        o.w.advance(seconds(700));
        let live: Vec<_> = o.w.site(ISSUER).live_tokens().iter().map(|token| token.kind).collect();
        assert!(live.is_empty(), "{class}: {live:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ref_08_tokens_of_a_grant_before_are_never_shown_for_a_new_one() {
    let mut o = Overtaken::at(notes_world(GRACE, GRACE_STYLE)).await;
    let again = o.w.connect(&o.ada, "notes", &[NOTES]).await.unwrap();
    assert_eq!(again, o.notes);
    o.let_go().await.unwrap();
    assert_eq!(o.kept().await, 1);
    let shown = presented(o.w.site(ISSUER)).len();
    o.w.advance(hours(2));
    o.w.site(ISSUER).withdraw("ada", "fake-client-1");
    assert!(call(&o.w.bailee, &o.ada, &o.notes, "notes").await.is_err());
    assert_eq!(presented(o.w.site(ISSUER)).len(), shown + 1, "no other token was tried");
    assert_never_goes_back(o.w.site(ISSUER));
}
