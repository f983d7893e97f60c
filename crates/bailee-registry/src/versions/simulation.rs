//! Who would be told and asked, counted before anything is published.

use std::collections::BTreeMap;

use bailee_core::{ErrorKind, ProviderId, PurposeId, Result, SubjectId, TenantId, Timestamp};
use bailee_store::{Query, Record};
use bailee_vault::{Holder, kind};

use crate::{Ledger, Standing};

use super::{Diff, Way};

/// What a new declaration would mean for the people who are here, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Simulation {
    /// Everybody whose data was not erased.
    pub people: u64,
    /// How many of them are told of something.
    pub told: u64,
    /// How many of those by a message as well as in the application.
    pub by_message: u64,
    /// How many are asked again for something that they agreed to.
    pub asked: u64,
    /// The consents that no longer suffice, by integration (`None` is the host's own processing) and
    /// purpose.
    pub consents: BTreeMap<(Option<ProviderId>, PurposeId), u64>,
    /// Tombstones of people whose data was erased. Nobody is told.
    pub erased: u64,
    /// People of whom it cannot be said: their standing does not open, or a newer release wrote it.
    pub unreadable: u64,
}

impl Ledger {
    /// Counts who would be told and who would be asked again, in some tenants, if a declaration took
    /// the place of another. It changes nothing.
    ///
    /// It reads page by page and keeps nobody in memory. Each person's standing lies under a key of
    /// their own, which is read as well. What people say meanwhile is counted or not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StoreUnavailable`], and what a key source gives for all keys at once. A single
    /// person who cannot be read is counted, not an error.
    pub async fn simulate(&self, tenants: &[TenantId], diff: &Diff) -> Result<Simulation> {
        let mut simulation = Simulation::default();
        for tenant in tenants {
            let mut query = Query::of_kind(kind::SUBJECT).limit(PAGE);
            loop {
                let page = self.vault.store().find(tenant, &query).await?;
                for record in &page.records {
                    simulation.count(diff, self.standing(tenant, record).await?, self.now());
                }
                match page.next {
                    Some(next) => query = query.after(next),
                    None => break,
                }
            }
        }
        Ok(simulation)
    }

    fn now(&self) -> Timestamp {
        self.vault.clock().now()
    }

    async fn standing(&self, tenant: &TenantId, record: &Record) -> Result<Found> {
        if record.facet == kind::SUBJECT_ERASED {
            return Ok(Found::Erased);
        }
        let holder = Holder::Subject(SubjectId::from_id(record.key.id));
        let opened = match self.vault.open(tenant, holder, record).await {
            Ok(opened) => opened.facts(),
            Err(error) => Err(error),
        };
        match opened.and_then(|facts| Standing::read(&facts)) {
            Ok(standing) if standing.erased().is_some() => Ok(Found::Erased),
            Ok(standing) => Ok(Found::Standing(Box::new(standing))),
            Err(error) => match error.kind() {
                // Somebody was erased since the page was read.
                ErrorKind::NotFound | ErrorKind::Shredded => Ok(Found::Erased),
                ErrorKind::KeyMissing | ErrorKind::Unopenable | ErrorKind::UnknownSchema => {
                    Ok(Found::Unreadable)
                }
                _ => Err(error),
            },
        }
    }
}

/// A person, as far as they can be read.
enum Found {
    Erased,
    Standing(Box<Standing>),
    Unreadable,
}

impl Simulation {
    fn count(&mut self, diff: &Diff, found: Found, now: Timestamp) {
        let standing = match found {
            Found::Erased => {
                self.erased += 1;
                return;
            }
            Found::Standing(standing) => standing,
            Found::Unreadable => {
                self.people += 1;
                self.unreadable += 1;
                return;
            }
        };
        self.people += 1;
        let told = diff.tells(&standing);
        self.told += u64::from(told.is_some());
        self.by_message += u64::from(told == Some(Way::ByMessage));
        let mut asked = false;
        for (through, purpose) in diff.asks(&standing, now) {
            asked = true;
            // There are no more of these than the declaration has pairs.
            let pair = (through.cloned(), purpose.clone());
            *self.consents.entry(pair).or_default() += 1;
        }
        self.asked += u64::from(asked);
    }
}

/// How many people a page has.
const PAGE: u32 = 500;
