//! Every target withstands its corpus, and what is mutated from it.
//!
//! `BAILEE_FUZZ` says how many inputs a cheap target gets (4000 where it is not set). What fails is
//! printed, made as short as it can be, to be put into the corpus with the fix.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by it as the tests do")]

use std::{
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use bailee_fuzz::{CANARY, Mutator, TARGETS, Target};

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// The files of a target's corpus, by their names, so that their order is the same everywhere.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder(target));
    let files = files.unwrap_or_else(|_| panic!("the target {target} has no corpus"));
    let mut found: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    found.sort_unstable();
    found
}

#[expect(clippy::disallowed_methods, reason = "how long to fuzz is for whoever runs it to say")]
fn inputs() -> usize {
    std::env::var("BAILEE_FUZZ").map_or(4000, |inputs| inputs.parse().unwrap())
}

#[test]
fn every_target_withstands_its_corpus_and_what_is_mutated_from_it() {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().unwrap().get();
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(target) = TARGETS.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let failure = withstands(target);
                    failures.lock().unwrap().extend(failure);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The first input that a target does not withstand.
fn withstands(target: &Target) -> Option<String> {
    let files = corpus(target.name);
    assert!(!files.is_empty(), "the target {} has no corpus", target.name);
    for (name, input) in &files {
        if fails(target, input) {
            return Some(format!("{}: corpus/{0}/{name} fails", target.name));
        }
    }
    let corpus: Vec<Vec<u8>> = files.into_iter().map(|(_, input)| input).collect();
    let name: u64 = target.name.bytes().fold(0, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
    for n in 0..inputs() / target.cost {
        let seed = name.wrapping_add(n as u64);
        let input = Mutator::new(seed).input(&corpus);
        if fails(target, &input) {
            let least = shortened(target, input);
            return Some(format!(
                "{}: seed {seed} fails: b\"{}\"",
                target.name,
                least.escape_ascii()
            ));
        }
    }
    None
}

fn fails(target: &Target, input: &[u8]) -> bool {
    catch_unwind(|| (target.run)(input)).is_err()
}

/// Takes away what is not needed for the failure.
fn shortened(target: &Target, mut input: Vec<u8>) -> Vec<u8> {
    let mut tries = 3000;
    let mut piece = input.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at + piece <= input.len() && tries > 0 {
            tries -= 1;
            let mut less = input.clone();
            less.drain(at..at + piece);
            if fails(target, &less) {
                input = less;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    input
}

#[test]
fn each_corpus_belongs_to_a_target_and_is_small() {
    let mut total = 0;
    for folder in fs::read_dir(folder("")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(bailee_fuzz::find(&name).is_some(), "corpus/{name} belongs to no target");
        total += corpus(&name).iter().map(|(_, input)| input.len()).sum::<usize>();
    }
    assert!(total < 300_000, "the corpora have {total} bytes");
    assert!(TARGETS.is_sorted_by_key(|target| target.name), "targets stand in their order");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever changes the format writes the files anew")]
fn what_is_sealed_stands_in_the_corpus() {
    for (target, bytes) in bailee_fuzz::sealed() {
        let file = folder(target).join("sealed");
        if std::env::var_os("BAILEE_REFRESH").is_some() {
            fs::create_dir_all(folder(target)).unwrap();
            fs::write(&file, &bytes).unwrap();
        }
        assert!(fs::read(&file).ok() == Some(bytes), "corpus/{target}/sealed: BAILEE_REFRESH=1");
    }
}

#[test]
fn a_seed_always_makes_the_same_input_and_not_the_corpus_alone() {
    let corpus = [b"first line\nsecond 17".to_vec(), b"{\"a\":1}".to_vec()];
    let all: Vec<Vec<u8>> = (0..500).map(|seed| Mutator::new(seed).input(&corpus)).collect();
    let again: Vec<Vec<u8>> = (0..500).map(|seed| Mutator::new(seed).input(&corpus)).collect();
    assert_eq!(all, again);
    assert!(all.iter().filter(|input| !corpus.contains(input)).count() > 400);
    assert!(all.iter().any(|input| input.escape_ascii().to_string().contains(CANARY)));
}
