//! Keeping what a provider answered to a renewal: under the claim, in the journal where the store
//! does not take it, and ended where nobody wants it any more.

use std::time::Duration;

use bailee_core::{
    AccessToken, ConnectionRef, ConnectionState, Error, ErrorKind, Id, Plaintext, RefreshToken,
    Remedy, Result, Timestamp, audit::Entry, event::Happened,
};
use bailee_providers::{IssuedCredential, spec::RefreshClass};
use bailee_store::{Facet, Fence, Key};
use bailee_vault::Draft;

use crate::{
    body::{self, CANDIDATE, CandidateBody, CredentialBody, Shown, TOKENS},
    drive::Line,
    engine::Engine,
    journal::{self, Answer, AnswerBody},
    kind,
    limiter::backoff,
    refresh::{Renewal, place_of},
    settle::holder_of,
    stored::Found,
};

/// When a caller may ask again whose answer lies in the journal.
const SOON: Duration = Duration::from_secs(30);

/// Fresh tokens on their way into the store.
pub(crate) struct Answered<'a> {
    pub(crate) connection: &'a ConnectionRef,
    pub(crate) shown: Shown,
    pub(crate) line: &'a Line,
    pub(crate) issued: IssuedCredential,
    pub(crate) answered_at: Timestamp,
    /// Of the claim under which the provider was asked.
    pub(crate) fence: Fence,
}

/// What became of fresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They are stored.
    Stored,
    /// There are newer ones; they are kept beside those.
    TooLate,
    /// Their connection is gone; whether they are ended, or held for it.
    Unwanted(bool),
}

impl Answered<'_> {
    fn credential(&self) -> Id {
        self.connection.credential(&self.issued.name)
    }

    /// Whether the stored tokens came of the very token that was shown for these.
    fn is_sibling_of(&self, stored: &CredentialBody) -> bool {
        self.shown.seen + 1 == stored.generation && self.shown.grant == stored.grant
    }

    /// Whether these are the stored tokens themselves.
    fn are_stored(&self, found: &Found, place: usize, stored: &CredentialBody) -> Result<bool> {
        let part = |name| found.view.part(place + 1, name);
        let access = AccessToken::new(part(TOKENS.0)?).equals(&self.issued.access);
        Ok(access
            && match &self.issued.refresh {
                Some(refresh) if stored.has_refresh => {
                    RefreshToken::new(part(TOKENS.1)?).equals(refresh)
                }
                Some(_) => false,
                None => true,
            })
    }
}

impl Engine {
    /// Commits fresh tokens under the claim. Another write may come between: then they are put on
    /// top of it, for as long as they are the newest. `found` is what was read before the request.
    pub(crate) async fn keep(&self, mut answered: Answered<'_>, found: &Found) -> Result<Renewal> {
        let gone = || Ok(Renewal::Failed(Error::new(ErrorKind::NotFound)));
        let mut entry = None;
        // There is no second showing of the old token: the answer is safe before anything else.
        if answered.line.spec.refresh.class == RefreshClass::Strict {
            entry = self.write_down(&answered, found).await;
        }
        let mut last = Error::new(ErrorKind::Conflict);
        for attempt in 0..8 {
            if attempt > 0 && last.kind() == ErrorKind::StoreUnavailable {
                let wait = backoff(
                    &*self.0.random,
                    attempt,
                    Duration::from_millis(50),
                    Duration::from_secs(2),
                )?;
                self.0.runtime.sleep(wait).await;
            }
            // The fence may be lost to a pause longer than the lease. The tokens are still the
            // newest while nobody else wrote a generation; then they are kept without it.
            let tried = self.put_away(&mut answered, attempt < 6).await;
            if !matches!(tried, Ok(Fate::Stored | Fate::TooLate | Fate::Unwanted(true)))
                && entry.is_none()
            {
                entry = self.write_down(&answered, found).await;
            }
            match tried {
                // It waits in the journal, where there is one.
                Ok(Fate::Unwanted(false)) => return gone(),
                Ok(fate) => {
                    if let Some(entry) = entry {
                        entry.done().await;
                    }
                    return match fate {
                        Fate::Unwanted(_) => gone(),
                        Fate::Stored | Fate::TooLate => Ok(Renewal::Done),
                    };
                }
                Err(error) => {
                    let passes = matches!(
                        error.kind(),
                        ErrorKind::Conflict | ErrorKind::StoreUnavailable | ErrorKind::Ambiguous
                    );
                    last = error;
                    if !passes {
                        break;
                    }
                }
            }
        }
        if entry.is_some() {
            tracing::error!(kind = ?last.kind(), "renewed tokens wait in the journal");
            return Ok(Renewal::Failed(in_the_journal(answered.connection)));
        }
        tracing::error!(kind = ?last.kind(), "renewed tokens could not be stored");
        Err(last)
    }

    /// Writes an answer into the journal, if there is one: sealed under keys that are at hand.
    async fn write_down(&self, answered: &Answered<'_>, found: &Found) -> Option<journal::Entry> {
        let journal = self.0.journal.as_ref()?;
        let written = async {
            let answer = self.seal_answer(answered, found).await?;
            journal.append(answer).await
        };
        match written.await {
            Ok(entry) => Some(entry),
            Err(error) => {
                tracing::error!(kind = ?error.kind(), "an answer could not be written down");
                None
            }
        }
    }

    async fn seal_answer(&self, answered: &Answered<'_>, found: &Found) -> Result<Answer> {
        let Answered { connection, line, issued, .. } = answered;
        let body = AnswerBody::new(
            line.registered.id(),
            answered.shown.clone(),
            answered.answered_at,
            issued,
            &line.variables,
        );
        let id = Id::generate(&*self.0.random)?;
        let record = match found.view.seal(body.draft(id, connection, issued)?) {
            // The request took longer than keys are kept.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let (tenant, holder) = (connection.tenant(), Answer::holder(connection));
                let view = self.0.vault.read(tenant, holder, &[]).await?;
                view.seal(body.draft(id, connection, issued)?)?
            }
            record => record?,
        };
        Ok(Answer::new(connection, answered.credential(), answered.fence, record))
    }

    /// Tries once to bring fresh tokens to where they belong.
    pub(crate) async fn put_away(&self, answered: &mut Answered<'_>, fenced: bool) -> Result<Fate> {
        let Answered { connection, line, .. } = *answered;
        let found = self.find_connection(connection).await?;
        let found = found.filter(|found| found.state != ConnectionState::Disconnecting);
        let placed = match &found {
            Some(found) => place_of(found, &answered.issued.name)?,
            None => None,
        };
        let (Some(found), Some((place, old))) = (found, placed) else {
            let ended = self.revoke_unwanted(connection, line, &answered.issued).await;
            return Ok(Fate::Unwanted(ended));
        };
        answered.issued.complete_scopes(&line.spec.scopes, &old.scopes);
        if let Some(token) = &answered.issued.refresh {
            let token = token.expose(Plaintext::copy_from);
            if let Err(error) = self.route_token(&found, line, &token).await {
                // A provider that names this token would not be understood; the tokens themselves
                // come first.
                tracing::error!(kind = ?error.kind(), "a renewed token has no route");
            }
        }
        // A later claim renewed too, or the person went through the flow again. What they got stays,
        // unless it is refused already.
        let refused = matches!(found.state, ConnectionState::NeedsReconnect(_));
        let late = old.generation > answered.shown.seen;
        if late && answered.are_stored(&found, place, &old)? {
            // The commit whose outcome nobody heard of took effect.
            return Ok(Fate::TooLate);
        }
        if late && !(refused && answered.is_sibling_of(&old)) {
            tracing::warn!("renewed tokens came too late and are kept beside the others");
            return self.keep_beside(&found, place, &old, answered).await.map(|()| Fate::TooLate);
        }
        self.commit_renewal(&found, place, &old, answered, fenced).await.map(|()| Fate::Stored)
    }

    /// Keeps tokens beside those that are stored. They are of the same account, so to revoke them
    /// could end the others; and which of the two the provider takes, nobody can tell.
    async fn keep_beside(
        &self,
        found: &Found,
        place: usize,
        old: &CredentialBody,
        answered: &Answered<'_>,
    ) -> Result<()> {
        let vault = &self.0.vault;
        let (connection, issued) = (&found.reference, &answered.issued);
        let facts = CredentialBody {
            candidate: Some(CandidateBody {
                shown: answered.shown.clone(),
                has_refresh: issued.refresh.is_some(),
                expires_at: issued.expires_in.map(|left| answered.answered_at.plus(left)),
            }),
            ..old.clone()
        };
        let key = Key::new(kind::CREDENTIAL, connection.credential(&old.name));
        let mut draft = Draft::new(key.clone(), holder_of(connection))
            .facet(Facet(found.state.facet()))
            .facts(body::SCHEMA, body::encode(&facts)?)
            .keep(TOKENS.0)
            .part(CANDIDATE.0, issued.access.expose(Plaintext::copy_from));
        if old.has_refresh {
            draft = draft.keep(TOKENS.1);
        }
        if let Some(refresh) = &issued.refresh {
            draft = draft.part(CANDIDATE.1, refresh.expose(Plaintext::copy_from));
        }
        let put = vault.put(connection.tenant(), draft, found.view.record(place + 1)).await?;
        let entry = Entry::new("credential.candidate_kept", self.0.clock.now())
            .about(connection.owner().subject())
            .with("connection", connection.connection())
            .with("credential", key.id)
            .with("generation", answered.shown.seen as i64);
        let batch = vault.batch()?.op(found.view.fence()?).op(put).audit(entry);
        vault.commit(connection.tenant(), batch).await.map(|_| ())
    }

    /// Notes what the provider would call a new refresh token, where it does that.
    async fn route_token(&self, found: &Found, line: &Line, token: &Plaintext) -> Result<()> {
        let hashes = self.token_hashes(&line.registered, token).await?;
        if hashes.is_empty() {
            return Ok(());
        }
        let (connection, subject) = (&found.reference, found.reference.owner().subject());
        self.route_hashes(line.registered.id(), connection, subject, &hashes, Vec::new()).await
    }

    async fn commit_renewal(
        &self,
        found: &Found,
        place: usize,
        old: &CredentialBody,
        answered: &Answered<'_>,
        fenced: bool,
    ) -> Result<()> {
        let vault = &self.0.vault;
        let connection = &found.reference;
        let tenant = connection.tenant();
        let (issued, issued_at) = (&answered.issued, answered.answered_at);
        let facts = CredentialBody {
            scopes: issued.scopes.clone().unwrap_or_else(|| old.scopes.clone()),
            issued_at,
            expires_at: issued.expires_in.map(|lifetime| issued_at.plus(lifetime)),
            refresh_until: match (issued.refresh_expires_in, &issued.refresh) {
                (Some(lifetime), _) => Some(issued_at.plus(lifetime)),
                (None, Some(_)) => None,
                (None, None) => old.refresh_until,
            },
            has_refresh: issued.refresh.is_some() || old.has_refresh,
            generation: old.generation + 1,
            in_doubt: false,
            candidate: old.candidate.clone().map(|candidate| CandidateBody {
                // The one that was shown goes when its successor comes.
                has_refresh: candidate.has_refresh && !answered.shown.candidate,
                ..candidate
            }),
            ..old.clone()
        };
        let record = found.view.record(place + 1);
        let key = Key::new(kind::CREDENTIAL, connection.credential(&old.name));
        let task = Key::new(kind::REFRESH, key.id);
        let mut draft = Draft::new(key, holder_of(connection))
            .facet(Facet(ConnectionState::Active.facet()))
            .facts(body::SCHEMA, body::encode(&facts)?)
            .part("access", issued.access.expose(Plaintext::copy_from));
        // With a new refresh token the old one goes in the same commit (RFC 6749 §6).
        if let Some(refresh) = &issued.refresh {
            draft = draft.part("refresh", refresh.expose(Plaintext::copy_from));
        } else if old.has_refresh {
            draft = draft.keep("refresh");
        }
        let draft = facts.keep_candidate(draft);
        let mut batch = vault.batch()?.op(found.view.fence()?);
        batch = batch.op(vault.put(tenant, draft, record).await?);
        if found.state != ConnectionState::Active {
            for op in self.move_to_except(found, ConnectionState::Active, Some(place)).await? {
                batch = batch.op(op);
            }
        }
        if let ConnectionState::NeedsReconnect(_) = found.state {
            // The host was told that it is over.
            let happened = Happened::Recovered;
            for op in self.emit(connection, &found.body.provider, happened).await? {
                batch = batch.op(op);
            }
        }
        let due = answered.line.keep_alive(&facts);
        let subject = connection.owner().subject();
        let entry = Entry::new("credential.refreshed", self.0.clock.now())
            .about(subject)
            .with("connection", connection.connection())
            .with("credential", task.id)
            .with("generation", facts.generation as i64)
            .with_some("until", facts.expires_at);
        batch = if fenced {
            batch.finish(task, answered.fence, due)
        } else {
            batch.schedule(task, subject, due)
        };
        vault.commit(tenant, batch.audit(entry)).await.map(|_| ())
    }
}

/// What a caller hears whose tokens are safe and not stored yet.
pub(crate) fn in_the_journal(connection: &ConnectionRef) -> Error {
    Error::new(ErrorKind::StoreUnavailable)
        .with_detail("renewed tokens wait for the store")
        .with_remedy(Remedy::Wait(SOON))
        .with_connection(connection.connection())
}
