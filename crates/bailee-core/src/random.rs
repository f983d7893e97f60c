//! Randomness as an argument.

use std::fmt;

use crate::{Error, ErrorKind, Result};

/// Where randomness comes from.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Fills the buffer with bytes that nobody can guess.
    ///
    /// # Errors
    ///
    /// Must fail rather than give fewer or weaker bytes. Callers give the error on.
    fn fill(&self, buffer: &mut [u8]) -> Result<()>;
}

/// The operating system's source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<()> {
        getrandom::getrandom(buffer)
            .map_err(|error| Error::new(ErrorKind::RandomnessFailed).with_source(error))
    }
}
