//! Versions of a declaration: what differs between two of them, who is told, who is asked again, and
//! what a part of one still allows.
//!
//! [`Diff::between`] finds every difference and judges each. [`AskedAnew`] is what the gate is told
//! of it; [`Overlay`] and [`Narrowed`] are what is left of a declaration under a tenant's own limits
//! or beside another declaration; [`Simulation`] counts the people before anything is published.

mod asked;
mod change;
mod compare;
mod diff;
mod difference;
mod length;
mod narrowed;
mod overlay;
mod simulation;
mod words;

pub use self::{
    asked::AskedAnew,
    change::{
        CategoryChange, Changed, ControllerChange, DataChange, DataSetChange, EndpointChange,
        IntegrationChange, Listed, Place, Presence, PurposeChange, RecipientChange, RuleChange,
        Served,
    },
    diff::Diff,
    difference::{Audience, Difference, Reason, Significance, Way},
    length::Length,
    narrowed::Narrowed,
    overlay::Overlay,
    simulation::Simulation,
};
