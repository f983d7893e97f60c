//! What leaves the service for a recipient that needs few things and no person: screened texts in
//! declared fields.

mod account;
mod assignment;
mod bank_account;
mod card;
mod credential;
mod email;
mod fields;
mod finding;
mod fold;
mod handle;
mod ip;
mod payload;
mod phone;
mod policy;
mod profile;
mod record;
mod screen;
mod term;

pub use fields::{AllowedFields, FieldName};
pub use finding::{Finding, FindingKind};
pub use payload::{FieldFinding, Outbound, Outcome, Payload, Ready, Review};
pub use policy::{OnFinding, Screened, ScreeningPolicy};
pub use record::{OutboundRecord, SentField};
pub use screen::Screen;
