//! What a request's receipt says: what was asked, when, under which law and declaration, which
//! sources answered with which counts, how it ended. Nothing in it says who the person is.

use bailee_audit::{Json, Receipt};
use bailee_core::{Error, ErrorKind, Id, Result, TenantId, hex, sha256};
use bailee_registry::{AuditLog, EntryPlace};
use bailee_store::Window;

use super::{
    body::{PartBody, RecipientBody, RequestBody, SourceBody},
    desk::Rights,
};

/// The form of the content of a request's receipt.
pub const CERTIFICATE: &str = "bailee.request.1";

impl Rights {
    /// The signed receipt of a closed request, with the proof that its entry is in the log where the
    /// log's signed tree has it already. Whoever has the log's public key checks it offline
    /// ([`bailee_audit::verify_receipt`]); what it says is the certificate, in the form
    /// [`CERTIFICATE`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for an unknown request, [`ErrorKind::Rejected`] for one that is not
    /// closed, and as [`AuditLog::receipt`].
    pub async fn receipt(&self, log: &AuditLog, tenant: &TenantId, id: Id) -> Result<Receipt> {
        let (_, body) = self.read_request(tenant, id).await?;
        let Some((at, _)) = body.closed else {
            return Err(Error::new(ErrorKind::Rejected).with_detail("the request is not closed"));
        };
        let content = self.certificate(id, &body).await?;
        let subject = body.places.first().map(|(_, subject)| *subject);
        let mut window = Window { from: at, subject, ..Window::default() };
        loop {
            let page = self.vault().store().entries(tenant, window).await?;
            let closed = page.iter().find(|logged| {
                logged.entry.event() == "rights.closed"
                    && logged.entry.field("request") == Some(&id.into())
            });
            if let Some(closed) = closed {
                return log.receipt(CERTIFICATE, content, Some(&EntryPlace::from(closed))).await;
            }
            let Some(last) = page.last() else { return Err(ErrorKind::NotFound.into()) };
            window.after = Some((last.entry.at(), last.batch, last.n));
        }
    }

    /// The digest of what the certificate of a request that is being closed will say.
    pub(super) async fn certificate_digest(
        &self,
        _tenant: &TenantId,
        id: Id,
        body: &RequestBody,
    ) -> Result<[u8; 32]> {
        let content = self.certificate(id, body).await?.canonical();
        Ok(sha256(content.map_err(|_| ErrorKind::InvalidInput)?.as_bytes()))
    }

    async fn certificate(&self, id: Id, body: &RequestBody) -> Result<Json> {
        let mut parts = Vec::with_capacity(body.places.len());
        for (n, (tenant, _)) in body.places.iter().enumerate() {
            let part = match self.read_part(tenant, id).await {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                found => found?.1,
            };
            parts.push(part_json(n, &part)?);
        }
        let mut members = vec![
            ("request", id.to_string().into()),
            ("right", body.right.as_str().into()),
            ("article", body.right.article().into()),
            ("channel", body.channel.as_str().into()),
            ("received", body.clock.received().as_seconds().into()),
            ("regime", body.regime.as_str().into()),
            ("declaration", hex::text(&body.version).into()),
            ("parts", Json::array(parts)),
        ];
        if let Some(identity) = &body.identity {
            members.push(("identified", identity.how.as_str().into()));
        }
        if let Some((at, outcome)) = &body.closed {
            members.push(("outcome", outcome.as_str().into()));
            members.push(("closed", at.as_seconds().into()));
        }
        if !body.refused.is_empty() {
            let refused = body.refused.iter().map(|refused| {
                let mut members = vec![
                    ("reason", refused.reason.as_str().into()),
                    ("article", refused.reason.article().into()),
                ];
                members.extend(refused.set.as_ref().map(|set| ("set", set.as_str().into())));
                members.extend(refused.value.map(|place| ("value", i64::from(place).into())));
                Json::object(members)
            });
            members.push(("refused", Json::array(refused)));
        }
        if !body.recipients.is_empty() {
            let recipients = body.recipients.iter().map(|(recipient, state)| {
                Json::object([
                    ("recipient", recipient.as_str().into()),
                    ("told", state.as_str().into()),
                ])
            });
            members.push(("recipients", Json::array(recipients)));
        }
        Ok(Json::object(members))
    }
}

/// A part, by its number: names of tenants may be those of people.
fn part_json(n: usize, part: &PartBody) -> Result<Json> {
    let sources = part.sources.iter().map(source_json).collect::<Result<Vec<_>>>()?;
    let mut members = vec![
        ("place", count(n as u64)?),
        ("sources", Json::array(sources)),
        ("own_records", count(part.own)?),
    ];
    if let Some(ended) = part.ended {
        members.push((
            "connections",
            Json::object([
                ("confirmed", i64::from(ended.confirmed).into()),
                ("unconfirmed", i64::from(ended.unconfirmed).into()),
            ]),
        ));
    }
    // Whoever reads it later is to know why it says nothing of what there is now.
    members.extend(part.after.map(|after| ("after_return", after.as_str().into())));
    if !part.held.is_empty() {
        let held = part.held.iter().map(|(set, (_, reason, until))| {
            Json::object([
                ("set", set.as_str().into()),
                ("reason", reason.as_str().into()),
                ("until", until.as_seconds().into()),
            ])
        });
        members.push(("held", Json::array(held)));
    }
    Ok(Json::object(members))
}

fn source_json(source: &SourceBody) -> Result<Json> {
    let tables = source.tables.iter().map(|(name, table)| {
        Ok(Json::object([
            ("table", name.as_str().into()),
            ("done", count(table.done)?),
            ("left", count(table.left)?),
            ("kept", count(table.kept)?),
        ]))
    });
    let tables = tables.collect::<Result<Vec<_>>>()?;
    Ok(Json::object([
        ("source", source.name.as_str().into()),
        ("answered", source.done.into()),
        ("rows", count(source.rows)?),
        ("tables", Json::array(tables)),
    ]))
}

fn count(number: u64) -> Result<Json> {
    i64::try_from(number).map(Json::Integer).map_err(|_| ErrorKind::TooLarge.into())
}

impl RecipientBody {
    fn as_str(self) -> &'static str {
        match self {
            Self::Untold => "untold",
            Self::Told(_) => "told",
            Self::Impossible(_) => "impossible",
            Self::Ended(_) => "ended",
        }
    }
}
