//! What an operator weighs: whether values are wrong, whether an objection is overridden, whether
//! something is refused.

use std::{collections::BTreeMap, time::Duration};

use bailee_core::{Error, ErrorKind, Id, Result, SubjectId, TenantId};
use bailee_registry::{Grounds, Use};
use bailee_store::{BatchBuilder, Due, Key, Op};
use bailee_vault::{Draft, Holder};

use super::{
    Reason, Right,
    body::{AskedBody, MatterBody, OutcomeBody, RefusedBody, RequestBody, SCHEMA, decode},
    desk::Rights,
    kind,
    operator::OperatorRights,
    state::Move,
};
use crate::message::Content;

impl OperatorRights {
    /// Lets a request go on that an operator has to weigh: an objection is upheld, all corrections are
    /// accepted, a complaint was answered.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`] where it does not wait for an operator, [`ErrorKind::NotFound`], and
    /// what the store and the vault say.
    pub async fn approve(&self, tenant: &TenantId, id: Id) -> Result<()> {
        self.approve_but(tenant, id, &BTreeMap::new()).await
    }

    /// Lets a rectification go on but for some of its values, by their places in what was asked for,
    /// each with the reason that the person reads (Art. 12(4) GDPR). To refuse all of them is
    /// [`refuse`](Self::refuse).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a place that there is none of or that is named twice, where
    /// nothing would be left to put right, and for a reason that does not stand against this right;
    /// else as [`Self::approve`].
    pub async fn approve_amendments(
        &self,
        tenant: &TenantId,
        id: Id,
        refused: &[(usize, Reason)],
    ) -> Result<()> {
        let (_, body) = self.rights().read_request(tenant, id).await?;
        let known = match body.matter {
            MatterBody::Amendments { count } | MatterBody::Statements { count } => count as usize,
            _ => 0,
        };
        let mut places = BTreeMap::new();
        for (place, reason) in refused {
            if !reason.refuses(body.right) {
                return Err(invalid("this reason does not stand against this right"));
            }
            if *place >= known || places.insert(*place, *reason).is_some() {
                return Err(invalid("the request has no other amendment in this place"));
            }
        }
        if places.len() >= known {
            return Err(invalid("nothing would be put right"));
        }
        self.approve_but(tenant, id, &places).await
    }

    async fn approve_but(
        &self,
        tenant: &TenantId,
        id: Id,
        refused: &BTreeMap<usize, Reason>,
    ) -> Result<()> {
        let rights = self.rights();
        let vault = rights.vault();
        for _ in 0..8 {
            let (view, mut body) = rights.read_request(tenant, id).await?;
            body.state = body.state.after(Move::Approved, body.right)?;
            body.decided = Some((rights.now(), self.actor()));
            let subject = body.places.first().map(|(_, subject)| *subject);
            let mut batch = vault.batch()?;
            if let (Right::Rectification, Some(subject)) = (body.right, subject) {
                batch = self.weigh(batch, tenant, subject, id, &mut body, refused).await?;
            }
            let entry = rights
                .about(&body, rights.entry("rights.approved", id))
                .by(&self.actor())
                .with("right", body.right.as_str());
            let batch = batch
                .op(rights.put_request(tenant, id, &body, Some(&view)).await?)
                .schedule(Key::new(kind::REQUEST_DUE, id), subject, Due::After(Duration::ZERO))
                .audit(entry);
            match vault.commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// Notes of each value whether it is put right.
    async fn weigh(
        &self,
        batch: BatchBuilder,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        body: &mut RequestBody,
        refused: &BTreeMap<usize, Reason>,
    ) -> Result<BatchBuilder> {
        let rights = self.rights();
        let (holder, key) = (Holder::Subject(subject), Key::new(kind::ASKED, id));
        let view = match rights.vault().read(tenant, holder, std::slice::from_ref(&key)).await {
            // Nothing is left that could be put right.
            Err(error) if error.kind() == ErrorKind::Shredded => return Ok(batch),
            view => view?,
        };
        let mut asked = rights.asked(tenant, id).await?;
        for (place, amendment) in asked.amendments.iter_mut().enumerate() {
            amendment.accepted = Some(!refused.contains_key(&place));
            if let Some(reason) = refused.get(&place) {
                let source = rights.0.sources.source(&amendment.source);
                let table = source.and_then(|source| source.facts().table(&amendment.table));
                body.refused.push(RefusedBody {
                    set: table.map(|table| table.data_set.clone()),
                    value: u32::try_from(place).ok(),
                    reason: *reason,
                    at: rights.now(),
                    by: self.actor(),
                });
            }
        }
        let draft = Draft::new(key, holder).json(SCHEMA, &asked)?;
        let put = rights.vault().put(tenant, draft, view.record(0)).await?;
        Ok(batch.op(view.fence()?).op(put))
    }

    /// Refuses a request with a reason that the law knows for this right (Art. 12(4) and (5) GDPR).
    /// An objection is overridden with the grounds for that, which are kept beside it; the gate goes
    /// by it within moments.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a reason that does not stand against this right, and for an
    /// objection without grounds; [`ErrorKind::Denied`] for one to marketing, which nobody overrides
    /// (Art. 21(3)); [`ErrorKind::Rejected`] where it is too late; [`ErrorKind::NotFound`], and what the
    /// store and the vault say.
    pub async fn refuse(
        &self,
        tenant: &TenantId,
        id: Id,
        reason: Reason,
        grounds: Option<&Grounds>,
    ) -> Result<()> {
        let rights = self.rights();
        for _ in 0..8 {
            let (view, mut body) = rights.read_request(tenant, id).await?;
            if !reason.refuses(body.right) {
                return Err(invalid("this reason does not stand against this right"));
            }
            body.state = body.state.after(Move::Refused, body.right)?;
            let mut also = Vec::new();
            if let MatterBody::Objection { purpose, .. } = &body.matter
                && body.identity.is_some()
            {
                let declared = rights.0.declaration.purpose(purpose);
                if declared.is_some_and(|purpose| purpose.usage == Use::Marketing) {
                    return Err(Error::new(ErrorKind::Denied)
                        .with_detail("an objection to marketing is never overridden"));
                }
                let written =
                    grounds.filter(|grounds| grounds.expose(|text| !text.trim().is_empty()));
                let Some(grounds) = written else {
                    return Err(invalid("an objection is overridden on grounds"));
                };
                also.extend(rights.keep_grounds(tenant, id, &body, grounds).await?);
            }
            body.refused.push(RefusedBody {
                set: None,
                value: None,
                reason,
                at: rights.now(),
                by: self.actor(),
            });
            let by = self.actor();
            let refused = body.refused.iter().map(|refused| rights.refusal(refused)).collect();
            let content = Content::Refused { partly: false, refused };
            let outcome = (OutcomeBody::Refused, content);
            match rights.close_by(tenant, id, &view, body, &by, outcome, also).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done,
            }
        }
        Err(ErrorKind::Conflict.into())
    }
}

impl Rights {
    /// What the person wrote.
    pub(super) async fn asked(&self, home: &TenantId, id: Id) -> Result<AskedBody> {
        let (_, body) = self.read_request(home, id).await?;
        let subject = body.places.first().map(|(_, subject)| *subject);
        let subject = subject.ok_or_else(|| Error::new(ErrorKind::Unopenable))?;
        let key = Key::new(kind::ASKED, id);
        let view = self.vault().read(home, Holder::Subject(subject), &[key]).await?;
        Ok(view.facts(0)?.map(|facts| decode(&facts)).transpose()?.unwrap_or_default())
    }

    /// What keeps the grounds on which an objection is overridden until the ledger has them.
    async fn keep_grounds(
        &self,
        tenant: &TenantId,
        id: Id,
        body: &RequestBody,
        grounds: &Grounds,
    ) -> Result<Vec<Op>> {
        let Some((_, subject)) = body.places.first() else { return Ok(Vec::new()) };
        let (holder, key) = (Holder::Subject(*subject), Key::new(kind::ASKED, id));
        let view = match self.vault().read(tenant, holder, std::slice::from_ref(&key)).await {
            Err(error) if error.kind() == ErrorKind::Shredded => return Ok(Vec::new()),
            view => view?,
        };
        let asked = view.facts(0)?.map(|facts| decode::<AskedBody>(&facts)).transpose()?;
        let mut asked = asked.unwrap_or_default();
        asked.overridden_on = Some(grounds.expose(str::to_owned));
        let draft = Draft::new(key, holder).json(SCHEMA, &asked)?;
        let put = self.vault().put(tenant, draft, view.record(0)).await?;
        // A letter brings the person's fence with it.
        Ok(match &self.0.messages {
            Some(_) => vec![put],
            None => vec![view.fence()?, put],
        })
    }
}

fn invalid(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail(what)
}
