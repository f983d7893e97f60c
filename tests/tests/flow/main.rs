//! The start of a connection, and which connection it becomes.

mod begin;
mod disclosure;
mod discovery;
mod limits;
mod loopback;
mod reconnect;
