//! What can differ between two declarations.

use std::collections::BTreeSet;

use bailee_core::{
    CredentialName, DataCategory, Effect, ProviderId, PurposeId, RecipientId, ScopeName,
};
use time::Date;

use crate::{
    Country, DataOrigin, DataTerm, LegalBasis, Necessity, Party, ProtectionOfficer, RecipientRole,
    Retention, Role, Safeguard, SpecialCondition, Use,
};

use super::Length;

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changed {
    /// From which age people use the service.
    AgeMinimum {
        /// Before.
        was: Option<u8>,
        /// Now.
        is: Option<u8>,
    },
    /// From which age people agree alone, in a country or where none is named.
    AgeOfConsent {
        /// The country.
        country: Option<Country>,
        /// Before.
        was: Option<u8>,
        /// Now.
        is: Option<u8>,
    },
    /// The supervisory authorities.
    Authorities(Listed),
    /// A category of data as such.
    Category {
        /// Which.
        category: DataCategory,
        /// What of it.
        what: CategoryChange,
    },
    /// Who answers for the service.
    Controller(ControllerChange),
    /// A row of what is kept.
    Data {
        /// Where it stands.
        place: Place,
        /// What a person reads as its name.
        name: String,
        /// What it is kept for.
        purpose: PurposeId,
        /// What of it.
        what: DataChange,
    },
    /// A set of the host's own data.
    DataSet {
        /// Which.
        set: String,
        /// What of it.
        what: DataSetChange,
    },
    /// An endpoint that is called without an adapter.
    Endpoint {
        /// The provider.
        provider: ProviderId,
        /// Its name.
        endpoint: String,
        /// What of it.
        what: EndpointChange,
    },
    /// An integration as a whole. What stands in one that is new or gone is not listed again.
    Integration {
        /// The provider.
        provider: ProviderId,
        /// What of it.
        what: IntegrationChange,
    },
    /// Those who decide with the controller.
    JointControllers(Listed),
    /// What protects the data.
    Measures(Listed),
    /// A category that is never read, at an integration or anywhere.
    NeverCategory {
        /// At which one.
        provider: Option<ProviderId>,
        /// The category.
        category: DataCategory,
        /// Whether it is excluded now.
        now: Presence,
    },
    /// A scope that is never asked for.
    NeverScope {
        /// The provider.
        provider: ProviderId,
        /// The scope.
        scope: ScopeName,
        /// Whether it is excluded now.
        now: Presence,
    },
    /// A use that no purpose may be.
    NeverUse {
        /// The use.
        usage: Use,
        /// Whether it is excluded now.
        now: Presence,
    },
    /// An operation of an adapter.
    Operation {
        /// The provider.
        provider: ProviderId,
        /// Its name.
        operation: String,
        /// For which purposes.
        served: Served,
    },
    /// From when the policy holds.
    PolicyDate {
        /// Before.
        was: Option<Date>,
        /// Now.
        is: Option<Date>,
    },
    /// Where people read the policy.
    PolicyUrl {
        /// Before.
        was: Option<String>,
        /// Now.
        is: Option<String>,
    },
    /// A purpose.
    Purpose {
        /// Which.
        purpose: PurposeId,
        /// What of it.
        what: PurposeChange,
    },
    /// A category that an integration reads and does not keep.
    Read {
        /// The provider.
        provider: ProviderId,
        /// The category.
        category: DataCategory,
        /// Whether it is read now.
        now: Presence,
    },
    /// A recipient.
    Recipient {
        /// Which.
        recipient: RecipientId,
        /// What of it.
        what: RecipientChange,
    },
    /// A named retention rule. The rows that name it are listed on their own.
    RetentionRule {
        /// Its name.
        rule: String,
        /// What of it.
        what: RuleChange,
    },
    /// What the service is to the data.
    Role {
        /// Before.
        was: Role,
        /// Now.
        is: Role,
    },
    /// A scope.
    Scope {
        /// The provider.
        provider: ProviderId,
        /// Its name.
        scope: ScopeName,
        /// For which purposes.
        served: Served,
    },
}

/// Whether something came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Presence {
    /// It is there now.
    Added,
    /// It is there no longer.
    Removed,
}

/// What became of a list whose order counts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Listed {
    /// An entry came.
    Added(String),
    /// An entry says something else of the same name.
    Details(String),
    /// The same entries stand in another order.
    Order,
    /// An entry went.
    Removed(String),
}

/// The purposes that something serves, before and now. None before: it is new; none now: it is gone;
/// others: it was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Before.
    pub was: BTreeSet<PurposeId>,
    /// Now.
    pub is: BTreeSet<PurposeId>,
}

impl Served {
    /// The purposes that it did not serve before.
    pub fn gained(&self) -> impl Iterator<Item = &PurposeId> {
        self.is.difference(&self.was)
    }

    /// The purposes that it no longer serves.
    pub fn lost(&self) -> impl Iterator<Item = &PurposeId> {
        self.was.difference(&self.is)
    }
}

/// Where a row of what is kept stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Place {
    /// In a set of the host's own data.
    DataSet(String),
    /// In an integration.
    Integration(ProviderId),
}

/// What differs of a category.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CategoryChange {
    /// It is new.
    Added,
    /// Its words for people.
    Plain {
        /// Before.
        was: String,
        /// Now.
        is: String,
    },
    /// It is gone.
    Removed,
    /// Its terms for machines.
    Terms {
        /// Before.
        was: Vec<DataTerm>,
        /// Now.
        is: Vec<DataTerm>,
    },
}

/// What differs of the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControllerChange {
    /// Its postal address.
    Address {
        /// Before.
        was: Option<String>,
        /// Now.
        is: Option<String>,
    },
    /// Where privacy requests go.
    Contact {
        /// Before.
        was: String,
        /// Now.
        is: String,
    },
    /// Where it is established.
    Country {
        /// Before.
        was: Option<Country>,
        /// Now.
        is: Option<Country>,
    },
    /// Its name.
    Name {
        /// Before.
        was: String,
        /// Now.
        is: String,
    },
    /// Its telephone number.
    Phone {
        /// Before.
        was: Option<String>,
        /// Now.
        is: Option<String>,
    },
    /// Its data protection officer.
    ProtectionOfficer {
        /// Before.
        was: Option<ProtectionOfficer>,
        /// Now.
        is: Option<ProtectionOfficer>,
    },
    /// Its representative in the Union.
    Representative {
        /// Before.
        was: Option<Party>,
        /// Now.
        is: Option<Party>,
    },
    /// Its address in the web.
    Website {
        /// Before.
        was: Option<String>,
        /// Now.
        is: Option<String>,
    },
}

/// What differs of a row of what is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataChange {
    /// It is new.
    Added {
        /// Its category.
        category: DataCategory,
        /// How long it is kept.
        kept: Retention,
    },
    /// Its category.
    Category {
        /// Before.
        was: DataCategory,
        /// Now.
        is: DataCategory,
    },
    /// How long it is kept.
    Kept {
        /// Before.
        was: Retention,
        /// Now.
        is: Retention,
        /// How the one stands to the other.
        length: Length,
    },
    /// It is gone.
    Removed,
    /// The rule that the time comes from.
    Rule {
        /// Before.
        was: Option<String>,
        /// Now.
        is: Option<String>,
    },
}

/// What differs of a set of the host's own data. Its rows are listed on their own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataSetChange {
    /// It is new.
    Added,
    /// How it came about.
    Origin {
        /// Before.
        was: DataOrigin,
        /// Now.
        is: DataOrigin,
    },
    /// It is gone.
    Removed,
    /// Its title.
    Title {
        /// Before.
        was: String,
        /// Now.
        is: String,
    },
}

/// What differs of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndpointChange {
    /// It is new.
    Added,
    /// The credential that it is called with.
    Credential {
        /// Before.
        was: Option<CredentialName>,
        /// Now.
        is: Option<CredentialName>,
    },
    /// What it does at the provider.
    Effect {
        /// Before.
        was: Effect,
        /// Now.
        is: Effect,
    },
    /// The method.
    Method {
        /// Before.
        was: String,
        /// Now.
        is: String,
    },
    /// The path.
    Path {
        /// Before.
        was: String,
        /// Now.
        is: String,
    },
    /// A category that it reads.
    Reads {
        /// The category.
        category: DataCategory,
        /// Whether it reads it now.
        now: Presence,
    },
    /// It is gone.
    Removed,
    /// The scopes that it needs.
    Scopes {
        /// Before.
        was: Vec<ScopeName>,
        /// Now.
        is: Vec<ScopeName>,
    },
    /// A category that it sends.
    Sends {
        /// The category.
        category: DataCategory,
        /// Whether it sends it now.
        now: Presence,
    },
    /// The purposes that it serves.
    Served(Served),
}

/// What differs of an integration as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntegrationChange {
    /// It is new.
    Added,
    /// The recipient that the provider is.
    Recipient {
        /// Before.
        was: RecipientId,
        /// Now.
        is: RecipientId,
    },
    /// It is gone.
    Removed,
}

/// What differs of a purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PurposeChange {
    /// It is new.
    Added,
    /// Decisions that machines make alone.
    Automated {
        /// Before.
        was: Option<String>,
        /// Now.
        is: Option<String>,
    },
    /// What makes it lawful, with the law or the assessment.
    Basis {
        /// Before.
        was: LegalBasis,
        /// Now.
        is: LegalBasis,
    },
    /// What lets it process special categories of data.
    Condition {
        /// Before.
        was: Option<SpecialCondition>,
        /// Now.
        is: Option<SpecialCondition>,
    },
    /// Whether the person has to provide the data.
    Necessity {
        /// Before.
        was: Option<Necessity>,
        /// Now.
        is: Option<Necessity>,
    },
    /// What is done, in words for the person.
    Plain {
        /// Before.
        was: String,
        /// Now.
        is: String,
    },
    /// It is gone.
    Removed,
    /// Its title.
    Title {
        /// Before.
        was: String,
        /// Now.
        is: String,
    },
    /// What kind of use it is.
    Use {
        /// Before.
        was: Use,
        /// Now.
        is: Use,
    },
}

/// What differs of a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecipientChange {
    /// It is new.
    Added,
    /// A category of data that it receives.
    Category {
        /// The category.
        category: DataCategory,
        /// Whether it receives it now.
        now: Presence,
    },
    /// The contract with it.
    Contract {
        /// Before.
        was: Option<String>,
        /// Now.
        is: Option<String>,
    },
    /// Where it is established.
    Country {
        /// Before.
        was: Country,
        /// Now.
        is: Country,
    },
    /// A field that it may be sent by name.
    Field {
        /// The field.
        field: String,
        /// Whether it may be sent now.
        now: Presence,
    },
    /// Its name in the world.
    Name {
        /// Before.
        was: String,
        /// Now.
        is: String,
    },
    /// How many days before a change people are told.
    NoticeDays {
        /// Before.
        was: Option<u16>,
        /// Now.
        is: Option<u16>,
    },
    /// A purpose for which it receives data.
    Purpose {
        /// The purpose.
        purpose: PurposeId,
        /// Whether it receives data for it now.
        now: Presence,
    },
    /// Where the safeguard can be read.
    Reference {
        /// Before.
        was: Option<String>,
        /// Now.
        is: Option<String>,
    },
    /// It is gone.
    Removed,
    /// When the transfer is looked at again.
    Review {
        /// Before.
        was: Option<Date>,
        /// Now.
        is: Option<Date>,
    },
    /// What it is to the data.
    Role {
        /// Before.
        was: RecipientRole,
        /// Now.
        is: RecipientRole,
    },
    /// What protects the data outside the EEA.
    Safeguard {
        /// Before.
        was: Option<Safeguard>,
        /// Now.
        is: Option<Safeguard>,
    },
    /// What it does for the service.
    Service {
        /// Before.
        was: Option<String>,
        /// Now.
        is: Option<String>,
    },
    /// Since when it receives data.
    Since {
        /// Before.
        was: Option<Date>,
        /// Now.
        is: Option<Date>,
    },
    /// What supplements the safeguard.
    Supplementary {
        /// Before.
        was: Option<String>,
        /// Now.
        is: Option<String>,
    },
}

/// What differs of a named retention rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleChange {
    /// It is new.
    Added,
    /// How long.
    Keep {
        /// Before.
        was: Retention,
        /// Now.
        is: Retention,
        /// How the one stands to the other.
        length: Length,
    },
    /// Why so long.
    Reason {
        /// Before.
        was: String,
        /// Now.
        is: String,
    },
    /// It is gone.
    Removed,
}
