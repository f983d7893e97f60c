//! Requests: from the moment they come in to their certificate.

mod erasing;
mod intake;
mod weighing;
mod world;
