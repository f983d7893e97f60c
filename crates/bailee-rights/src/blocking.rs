//! Where work that blocks is done: the host says.

/// A piece of work that waits for a disk, for a lock, or for whoever takes what it reads.
pub type Job = Box<dyn FnOnce() + Send>;

/// Runs jobs on threads that may be kept waiting. A closure is one:
/// `|job| { tokio::task::spawn_blocking(job); }`.
///
/// It *must* return at once and run the job elsewhere: whoever asked for it waits in a task. It *must
/// not* run a job twice. A job that is dropped without having been run is an error for whoever waits
/// for it.
pub trait Blocking: Send + Sync {
    /// Has a job run.
    fn run(&self, job: Job);
}

impl<F: Fn(Job) + Send + Sync> Blocking for F {
    fn run(&self, job: Job) {
        self(job);
    }
}
