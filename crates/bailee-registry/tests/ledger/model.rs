//! The ledger against a model: whatever is said, in whichever order, by whichever process, the gate
//! lets through what the model does and nothing else.
//!
//! The model keeps what was said as a list and goes through it anew for each question. It knows
//! nothing of standings.

use std::{collections::BTreeSet, time::Duration};

use bailee_core::{
    Actor, Clock, ErrorKind, Id, Locale, ProviderId, PurposeId, SubjectId, Timestamp,
};
use bailee_registry::{
    AgeBand, AgeMethod, Change, Choice, Exemption, Given, GlobalPrivacyControl, Grounds,
    GuardianCheck, How, Ledger, LegalBasis, Objection, Purpose, RestrictionGround, Standing, Use,
    Wanted, versions::AskedAnew,
};
use bailee_vault::{Holder, Vault};
use proptest::prelude::*;

use crate::desk::{ACME, Desk, NOTES, TIKTOK, purpose};

const PROCESSES: usize = 3;
const PURPOSES: [PurposeId; 2] =
    [PurposeId::from_static("model.one"), PurposeId::from_static("model.two")];
const THROUGH: [Option<ProviderId>; 3] = [None, Some(TIKTOK), Some(NOTES)];
const GROUNDS: [RestrictionGround; 2] =
    [RestrictionGround::AccuracyContested, RestrictionGround::Unlawful];

/// A purpose through an integration, by their places in the lists above.
type On = (usize, usize);

#[derive(Clone, Debug)]
enum Said {
    AskAnew(On),
    EndMarketingObjection,
    EndObjection(On),
    Expire,
    Give { on: On, seconds: Option<u64>, guardian: bool, version: u8 },
    Gpc,
    Import(On),
    Learn(AgeBand),
    Object(On),
    ObjectToMarketing,
    Override(On),
    Refuse(On),
    Release(Option<usize>),
    Restrict(usize),
    Uphold(On),
    Withdraw(On),
    WithdrawEverything,
    WithdrawEverywhere(usize),
    WithdrawThrough(usize),
}

#[derive(Clone, Debug)]
enum Step {
    /// A process reads, and makes what it will commit.
    Begin(usize, Said),
    /// It does both at once.
    Say(usize, Said),
    /// It commits.
    Commit(usize),
    /// The declaration changes: basis, use, and whether people have to be asked again, perhaps also
    /// those who agreed to the text of a version.
    Declare { purpose: usize, basis: usize, usage: usize, anew: Option<Option<u8>> },
    /// The clock goes on, or back.
    Tick(i64),
}

/// Mostly one use, so that what is said meets what was said before.
fn on() -> impl Strategy<Value = On> {
    prop_oneof![3 => Just((0, 1)), 2 => (0..PURPOSES.len(), 0..THROUGH.len())]
}

fn said() -> impl Strategy<Value = Said> {
    let band = prop_oneof![
        4 => Just(AgeBand::Adult),
        4 => Just(AgeBand::Minor),
        1 => Just(AgeBand::Child),
        1 => Just(AgeBand::Unknown),
    ];
    let give = (on(), proptest::option::of(1..100_u64), any::<bool>(), 0..2_u8);
    prop_oneof![
        12 => give.prop_map(|(on, seconds, guardian, version)| {
            Said::Give { on, seconds, guardian, version }
        }),
        3 => on().prop_map(Said::Withdraw),
        1 => Just(Said::WithdrawEverything),
        1 => (0..PURPOSES.len()).prop_map(Said::WithdrawEverywhere),
        1 => (1..THROUGH.len()).prop_map(Said::WithdrawThrough),
        2 => on().prop_map(Said::Refuse),
        2 => on().prop_map(Said::Import),
        1 => on().prop_map(Said::AskAnew),
        1 => Just(Said::Expire),
        3 => on().prop_map(Said::Object),
        3 => on().prop_map(Said::Override),
        1 => on().prop_map(Said::Uphold),
        3 => on().prop_map(Said::EndObjection),
        1 => Just(Said::ObjectToMarketing),
        2 => Just(Said::EndMarketingObjection),
        1 => Just(Said::Gpc),
        2 => (0..GROUNDS.len()).prop_map(Said::Restrict),
        3 => proptest::option::of(0..GROUNDS.len()).prop_map(Said::Release),
        2 => band.prop_map(Said::Learn),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let anew = proptest::option::of(proptest::option::of(0..2_u8));
    let declare = (0..PURPOSES.len(), 0..3_usize, 0..3_usize, anew);
    prop_oneof![
        12 => (0..PROCESSES, said()).prop_map(|(process, said)| Step::Say(process, said)),
        3 => (0..PROCESSES, said()).prop_map(|(process, said)| Step::Begin(process, said)),
        3 => (0..PROCESSES).prop_map(Step::Commit),
        3 => declare.prop_map(|(purpose, basis, usage, anew)| {
            Step::Declare { purpose, basis, usage, anew }
        }),
        2 => (-20..60_i64).prop_map(Step::Tick),
    ]
}

/// What was said and committed, oldest first.
#[derive(Default)]
struct Model {
    said: Vec<(Timestamp, Said)>,
}

/// A consent as the model goes through the list.
struct Held {
    at: Timestamp,
    until: Option<Timestamp>,
    guardian: bool,
    version: u8,
    /// Given since the last restriction began, while it was on.
    fresh: bool,
}

impl Model {
    fn age(&self) -> Option<AgeBand> {
        self.said.iter().rev().find_map(|(_, said)| match said {
            Said::Learn(band) => Some(*band),
            _ => None,
        })
    }

    fn restrictions(&self, upto: usize) -> BTreeSet<usize> {
        let mut grounds = BTreeSet::new();
        for (_, said) in &self.said[..upto] {
            match said {
                Said::Restrict(ground) => drop(grounds.insert(*ground)),
                Said::Release(Some(ground)) => drop(grounds.remove(ground)),
                Said::Release(None) => grounds.clear(),
                _ => {}
            }
        }
        grounds
    }

    fn held(&self, on: On) -> Option<Held> {
        let mut held: Option<Held> = None;
        let mut young = false;
        for (n, (at, said)) in self.said.iter().enumerate() {
            match said {
                Said::Learn(band) => {
                    young = *band != AgeBand::Adult;
                    held = held.filter(|held| held.guardian || !young);
                    // A child's protection is a restriction of its own.
                    let again = *band == AgeBand::Child;
                    held = held.map(|held| Held { fresh: held.fresh && !again, ..held });
                }
                Said::Give { on: of, guardian, version, seconds } if *of == on => {
                    let until = seconds.map(|seconds| at.plus(Duration::from_secs(seconds)));
                    if *guardian || !young {
                        let fresh = !self.restrictions(n).is_empty();
                        let (guardian, version) = (*guardian, *version);
                        held = Some(Held { at: *at, until, guardian, version, fresh });
                    } else {
                        held = held.filter(|held| {
                            held.version == *version && held.until.is_none_or(|until| *at < until)
                        });
                    }
                }
                Said::AskAnew(of) | Said::Refuse(of) | Said::Withdraw(of) if *of == on => {
                    held = None;
                }
                Said::WithdrawEverything => held = None,
                Said::WithdrawEverywhere(purpose) if *purpose == on.0 => held = None,
                Said::WithdrawThrough(through) if *through == on.1 => held = None,
                Said::Expire => {
                    held = held.filter(|held| held.until.is_none_or(|until| *at < until));
                }
                Said::Restrict(_) => held = held.map(|held| Held { fresh: false, ..held }),
                _ => {}
            }
        }
        held
    }

    /// The last objection to exactly this that was not taken back: whether it is overridden, and
    /// whether it holds for good.
    fn objection(&self, on: On) -> Option<(bool, bool)> {
        let mut objection = None;
        for (_, said) in &self.said {
            match said {
                Said::Object(of) if *of == on => {
                    let upheld = objection.is_some_and(|(_, upheld)| upheld);
                    objection = Some((false, upheld));
                }
                Said::EndObjection(of) if *of == on => objection = None,
                Said::Override(of) if *of == on => objection = objection.map(|o| (true, o.1)),
                Said::Uphold(of) if *of == on => objection = objection.map(|_| (false, true)),
                _ => {}
            }
        }
        objection
    }

    fn objects_to_marketing(&self) -> bool {
        let last = self.said.iter().rev().find_map(|(_, said)| match said {
            Said::Gpc | Said::ObjectToMarketing => Some(true),
            Said::EndMarketingObjection => Some(false),
            _ => None,
        });
        last == Some(true)
    }

    /// Whether the ledger has to refuse it.
    fn refuses(&self, said: &Said, declared: &[Declared]) -> bool {
        match said {
            Said::Give { .. } => self.age() == Some(AgeBand::Child),
            Said::Override(on) => {
                let marketing = declared[on.0].purpose.usage == Use::Marketing;
                marketing || self.objection(*on).is_none_or(|(_, upheld)| upheld)
            }
            Said::Uphold(on) => self.objection(*on).is_none(),
            _ => false,
        }
    }

    fn allows(
        &self,
        declared: &Declared,
        on: On,
        despite: Option<Exemption>,
        now: Timestamp,
    ) -> bool {
        let age = self.age();
        let marketing = declared.purpose.usage == Use::Marketing;
        let held = self
            .held(on)
            .filter(|held| held.until.is_none_or(|until| now < until))
            .filter(|held| declared.since.is_none_or(|since| since <= held.at))
            .filter(|held| !declared.stale.contains(&held.version));
        let agreed = held
            .as_ref()
            .is_some_and(|held| held.guardian || age.is_none_or(|band| band == AgeBand::Adult));
        let restricted = !self.restrictions(self.said.len()).is_empty();
        let anyhow = match despite {
            None => false,
            Some(Exemption::Consent) => agreed && held.as_ref().is_some_and(|held| held.fresh),
            Some(_) => true,
        };
        let objected = [(on.0, 0), on]
            .into_iter()
            .any(|on| self.objection(on).is_some_and(|(overridden, _)| !overridden || marketing));
        let consent = declared.purpose.basis == LegalBasis::Consent;
        age != Some(AgeBand::Child)
            && (!restricted || anyhow)
            && !objected
            && !(marketing && self.objects_to_marketing())
            && (!consent || agreed)
    }
}

/// A purpose as it is declared now, since when people have to have been asked, and which texts say
/// too little.
struct Declared {
    purpose: Purpose,
    since: Option<Timestamp>,
    stale: BTreeSet<u8>,
}

/// A process with what it is about to commit.
struct Process {
    vault: Vault,
    ledger: Ledger,
    pending: Option<(usize, Timestamp, Said, Change)>,
}

struct Run {
    desk: Desk,
    processes: Vec<Process>,
    declared: Vec<Declared>,
    bases: Vec<LegalBasis>,
    model: Model,
    allowed: usize,
    refused: usize,
}

impl Run {
    async fn new() -> Self {
        let desk = Desk::new().await;
        let mut processes = Vec::new();
        for _ in 0..PROCESSES {
            let vault = desk.another().await;
            processes.push(Process { ledger: Ledger::new(vault.clone()), vault, pending: None });
        }
        let interests = "use = \"service\"\nbasis = \"legitimate_interests\"\nassessment = \"A.\"";
        let base = purpose("use = \"service\"\nbasis = \"consent\"");
        let bases = vec![LegalBasis::Consent, LegalBasis::Contract, purpose(interests).basis];
        let declared = PURPOSES.map(|id| {
            let mut purpose = base.clone();
            purpose.id = id;
            Declared { purpose, since: None, stale: BTreeSet::new() }
        });
        let declared = declared.into_iter().collect();
        let model = Model::default();
        Self { desk, processes, declared, bases, model, allowed: 0, refused: 0 }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Begin(process, said) => self.begin(process, said).await,
            Step::Commit(process) => self.commit(process).await,
            Step::Say(process, said) => {
                self.begin(process, said).await;
                self.commit(process).await;
            }
            Step::Declare { purpose, basis, usage, anew } => {
                let declared = &mut self.declared[purpose];
                declared.purpose.basis = self.bases[basis].clone();
                declared.purpose.usage = [Use::Service, Use::Marketing, Use::Analytics][usage];
                if let Some(stale) = anew {
                    declared.since = Some(self.desk.clock.now());
                    declared.stale = stale.into_iter().collect();
                }
            }
            Step::Tick(seconds) => {
                let now = self.desk.clock.now();
                let by = Duration::from_secs(seconds.unsigned_abs());
                let then = if seconds < 0 { now.minus(by) } else { now.plus(by) };
                self.desk.clock.jump_to(then);
            }
        }
        self.look().await;
    }

    async fn begin(&mut self, n: usize, said: Said) {
        let refuses = self.model.refuses(&said, &self.declared);
        let now = self.desk.clock.now();
        let change = self.say(n, &said, now).await;
        assert_eq!(change.is_err(), refuses, "{said:?}: {change:?}");
        let seen = self.model.said.len();
        // What changes nothing is nothing to commit.
        let change = change.ok().filter(|change| !change.ops.is_empty());
        self.processes[n].pending = change.map(|change| (seen, now, said, change));
    }

    async fn commit(&mut self, n: usize) {
        let process = &mut self.processes[n];
        let Some((seen, at, said, change)) = process.pending.take() else { return };
        let batch = change.add_to(process.vault.batch().unwrap());
        match process.vault.commit(&ACME, batch).await {
            Ok(_) => {
                assert_eq!(seen, self.model.said.len(), "nobody wrote in between: {said:?}");
                self.model.said.push((at, said));
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Conflict);
                assert_ne!(seen, self.model.said.len(), "somebody wrote in between: {said:?}");
            }
        }
    }

    async fn say(&self, n: usize, said: &Said, now: Timestamp) -> bailee_core::Result<Change> {
        let Process { vault, ledger, .. } = &self.processes[n];
        let view = vault.read(&ACME, Holder::Subject(self.desk.ada), &[]).await?;
        let (me, operator) = (self.desk.me(), self.desk.operator());
        let named = |on: &On| (PURPOSES[on.0].clone(), THROUGH[on.1].clone());
        let given = |on: &On, version: u8| {
            let (purpose, integration) = named(on);
            Given {
                purposes: vec![purpose],
                integration,
                declaration: [version; 32],
                text: [2; 32],
                locale: Locale::default(),
                how: How::Page,
                by: me.clone(),
                until: None,
                guardian: None,
            }
        };
        let choice = match said {
            Said::Give { on, seconds, guardian, version } => {
                let mut given = given(on, *version);
                given.until = seconds.map(|seconds| now.plus(Duration::from_secs(seconds)));
                if *guardian {
                    let parent = SubjectId::from_id(Id::from_bytes([6; 16]));
                    given.by = Actor::Member { subject: parent };
                    given.guardian = Some(GuardianCheck::Document);
                }
                return ledger.give(&ACME, &view, &given).await;
            }
            Said::Refuse(on) => return ledger.refuse(&ACME, &view, &given(on, 0)).await,
            Said::Import(on) => {
                let (purpose, through) = named(on);
                let through = through.as_ref();
                return ledger.import(&ACME, &view, &[purpose], through, &operator).await;
            }
            Said::Withdraw(on) => {
                let (purpose, through) = named(on);
                return ledger.withdraw(&ACME, &view, &purpose, through.as_ref(), &me).await;
            }
            Said::WithdrawEverything => return ledger.withdraw_everything(&ACME, &view, &me).await,
            Said::WithdrawEverywhere(n) => {
                return ledger.withdraw_everywhere(&ACME, &view, &PURPOSES[*n], &me).await;
            }
            Said::WithdrawThrough(n) => {
                let through = THROUGH[*n].clone().unwrap();
                return ledger.withdraw_all(&ACME, &view, &through, &me).await;
            }
            Said::AskAnew(on) => {
                let (purpose, through) = named(on);
                let through = through.as_ref();
                return ledger.ask_anew(&ACME, &view, &[purpose], through, &operator).await;
            }
            Said::Expire => return ledger.expire(&ACME, &view, &Actor::System).await,
            Said::Object(on) => {
                let (purpose, integration) = named(on);
                let grounds = Some(Grounds::new("my own reasons"));
                let objection = Objection { purpose, integration, grounds };
                return ledger.object(&ACME, &view, objection, &me).await;
            }
            Said::Override(on) => {
                let through = named(on).1;
                let purpose = &self.declared[on.0].purpose;
                let grounds = Grounds::new("fraud");
                return ledger
                    .override_objection(&ACME, &view, purpose, through.as_ref(), grounds, &operator)
                    .await;
            }
            Said::Uphold(on) => {
                let (purpose, through) = named(on);
                return ledger.uphold(&ACME, &view, &purpose, through.as_ref(), &operator).await;
            }
            Said::Gpc => {
                let signal = GlobalPrivacyControl::read([("sec-gpc", "1")]).unwrap();
                return ledger.honour(&ACME, &view, signal, &Actor::System).await;
            }
            Said::Learn(band) => {
                let learnt =
                    ledger.learn_age(&ACME, &view, *band, AgeMethod::Declared, &me).await?;
                assert_eq!(learnt.erase.is_some(), *band == AgeBand::Child);
                return Ok(learnt.change);
            }
            Said::EndObjection(on) => {
                let (purpose, integration) = named(on);
                Choice::ObjectionEnded { purpose, integration }
            }
            Said::ObjectToMarketing => Choice::MarketingObjectionMade,
            Said::EndMarketingObjection => Choice::MarketingObjectionEnded,
            Said::Restrict(ground) => Choice::RestrictionBegun { ground: GROUNDS[*ground] },
            Said::Release(ground) => {
                Choice::RestrictionEnded { ground: ground.map(|n| GROUNDS[n]), told: None }
            }
        };
        ledger.record(&ACME, &view, choice, &me).await
    }

    /// Every process sees at once what was committed, and decides as the model does.
    async fn look(&mut self) {
        let now = self.desk.clock.now();
        let history = self.desk.ledger.history(&ACME, self.desk.ada).await.unwrap();
        let rebuilt = Standing::fold(&history);
        for process in &self.processes {
            let holder = Holder::Subject(self.desk.ada);
            let view = process.vault.read(&ACME, holder, &[]).await.unwrap();
            assert_eq!(Standing::read(&view.standing().unwrap()).unwrap(), rebuilt);
        }
        for (purpose, declared) in self.declared.iter().enumerate() {
            let asked = declared.since.map(AskedAnew::since);
            let stale = |asked, version: &u8| AskedAnew::stale(asked, [*version; 32]);
            let asked = asked.map(|asked| declared.stale.iter().fold(asked, stale));
            for (through, integration) in THROUGH.iter().enumerate() {
                for despite in [None, Some(Exemption::Consent), Some(Exemption::LegalClaims)] {
                    let mut wanted = Wanted::new(&declared.purpose, integration.as_ref(), now);
                    if let Some(exemption) = despite {
                        wanted = wanted.despite_restriction(exemption);
                    }
                    if let Some(asked) = &asked {
                        wanted = wanted.asked_anew(asked);
                    }
                    let decision = rebuilt.decide_on(&wanted);
                    let allows = self.model.allows(declared, (purpose, through), despite, now);
                    assert_eq!(
                        decision.is_allowed(),
                        allows,
                        "{decision:?} for {wanted:?} after {:#?}",
                        self.model.said
                    );
                    *if allows { &mut self.allowed } else { &mut self.refused } += 1;
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_that_is_said_in_any_order_lets_through_what_the_rules_forbid(
        steps in proptest::collection::vec(step(), 1..80)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new().await;
            for step in steps {
                run.step(step).await;
            }
        });
    }
}

/// That the model says yes as well as no, or its agreement would mean little.
#[test]
fn the_model_allows_and_refuses() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut run = Run::new().await;
        let give = Said::Give { on: (0, 1), seconds: None, guardian: false, version: 0 };
        for said in [give, Said::Restrict(0), Said::Release(None), Said::Withdraw((0, 1))] {
            run.step(Step::Begin(0, said)).await;
            run.step(Step::Commit(0)).await;
        }
        assert!(run.allowed > 0 && run.refused > 0);
    });
}
