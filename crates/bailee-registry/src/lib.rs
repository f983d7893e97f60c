#![doc = include_str!("../README.md")]

mod addition;
mod age;
mod age_limits;
mod catalogue;
mod category;
mod choice;
mod consent;
mod data_set;
mod decision;
mod declaration;
mod disclosed;
mod disclosure;
mod dpv;
mod endpoint;
mod fold;
mod gpc;
mod handover;
mod integration;
pub mod kind;
mod ledger;
mod log;
mod objection;
pub mod outbound;
mod parse;
mod party;
mod policy;
mod problem;
mod purpose;
mod read;
mod receipt;
mod recipient;
mod restriction;
mod retention;
mod scope_drift;
mod scopes;
mod standing;
pub mod versions;
mod words;

pub(crate) use bailee_core::hex;

pub use addition::ScopeAddition;
pub use age::{Age, AgeBand, AgeChange, AgeMethod, ConsentAge, PromptErasure};
pub use age_limits::AgeLimits;
pub use catalogue::{Catalogue, Sentences};
pub use category::{Category, DataTerm};
pub use choice::{Choice, ConsentRecord};
pub use consent::{Given, GuardianCheck, How};
pub use data_set::{DataOrigin, DataSet};
pub use decision::{Decision, Denial, Wanted};
pub use declaration::{Declaration, Never, Policy, Role};
pub use disclosed::{DisclosureRecord, Disclosures};
pub use disclosure::{
    DisclosedData, DisclosedPurpose, DisclosedRecipient, DisclosedScope, Disclosure, Passage,
    SharedBy, Terms,
};
pub use endpoint::{Endpoint, Segment};
pub use gpc::GlobalPrivacyControl;
pub use handover::{HandedTo, Handover, HandoverRecord, Handovers, Reader, Telling};
pub use integration::{DataItem, Integration};
pub use ledger::{Change, Ledger};
pub use log::{
    AuditLog, Checkpointed, EntryPlace, Finding, LogFault, LogKey, Numbered, Proven, Verified,
};
pub use objection::{Grounds, Objection};
pub use party::{Controller, Party, ProtectionOfficer};
pub use policy::{Block, Document, Line, ProviderFacts, Span, Texts};
pub use problem::{Position, Problem, Problems};
pub use purpose::{LegalBasis, Necessity, ProhibitedUse, Purpose, SpecialCondition, Use};
pub use receipt::{ReceiptForm, ReceiptGap};
pub use recipient::{Country, Recipient, RecipientRole, Safeguard};
pub use restriction::{Exemption, Restriction, RestrictionGround};
pub use retention::{Period, Retention, RetentionRule};
pub use scope_drift::ScopeDrift;
pub use scopes::hash_scopes;
pub use standing::{Consent, ConsentState, Outcome, Standing};
