//! A request comes in: one record, one reservation, the clock started with the receipt.

use bailee_core::{Actor, Error, ErrorKind, HostId, Id, Result, TenantId, audit::Entry};
use bailee_registry::RestrictionGround;
use bailee_store::{Due, Key, Query};
use bailee_vault::{Draft, Holder};

use super::{
    Ask, Channel, Right, Statement,
    ask::Incoming,
    body::{
        AmendmentBody, AskedBody, IdentityBody, MatterBody, OutcomeBody, RequestBody, SCHEMA,
        ValueBody,
    },
    desk::Rights,
    kind,
    provider::provider_of,
    recipient,
    state::{Move, State},
    statement::StatementBody,
};
use crate::{clock::RequestClock, source::Value};

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Taken {
    /// The request.
    pub id: Id,
    /// Whether it is a new one. Somebody who asks again for what is open already has that request.
    pub new: bool,
}

impl Rights {
    /// Takes a request in.
    pub(super) async fn take(
        &self,
        incoming: Incoming<'_>,
        identity: Option<IdentityBody>,
    ) -> Result<Taken> {
        let Incoming { id, tenant, person, ask, locale, channel, received, by } = incoming;
        if tenant.is_system() {
            return Err(Error::new(ErrorKind::Denied));
        }
        ask.check()?;
        self.0.accounts.admit().await?;
        let vault = self.vault();
        let now = self.now();
        if received > now {
            return Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("a request is not received in the future"));
        }
        let right = ask.right();
        // Nobody is taken in for what cannot be asked.
        let (matter, mut asked) = self.split(ask)?;
        let places = match channel {
            // Whoever is too young here may not be there.
            Channel::Declared => {
                vec![(tenant.clone(), self.vault().ensure_subject(tenant, person).await?)]
            }
            _ => self.places(tenant, person).await?,
        };
        let subject = places.first().map(|(_, subject)| *subject);
        let subject = subject.ok_or_else(|| Error::new(ErrorKind::Unopenable))?;
        let by = by.unwrap_or(Actor::Subject { subject });
        if let Some(asked) = &mut asked {
            asked.locale = Some(locale);
        }
        // One open request for a right; where what is asked says more, for that.
        let class = if right.erases() { "erasure" } else { right.as_str() };
        let unwritable = |_| Error::new(ErrorKind::InvalidInput);
        let more = match (&matter, &asked) {
            // What is to be weighed is what was said: who says something else is heard as well.
            (_, Some(asked)) if matches!(right, Right::Complaint | Right::Rectification) => {
                serde_json::to_vec(&(&asked.words, &asked.amendments, &asked.statements))
                    .map_err(unwritable)?
            }
            (MatterBody::Plain | MatterBody::Copy { .. }, _) => Vec::new(),
            (matter, _) => serde_json::to_vec(matter).map_err(unwritable)?,
        };
        let of = subject.id();
        let named: [&[u8]; 3] = [of.as_bytes(), class.as_bytes(), &more];
        let open = vault.index(tenant, "rights.open", &named).await?;
        let id = id.map_or_else(|| Id::generate(&**vault.random()), Ok)?;
        let regime = self.0.at.regime();
        let mut body = RequestBody {
            right,
            matter,
            channel,
            by,
            clock: RequestClock::start(right.matter(regime), received),
            version: self.0.declaration.version(),
            regime: regime.name.clone(),
            places,
            state: State::Identifying,
            identity: None,
            grace_until: None,
            said: false,
            decided: None,
            refused: Vec::new(),
            recipients: std::collections::BTreeMap::new(),
            weighed: std::collections::BTreeMap::new(),
            looks: 0,
            packing: None,
            open,
            closed: None,
            closed_by: None,
            lifting: None,
        };
        // What cannot be reckoned is refused before anything is written.
        let reading = body.clock.read(&self.0.at)?;
        if let Some(identity) = identity {
            self.identified(&mut body, identity)?;
        }
        for _ in 0..4 {
            let keys = [Key::new(kind::OPEN, open)];
            let view = vault.read(tenant, Holder::Subject(subject), &keys).await?;
            if let Some(facts) = view.facts(0)? {
                return Ok(Taken { id: facts.json::<Id>()?, new: false });
            }
            let reservation =
                Draft::new(keys[0].clone(), Holder::Subject(subject)).json(SCHEMA, &id)?;
            let entry = Entry::new("rights.received", now)
                .about(subject)
                .by(&body.by)
                .with("request", id)
                .with("right", right.as_str())
                .with("method", body.channel.as_str())
                .with_some("provider", provider_of(&body.by))
                .with("version", body.version)
                .with("until", reading.deadline().strict);
            let mut batch = vault
                .batch()?
                .op(view.fence()?)
                .op(vault.put(tenant, reservation, None).await?)
                .op(self.put_request(tenant, id, &body, None).await?)
                .schedule(Key::new(kind::REQUEST_DUE, id), Some(subject), self.first_due(&body))
                .schedule(Key::new(kind::CLOCK_DUE, id), Some(subject), self.next_warning(&body)?)
                .audit(entry);
            let tells = body.channel != Channel::Declared;
            if tells {
                let content = self.acknowledged(&body)?;
                batch = self.letter(tenant, subject, id, right, content).await?.add_to(batch);
            }
            if right.erases() && tells {
                batch = self.keep_reach(tenant, subject, id).await?.add_to(batch);
            }
            if let Some(asked) = &asked {
                let draft = Draft::new(Key::new(kind::ASKED, id), Holder::Subject(subject))
                    .json(SCHEMA, asked)?;
                batch = batch.op(vault.put(tenant, draft, None).await?);
            }
            match vault.commit(tenant, batch).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| Taken { id, new: true }),
            }
        }
        Err(ErrorKind::Conflict.into())
    }

    /// Notes who the person is, and where the request goes from there.
    pub(super) fn identified(&self, body: &mut RequestBody, identity: IdentityBody) -> Result<()> {
        let at = identity.at;
        body.state = body.state.after(Move::Identified, body.right)?;
        body.identity = Some(identity);
        if body.state == State::Grace {
            body.grace_until = Some(at.plus(self.0.grace));
        }
        Ok(())
    }

    /// Keeps where the person is reached, for the letter at the end. A host that cannot say is asked
    /// again before anything is erased.
    pub(super) async fn keep_reach(
        &self,
        tenant: &TenantId,
        subject: bailee_core::SubjectId,
        id: Id,
    ) -> Result<crate::Additions> {
        let Some(messages) = &self.0.messages else { return Ok(crate::Additions::default()) };
        match messages.keep_reach(tenant, subject, id).await {
            Err(error) if error.kind() == ErrorKind::HostFailed => Ok(crate::Additions::default()),
            kept => kept,
        }
    }

    /// When the request's own work is due first.
    pub(super) fn first_due(&self, body: &RequestBody) -> Due {
        match (body.state, body.grace_until) {
            (State::Identifying | State::Closed, _) => Due::Never,
            (State::Grace, Some(until)) => Due::At(until),
            _ => Due::After(std::time::Duration::ZERO),
        }
    }

    /// In which tenants the person has data, this one first, with who they are there.
    async fn places(
        &self,
        tenant: &TenantId,
        person: &HostId,
    ) -> Result<Vec<(TenantId, bailee_core::SubjectId)>> {
        let mut places = Vec::new();
        let tenants = self.tenants_of(tenant, person).await?;
        let size: usize = tenants.iter().map(|tenant| tenant.as_str().len() + PLACE).sum();
        if size > PLACES {
            return Err(Error::new(ErrorKind::TooLarge)
                .with_detail("the person has data in more tenants than one request can name"));
        }
        for tenant in tenants {
            let subject = self.vault().ensure_subject(&tenant, person).await?;
            places.push((tenant, subject));
        }
        Ok(places)
    }

    /// In which tenants the person has data, as the host says; this one first.
    pub(super) async fn tenants_of(
        &self,
        tenant: &TenantId,
        person: &HostId,
    ) -> Result<Vec<TenantId>> {
        let named = self.0.access.tenants(person).await.map_err(|source| {
            Error::new(ErrorKind::HostFailed)
                .with_detail("the host could not say where the person has data")
                .with_source(source)
        })?;
        let mut tenants: Vec<TenantId> = vec![tenant.clone()];
        for other in named {
            if !other.is_system() && !tenants.contains(&other) {
                tenants.push(other);
            }
        }
        Ok(tenants)
    }

    /// What is asked, apart: what names nobody, and what is sealed under the person's key.
    fn split(&self, ask: Ask) -> Result<(MatterBody, Option<AskedBody>)> {
        let asked = |asked: AskedBody| Some(asked);
        Ok(match ask {
            Ask::Access(export) | Ask::Portability(export) => {
                self.packages()?;
                if let Some(recipient) = &export.recipient {
                    recipient::check(recipient)?;
                }
                let matter = MatterBody::Copy { csv: export.csv };
                (matter, asked(AskedBody { export: Some(export), ..AskedBody::default() }))
            }
            Ask::AccountDeletion | Ask::Erasure | Ask::MarketingOptOut => (MatterBody::Plain, None),
            Ask::Complaint(words) => {
                let words = words.expose(str::to_owned);
                (MatterBody::Plain, asked(AskedBody { words: Some(words), ..AskedBody::default() }))
            }
            Ask::ConsentWithdrawal(uses) => (MatterBody::Withdrawal { uses }, None),
            Ask::Objection { purpose, integration, grounds } => {
                if self.0.declaration.purpose(&purpose).is_none() {
                    return Err(Error::new(ErrorKind::InvalidInput)
                        .with_detail("this purpose is not declared"));
                }
                let words = grounds.map(|grounds| grounds.expose(str::to_owned));
                let asked =
                    words.map(|words| AskedBody { words: Some(words), ..AskedBody::default() });
                (MatterBody::Objection { purpose, integration }, asked)
            }
            Ask::Rectification(amendments) => {
                let mut bodies = Vec::with_capacity(amendments.len());
                for amendment in amendments {
                    let source = self.0.sources.source(&amendment.source);
                    let table =
                        source.and_then(|source| source.facts().table(&amendment.correction.table));
                    let field = table.and_then(|table| {
                        table.fields.iter().find(|field| field.name == amendment.correction.field)
                    });
                    if field.is_none_or(|field| field.masked) {
                        return Err(Error::new(ErrorKind::InvalidInput)
                            .with_detail("no source has such a field"));
                    }
                    bodies.push(AmendmentBody {
                        source: amendment.source,
                        table: amendment.correction.table,
                        key: amendment.correction.key,
                        field: amendment.correction.field,
                        value: ValueBody::of(amendment.correction.value)?,
                        accepted: None,
                    });
                }
                let count = u32::try_from(bodies.len()).unwrap_or(u32::MAX);
                let asked = AskedBody { amendments: bodies, ..AskedBody::default() };
                (MatterBody::Amendments { count }, Some(asked))
            }
            Ask::Restriction(ground) => (MatterBody::Restriction { ground }, None),
            Ask::Supplement(statements) => {
                let known = |of: &Statement| {
                    let source = self.0.sources.source(&of.source);
                    source.is_some_and(|source| source.facts().table(&of.table).is_some())
                };
                if !statements.iter().all(known) {
                    return Err(Error::new(ErrorKind::InvalidInput)
                        .with_detail("no source has such a table"));
                }
                let count = u32::try_from(statements.len()).unwrap_or(u32::MAX);
                let bodies = statements.into_iter().map(|statement| {
                    let Statement { source, table, key, text } = statement;
                    StatementBody { source, table, key, text }
                });
                let statements = bodies.collect();
                let asked = AskedBody { statements, ..AskedBody::default() };
                (MatterBody::Statements { count }, Some(asked))
            }
        })
    }

    /// Whether another request says that something of the person is wrong: one that is open, or one
    /// that came later and asked for the restriction itself.
    pub(super) async fn is_contested(&self, request: &RequestBody, id: Id) -> Result<bool> {
        for (tenant, subject) in &request.places {
            let mut query = Query::of_kind(kind::REQUEST).subject(*subject);
            loop {
                let page = self.vault().store().find(tenant, &query).await?;
                for record in page.records.iter().filter(|record| record.key.id != id) {
                    let opened = self.vault().open(tenant, Holder::Tenant, record).await?;
                    let other: RequestBody = super::body::decode(&opened.facts()?)?;
                    let open = matches!(other.state, State::Deciding | State::Working);
                    let contests = match other.matter {
                        MatterBody::Amendments { .. } => open,
                        MatterBody::Restriction {
                            ground: RestrictionGround::AccuracyContested,
                        } => {
                            let done = matches!(other.closed, Some((_, OutcomeBody::Done)));
                            (open || done) && other.clock.received() >= request.clock.received()
                        }
                        _ => false,
                    };
                    if contests {
                        return Ok(true);
                    }
                }
                match page.next {
                    Some(next) => query = query.after(next),
                    None => break,
                }
            }
        }
        Ok(false)
    }

    /// Whether an open request of a person in a tenant hands out what another one would destroy.
    pub(super) async fn is_handing_out(
        &self,
        tenant: &TenantId,
        subject: bailee_core::SubjectId,
    ) -> Result<bool> {
        let mut query = Query::of_kind(kind::REQUEST).subject(subject).facet(kind::IS_OPEN);
        loop {
            let page = self.vault().store().find(tenant, &query).await?;
            for record in &page.records {
                let opened = self.vault().open(tenant, Holder::Tenant, record).await?;
                let body: RequestBody = super::body::decode(&opened.facts()?)?;
                if body.right.hands_out() && body.state == State::Working {
                    return Ok(true);
                }
            }
            match page.next {
                Some(next) => query = query.after(next),
                None => return Ok(false),
            }
        }
    }
}

impl ValueBody {
    fn of(value: Value) -> Result<Self> {
        Ok(match value {
            Value::Bool(bit) => Self::Bool(bit),
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::Integer(number) => Self::Integer(number),
            Value::Json(json) => Self::Json(json),
            Value::Null => Self::Null,
            Value::Real(number) if number.is_finite() => Self::Real(number),
            Value::Text(text) => Self::Text(text),
            Value::Masked | Value::Real(_) => {
                return Err(Error::new(ErrorKind::InvalidInput)
                    .with_detail("no field can hold such a value"));
            }
        })
    }

    pub(super) fn value(self) -> Value {
        match self {
            Self::Bool(bit) => Value::Bool(bit),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::Integer(number) => Value::Integer(number),
            Self::Json(json) => Value::Json(json),
            Self::Null => Value::Null,
            Self::Real(number) => Value::Real(number),
            Self::Text(text) => Value::Text(text),
        }
    }
}

/// What a tenant takes in the record of a request beside its name: who the person is there, and what an
/// operator may say of it later.
const PLACE: usize = 64;
/// What all of them may take there, which has to fit the 64 KiB of its facts with everything else.
const PLACES: usize = 48 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mask_becomes_a_value() {
        assert!(ValueBody::of(Value::Masked).is_err());
        assert!(ValueBody::of(Value::Real(f64::NAN)).is_err());
        assert_eq!(ValueBody::of(Value::Integer(4)).unwrap().value(), Value::Integer(4));
    }
}
