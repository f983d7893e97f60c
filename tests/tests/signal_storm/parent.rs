//! The process that kills, with the emulated providers and the model in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bailee::{
    ConnectionRef, ConnectionState, ErrorKind, ReconnectReason, SqliteStore, core::Clock,
    providers::spec::RefreshClass,
};
use bailee_testkit::{PURPOSE, Storage, World, emulator::Decision};
use bailee_tests::Dice;

use crate::{
    Orders, Sent,
    cast::{CAST, furnish, name, world},
    life::{Life, live},
    model::{Connection, Delivery, Model, Stands, Wanted, visitor},
    round::{Director, People},
    sums,
};

/// How often each class came to each outcome.
pub(crate) type Table = BTreeMap<(&'static str, String), usize>;

/// A storm: what it is played in, and what came of it so far.
struct Storm {
    w: World,
    file: PathBuf,
    orders: PathBuf,
    model: Model,
    table: Table,
    draw: Dice,
    killed: usize,
    /// Deliveries that were sent again because nobody answered.
    again: usize,
    /// Connections whose renewal died with a victim.
    lost: usize,
}

pub(crate) async fn parent(signals: u64, kills: u64, seed: u64) {
    let (signals, kills) = (usize::try_from(signals).unwrap(), usize::try_from(kills).unwrap());
    let rounds = (kills / 2).clamp(4, 100);
    let connected = if signals < 20_000 { 6 } else { 18 };
    let people = People { connected, strangers: 3 };

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vault").join("vault.db");
    let builder = world();
    let clock: Arc<dyn Clock> = Arc::new(builder.clock().clone());
    let store = SqliteStore::builder(&file).clock(clock).open().await.unwrap();
    let w = builder.storage(Storage::Given(Arc::new(store))).build().await.unwrap();
    furnish(&w, people.connected + people.strangers);
    let mut storm = Storm {
        w,
        file,
        orders: folder.path().join("orders.json"),
        model: Model::default(),
        table: Table::new(),
        draw: Dice::new(seed),
        killed: 0,
        again: 0,
        lost: 0,
    };
    for (part, cast) in CAST.iter().enumerate() {
        for account in 0..people.connected {
            // In one tenant, in two, in three.
            let most = if cast.once || account % 6 > 2 { 0 } else { account % 3 };
            for n in 0..=most {
                storm.connect(part, account, (account + n) % 3).await;
            }
        }
    }
    storm.w.settle().await;

    let (mut late, mut history) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Where it is clear that something happened after the person connected, and where it is not.
        let later = if storm.draw.chance(50) { 400 } else { 10 };
        storm.w.advance(Duration::from_secs(later));
        let seed = seed.wrapping_mul(1000).wrapping_add(u64::try_from(round).unwrap());
        let mut director = Director { w: &storm.w, draw: Dice::new(seed), people, late, history };
        let size = signals * (round + 1) / rounds - signals * round / rounds;
        let deliveries = director.round(&storm.model, size);
        let (draw, past) = (director.draw, director.history);
        let due = kills * (round + 1) / rounds;
        let taken = storm.play(&deliveries, due).await;
        let lost = storm.check(&format!("seed {seed}, round {round}"), &deliveries).await;
        history = past;
        history.extend(taken);
        // What is older than the inbox remembers would be new.
        let old = history.len().saturating_sub(1000);
        history.drain(..old);

        let ended = storm.ended();
        let mut director = Director { w: &storm.w, draw, people, late: Vec::new(), history };
        for (part, account) in ended.iter().map(|(part, account, _)| (*part, *account)) {
            let known =
                director.late.iter().any(|known| (known.part, known.account) == (part, account));
            let lives = storm.model.living(part, account).next().is_some();
            if !known && !lives && director.draw.chance(40) {
                director.keep_back(part, account);
            }
        }
        (late, history) = (director.late, director.history);
        let pause = 310 + storm.draw.below(1500);
        storm.w.advance(Duration::from_secs(u64::try_from(pause).unwrap()));
        for (part, account, tenant) in ended {
            storm.connect(part, account, tenant).await;
        }
        for n in lost {
            storm.connect_again(n).await;
        }
    }
    sums::check(&storm.w, &storm.model).await;
    storm.print();
    assert!(storm.killed * 2 >= kills, "only {} of {kills} were killed", storm.killed);
}

impl Storm {
    async fn connect(&mut self, part: usize, account: usize, tenant: usize) {
        let reference = self.flow(part, account, tenant).await;
        let stands = Stands::Active;
        self.model.connections.push(Connection { part, account, tenant, reference, stands });
    }

    /// A person whose tokens were lost connects again, and has the same connection.
    async fn connect_again(&mut self, n: usize) {
        let known = &self.model.connections[n];
        let (part, account, tenant) = (known.part, known.account, known.tenant);
        let reference = self.flow(part, account, tenant).await;
        assert_eq!(reference, self.model.connections[n].reference);
        self.lost += 1;
    }

    async fn flow(&self, part: usize, account: usize, tenant: usize) -> ConnectionRef {
        let (cast, who) = (&CAST[part], visitor(part, account, tenant));
        let (purposes, options, account_name) = ([PURPOSE], cast.options(), name(account));
        let completed = self
            .w
            .connect_as(&who, cast.registration, &purposes, options, Decision::Allow, &account_name)
            .await
            .unwrap();
        let completed = match completed {
            Ok(completed) => completed,
            Err(refusal) => panic!("{} refuses {account}: {refusal:?}", cast.id),
        };
        completed.connection
    }

    /// Sends the deliveries of a round to one victim after the other, until all are answered and
    /// one has lived to do what was due. Says which were taken.
    async fn play(&mut self, deliveries: &[Delivery], due: usize) -> Vec<Delivery> {
        let mut pending: BTreeSet<usize> = (0..deliveries.len()).collect();
        let mut answered: BTreeMap<usize, (u16, String)> = BTreeMap::new();
        for lives in 0.. {
            assert!(lives < 100, "they die for ever");
            let mut sends: Vec<(usize, Sent)> =
                pending.iter().map(|n| (*n, deliveries[*n].sent.clone())).collect();
            self.draw.shuffle(&mut sends);
            let lines = 3 * sends.len() + 60;
            let kill_after = (self.killed < due).then(|| 1 + self.draw.below(lines));
            let life = self.live(sends, kill_after).await;
            for (n, status, word) in life.acks {
                if word.starts_with("failed") {
                    let class = deliveries[n].class;
                    *self.table.entry((class, word)).or_default() += 1;
                } else {
                    pending.remove(&n);
                    answered.insert(n, (status, word));
                }
            }
            if life.killed {
                self.killed += 1;
                self.again += pending.len();
            } else if pending.is_empty() {
                break;
            }
        }
        let mut taken = Vec::new();
        for (n, (status, word)) in answered {
            let delivery = &deliveries[n];
            let ok = (200..300).contains(&status);
            let kept = ok && ["kept", "repeated"].contains(&word.as_str());
            let stale = (400..500).contains(&status) && word == "refused:stale";
            let right = match delivery.wanted {
                Wanted::Refused => (400..500).contains(&status) && word.starts_with("refused:"),
                Wanted::Silent => ok && ["ignored", "answered"].contains(&word.as_str()),
                Wanted::Taken => kept,
                Wanted::TakenOrStale => kept || stale,
            };
            assert!(right, "{} of {}: {status} {word}", delivery.class, CAST[delivery.part].id);
            *self.table.entry((delivery.class, word)).or_default() += 1;
            if kept {
                self.model.kept.insert(delivery.identity(), delivery.identity().2);
                self.model.apply(delivery, self.w.clock.now());
                taken.push(delivery.clone());
            }
        }
        taken
    }

    async fn live(&self, sends: Vec<(usize, Sent)>, kill_after: Option<usize>) -> Life {
        let orders = Orders {
            address: self.w.emulator.address(),
            root: self.w.emulator.root_pem().to_owned(),
            file: self.file.clone(),
            now: self.w.clock.now().as_micros(),
        };
        write(&self.orders, &orders);
        let (letter, clock) = (self.orders.clone(), self.w.clock.clone());
        let life = move || live(&letter, &clock, &sends, kill_after);
        tokio::task::spawn_blocking(life).await.unwrap()
    }

    /// Sees that every connection stands as it should, and that tokens live where it lives, and
    /// nowhere else. Says whose tokens were lost with a victim that was renewing them: that cannot
    /// be helped where a provider takes a refresh token once.
    async fn check(&self, when: &str, deliveries: &[Delivery]) -> Vec<usize> {
        let connections = self.w.bailee.connections();
        let mut lost = Vec::new();
        for (n, known) in self.model.connections.iter().enumerate() {
            let who = visitor(known.part, known.account, known.tenant);
            let status = connections.status(&who, &known.reference).await;
            let state = match &status {
                Ok(status) => Some(status.state),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => panic!("{when}: {error:?}"),
            };
            let dead = ConnectionState::NeedsReconnect(ReconnectReason::LostAfterRotation);
            let strict = CAST[known.part].adapter().spec().refresh.class == RefreshClass::Strict;
            let right = match known.stands {
                Stands::Active if strict && state == Some(dead) => {
                    lost.push(n);
                    true
                }
                Stands::Active => {
                    matches!(state, Some(ConnectionState::Active | ConnectionState::Degraded))
                }
                Stands::Ended(_) => state.is_none(),
                Stands::Frozen => matches!(state, Some(ConnectionState::Frozen)),
            };
            let cast = &CAST[known.part];
            let story = deliveries.iter().filter(|delivery| {
                delivery.part == known.part && delivery.account / 3 == known.account / 3
            });
            let story = story.map(|delivery| (delivery.class, delivery.account, &delivery.effects));
            let story: Vec<_> = story.collect();
            assert!(right, "{when}: {}, {known:?} is {state:?} after {story:?}", cast.id);
        }
        for (part, cast) in CAST.iter().enumerate() {
            let tokens = self.w.site(cast.id).live_tokens();
            let mut living: BTreeSet<String> = tokens
                .into_iter()
                .filter(|token| token.client == cast.client)
                .map(|token| token.account)
                .collect();
            let known = self.model.connections.iter().filter(|known| known.part == part);
            let wanted: BTreeSet<String> = known
                .filter(|known| !matches!(known.stands, Stands::Ended(_)))
                .map(|known| name(known.account))
                .collect();
            // Nobody knows what lives of those that were lost.
            let lost = lost.iter().map(|n| &self.model.connections[*n]);
            let lost = lost.filter(|known| known.part == part).map(|known| name(known.account));
            living.extend(lost);
            assert_eq!(living, wanted, "{when}: live tokens of {}", cast.id);
        }
        lost
    }

    /// What is connected no more, of each account in each tenant.
    fn ended(&self) -> Vec<(usize, usize, usize)> {
        let place = |known: &Connection| (known.part, known.account, known.tenant);
        let over = |known: &&Connection| matches!(known.stands, Stands::Ended(_));
        let all = &self.model.connections;
        let living: BTreeSet<_> = all.iter().filter(|known| !over(known)).map(place).collect();
        let ended: BTreeSet<_> = all.iter().filter(over).map(place).collect();
        ended.difference(&living).copied().collect()
    }

    #[expect(clippy::print_stdout, reason = "the counts are for whoever runs it")]
    fn print(&self) {
        println!("{:16} {:20} {:>7}", "delivery", "outcome", "count");
        for ((class, word), count) in &self.table {
            println!("{class:16} {word:20} {count:>7}");
        }
        let all: usize = self.table.values().sum();
        let ended = self.model.connections.iter();
        let ended = ended.filter(|known| matches!(known.stands, Stands::Ended(_))).count();
        println!("{:37} {all:>7}", "deliveries answered");
        println!("{:37} {:>7}", "sent again", self.again);
        println!("{:37} {:>7}", "processes killed", self.killed);
        println!("{:37} {:>7}", "connections made", self.model.connections.len());
        println!("{:37} {:>7}", "connections whose tokens were lost", self.lost);
        println!("{:37} {ended:>7}", "connections ended by what was told");
        println!("{:37} {:>7}", "records kept", self.model.kept.len());
        println!("{:37} {:>7}", "requests opened", self.model.requests.len());
    }
}

fn write(path: &Path, orders: &Orders) {
    std::fs::write(path, serde_json::to_vec(orders).unwrap()).unwrap();
}
