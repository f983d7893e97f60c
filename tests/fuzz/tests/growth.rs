//! What an input costs grows with its length and no faster.
//!
//! It is counted in bytes that are allocated, which no clock and no other process changes. Eight
//! times the input may cost eight times as much and something (a fault in each line where there was
//! none before); a parser that copies what it has at each step would cost sixty-four times as much.

use std::{fs, path::Path};

use bailee_connect::fuzzing::journal;
use bailee_core::InstanceId;
use bailee_fuzz::{Mutator, TARGETS, Target};

const SHORT: usize = 8 * 1024;
const TIMES: usize = 8;

fn cost(target: &Target, input: &[u8]) -> u64 {
    allocation_counter::measure(|| (target.run)(input)).bytes_total
}

/// The input with a part of it again and again, until it is about this long.
fn stretched(input: &[u8], from: usize, to: usize, length: usize) -> Vec<u8> {
    let piece = &input[from..to];
    let times = length.saturating_sub(input.len()) / piece.len();
    [&input[..to], &piece.repeat(times), &input[to..]].concat()
}

#[test]
fn eight_times_the_input_costs_no_more_than_twenty_four_times_as_much() {
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort_unstable();
        let spread = files.len().div_ceil(3);
        for file in files.iter().step_by(spread) {
            let input = fs::read(file).unwrap();
            for part in [1, 8, 32] {
                let to = input.len() / 2 + 1;
                let from = to.saturating_sub(part);
                if to > input.len() || from == to {
                    continue;
                }
                let short = stretched(&input, from, to, SHORT);
                let long = stretched(&input, from, to, SHORT * TIMES);
                // What is made once is made before.
                cost(target, &short);
                let (less, more) = (cost(target, &short), cost(target, &long));
                let most = less.saturating_mul(3 * TIMES as u64) + 64 * 1024;
                let name = file.file_name().unwrap().to_string_lossy();
                assert!(
                    more <= most,
                    "{}: {name} with {part} bytes repeated: {less} bytes, then {more}",
                    target.name
                );
            }
        }
    }
}

/// A length that a file states and does not have costs nothing.
#[test]
fn ref_07_a_journal_takes_no_more_memory_than_its_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/journal_file");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut corpus: Vec<_> = files.map(|file| fs::read(file).unwrap()).collect();
    corpus.sort_unstable();
    let instance = InstanceId::new("fuzz").unwrap();
    let mutated = (0..2000).map(|seed| Mutator::new(seed).input(&corpus));
    for input in corpus.iter().cloned().chain(mutated) {
        let read = allocation_counter::measure(|| drop(journal(&input, &instance)));
        // Beside the payloads there is a list with a place for each.
        let most = 3 * input.len() as u64 + 1024;
        assert!(read.bytes_max <= most, "{} bytes take {}", input.len(), read.bytes_max);
    }
}
