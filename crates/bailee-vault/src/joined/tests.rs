use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::atomic::AtomicBool,
    task::{Context, Poll},
};

use bailee_core::{ErrorKind, Id, Timestamp};
use bailee_store::{Control, Kind, Sealed, Version};
use futures_util::task::noop_waker;
use proptest::prelude::*;

use super::*;

static ACME: TenantId = TenantId::from_static("acme");

/// A row with a number, whose readers see the number of the moment at which their read begins and
/// wait at a gate until they have it.
#[derive(Default)]
struct Row {
    number: AtomicUsize,
    open: AtomicBool,
    broken: AtomicBool,
    reads: AtomicUsize,
}

impl Look for Row {
    fn look<'l>(&'l self, _: &'l TenantId, _: &'l [Key]) -> BoxFuture<'l, Result<Snapshot>> {
        async move {
            self.reads.fetch_add(1, Ordering::SeqCst);
            let seen = self.number.load(Ordering::SeqCst);
            poll_fn(|_| match self.open.load(Ordering::SeqCst) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
            if self.broken.load(Ordering::SeqCst) {
                return Err(Error::new(ErrorKind::StoreUnavailable).with_detail("a test broke it"));
            }
            Ok(Snapshot {
                now: Timestamp::from_micros(seen as i64),
                control: Control { version: Version(0), body: Sealed::new(Vec::new()) },
                records: Vec::new(),
            })
        }
        .boxed()
    }
}

type Caller<'c> = Pin<Box<dyn Future<Output = Result<Snapshot>> + 'c>>;

struct Scene {
    row: Arc<Row>,
    joined: JoinedReads,
    keys: Vec<Key>,
}

impl Scene {
    fn new() -> Self {
        let keys = vec![Key::new(Kind::from_static("credential"), Id::from_bytes([3; 16]))];
        Self { row: Arc::default(), joined: JoinedReads::default(), keys }
    }

    fn write(&self) -> usize {
        self.row.number.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn reads(&self) -> usize {
        self.row.reads.load(Ordering::SeqCst)
    }

    fn open(&self, open: bool) {
        self.row.open.store(open, Ordering::SeqCst);
    }

    /// Somebody who asks now.
    fn caller(&self) -> Caller<'_> {
        let mut caller: Caller<'_> = Box::pin(self.joined.read(&self.row, &ACME, &self.keys));
        assert!(poll(&mut caller).is_none());
        caller
    }

    fn left(&self) -> usize {
        lock(&self.joined.places).len()
    }
}

fn poll(caller: &mut Caller<'_>) -> Option<Result<usize>> {
    match caller.as_mut().poll(&mut Context::from_waker(&noop_waker())) {
        Poll::Pending => None,
        Poll::Ready(answer) => Some(answer.map(|seen| seen.now.as_micros() as usize)),
    }
}

fn seen(mut caller: Caller<'_>) -> usize {
    poll(&mut caller).expect("the gate is open").unwrap()
}

#[test]
fn who_comes_while_a_read_is_under_way_shares_the_next_one() {
    let scene = Scene::new();
    let alone = scene.caller();
    scene.write();
    let first = scene.caller();
    let second = scene.caller();
    scene.write();
    let third = scene.caller();
    assert_eq!(scene.reads(), 2, "the third and later wait for the next one");
    scene.open(true);
    assert_eq!(seen(alone), 0);
    assert_eq!(seen(first), 1);
    // Both came before it began, and both see what was written before they came.
    assert_eq!((seen(second), seen(third)), (2, 2));
    assert_eq!(scene.reads(), 3);
    assert_eq!(scene.left(), 0);
}

#[test]
fn who_leaves_takes_nobody_along() {
    let scene = Scene::new();
    let alone = scene.caller();
    let first = scene.caller();
    let second = scene.caller();
    let third = scene.caller();
    drop((alone, first));
    scene.write();
    drop(second);
    scene.open(true);
    assert_eq!(seen(third), 1);
    // Where everybody left, the next one begins anew.
    scene.open(false);
    let (alone, first, second) = (scene.caller(), scene.caller(), scene.caller());
    drop((alone, first, second));
    scene.open(true);
    let mut alone: Caller<'_> = Box::pin(scene.joined.read(&scene.row, &ACME, &scene.keys));
    assert_eq!(poll(&mut alone).unwrap().unwrap(), 1);
}

#[test]
fn an_error_is_everybody_s_who_shared_the_read() {
    let scene = Scene::new();
    let callers = [scene.caller(), scene.caller(), scene.caller(), scene.caller()];
    scene.row.broken.store(true, Ordering::SeqCst);
    scene.open(true);
    for mut caller in callers {
        let error = poll(&mut caller).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
        assert_eq!(error.detail(), Some("a test broke it"));
    }
    scene.row.broken.store(false, Ordering::SeqCst);
    let mut alone: Caller<'_> = Box::pin(scene.joined.read(&scene.row, &ACME, &scene.keys));
    assert_eq!(poll(&mut alone).unwrap().unwrap(), 0);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Come,
    Leave(prop::sample::Index),
    Look(prop::sample::Index),
    Open(bool),
    Write,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Come),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
        4 => any::<prop::sample::Index>().prop_map(Step::Look),
        2 => any::<bool>().prop_map(Step::Open),
        2 => Just(Step::Write),
    ]
}

proptest! {
    #[test]
    fn whoever_asks_sees_what_was_written_before_in_any_order(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let scene = Scene::new();
        let mut waiting: Vec<(usize, Caller<'_>)> = Vec::new();
        let mut written = 0;
        let mut came = 0;
        for step in steps {
            match step {
                Step::Come => {
                    came += 1;
                    let mut caller: Caller<'_> =
                        Box::pin(scene.joined.read(&scene.row, &ACME, &scene.keys));
                    match poll(&mut caller) {
                        Some(answer) => prop_assert!(answer.unwrap() >= written),
                        None => waiting.push((written, caller)),
                    }
                }
                Step::Leave(which) if !waiting.is_empty() => {
                    drop(waiting.swap_remove(which.index(waiting.len())));
                }
                Step::Look(which) if !waiting.is_empty() => {
                    let which = which.index(waiting.len());
                    let (least, caller) = &mut waiting[which];
                    if let Some(answer) = poll(caller) {
                        prop_assert!(answer.unwrap() >= *least);
                        drop(waiting.swap_remove(which));
                    }
                }
                Step::Leave(_) | Step::Look(_) => {}
                Step::Open(open) => scene.open(open),
                Step::Write => written = scene.write(),
            }
        }
        // Nobody waits for ever, whoever left.
        scene.open(true);
        for (least, caller) in waiting {
            prop_assert!(seen(caller) >= least);
        }
        prop_assert!(scene.reads() <= came);
    }
}
