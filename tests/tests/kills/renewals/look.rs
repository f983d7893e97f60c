//! What has to be so after a death, and when all is over.

use std::collections::BTreeMap;

use bailee::{
    core::audit::Field,
    store::{Kind, LoggedEntry, Query, Window},
};
use bailee_testkit::emulator::Endpoint;
use bailee_tests::drill::assert_never_goes_back;

use super::{
    court::{Person, Session},
    *,
};

/// What a provider had seen before a renewal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    pub(super) renewals: u64,
    pub(super) alarms: usize,
}

/// A death, or two: of the process that renewed, and of the one that came after it.
#[derive(Debug)]
pub(super) struct Death {
    what: String,
    before: Before,
    lives: Vec<(Trail, Option<(u32, Moment)>)>,
    /// What it answered to its last orders.
    pub(super) answers: Vec<String>,
}

/// What a death came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct CameTo {
    /// It fell between the answer and the acknowledged commit.
    pub(super) in_between: bool,
    /// The journal brought the answer to the store.
    pub(super) replayed: bool,
    pub(super) lost: bool,
}

/// The event of the commit that keeps fresh tokens.
pub(super) const KEPT: &str = "credential.refreshed";

impl Death {
    pub(super) fn new(
        what: String,
        before: Before,
        (trail, answers): (Trail, Vec<String>),
        end: Option<(u32, Moment)>,
    ) -> Self {
        Self { what, before, lives: vec![(trail, end)], answers }
    }

    pub(super) fn dies_again(&mut self, trail: Trail, end: (u32, Moment)) {
        self.lives.push((trail, Some(end)));
    }

    pub(super) fn trails(&self) -> impl Iterator<Item = &Trail> {
        self.lives.iter().map(|(trail, _)| trail)
    }

    /// Whether a step was said, whatever became of it.
    fn said(&self, name: &str) -> bool {
        self.trails().any(|trail| trail.steps.iter().any(|step| step.contains(name)))
    }

    /// Whether a step may have been taken.
    fn begun(&self, name: &str) -> bool {
        self.lives.iter().any(|(trail, end)| {
            let not_taken = |place: usize| *end == Some((place as u32, Moment::Before));
            let mut steps = trail.steps.iter().enumerate();
            steps.any(|(place, step)| step.contains(name) && !not_taken(place))
        })
    }

    /// Whether a step is known to have taken effect.
    fn done(&self, name: &str) -> bool {
        self.trails().any(|trail| {
            let mut steps = trail.steps.iter().enumerate();
            steps.any(|(place, step)| step.contains(name) && trail.took.contains(&place))
        })
    }

    /// Whether an answer is in the journal that may not be in the store.
    pub(super) fn waits_in_the_journal(&self) -> bool {
        self.said(KEPT) && !self.done(KEPT)
    }

    /// The answers to what was asked of the provider since, with as little of a token as tells one
    /// from the other.
    fn asked_at(&self, site: &Site) -> String {
        let asked = site.requests().into_iter();
        let asked = asked.filter(|request| request.endpoint == Endpoint::Refresh);
        let shown = bailee_tests::drill::presented(site);
        let tail = |token: &String| token[token.len().saturating_sub(4)..].to_owned();
        asked
            .zip(shown.iter().map(tail))
            .skip(usize::try_from(self.before.renewals).unwrap())
            .map(|(request, token)| format!("{token} {:?} at {}; ", request.status, request.at))
            .collect()
    }

    /// Sees that everything is as it has to be.
    pub(super) fn check(&self, session: &Session, seen: &Seen, survivor: &Trail) -> CameTo {
        let (court, class) = (session.court, session.court.class());
        let site = class.site(&session.w);
        let Self { what, lives, answers, .. } = self;
        let what = format!("{what}: {lives:?} {answers:?}, {seen:?} by {:?}", survivor.steps);
        let token = class.token_path();
        let (asked, answered) = (self.begun(token), self.done(token));
        let kept = self.done(KEPT) || self.answers.iter().any(|answer| answer == "called");
        // Where there is a journal, the answer is in it before a commit is begun.
        let safe = kept || (court.journal && self.said(KEPT));

        let lost = seen.state == "NeedsReconnect(LostAfterRotation)";
        if lost {
            assert!(class.strict, "{what}: lost at a provider that takes the old token again");
            assert!(asked && !safe, "{what}: lost though it was safe, or nobody asked");
            let failed = seen.failed.as_deref().unwrap_or_default();
            assert!(failed.contains("NeedsReconnect"), "{what}: a caller is not told");
            let told = "NeedsReconnect { reason: LostAfterRotation }";
            assert!(seen.told.iter().any(|event| event == told), "{what}: the host is not told");
        } else {
            assert_eq!(seen.state, "Active", "{what}");
            assert_eq!(seen.failed, None, "{what}");
            let gone = class.strict && answered && !court.journal && !self.begun(KEPT);
            assert!(!gone, "{what}: nobody can have these tokens");
        }

        let renewals = site.count(Endpoint::Refresh) - self.before.renewals;
        let alarms = site.reuse_alarms().len() - self.before.alarms;
        assert!((1..=2).contains(&renewals), "{what}: {}", self.asked_at(site));
        if safe {
            assert_eq!(renewals, 1, "{what}: what was safe was asked for again");
        }
        if lost {
            assert_eq!(renewals, 2, "{what}: lost without a second showing");
        }
        // The second showing at a strict provider is all that anybody may try, and it is one.
        assert_eq!(alarms, usize::from(lost), "{what}");
        let in_between = answered && !kept;
        CameTo { in_between, replayed: in_between && !lost && renewals == 1 && court.journal, lost }
    }
}

/// Sees that the log and the records say what was acknowledged, and that everybody can go on.
pub(super) async fn everything(session: &Session, store: &Arc<dyn Store>, people: &[Person]) {
    let (w, class) = (&session.w, session.court.class());
    let what = format!("{:?}", session.court);
    let tenant = TenantId::from_static("acme");
    let mut generations: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for tenant in [&tenant, &TenantId::SYSTEM] {
        for logged in log(store, tenant).await {
            bailee::audit::check(&logged.entry).unwrap();
            let hash = logged.entry.hash(&logged.tenant, logged.batch.id(), logged.n);
            assert_eq!(hash, logged.hash, "{what}: an entry's hash is its own");
            if let Some(Field::Number(generation)) = logged.entry.field("generation")
                && logged.entry.event() == KEPT
            {
                let connection = logged.entry.field("connection").unwrap().to_string();
                generations.entry(connection).or_default().push(*generation);
            }
        }
    }
    for kind in ["connection", "credential", "reservation"] {
        assert_eq!(count(store, &tenant, kind).await, people.len(), "{what}: {kind}");
    }
    assert_eq!(count(store, &TenantId::SYSTEM, "grant").await, 0, "{what}");

    w.advance(class.pause());
    let process = w.process(class.declaration(), store.clone()).unwrap().build().await.unwrap();
    process.worker().settle().await.unwrap();
    for person in people {
        let renewed = generations.remove(&person.connection.connection().to_string());
        let renewed = renewed.unwrap_or_default();
        let what = format!("{what}: {} {renewed:?}", person.name);
        assert!(renewed.windows(2).all(|two| two[1] == two[0] + 1), "{what}");
        for generation in &person.acknowledged {
            assert!(renewed.contains(generation), "{what}: {generation} was acknowledged");
        }
        let outcome = used(class, &process, &visitor(&person.name), &person.connection).await;
        assert_eq!(outcome.is_err(), person.lost, "{what}: {outcome:?}");
    }
    if class.spec.is_some() {
        assert_never_goes_back(class.site(w));
    }
}

async fn log(store: &Arc<dyn Store>, tenant: &TenantId) -> Vec<LoggedEntry> {
    let (mut window, mut all) = (Window::default(), Vec::new());
    loop {
        let entries = store.entries(tenant, window).await.unwrap();
        let Some(last) = entries.last() else { return all };
        window.after = Some((last.entry.at(), last.batch, last.n));
        all.extend(entries);
    }
}

async fn count(store: &Arc<dyn Store>, tenant: &TenantId, kind: &'static str) -> usize {
    let query = Query::of_kind(Kind::from_static(kind));
    store.find(tenant, &query).await.unwrap().records.len()
}
