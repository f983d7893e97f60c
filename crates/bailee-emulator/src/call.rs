use crate::Endpoint;
use crate::fault::Fault;
use crate::message::Incoming;

/// A request on its way through a provider, with what is known about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// What it wants.
    pub(crate) endpoint: Endpoint,
    pub(crate) request: &'a Incoming,
    /// A fault that does the work, if one is planned for this request.
    pub(crate) fault: Option<&'a Fault>,
    /// The emulator's clock, in Unix seconds.
    pub(crate) now: i64,
}
