//! Requests of people about their data: taken in once, answered within the law's time, done in every
//! tenant and every source, and closed only when all of them were looked at again.
//!
//! A request is one record in the tenant in which it was made; what is done for it in a tenant is a
//! *part*, a record there. Both move by work rows alone: each step is one commit under its claim, so
//! that a process that dies leaves a whole step or none of it, and another one goes on. Nothing in
//! either record says who the person is; what does lies sealed under the person's key and goes with
//! it.

mod accounts;
mod again;
mod alone;
mod ask;
mod body;
mod certificate;
mod changing;
mod child;
mod deadline;
mod desk;
mod drive;
mod ending;
mod hand_out;
mod intake;
pub(crate) mod kind;
mod letters;
mod lifting;
mod objecting;
mod operator;
mod own;
mod part;
mod person;
mod provider;
mod reason;
mod recipient;
mod returned;
mod right;
mod state;
mod statement;
mod streaming;
mod stuck;
mod telling;
mod view;
mod weighing;
mod within;

pub use accounts::{Accounts, Ended, Uses, Word};
pub use alone::WithoutConnections;
pub use ask::{Amendment, Ask, Channel, Export, Words};
pub use certificate::CERTIFICATE;
pub use desk::{Identifiers, Overseer, Recipients, Rights, RightsBuilder, Timer, Told, Warning};
pub use intake::Taken;
pub use operator::{DryRun, OperatorRights};
pub use provider::{ProviderAsk, ProviderAsks};
pub use reason::Reason;
pub use returned::AfterReturn;
pub use right::Right;
pub use state::{Move, State};
pub use statement::{KeptStatement, Statement};
pub use view::{
    Identified, IdentifiedBy, Lifting, Outcome, Part, PartStage, RecipientState, Refused, Request,
    SourceStanding, TableStanding,
};
