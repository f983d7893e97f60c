//! The steps of a victim: each is said before it is taken, and at one of them it stands still.

use std::{
    io::Write,
    sync::atomic::{AtomicU32, Ordering},
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
pub(crate) struct Steps {
    pub(crate) taken: Arc<AtomicU32>,
    pub(crate) end: Option<(u32, Moment)>,
}

impl Steps {
    /// Takes a step.
    async fn step<T>(&self, name: &str, step: impl Future<Output = T>) -> T {
        let number = self.taken.fetch_add(1, Ordering::SeqCst);
        say(&format!("step {number} {name}"));
        let moment = self.end.filter(|(at, _)| *at == number).map(|(_, moment)| moment);
        match moment {
            None => {
                let outcome = step.await;
                say(&format!("took {number}"));
                outcome
            }
            Some(Moment::Before) => {
                say("dying");
                stand_still()
            }
            Some(Moment::During) => {
                say("dying");
                step.await;
                stand_still()
            }
            Some(Moment::After) => {
                step.await;
                say(&format!("took {number}"));
                say("dying");
                stand_still()
            }
        }
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
            Step::Commit(_, batch) => self.step(batch.audit()[0].event(), taken).await,
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
