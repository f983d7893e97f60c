//! Which declaration is in force, and what that leaves to this process.
//!
//! The control row names the versions that are live: the newest, and during a rollout the one
//! before. A process whose declaration is live serves by its own. Any other serves what both its own
//! and the newest one declare, and takes no consent: its text is not the one that holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bailee_core::{
    ConnectionRef, Error, ErrorKind, InstanceId, ProviderId, PurposeId, Remedy, Result, Timestamp,
};
use bailee_registry::{Declaration, versions::AskedAnew};
use bailee_store::Control;
use serde::{Deserialize, Serialize};

use crate::{control::Freeze, declarations::AskedUse, engine::Engine};

/// The control row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ControlBody {
    pub(crate) instance: InstanceId,
    /// Counts the writings of this row by an operator.
    pub(crate) epoch: u64,
    pub(crate) frozen: Vec<Freeze>,
    /// The newest version of the declaration in force.
    pub(crate) declaration: [u8; 32],
    /// The one before, as long as it is live beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<[u8; 32]>,
    /// What people are asked anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) asked: Vec<AskedUses>,
}

/// Uses that people are asked about anew, all since one activation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AskedUses {
    /// Since when, and which texts lack what changed.
    #[serde(flatten)]
    pub(crate) asked: AskedAnew,
    /// A purpose through an integration; none is the host's own processing.
    pub(crate) uses: BTreeSet<(Option<ProviderId>, PurposeId)>,
}

/// What the control row says to this process.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) body: ControlBody,
    serves: Serves,
    /// What this process asks anew.
    asked: BTreeMap<(Option<ProviderId>, PurposeId), AskedAnew>,
}

/// What a process serves, as an operator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Serving {
    /// Nothing: it cannot read the newest declaration in force.
    Nothing,
    /// Its own declaration, which is live.
    Own,
    /// What both its own and the newest declaration in force declare. It takes no consent.
    Shared,
}

/// What a process serves.
#[derive(Clone, Debug)]
enum Serves {
    /// Nothing: the newest declaration is not one that this release can read.
    Nothing,
    /// Its own declaration.
    Own,
    /// What its own and the newest one declare.
    Shared(Arc<Declaration>),
}

impl ControlBody {
    /// The schema of a row that a release before activations understands as a whole.
    const SIMPLE: u16 = 1;
    /// The schema of every other row: whoever does not know what is asked anew would let through
    /// what it denies, so it cannot read it at all.
    pub(crate) const SCHEMA: u16 = 2;

    /// The schema to seal it under.
    pub(crate) fn schema(&self) -> u16 {
        match self.previous {
            None if self.asked.is_empty() => Self::SIMPLE,
            _ => Self::SCHEMA,
        }
    }

    /// The live versions, the newest first.
    pub(crate) fn live(&self) -> impl Iterator<Item = [u8; 32]> {
        std::iter::once(self.declaration).chain(self.previous)
    }

    pub(crate) fn is_live(&self, version: [u8; 32]) -> bool {
        self.live().any(|live| live == version)
    }

    pub(crate) fn freezes(
        &self,
        connection: &ConnectionRef,
        provider: Option<&ProviderId>,
    ) -> bool {
        self.frozen.iter().any(|freeze| match freeze {
            Freeze::All => true,
            Freeze::Connection(frozen) => frozen == connection,
            Freeze::Provider(frozen) => Some(frozen) == provider,
            Freeze::Tenant(frozen) => frozen == connection.tenant(),
        })
    }

    /// Whether what is asked anew concerns a process of this version. One that is live and whose own
    /// text lacks the change does not do what the change allows.
    fn concerns(&self, asked: &AskedAnew, version: [u8; 32]) -> bool {
        !(self.is_live(version) && asked.stale.contains(&version))
    }

    /// Puts a version in force, with the newest until now beside it, and asks anew about some uses
    /// of it.
    pub(crate) fn activate(
        &mut self,
        version: [u8; 32],
        uses: BTreeSet<(Option<ProviderId>, PurposeId)>,
        now: Timestamp,
    ) {
        // Whatever was live a moment ago may have been shown to somebody who answers in a moment.
        let stale: Vec<_> = self.live().filter(|live| *live != version).collect();
        self.previous = Some(self.declaration).filter(|before| *before != version);
        self.declaration = version;
        if !uses.is_empty() {
            let asked = stale.into_iter().fold(AskedAnew::since(now), AskedAnew::stale);
            self.asked.push(AskedUses { asked, uses });
        }
        self.prune();
    }

    /// Ends the rollout: the version before is live no more.
    pub(crate) fn retire_previous(&mut self) {
        self.previous = None;
        self.prune();
    }

    /// Leaves out what a later asking says as well, to every live version that it concerns.
    fn prune(&mut self) {
        let all = std::mem::take(&mut self.asked);
        let covered = |n: usize, one: &(Option<ProviderId>, PurposeId)| {
            all[n + 1..].iter().any(|later| {
                later.uses.contains(one)
                    && self.live().all(|live| {
                        !self.concerns(&all[n].asked, live) || self.concerns(&later.asked, live)
                    })
            })
        };
        let kept = all.iter().enumerate().map(|(n, group)| {
            let uses = group.uses.iter().filter(|one| !covered(n, one)).cloned().collect();
            AskedUses { asked: group.asked.clone(), uses }
        });
        let kept = kept.filter(|group| !group.uses.is_empty()).collect();
        self.asked = kept;
    }

    /// What a process of this version asks anew: the latest time, and every text that is too old.
    fn asked_of(&self, version: [u8; 32]) -> BTreeMap<(Option<ProviderId>, PurposeId), AskedAnew> {
        let mut all: BTreeMap<_, AskedAnew> = BTreeMap::new();
        for group in self.asked.iter().filter(|group| self.concerns(&group.asked, version)) {
            for one in &group.uses {
                let known = all.entry(one.clone()).or_insert_with(|| group.asked.clone());
                let since = known.since.max(group.asked.since);
                let stale = known.stale.iter().chain(&group.asked.stale).copied();
                *known = stale.fold(AskedAnew::since(since), AskedAnew::stale);
            }
        }
        all
    }
}

impl InForce {
    /// The declaration that this process serves.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where the newest one cannot be read.
    pub(crate) fn serves(&self, own: &Arc<Declaration>) -> Result<Arc<Declaration>> {
        match &self.serves {
            Serves::Own => Ok(own.clone()),
            Serves::Shared(shared) => Ok(shared.clone()),
            Serves::Nothing => Err(not_in_force(
                "the declaration in force was written for another release of this service",
            )),
        }
    }

    /// Refuses where the process's declaration is not in force: its text is not the one that holds.
    pub(crate) fn admits_consent(&self) -> Result<()> {
        match self.serves {
            Serves::Own => Ok(()),
            _ => Err(not_in_force(
                "this process's declaration is not in force, so it takes no consent; an operator \
                 activates it, or the process is replaced by one of the version in force",
            )),
        }
    }

    /// What an operator sees of it.
    pub(crate) fn serving(&self) -> Serving {
        match self.serves {
            Serves::Nothing => Serving::Nothing,
            Serves::Own => Serving::Own,
            Serves::Shared(_) => Serving::Shared,
        }
    }

    /// Everything that this process asks anew.
    pub(crate) fn all_asked(&self) -> Vec<AskedUse> {
        let all = self.asked.iter();
        let all = all.map(|((integration, purpose), asked)| AskedUse {
            integration: integration.clone(),
            purpose: purpose.clone(),
            asked: asked.clone(),
        });
        all.collect()
    }

    /// Since when a consent has to have been given to suffice for a use, and to which text.
    pub(crate) fn asked<'p>(
        &self,
        integration: impl Into<Option<&'p ProviderId>>,
        purpose: &PurposeId,
    ) -> Option<&AskedAnew> {
        // Looked for by value only where something is asked at all.
        if self.asked.is_empty() {
            return None;
        }
        self.asked.get(&(integration.into().cloned(), purpose.clone()))
    }
}

impl Engine {
    /// What a control row says to this process.
    pub(crate) async fn read_in_force(&self, body: ControlBody) -> Result<InForce> {
        let own = &self.0.declaration;
        let version = own.version();
        let serves = if body.is_live(version) {
            Serves::Own
        } else {
            tracing::warn!("the declaration of this process is not in force");
            match self.stored_declaration(body.declaration).await? {
                Some(newest) => Serves::Shared(Arc::new(own.shared_with(&newest).left().clone())),
                None => Serves::Nothing,
            }
        };
        let asked = body.asked_of(version);
        Ok(InForce { body, serves, asked })
    }

    /// The declarations under which anything is done now: this process's own, and those that are
    /// live and that this release can read.
    pub(crate) async fn live_declarations(&self) -> Result<Vec<Arc<Declaration>>> {
        let own = &self.0.declaration;
        let (force, _) = self.in_force().await?;
        let mut all = vec![own.clone()];
        for version in force.body.live().filter(|live| *live != own.version()) {
            all.extend(self.stored_declaration(version).await?);
        }
        Ok(all)
    }

    /// The declarations that hold now: this process's own, and each that is live. For whoever does
    /// something that cannot be undone and has to see that all of them say so.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Quarantined`]; [`ErrorKind::UnknownSchema`] where one is live that this release
    /// cannot read; what the store and the vault say.
    pub async fn declarations_in_force(&self) -> Result<Vec<Declaration>> {
        let own = &self.0.declaration;
        let (force, _) = self.in_force().await?;
        let mut all = vec![(**own).clone()];
        for version in force.body.live().filter(|live| *live != own.version()) {
            let stored = self.stored_declaration(version).await?;
            all.push((*stored.ok_or(ErrorKind::UnknownSchema)?).clone());
        }
        Ok(all)
    }

    /// What the control row says, in the snapshot of this moment.
    pub(crate) async fn in_force(&self) -> Result<(Arc<InForce>, Control)> {
        let system = bailee_core::TenantId::SYSTEM;
        let control = self.0.vault.store().read(&system, &[]).await?.control;
        Ok((self.admit_instance(&control).await?, control))
    }
}

pub(crate) fn not_in_force(detail: &'static str) -> Error {
    Error::new(ErrorKind::Configuration).with_remedy(Remedy::FixConfiguration).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: [u8; 32] = [1; 32];
    const NEW: [u8; 32] = [2; 32];
    const NEXT: [u8; 32] = [3; 32];

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn one(purpose: &'static str) -> (Option<ProviderId>, PurposeId) {
        (Some(ProviderId::from_static("p")), PurposeId::from_static(purpose))
    }

    fn control() -> ControlBody {
        ControlBody {
            instance: InstanceId::new("test").unwrap(),
            epoch: 0,
            frozen: Vec::new(),
            declaration: OLD,
            previous: None,
            asked: Vec::new(),
        }
    }

    fn asked(body: &ControlBody, version: [u8; 32], purpose: &'static str) -> Option<AskedAnew> {
        body.asked_of(version).remove(&one(purpose))
    }

    #[test]
    fn a_row_from_before_activations_names_the_one_live_version() {
        let version: Vec<String> = OLD.iter().map(ToString::to_string).collect();
        let golden = format!(
            "{{\"instance\":\"test\",\"epoch\":7,\"frozen\":[{{\"frozen\":\"all\"}}],\
             \"declaration\":[{}]}}",
            version.join(",")
        );
        let body: ControlBody = serde_json::from_str(&golden).unwrap();
        assert_eq!(body.live().collect::<Vec<_>>(), [OLD]);
        assert!(body.asked.is_empty());
        assert_eq!(body.schema(), 1);
        assert_eq!(serde_json::to_string(&body).unwrap(), golden, "and is written so");
    }

    #[test]
    fn a_row_of_a_rollout_is_golden_and_no_older_release_reads_it() {
        let mut body = control();
        body.activate(NEW, BTreeSet::from([one("a")]), at(9));
        assert_eq!(body.schema(), 2);
        let bytes = |n: u8| vec![n.to_string(); 32].join(",");
        let golden = format!(
            "{{\"instance\":\"test\",\"epoch\":0,\"frozen\":[],\"declaration\":[{}],\
             \"previous\":[{}],\"asked\":[{{\"since\":9000000,\"stale\":[\"{}\"],\
             \"uses\":[[\"p\",\"a\"]]}}]}}",
            bytes(2),
            bytes(1),
            "01".repeat(32)
        );
        assert_eq!(serde_json::to_string(&body).unwrap(), golden);
        let read: ControlBody = serde_json::from_str(&golden).unwrap();
        assert_eq!(read.asked, body.asked);
        assert_eq!(read.live().collect::<Vec<_>>(), [NEW, OLD]);
        body.retire_previous();
        assert_eq!(body.schema(), 2, "what is asked stays asked");
    }

    #[test]
    fn the_old_version_goes_on_by_its_own_text_until_it_is_retired() {
        let mut body = control();
        body.activate(NEW, BTreeSet::from([one("a")]), at(10));
        assert_eq!(asked(&body, OLD, "a"), None);
        assert_eq!(asked(&body, NEW, "a"), Some(AskedAnew::since(at(10)).stale(OLD)));
        assert_eq!(asked(&body, NEXT, "a"), asked(&body, NEW, "a"), "a process of no live version");
        assert_eq!(asked(&body, NEW, "b"), None);
        body.retire_previous();
        assert_eq!(asked(&body, OLD, "a"), asked(&body, NEW, "a"));
    }

    #[test]
    fn a_second_change_asks_again_and_the_version_between_keeps_what_was_asked_of_it() {
        let mut body = control();
        body.activate(NEW, BTreeSet::from([one("a"), one("b")]), at(10));
        body.activate(NEXT, BTreeSet::from([one("a")]), at(20));
        assert_eq!(body.live().collect::<Vec<_>>(), [NEXT, NEW]);
        assert_eq!(asked(&body, NEW, "a"), Some(AskedAnew::since(at(10)).stale(OLD)));
        let newest = asked(&body, NEXT, "a").unwrap();
        assert_eq!(newest.since, at(20));
        assert!(newest.stale.contains(&OLD) && newest.stale.contains(&NEW));
        assert_eq!(asked(&body, NEXT, "b"), Some(AskedAnew::since(at(10)).stale(OLD)));
        body.retire_previous();
        let all: Vec<_> = body.asked.iter().flat_map(|group| &group.uses).collect();
        assert_eq!(all.len(), 2, "each use once: {all:?}");
        assert_eq!(asked(&body, NEXT, "a").unwrap().since, at(20));
    }

    #[test]
    fn going_back_asks_nobody_what_they_had_agreed_to() {
        let mut body = control();
        body.activate(NEW, BTreeSet::from([one("a")]), at(10));
        body.activate(OLD, BTreeSet::new(), at(20));
        assert_eq!(body.live().collect::<Vec<_>>(), [OLD, NEW]);
        assert_eq!(asked(&body, OLD, "a"), None, "the old text covers the old use");
        assert!(asked(&body, NEW, "a").is_some());
        body.retire_previous();
        assert_eq!(asked(&body, OLD, "a"), None);
        body.activate(NEW, BTreeSet::from([one("a")]), at(30));
        assert_eq!(asked(&body, NEW, "a"), Some(AskedAnew::since(at(30)).stale(OLD)));
    }

    #[test]
    fn what_is_asked_does_not_grow_with_the_number_of_activations() {
        let mut body = control();
        for n in 0..50_u8 {
            body.activate([n + 10; 32], BTreeSet::from([one("a"), one("b")]), at(n.into()));
            assert!(body.asked.len() <= 2, "{n}: {:?}", body.asked);
        }
    }
}
