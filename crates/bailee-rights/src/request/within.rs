//! Waiting for a seam of the host's no longer than it may take.

use std::{pin::pin, time::Duration};

use bailee_core::{Error, ErrorKind, Result};
use futures_util::future::{Either, select};

use super::Timer;

/// How long a source may take over a look or a bounded step.
pub(super) const STEP: Duration = Duration::from_secs(60);
/// How long it may take to hand over what it has.
pub(super) const HANDING_OVER: Duration = Duration::from_secs(480);

/// What the future answers, or an error where it takes longer. What was given up may have happened:
/// everything that is asked of a host's seam can be asked again.
pub(super) async fn within<T>(
    timer: &dyn Timer,
    limit: Duration,
    answer: impl Future<Output = Result<T>>,
) -> Result<T> {
    match select(pin!(answer), timer.sleep(limit)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            Err(Error::new(ErrorKind::HostFailed).with_detail("no answer within its time"))
        }
    }
}
