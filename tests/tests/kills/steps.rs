//! The steps of a victim: each is said before it is taken, and at one of them it stands still.

use std::{
    io::Write,
    sync::{Mutex, PoisonError},
};

use bailee::http::SendError;
use bailee_tests::{Around, Step};

use super::*;

/// Says something to the parent. A line is whole or not there.
pub(crate) fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{MARK}{what}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Stands still for ever, and with it everything on this runtime.
fn stand_still() -> ! {
    loop {
        std::thread::park();
    }
}

/// Counts the steps of a victim and ends it at one.
#[derive(Clone)]
pub(crate) struct Steps(Arc<Mutex<Course>>);

struct Course {
    /// Whether the steps are said; before that they are not counted either.
    said: bool,
    taken: u32,
    end: Option<(u32, Moment)>,
}

impl Steps {
    /// Of a victim that nobody watches yet.
    pub(crate) fn quiet() -> Self {
        Self(Arc::new(Mutex::new(Course { said: false, taken: 0, end: None })))
    }

    /// Of a victim that is to end at a step, or to live.
    pub(crate) fn ending(end: Option<(u32, Moment)>) -> Self {
        let steps = Self::quiet();
        steps.watch(end);
        steps
    }

    /// Counts from here on.
    pub(crate) fn watch(&self, end: Option<(u32, Moment)>) {
        *self.course() = Course { said: true, taken: 0, end };
    }

    /// Says nothing any more.
    pub(crate) fn rest(&self) {
        self.course().said = false;
    }

    fn course(&self) -> std::sync::MutexGuard<'_, Course> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a step is taken, which has this number, and where in it the end is.
    fn takes(&self, name: &str) -> Option<(u32, Option<Moment>)> {
        let mut course = self.course();
        if !course.said {
            return None;
        }
        let number = course.taken;
        course.taken += 1;
        say(&format!("step {number} {name}"));
        let end = course.end.filter(|(at, _)| *at == number);
        Some((number, end.map(|(_, moment)| moment)))
    }

    /// Takes a step.
    async fn step<T, E>(
        &self,
        name: &str,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some((number, moment)) = self.takes(name) else { return step.await };
        match moment {
            None => {
                let outcome = step.await;
                took(number, &outcome);
                outcome
            }
            Some(Moment::Before) => {
                say("dying");
                stand_still()
            }
            Some(Moment::During) => {
                say("dying");
                let _ = step.await;
                stand_still()
            }
            Some(Moment::After) => {
                took(number, &step.await);
                say("dying");
                stand_still()
            }
            Some(Moment::Beyond) => {
                let outcome = step.await;
                took(number, &outcome);
                say("dying");
                outcome
            }
        }
    }
}

/// Says that a step took effect. One that failed may have or not.
fn took<T, E>(number: u32, outcome: &Result<T, E>) {
    if outcome.is_ok() {
        say(&format!("took {number}"));
    }
}

impl Around for Steps {
    async fn around<T: Send>(
        &self,
        step: Step<'_>,
        taken: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        match step {
            Step::Claim(_) => self.step("claim", taken).await,
            Step::Commit(_, batch) => {
                let entry = &batch.audit()[0];
                let name = match entry.field("generation") {
                    Some(generation) => format!("{} {generation}", entry.event()),
                    None => entry.event().to_owned(),
                };
                self.step(&name, taken).await
            }
            _ => taken.await,
        }
    }

    async fn around_request<T: Send>(
        &self,
        path: &str,
        sent: impl Future<Output = Result<T, SendError>> + Send,
    ) -> Result<T, SendError> {
        self.step(path, sent).await
    }
}
