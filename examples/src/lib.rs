//! What the quickstart plays with beside the libraries: the providers, a person's browser, an
//! operation of the host's own, and a voice that tells what happened.

pub mod host;
pub mod notes;
pub mod told;
