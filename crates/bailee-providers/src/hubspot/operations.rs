//! The calls that a declaration may allow: create a contact, list owners.

use std::fmt;

use bailee_core::{
    CredentialName, Effect, Error, ErrorKind, ProviderCode, ProviderId, Result, ScopeName,
};
use http::Method;

use super::{
    errors,
    oauth::version,
    wire::{ContactAnswer, ContactBody, OwnersData, Properties},
};
use crate::{
    context::Context,
    failure::{Failure, FailureKind},
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    page::{Cursor, Page, Paged},
    rfc::malformed,
    step::Step,
};

/// The largest page of a list.
const PAGE: u16 = 100;
const VERSION: &str = "crm_version";
const PROVIDER: ProviderId = ProviderId::from_static("hubspot");
const USER: CredentialName = CredentialName::from_static("user");

static CREATE_CONTACT: OperationFacts = OperationFacts {
    name: "hubspot.create_contact",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("crm.objects.contacts.write")],
    effect: Effect::Effect,
    method: Method::POST,
    path: "/crm/objects/{crm_version}/contacts",
    sends: &["third_party_contacts"],
    reads: &[],
    credential: USER,
};

static LIST_OWNERS: OperationFacts = OperationFacts {
    name: "hubspot.list_owners",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("crm.objects.owners.read")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/crm/v3/owners",
    sends: &[],
    reads: &["colleagues"],
    credential: USER,
};

/// Creates a contact: somebody whom the people of a HubSpot account know. It is not idempotent
/// where no e-mail address is given.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CreateContact {
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    phone: Option<String>,
    company: Option<String>,
}

impl CreateContact {
    /// A contact with an e-mail address, by which HubSpot tells contacts apart.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: Some(email.into()), ..Self::default() }
    }

    /// A contact of whom no e-mail address is known.
    pub fn without_email() -> Self {
        Self::default()
    }

    /// Sets the first name.
    #[must_use]
    pub fn first_name(mut self, name: impl Into<String>) -> Self {
        self.first_name = Some(name.into());
        self
    }

    /// Sets the last name.
    #[must_use]
    pub fn last_name(mut self, name: impl Into<String>) -> Self {
        self.last_name = Some(name.into());
        self
    }

    /// Sets the telephone number.
    #[must_use]
    pub fn phone(mut self, number: impl Into<String>) -> Self {
        self.phone = Some(number.into());
        self
    }

    /// Sets the company.
    #[must_use]
    pub fn company(mut self, name: impl Into<String>) -> Self {
        self.company = Some(name.into());
        self
    }

    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` and says what is not acceptable.
    pub fn check(&self) -> Result<()> {
        let invalid = |what: &'static str| {
            Err(Error::new(ErrorKind::InvalidInput).with_provider(PROVIDER).with_detail(what))
        };
        if self.email.as_ref().is_some_and(|email| !is_email(email)) {
            return invalid("the e-mail address is none");
        }
        let all = [&self.email, &self.first_name, &self.last_name, &self.phone, &self.company];
        let mut given = all.into_iter().flatten().peekable();
        if given.peek().is_none() {
            return invalid("nothing is known of the contact");
        }
        if given.any(|text| text.trim().is_empty() || text.chars().count() > 1000) {
            return invalid("a property is empty or longer than 1000 characters");
        }
        Ok(())
    }
}

impl Operation for CreateContact {
    type Output = CreatedContact;

    fn facts(&self) -> &OperationFacts {
        &CREATE_CONTACT
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<CreatedContact>> {
        let properties = Properties {
            email: self.email.as_deref(),
            firstname: self.first_name.as_deref(),
            lastname: self.last_name.as_deref(),
            phone: self.phone.as_deref(),
            company: self.company.as_deref(),
        };
        JsonCall::new(cx, &CREATE_CONTACT)
            .demand(self.check().is_ok())
            .part(VERSION, version(cx, VERSION))
            .classify(errors::classify_creation)
            .body(&ContactBody { properties })
            .read(|answer: ContactAnswer| match answer {
                ContactAnswer { id: Some(id), category: None, .. } => {
                    let id = Some(id).filter(|id| is_number(id)).ok_or_else(malformed)?;
                    Ok(CreatedContact::Created { id })
                }
                ContactAnswer { message, .. } => message
                    .as_deref()
                    .and_then(existing)
                    .map(|id| CreatedContact::Existing { id })
                    .ok_or_else(|| {
                        Failure::new(FailureKind::InvalidInput)
                            .with_code(ProviderCode::known("CONFLICT"))
                    }),
            })
    }
}

impl fmt::Debug for CreateContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CreateContact([redacted])")
    }
}

/// What became of a contact. `Debug` does not show which one it is.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreatedContact {
    /// It was created.
    Created {
        /// Its id.
        id: String,
    },
    /// Another contact has the e-mail address. Nothing was changed.
    Existing {
        /// That one's id.
        id: String,
    },
}

impl fmt::Debug for CreatedContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created { .. } => "Created([redacted])",
            Self::Existing { .. } => "Existing([redacted])",
        })
    }
}

/// Lists the people who work in the HubSpot account, page by page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOwners {
    cursor: Option<Cursor>,
}

impl ListOwners {
    /// All of them, a hundred on a page.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Operation for ListOwners {
    type Output = Page<Owner>;

    fn facts(&self) -> &OperationFacts {
        &LIST_OWNERS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<Owner>>> {
        let mut call = JsonCall::new(cx, &LIST_OWNERS)
            .classify(errors::classify)
            .query("limit", PAGE.to_string());
        if let Some(cursor) = &self.cursor {
            call = call.query("after", cursor.as_str());
        }
        call.read(|data: OwnersData| {
            let items = data.results.into_iter().map(|one| Owner {
                id: one.id,
                email: one.email,
                first_name: one.first_name,
                last_name: one.last_name,
            });
            let next = data.paging.and_then(|paging| paging.next).map(|next| next.after);
            Ok(Page::new(items.collect(), next))
        })
    }
}

impl Paged for ListOwners {
    type Item = Owner;

    fn after(&self, cursor: Cursor) -> Self {
        Self { cursor: Some(cursor) }
    }
}

/// Somebody who works in the HubSpot account. `Debug` shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owner {
    /// Their id as an owner.
    pub id: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Their first name.
    pub first_name: Option<String>,
    /// Their last name.
    pub last_name: Option<String>,
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Owner([redacted])")
    }
}

/// The number in "Contact already exists. Existing ID: 12".
fn existing(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("Existing ID:")?;
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    is_number(&digits).then_some(digits)
}

fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// One `@` with something on both sides, and nothing that would end a line.
fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    }) && text.len() <= 254
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}
