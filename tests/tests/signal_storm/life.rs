//! One life of a victim, as its parent sees it.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use bailee::core::ManualClock;

use crate::{MARK, ORDERS, Order, Sent, TEST};

/// The times that pass once everything is answered: until claims of the dead have ended, what was
/// on its way is looked for again, and what failed has been tried again.
const LATER: [u64; 5] = [100, 100, 200, 3700, 7300];

/// What came of a life.
#[derive(Debug, Default)]
pub(crate) struct Life {
    /// What was answered: number, status, outcome.
    pub(crate) acks: Vec<(usize, u16, String)>,
    pub(crate) killed: bool,
}

/// Lets a victim live until it has answered everything and done what is due; or kills it after so
/// many lines.
pub(crate) fn live(
    orders: &Path,
    clock: &ManualClock,
    sends: &[(usize, Sent)],
    kill_after: Option<usize>,
) -> Life {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
        .env(ORDERS, orders)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (tell, told) = mpsc::channel::<Order>();
    let writing = std::thread::spawn(move || {
        // Who is dead reads nothing any more.
        for order in told {
            let line = serde_json::to_string(&order).unwrap();
            if writeln!(stdin, "{line}").is_err() {
                return;
            }
        }
    });
    for (n, sent) in sends {
        tell.send(Order::Take { n: *n, sent: sent.clone() }).unwrap();
    }
    let mut life = Life::default();
    let (mut lines, mut later) = (0, LATER.iter());
    let mut tell = Some(tell);
    let mut pass = |tell: &mut Option<mpsc::Sender<Order>>| match later.next() {
        Some(seconds) => {
            clock.advance(Duration::from_secs(*seconds));
            // It may have died before it could be told.
            let _ = tell.as_ref().unwrap().send(Order::Later { seconds: *seconds });
        }
        None => *tell = None,
    };
    if sends.is_empty() {
        pass(&mut tell);
    }
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(said) = line.strip_prefix(MARK) else { continue };
        lines += 1;
        let mut words = said.split(' ');
        match words.next() {
            Some("ack") => {
                let n = words.next().unwrap().parse().unwrap();
                let status = words.next().unwrap().parse().unwrap();
                life.acks.push((n, status, words.next().unwrap().to_owned()));
                if life.acks.len() == sends.len() {
                    pass(&mut tell);
                }
            }
            Some("settled") => pass(&mut tell),
            _ => {}
        }
        if kill_after.is_some_and(|after| lines == after) {
            child.kill().unwrap();
        }
    }
    drop(tell);
    writing.join().unwrap();
    let ended = child.wait_with_output().unwrap();
    life.killed = std::os::unix::process::ExitStatusExt::signal(&ended.status) == Some(9);
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert!(life.killed || ended.status.success(), "the victim failed by itself: {stderr}");
    assert!(life.killed || life.acks.len() == sends.len(), "a life ends with all answered");
    life
}
