//! Handing out a copy: each tenant collects source by source, the request closes the package.

use bailee_core::{ErrorKind, Id, Locale, Result, SubjectId, TenantId, Visitor, audit::Entry};
use bailee_registry::{Catalogue, Document, Texts};
use bailee_store::{Due, Expect, Key, Lease, Op, Query};
use bailee_vault::{Draft, Holder};

use super::{
    Right,
    body::{MatterBody, PartBody, RequestBody, SCHEMA, Stage, decode},
    desk::Rights,
    kind,
    own::OwnRecords,
    part::fault,
    recipient,
    within::{HANDING_OVER, within},
};
use crate::{
    Additions,
    package::{
        CloseStep, Closing, Fetch, Link, Links, Order, Package, Packages, PartlyClosed, Segment,
        StoredPackage,
    },
    source::DataSource,
};

/// How far a package is.
pub(super) enum Packed {
    /// There is nobody to hand it to.
    Nobody,
    /// A step of its end was written.
    Partly(PartlyClosed),
    /// It is there, with what the request's last commit writes of it.
    Whole(Additions),
}

impl Rights {
    /// Collects what the sources have, as many as a claim has time for.
    pub(super) async fn collect(
        &self,
        lease: &Lease,
        subject: SubjectId,
        part: &mut PartBody,
    ) -> Result<bool> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        let begun = self.vault().clock().monotonic();
        let packages = self.packages()?;
        let whose = self.whose(tenant, subject, id).await?;
        let order = self.order(tenant, subject, id, part.right, &part.matter);
        let own = OwnRecords::new(self);
        let accounts = self.0.accounts.records();
        for n in 0..part.sources.len() {
            if part.sources[n].done {
                continue;
            }
            if self.is_late(begun) {
                return Ok(false);
            }
            let name = part.sources[n].name.clone();
            let source: Option<&dyn DataSource> = if name == own.facts().name {
                Some(&own)
            } else if name == accounts.facts().name {
                Some(accounts)
            } else {
                self.0.sources.source(&name).map(|source| &**source)
            };
            let Some(source) = source else {
                part.sources[n].fault = Some("unknown_source".into());
                continue;
            };
            let declaration = &self.0.declaration;
            let collecting =
                packages.collect_source(&order, declaration, source, &whose, lease.fence);
            match within(&*self.0.timer, HANDING_OVER, collecting).await {
                Ok(segment) => {
                    let body = &mut part.sources[n];
                    body.fault = None;
                    body.done = true;
                    body.rows = segment.rows;
                    part.segments.push(segment);
                }
                Err(error) => part.sources[n].fault = Some(fault(&error)),
            }
        }
        if part.sources.iter().any(|source| !source.done) {
            return Ok(false);
        }
        part.stage = Stage::Done;
        Ok(true)
    }

    /// The sources of a part that hands out: the host's, and what these libraries hold themselves.
    pub(super) fn names_of_sources(&self, right: Right) -> Vec<String> {
        let mut names: Vec<String> =
            self.0.sources.iter().map(|source| source.facts().name.clone()).collect();
        if right == Right::Access {
            names.push(OwnRecords::NAME.into());
            let accounts = self.0.accounts.records().facts();
            if !accounts.tables.is_empty() {
                names.push(accounts.name.clone());
            }
        }
        names
    }

    /// Goes on with the package of all parts for as long as a step may take; what the commit that
    /// closes the request writes of it, when it is whole.
    pub(super) async fn pack(
        &self,
        lease: &Lease,
        body: &RequestBody,
        parts: &[PartBody],
    ) -> Result<Packed> {
        let begun = self.vault().clock().monotonic();
        let (tenant, id) = (&lease.tenant, lease.task.id);
        let Some((_, subject)) = body.places.first() else { return Ok(Packed::Nobody) };
        let packages = self.packages()?;
        let asked = self.asked(tenant, id).await?;
        let order = self.order(tenant, *subject, id, body.right, &body.matter);
        let segments: Vec<Segment> =
            parts.iter().flat_map(|part| part.segments.iter().cloned()).collect();
        let reader = asked.locale.unwrap_or_default();
        let (catalogue, information) = self.information(&reader);
        let closing = Closing::new(
            &self.0.declaration,
            &catalogue,
            &information,
            &body.regime,
            body.clock.received(),
        );
        let enough = || self.is_late(begun);
        let so_far = body.packing.as_ref();
        let step = packages.close_step(&order, &closing, &segments, so_far, lease.fence, &enough);
        let mut stored = match step.await? {
            CloseStep::Closed(stored) => stored,
            CloseStep::Open(partly) => return Ok(Packed::Partly(partly)),
        };
        let recipient = asked.export.and_then(|export| export.recipient);
        if let Some(recipient) = recipient {
            stored = recipient::encrypt(packages, &order, &stored, &recipient).await?;
        }
        let holder = Holder::Subject(*subject);
        let key = Key::new(kind::PACKAGE, id);
        let view = self.vault().read(tenant, holder, std::slice::from_ref(&key)).await?;
        let draft = Draft::new(key, holder).json(SCHEMA, &stored)?;
        let put = self.vault().put(tenant, draft, view.record(0)).await?;
        let due = Op::Schedule {
            task: Key::new(kind::PACKAGE_DUE, id),
            subject: Some(*subject),
            due: Due::After(self.0.package_life),
        };
        let entry = self
            .about(body, self.entry("rights.package_made", id))
            .with("until", self.now().plus(self.0.package_life))
            .with("digest", stored.digest);
        Ok(Packed::Whole(Additions { ops: vec![put, due], entries: vec![entry] }))
    }

    /// The package of a person's own request, to be read and streamed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a request that is not theirs, or whose package is not there yet or
    /// not any more; what the store and the vault say.
    pub async fn package(&self, visitor: &Visitor, id: Id) -> Result<Package> {
        let subject = self.own(visitor, id).await?;
        self.package_of(visitor.tenant(), subject, id).await
    }

    /// A secret address's end for the package of a person's own request. It ends with the package at the
    /// latest, and opens for nobody else.
    ///
    /// # Errors
    ///
    /// As [`Self::package`].
    pub async fn link(&self, visitor: &Visitor, id: Id) -> Result<Link> {
        let subject = self.own(visitor, id).await?;
        // Only to what is there.
        self.package_of(visitor.tenant(), subject, id).await?;
        self.links().make(visitor.tenant(), subject, id).await
    }

    /// Opens a link: for whoever came with it, as the host's session knows them. Each fetch is noted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a link that is none, is over, was revoked or is somebody else's, and
    /// for a package that is not there any more; what the store and the vault say.
    pub async fn fetch(&self, visitor: &Visitor, token: &str) -> Result<(Fetch, Package)> {
        let tenant = visitor.tenant();
        let subject = self.vault().subject(tenant, visitor.person()).await?;
        let subject = subject.ok_or(ErrorKind::NotFound)?;
        let fetch = self.links().fetch(tenant, subject, token).await?;
        let package = self.package_of(tenant, subject, fetch.request).await?;
        Ok((fetch, package))
    }

    async fn package_of(&self, tenant: &TenantId, subject: SubjectId, id: Id) -> Result<Package> {
        let key = Key::new(kind::PACKAGE, id);
        let view = self.vault().read(tenant, Holder::Subject(subject), &[key]).await?;
        if view.record(0).is_none_or(|record| record.subject != Some(subject)) {
            return Err(ErrorKind::NotFound.into());
        }
        let stored: StoredPackage = decode(&view.facts(0)?.ok_or(ErrorKind::NotFound)?)?;
        Ok(self.packages()?.open(&stored))
    }

    /// Due: a package was there long enough.
    pub(super) async fn package_due(&self, lease: &Lease) -> Result<()> {
        let (tenant, id) = (&lease.tenant, lease.task.id);
        let ended = |entry: Entry| entry.about(lease.subject);
        let Some(subject) = lease.subject else {
            let entry = ended(self.entry("rights.package_ended", id));
            return self.finish(lease, Due::Never, entry).await;
        };
        self.links().revoke(tenant, subject, id).await?;
        // Everything of the request: what a process left that died belongs to it as well.
        self.packages()?.sweep_orphans(id, []).await?;
        let key = Key::new(kind::PACKAGE, id);
        let found = self.vault().store().read(tenant, std::slice::from_ref(&key)).await?;
        let mut batch = self
            .vault()
            .batch()?
            .finish(lease.task.clone(), lease.fence, Due::Never)
            .audit(ended(self.entry("rights.package_ended", id)));
        if let Some(record) = found.records.into_iter().flatten().next() {
            batch = batch.delete(key, Expect::Version(record.version));
        }
        self.vault().commit(tenant, batch).await.map(|_| ())
    }

    /// Deletes the packages of a person who is being erased. They could not be opened any more; they
    /// need not lie there either.
    pub(super) async fn delete_packages(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
    ) -> Result<()> {
        let Some(packages) = &self.0.packages else { return Ok(()) };
        // A request that collects something is named by its part.
        for kind in [kind::PACKAGE, kind::PART] {
            let mut query = Query::of_kind(kind).subject(subject).limit(1000);
            loop {
                let page = self.vault().store().find(tenant, &query).await?;
                for record in &page.records {
                    packages.sweep_orphans(record.key.id, []).await?;
                }
                match page.next {
                    Some(next) => query = query.after(next),
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// What Art. 15(1) GDPR asks to be told, in the language of a reader.
    pub(super) fn information(&self, reader: &Locale) -> (Catalogue, Document) {
        let catalogue = Catalogue::of(&self.0.catalogues, reader);
        let texts = Texts::new(self.0.declaration.clone(), catalogue.clone());
        let texts = self.0.providers.iter().fold(texts, |texts, (provider, facts)| {
            texts.provider(provider.clone(), facts.clone())
        });
        (catalogue, texts.information())
    }

    fn order(
        &self,
        tenant: &TenantId,
        subject: SubjectId,
        id: Id,
        right: Right,
        matter: &MatterBody,
    ) -> Order {
        let order = Order::new(tenant.clone(), subject, id, right, self.now());
        match matter {
            MatterBody::Copy { csv: true } => order,
            _ => order.without_csv(),
        }
    }

    fn links(&self) -> Links {
        Links::new(self.vault().clone()).living(self.0.package_life)
    }

    pub(super) fn packages(&self) -> Result<&Packages> {
        self.0.packages.as_ref().ok_or_else(|| {
            bailee_core::Error::new(ErrorKind::Configuration)
                .with_detail("nobody gave a place for packages")
        })
    }
}
