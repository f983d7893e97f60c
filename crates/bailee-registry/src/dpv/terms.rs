//! The vocabulary's words for the declaration's.

use crate::{
    DataOrigin, LegalBasis, Period, Purpose, RecipientRole, Retention, Safeguard, SpecialCondition,
    Use,
};

/// The legal bases, in general and of the GDPR.
pub(super) fn basis(basis: &LegalBasis) -> [&'static str; 2] {
    match basis {
        LegalBasis::Consent => ["dpv:Consent", "g:A6-1-a"],
        LegalBasis::Contract => ["dpv:Contract", "g:A6-1-b"],
        LegalBasis::LegalObligation { .. } => ["dpv:LegalObligation", "g:A6-1-c"],
        LegalBasis::VitalInterests => ["dpv:VitalInterest", "g:A6-1-d"],
        LegalBasis::PublicTask { .. } => ["dpv:PublicInterest", "g:A6-1-e"],
        LegalBasis::LegitimateInterests { .. } => ["dpv:LegitimateInterest", "g:A6-1-f"],
    }
}

pub(super) fn condition(condition: SpecialCondition) -> &'static str {
    match condition {
        SpecialCondition::ExplicitConsent => "g:A9-2-a",
        SpecialCondition::EmploymentLaw => "g:A9-2-b",
        SpecialCondition::VitalInterests => "g:A9-2-c",
        SpecialCondition::Members => "g:A9-2-d",
        SpecialCondition::MadePublic => "g:A9-2-e",
        SpecialCondition::LegalClaims => "g:A9-2-f",
        SpecialCondition::PublicInterest => "g:A9-2-g",
        SpecialCondition::HealthCare => "g:A9-2-h",
        SpecialCondition::PublicHealth => "g:A9-2-i",
        SpecialCondition::Research => "g:A9-2-j",
    }
}

pub(super) fn purpose(usage: Use) -> &'static str {
    match usage {
        Use::Account => "dpv:AccountManagement",
        Use::Analytics => "dpv:ServiceUsageAnalytics",
        Use::Communication => "dpv:CommunicationManagement",
        Use::Improvement => "dpv:ImproveExistingProductsAndServices",
        Use::Legal => "dpv:LegalCompliance",
        Use::Marketing => "dpv:Marketing",
        Use::Payment => "dpv:PaymentManagement",
        Use::Personalisation => "dpv:ServicePersonalisation",
        Use::Research => "dpv:ResearchAndDevelopment",
        Use::Security => "dpv:EnforceSecurity",
        Use::Service => "dpv:RequestedServiceProvision",
        Use::Support => "dpv:CustomerCare",
    }
}

/// The whole address of a purpose's term, for documents without prefixes.
pub(crate) fn purpose_iri(usage: Use) -> String {
    purpose(usage).replacen("dpv:", "https://w3id.org/dpv#", 1)
}

/// What lets data go to a country outside the EEA.
pub(super) fn safeguard(safeguard: Safeguard) -> &'static str {
    match safeguard {
        Safeguard::Adequacy => "g:A45-3",
        Safeguard::AuthorisedClauses => "g:A46-3-a",
        Safeguard::AuthorityClauses => "g:A46-2-d",
        Safeguard::BindingCorporateRules => "g:A46-2-b",
        Safeguard::Certification => "g:A46-2-f",
        Safeguard::CodeOfConduct => "g:A46-2-e",
        Safeguard::PublicInstrument => "g:A46-2-a",
        Safeguard::StandardContractualClauses => "g:A46-2-c",
    }
}

pub(super) fn role(role: RecipientRole) -> &'static str {
    match role {
        RecipientRole::Authority => "dpv:Authority",
        RecipientRole::Controller => "dpv:DataController",
        RecipientRole::Processor => "dpv:DataProcessor",
    }
}

pub(super) fn origin(origin: &DataOrigin) -> &'static str {
    match origin {
        DataOrigin::Derived => "dpv:DerivedPersonalData",
        DataOrigin::Inferred => "dpv:InferredPersonalData",
        DataOrigin::Observed => "dpv:ObservedPersonalData",
        DataOrigin::Obtained { .. } => "dpv:CollectedPersonalData",
        DataOrigin::Provided => "dpv:ProvidedPersonalData",
    }
}

/// A time as ISO 8601 has it; none where it ends with an event.
pub(super) fn duration(retention: Retention) -> Option<String> {
    match retention {
        Retention::For(Period::Days(count)) => Some(format!("P{count}D")),
        Retention::For(Period::Months(count)) => Some(format!("P{count}M")),
        Retention::For(Period::Years(count)) => Some(format!("P{count}Y")),
        Retention::UntilAccountDeleted | Retention::UntilDisconnected => None,
    }
}

/// The rights that a person has where this is what makes a purpose lawful (Art. 13 to 22, 7(3) and 77
/// GDPR, as the vocabulary's extension for the GDPR assigns them).
pub(super) fn rights(purpose: &Purpose) -> Vec<&'static str> {
    let erasure = !matches!(
        purpose.basis,
        LegalBasis::LegalObligation { .. } | LegalBasis::PublicTask { .. }
    );
    let portability = matches!(purpose.basis, LegalBasis::Consent | LegalBasis::Contract);
    let objection = matches!(
        purpose.basis,
        LegalBasis::LegitimateInterests { .. } | LegalBasis::PublicTask { .. }
    );
    let machines = !matches!(purpose.basis, LegalBasis::LegalObligation { .. });
    let all = [
        ("g:A7-3", matches!(purpose.basis, LegalBasis::Consent)),
        ("g:A13", true),
        ("g:A14", machines),
        ("g:A15", true),
        ("g:A16", true),
        ("g:A17", erasure),
        ("g:A18", true),
        ("g:A19", true),
        ("g:A20", portability),
        ("g:A21", objection),
        ("g:A22", machines),
        ("g:A77", true),
    ];
    all.into_iter().filter(|(_, has)| *has).map(|(right, _)| right).collect()
}
