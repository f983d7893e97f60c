//! A provider of the host's own, and what the quickstart plays with beside the libraries: the providers, a person's browser, an
//! operation of the host's own, and a voice that tells what happened.

pub mod diary;
pub mod host;
pub mod notes;
pub mod told;
