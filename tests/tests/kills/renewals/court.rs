//! Where processes are killed: a class on a store, with a journal or without.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError, atomic::AtomicUsize, atomic::Ordering},
    time::{Duration, Instant},
};

use bailee_postgres::testing::Cluster;
use bailee_testkit::emulator::Endpoint;
use bailee_tests::Dice;
use tokio::runtime::{Handle, Runtime};

use super::{
    life::{Heard, Life},
    look::{Before, Death},
    tally::{Counts, Tally},
    *,
};

/// So many processes live and die at the same time.
const LANES: usize = 4;
/// So many deaths have one world, so that what the emulator remembers has an end.
const STRETCH: usize = 50;

/// A class on a store, with a journal or without.
#[derive(Clone, Copy, Debug)]
pub(super) struct Court {
    class: usize,
    postgres: bool,
    pub(super) journal: bool,
}

/// A part of what happens in a court.
struct Stretch {
    court: Court,
    /// The number of its first death in the court.
    first: usize,
    deaths: usize,
    /// Whether somebody else has the store open all the while.
    watched: bool,
}

impl Court {
    pub(super) fn class(&self) -> &'static Class {
        &CLASSES[self.class]
    }

    fn name(&self) -> String {
        let store = if self.postgres { "PostgreSQL" } else { "SQLite" };
        let journal = if self.journal { ", journal" } else { "" };
        format!("{}, {store}{journal}", self.class().name)
    }

    fn all() -> Vec<Self> {
        let mut courts = Vec::new();
        for (class, of) in CLASSES.iter().enumerate() {
            for postgres in [false, true] {
                courts.push(Self { class, postgres, journal: false });
                if of.strict {
                    courts.push(Self { class, postgres, journal: true });
                }
            }
        }
        courts
    }
}

/// Kills so many processes in all courts together.
#[expect(clippy::print_stdout, reason = "the counts are for whoever runs it")]
pub(super) fn all(kills: usize) {
    let courts = Court::all();
    let (tally, mut stretches) = (Tally::default(), VecDeque::new());
    for (n, court) in courts.iter().enumerate() {
        let mut left = kills * (n + 1) / courts.len() - kills * n / courts.len();
        let (mut first, mut watched) = (0, n % 2 == 0);
        while left > 0 {
            let deaths = left.min(STRETCH);
            stretches.push_back(Stretch { court: *court, first, deaths, watched });
            (first, left, watched) = (first + deaths, left - deaths, !watched);
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (stretches, short) = (Mutex::new(stretches), AtomicUsize::new(0));
    #[expect(clippy::disallowed_methods, reason = "how long it took is for whoever runs it")]
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                loop {
                    let next = stretches.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(stretch) = next else { return };
                    let (court, deaths) = (stretch.court, stretch.deaths);
                    let counts = Session::open(&stretch, &runtime).run(&stretch);
                    short.fetch_add(deaths.saturating_sub(counts.kills()), Ordering::SeqCst);
                    tally.note(court.name(), counts);
                }
            });
        }
    });
    println!("{tally}\nin {:?}", began.elapsed());
    // A step that was not reached kills nobody.
    assert!(short.into_inner() * 10 <= kills, "too few were killed");
}

/// Somebody with an account.
pub(super) struct Person {
    pub(super) name: String,
    pub(super) connection: ConnectionRef,
    /// The generations of their tokens whose commit was acknowledged.
    pub(super) acknowledged: Vec<i64>,
    pub(super) lost: bool,
}

/// A world in which processes die one after the other.
pub(super) struct Session {
    pub(super) court: Court,
    pub(super) w: World,
    place: Place,
    folder: tempfile::TempDir,
    handle: Handle,
    dice: Dice,
    people: Vec<Person>,
    counts: Counts,
    /// How many steps a renewal has by a caller and by the worker, and how long one takes.
    steps: [u32; 2],
    takes: Duration,
    _held: Option<Arc<dyn Store>>,
}

/// Who renews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Caller,
    Worker,
}

impl Session {
    fn open(stretch: &Stretch, runtime: &Runtime) -> Self {
        let (court, handle) = (stretch.court, runtime.handle().clone());
        let class = court.class();
        let folder = tempfile::tempdir().unwrap();
        let seed = (stretch.first * 64 + court.class * 4) as u64
            + u64::from(court.postgres) * 2
            + u64::from(court.journal);
        // A death at a strict provider may cost the tokens of one.
        let people = if class.strict { 6 } else { 1 };
        handle.clone().block_on(async move {
            let mut w = class.world().build().await.unwrap();
            let place = if court.postgres {
                let cluster = Cluster::shared().unwrap();
                let database = cluster.database().await.unwrap();
                let (at, port, name) =
                    (cluster.folder().display(), cluster.port(), database.name());
                Place::Postgres(format!("host={at} port={port} user=bailee_app dbname={name}"))
            } else {
                Place::Sqlite(folder.path().join("vault").join("vault.db"))
            };
            let store = place.open(&w.clock).await;
            let process = w.process(class.declaration(), store.clone()).unwrap();
            let memory = std::mem::replace(&mut w.bailee, process.build().await.unwrap());
            let mut session = Self {
                court,
                w,
                place,
                folder,
                handle,
                dice: Dice::new(seed),
                people: Vec::new(),
                counts: Counts::default(),
                steps: [0; 2],
                takes: Duration::ZERO,
                _held: None,
            };
            // As many again are connected when they are needed.
            session.connect(people).await;
            session.w.bailee = memory;
            session._held = stretch.watched.then_some(store);
            session
        })
    }

    /// Connects further people, with a process that is the world's now.
    async fn connect(&mut self, people: usize) {
        for _ in 0..people {
            let name = format!("person-{}", self.people.len());
            let class = self.court.class();
            let connection = class.connect(&self.w, &visitor(&name), &name).await;
            self.people.push(Person { name, connection, acknowledged: Vec::new(), lost: false });
        }
        self.w.settle().await;
    }

    fn run(mut self, stretch: &Stretch) -> Counts {
        let mut life = self.born(None);
        assert!(life.is_born());
        self.learn(&mut life);
        for n in stretch.first..stretch.first + stretch.deaths {
            let Some(death) = self.dies(n, &mut life) else { continue };
            life = self.survives(death, n);
        }
        life.end();
        self.close();
        self.counts
    }

    fn born(&self, end: Option<(u32, Moment)>) -> Life {
        let birth = Birth {
            class: self.court.class,
            place: self.place.clone(),
            journal: self.journal(),
            address: self.w.emulator.address(),
            root: self.w.emulator.root_pem().to_owned(),
            now: self.w.clock.now().as_micros(),
            end,
        };
        Life::begin(self.folder.path(), &birth)
    }

    fn journal(&self) -> Option<PathBuf> {
        self.court.journal.then(|| self.folder.path().join("journal").join("refresh.journal"))
    }

    /// It is later, also for a process.
    fn pass(&self, time: Duration, life: &mut Life) {
        self.w.advance(time);
        life.does(&Order::Time(self.w.clock.now().as_micros()));
    }

    /// The one whose tokens are renewed next.
    fn person(&self) -> usize {
        self.people.iter().position(|person| !person.lost).unwrap()
    }

    fn order(&self, by: By) -> Order {
        let person = &self.people[self.person()];
        match by {
            By::Caller => Order::Call {
                person: person.name.clone(),
                connection: person.connection.to_string(),
            },
            By::Worker => Order::Settle,
        }
    }

    fn look(&self) -> Order {
        let person = &self.people[self.person()];
        Order::Look { person: person.name.clone(), connection: person.connection.to_string() }
    }

    fn before(&self) -> Before {
        let site = self.court.class().site(&self.w);
        Before { renewals: site.count(Endpoint::Refresh), alarms: site.reuse_alarms().len() }
    }

    /// Lets a process renew and live, to see what steps there are.
    fn learn(&mut self, life: &mut Life) {
        let class = self.court.class();
        for by in [By::Caller, By::Worker] {
            // The worker renews ahead of time what is in use, and what is used is seen here.
            let seen: Seen = serde_json::from_str(&life.does(&self.look())).unwrap();
            assert_eq!(seen.state, "Active", "{}: {seen:?}", self.court.name());
            let before = self.before();
            self.pass(class.pause(), life);
            life.watch(None);
            #[expect(clippy::disallowed_methods, reason = "kills come while a renewal goes on")]
            let began = Instant::now();
            let answer = life.does(&self.order(by));
            self.takes = self.takes.max(began.elapsed());
            assert!(["called", "settled"].contains(&answer.as_str()), "{answer}");
            let renewed = self.before().renewals - before.renewals;
            // A caller does not extend what extends itself.
            let expected = u64::from(by == By::Worker || class.spec.is_some());
            assert_eq!(renewed, expected, "{} by {by:?}", self.court.name());
            let steps = u32::try_from(life.trail.steps.len()).unwrap();
            assert!(expected == 0 || steps >= 3, "{:?}", life.trail);
            self.steps[usize::from(by == By::Worker)] = if renewed > 0 { steps } else { 0 };
            life.does(&Order::Rest);
        }
    }

    /// The n-th death: at a step in three of four, at any time in one.
    fn dies(&mut self, n: usize, life: &mut Life) -> Option<Death> {
        if n % 4 == 3 { Some(self.dies_at_any_time(life)) } else { self.dies_at_a_step(n, life) }
    }

    fn dies_at_a_step(&mut self, n: usize, life: &mut Life) -> Option<Death> {
        const MOMENTS: [Moment; 4] =
            [Moment::Before, Moment::During, Moment::After, Moment::Beyond];
        // In turn, but far apart, so that a few deaths already see all of it.
        let [called, settled] = self.steps.map(|steps| steps as usize * MOMENTS.len());
        let total = called + settled;
        let coprime = |stride: &usize| crate::parent::greatest_common_divisor(*stride, total) == 1;
        let stride = (total * 2 / 5..).find(coprime).unwrap();
        let place = (n - n / 4) * stride % total;
        let (by, place) =
            if place < called { (By::Caller, place) } else { (By::Worker, place - called) };
        let step = u32::try_from(place / MOMENTS.len()).unwrap();
        let moment = MOMENTS[place % MOMENTS.len()];

        let before = self.before();
        self.pass(self.court.class().pause(), life);
        life.watch(Some((step, moment)));
        let order = self.order(by);
        life.tell(&order);
        match life.hear() {
            Heard::Dying => {}
            // It took another way and had fewer steps.
            Heard::Done(_) => {
                life.does(&Order::Rest);
                return None;
            }
            heard => panic!("{heard:?}: {:?}", life.trail),
        }
        if moment == Moment::Beyond {
            // As long as a file is synced, or a commit takes.
            let time = Duration::from_micros(1 << self.dice.below(14));
            life.listen(time);
        }
        self.counts.at_a_step += 1;
        let what = format!("{} by {by:?} at step {step}, {moment:?}", self.court.name());
        Some(Death::new(what, before, life.kill(), Some((step, moment))))
    }

    fn dies_at_any_time(&mut self, life: &mut Life) -> Death {
        let micros = usize::try_from(self.takes.as_micros() * 2).unwrap();
        let time = Duration::from_micros(self.dice.below(micros) as u64);
        #[expect(clippy::disallowed_methods, reason = "a kill comes at a time of the machine's")]
        let until = Instant::now() + time;
        let mut rounds = 0;
        loop {
            rounds += 1;
            let before = self.before();
            self.pass(self.court.class().pause(), life);
            life.watch(None);
            // The worker is first, or the caller.
            let mut orders = [self.order(By::Worker), self.order(By::Caller)];
            if rounds % 2 == 0 && self.court.class().spec.is_some() {
                orders.reverse();
            }
            let mut answers = Vec::new();
            for order in &orders {
                life.tell(order);
                #[expect(clippy::disallowed_methods, reason = "as above")]
                let left = until.saturating_duration_since(Instant::now());
                let Some(answer) = life.listen(left) else { break };
                answers.push(answer);
            }
            if answers.len() == orders.len() {
                self.acknowledge(&life.trail);
                assert!(!answers.iter().any(|answer| answer.contains("failed")), "{answers:?}");
                continue;
            }
            self.counts.at_any_time += 1;
            let what = format!("{} after {time:?}, round {rounds}", self.court.name());
            let mut death = Death::new(what, before, life.kill(), None);
            death.answers.extend(answers);
            return death;
        }
    }

    /// Remembers what was acknowledged.
    fn acknowledge(&mut self, trail: &Trail) {
        let person = self.person();
        for place in &trail.took {
            let Some(step) = trail.steps.get(*place) else { continue };
            if let Some(generation) = step.strip_prefix("credential.refreshed ") {
                self.people[person].acknowledged.push(generation.parse().unwrap());
            }
        }
    }

    /// The next process opens what the dead one left, and everything is as it has to be.
    fn survives(&mut self, mut death: Death, n: usize) -> Life {
        // What it had sent arrives before time passes.
        self.handle.block_on(self.w.emulator.alone());
        // Within the claim of the dead, after it, after a while.
        self.w.advance(*self.dice.one(&[seconds(1), seconds(100), seconds(310)]));
        let mut life = None;
        if self.court.journal && death.waits_in_the_journal() && self.dice.chance(75) {
            // It may die as well, while it brings the answer to the store.
            let step = u32::try_from(self.dice.below(2)).unwrap();
            let moments = [Moment::Before, Moment::During, Moment::After, Moment::Beyond];
            let end = (step, *self.dice.one(&moments));
            let mut second = self.born(Some(end));
            if second.is_born() {
                second.does(&Order::Rest);
                life = Some(second);
            } else {
                self.counts.at_a_replay += 1;
                death.dies_again(second.kill().0, end);
                self.handle.block_on(self.w.emulator.alone());
                self.w.advance(seconds(1));
            }
        }
        let mut life = life.unwrap_or_else(|| {
            let mut life = self.born(None);
            assert!(life.is_born());
            life
        });
        life.watch(None);
        for round in 0..3 {
            self.pass(seconds(100), &mut life);
            if round == 0 && n.is_multiple_of(2) {
                // The caller is back before the worker is.
                life.does(&self.order(By::Caller));
            }
            assert_eq!(life.does(&Order::Settle), "settled", "{death:?}");
        }
        let seen: Seen = serde_json::from_str(&life.does(&self.look())).unwrap();
        for trail in death.trails() {
            self.acknowledge(trail);
        }
        let came_to = death.check(self, &seen, &life.trail);
        life.does(&Order::Rest);
        self.counts.in_between += usize::from(came_to.in_between);
        self.counts.replayed += usize::from(came_to.replayed);
        if came_to.lost {
            self.counts.lost += 1;
            let person = self.person();
            self.people[person].lost = true;
            if self.people.iter().all(|person| person.lost) {
                self.connect_more();
                self.pass(Duration::ZERO, &mut life);
                // Their tokens are in use, so that the worker renews them.
                life.does(&self.look());
            }
        }
        life
    }

    /// Further people come, while the process that lives goes on.
    fn connect_more(&mut self) {
        self.handle.clone().block_on(async {
            let store = self.place.open(&self.w.clock).await;
            let process = self.w.process(self.court.class().declaration(), store).unwrap();
            let memory = std::mem::replace(&mut self.w.bailee, process.build().await.unwrap());
            self.connect(6).await;
            self.w.bailee = memory;
        });
    }

    /// Looks at everything once more when nobody dies any more.
    fn close(&mut self) {
        if let Some(journal) = self.journal() {
            let length = std::fs::metadata(journal).unwrap().len();
            assert_eq!(length, 32, "{}: nothing waits in the journal", self.court.name());
        }
        self.counts.renewals = self.before().renewals;
        self.handle.clone().block_on(async {
            let store = self.place.open(&self.w.clock).await;
            look::everything(self, &store, &self.people).await;
        });
    }
}
