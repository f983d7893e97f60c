//! A process as its parent sees it.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    process::{ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use super::*;

/// No step takes so long, on whatever machine.
const AT_MOST: Duration = Duration::from_secs(120);

/// A process of this test's own program.
pub(super) struct Life {
    process: std::process::Child,
    told: Option<ChildStdin>,
    said: Receiver<String>,
    errors: PathBuf,
    /// What it said of its steps since it was last watched.
    pub(super) trail: Trail,
}

/// What is heard of a process.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It did what it was told, and says this.
    Done(String),
    /// It is at the point where it is to die.
    Dying,
    /// It is dead.
    Gone,
    /// Nothing, for so long.
    Silence,
}

impl Life {
    /// Begins a life whose orders lie in a folder of its own.
    pub(super) fn begin(folder: &Path, birth: &Birth) -> Self {
        let letter = folder.join("birth.json");
        std::fs::write(&letter, serde_json::to_vec(birth).unwrap()).unwrap();
        let errors = folder.join("errors");
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
            .env(BIRTH, &letter)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        let told = process.stdin.take();
        let out = BufReader::new(process.stdout.take().unwrap());
        let (say, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(std::result::Result::ok) {
                let Some(line) = line.strip_prefix(MARK) else { continue };
                if say.send(line.to_owned()).is_err() {
                    return;
                }
            }
        });
        Self { process, told, said, errors, trail: Trail::default() }
    }

    /// Tells it something and does not wait.
    pub(super) fn tell(&mut self, order: &Order) {
        let line = serde_json::to_string(order).unwrap();
        let told = self.told.as_mut().unwrap();
        // Who is dead reads nothing any more.
        let _ = writeln!(told, "{line}").and_then(|()| told.flush());
    }

    /// Waits for what it says next, for so long at the most.
    fn hear_for(&mut self, time: Duration) -> Heard {
        #[expect(clippy::disallowed_methods, reason = "a kill comes at a time of the machine's")]
        let until = Instant::now() + time;
        loop {
            #[expect(clippy::disallowed_methods, reason = "as above")]
            let left = until.saturating_duration_since(Instant::now());
            let line = match self.said.recv_timeout(left) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => return Heard::Silence,
                Err(RecvTimeoutError::Disconnected) => return Heard::Gone,
            };
            if self.trail.hears(&line) {
                continue;
            }
            return match line.split_once(' ') {
                Some(("done", answer)) => Heard::Done(answer.to_owned()),
                _ if line == "dying" => Heard::Dying,
                _ => Heard::Done(line),
            };
        }
    }

    /// Waits for what it says next.
    pub(super) fn hear(&mut self) -> Heard {
        let heard = self.hear_for(AT_MOST);
        assert_ne!(heard, Heard::Silence, "it says nothing: {:?}", self.trail);
        heard
    }

    /// Tells it something and waits until it is done.
    pub(super) fn does(&mut self, order: &Order) -> String {
        self.tell(order);
        match self.hear() {
            Heard::Done(answer) => answer,
            heard => panic!("{order:?}: {heard:?}, {}", self.complaint()),
        }
    }

    /// Waits until it is born. Says whether it was.
    pub(super) fn is_born(&mut self) -> bool {
        match self.hear() {
            Heard::Done(here) => {
                assert_eq!(here, "here", "{}", self.complaint());
                true
            }
            Heard::Dying => false,
            heard => panic!("it is not born: {heard:?}, {}", self.complaint()),
        }
    }

    /// Counts its steps from here on, and ends it at one.
    pub(super) fn watch(&mut self, end: Option<(u32, Moment)>) {
        self.trail = Trail::default();
        let answer = self.does(&Order::Watch(end));
        assert_eq!(answer, "is watched");
    }

    /// Listens for so long, whatever it says.
    pub(super) fn listen(&mut self, time: Duration) -> Option<String> {
        match self.hear_for(time) {
            Heard::Done(answer) => Some(answer),
            Heard::Gone => panic!("it ended by itself: {}", self.complaint()),
            Heard::Dying | Heard::Silence => None,
        }
    }

    /// Kills it, and says what it said until then. What it did before it heard no more is done.
    pub(super) fn kill(&mut self) -> (Trail, Vec<String>) {
        self.process.kill().unwrap();
        let mut answers = Vec::new();
        loop {
            match self.hear() {
                Heard::Gone => break,
                Heard::Done(answer) => answers.push(answer),
                Heard::Dying | Heard::Silence => {}
            }
        }
        let ended = self.process.wait().unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&ended);
        assert_eq!(signal, Some(9), "it ended by itself: {}", self.complaint());
        (std::mem::take(&mut self.trail), answers)
    }

    /// Lets it end.
    pub(super) fn end(mut self) {
        drop(self.told.take());
        let ended = self.process.wait().unwrap();
        assert!(ended.success(), "{}", self.complaint());
    }

    fn complaint(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap_or_default()
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
