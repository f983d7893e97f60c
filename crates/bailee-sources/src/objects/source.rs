//! The source itself.

use std::{fmt, num::NonZeroUsize, sync::Arc};

use async_trait::async_trait;
use bailee_core::{DataCategory, Error, ErrorKind, HostId, Result, TenantId, Timestamp};
use bailee_registry::DataOrigin;
use bailee_rights::source::{
    Correction, Count, DataSource, FieldFacts, Remaining, RowSink, SourceFacts, SourceRow, Step,
    Strategy, TableCount, TableFacts, TableRemaining, Touched, Value, Whose,
};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, path::Path};

use super::template::{People, Template};

/// How much of an object is one row, and how much of several is handed over at once.
const PIECE: u64 = 4 * 1024 * 1024;
/// How many rows are handed over at once.
const HANDED: usize = 500;
/// How many objects a step deletes where nothing is said.
const BATCH: usize = 1000;

/// Objects in a folder for each person, as a source of data.
///
/// A row is an object, or a piece of at most 4 MiB of a larger one, with the object's name, when it
/// was written, its size, the number of the piece from 1, and the bytes. What it counts are rows. An
/// erasure deletes objects. Nothing can be corrected or restricted in them.
///
/// The store is the host's, with its client, credentials and limits. Earlier versions that a store
/// keeps of objects are not seen: a rule of the store has to end them.
#[derive(Clone)]
pub struct ObjectSource {
    store: Arc<dyn ObjectStore>,
    facts: SourceFacts,
    template: Template,
    only_tenant: Option<TenantId>,
    batch: usize,
}

/// What is in the folders: the set of the declaration, the category of its data, and how it came
/// about.
type Content = (String, DataCategory, DataOrigin);

impl ObjectSource {
    /// A source over folders such as `uploads/{tenant}/{person}/`. Ids are spelt as
    /// [`PathPart`](object_store::path::PathPart) spells them, so that each is one part of a path:
    /// [`ObjectSource::folder`] says where a host has to put a person's objects.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a template that does not end with a slash or that could take
    /// one person's objects for another's.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        name: &str,
        template: &str,
        people: People,
        (data_set, category, origin): Content,
    ) -> Result<Self> {
        let template = Template::parse(template, people, false)?;
        Ok(Self::over(store, name, template, None, (data_set, category, origin)))
    }

    /// The same for a store that is one tenant's alone: the template has no `{tenant}`.
    ///
    /// # Errors
    ///
    /// As [`ObjectSource::new`].
    pub fn of_one_tenant(
        store: Arc<dyn ObjectStore>,
        name: &str,
        template: &str,
        people: People,
        content: Content,
        tenant: TenantId,
    ) -> Result<Self> {
        let template = Template::parse(template, people, true)?;
        Ok(Self::over(store, name, template, Some(tenant), content))
    }

    /// The same source that deletes at most so many objects in a step, in place of a thousand.
    #[must_use]
    pub fn in_steps_of(mut self, objects: NonZeroUsize) -> Self {
        self.batch = objects.get();
        self
    }

    /// Where a person's objects lie.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for an id of another form than the source's, and for another
    /// tenant where the store is one's alone.
    pub fn folder(&self, tenant: &TenantId, person: &HostId) -> Result<Path> {
        self.is_mine(tenant)?;
        self.template.folder(tenant, person)
    }

    fn over(
        store: Arc<dyn ObjectStore>,
        name: &str,
        template: Template,
        only_tenant: Option<TenantId>,
        (data_set, category, origin): Content,
    ) -> Self {
        let field = |name: &str| FieldFacts::new(name, category.clone(), origin.clone());
        let table = ["name", "modified", "size", "piece", "content"]
            .into_iter()
            .fold(TableFacts::new("objects", data_set, Strategy::Delete), |table, name| {
                table.with_field(field(name))
            })
            .knowing_age();
        let facts = SourceFacts::new(name, vec![table]);
        Self { store, facts, template, only_tenant, batch: BATCH }
    }

    fn is_mine(&self, tenant: &TenantId) -> Result<()> {
        match &self.only_tenant {
            Some(only) if only != tenant => Err(Error::new(ErrorKind::InvalidInput)
                .with_detail("the source's store is another tenant's")),
            _ => Ok(()),
        }
    }

    /// A person's objects.
    fn of(&self, whose: &Whose) -> Result<impl Stream<Item = Result<ObjectMeta>> + Send> {
        let folder = self.folder(whose.tenant(), whose.person())?;
        let listed = self.store.list(Some(&folder)).map_err(failed);
        // A store that lists by the letters of a name alone would list others' too.
        Ok(listed.try_filter(move |object| {
            let inside = object.location.prefix_matches(&folder) && object.location != folder;
            std::future::ready(inside)
        }))
    }

    /// A tenant's objects that are older than a time, without some people's.
    fn older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<impl Stream<Item = Result<ObjectMeta>> + Send> {
        if self.facts.table(table).is_none() {
            return Err(ErrorKind::Unsupported.into());
        }
        let except: Vec<Path> =
            except.iter().map(|person| self.folder(tenant, person)).collect::<Result<_>>()?;
        self.is_mine(tenant)?;
        let (template, tenant) = (self.template.clone(), tenant.clone());
        let around = template.around(&tenant);
        Ok(self.store.list(Some(&around)).map_err(failed).try_filter(move |object| {
            let old = object.last_modified.timestamp_micros() < before.as_micros();
            let meant = old && template.is_of_another(&object.location, &tenant, &except);
            std::future::ready(meant)
        }))
    }

    /// Deletes the first of some objects.
    async fn delete(&self, objects: impl Stream<Item = Result<ObjectMeta>> + Send) -> Result<Step> {
        let mut step = Step::default();
        let objects: Vec<ObjectMeta> = objects.take(self.batch).try_collect().await?;
        step.more = objects.len() == self.batch;
        let rows: u64 = objects.iter().map(pieces).sum();
        if rows > 0 {
            let paths = objects.into_iter().map(|object| Ok(object.location));
            let mut deleted = self.store.delete_stream(stream::iter(paths).boxed());
            while let Some(one) = deleted.next().await {
                match one {
                    // Somebody else was faster.
                    Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(failed(error)),
                }
            }
            step.touched.push(Touched { table: self.table().name.clone(), rows });
        }
        Ok(step)
    }

    /// The bytes of one piece. An object that changed since it was listed is an error.
    async fn piece(&self, object: &ObjectMeta, number: u64) -> Result<Vec<u8>> {
        let begin = number * PIECE;
        let end = object.size.min(begin + PIECE);
        let mut options = GetOptions::default();
        options.if_match.clone_from(&object.e_tag);
        // No store answers a range of nothing.
        if object.size > PIECE {
            options.range = Some(GetRange::Bounded(begin..end));
        }
        let found = self.store.get_opts(&object.location, options).await.map_err(failed)?;
        if found.meta.size != object.size {
            return Err(changed());
        }
        let bytes = found.bytes().await.map_err(failed)?;
        if bytes.len() as u64 != end - begin { Err(changed()) } else { Ok(bytes.into()) }
    }

    async fn rows(&self, objects: impl Stream<Item = Result<ObjectMeta>> + Send) -> Result<u64> {
        objects.try_fold(0, async |rows, object| Ok(rows + pieces(&object))).await
    }

    fn table(&self) -> &TableFacts {
        // There is one, from the constructor.
        &self.facts.tables[0]
    }
}

#[async_trait]
impl DataSource for ObjectSource {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    async fn count(&self, whose: &Whose) -> Result<Count> {
        let line = TableCount {
            table: self.table().name.clone(),
            rows: self.rows(self.of(whose)?).await?,
            strategy: Strategy::Delete,
            statement: format!("delete {}*", self.template.as_str()),
        };
        Ok(Count { tables: vec![line] })
    }

    async fn collect(&self, whose: &Whose, sink: &mut dyn RowSink) -> Result<()> {
        let folder = self.folder(whose.tenant(), whose.person())?.to_string();
        let mut objects = std::pin::pin!(self.of(whose)?);
        let (mut rows, mut size) = (Vec::new(), 0);
        while let Some(object) = objects.try_next().await? {
            let name = object.location.as_ref().strip_prefix(&folder).unwrap_or_default();
            let name = name.trim_start_matches('/').to_owned();
            let at = Timestamp::from_micros(object.last_modified.timestamp_micros());
            for number in 0..pieces(&object) {
                let bytes = self.piece(&object, number).await?;
                size += bytes.len() as u64;
                rows.push(SourceRow {
                    key: serde_json::json!([name, number + 1]).to_string(),
                    values: vec![
                        Value::Text(name.clone()),
                        Value::Text(at.to_string()),
                        integer(object.size),
                        integer(number + 1),
                        Value::Bytes(bytes),
                    ],
                });
                if size >= PIECE || rows.len() >= HANDED {
                    sink.take(self.table(), std::mem::take(&mut rows)).await?;
                    size = 0;
                }
            }
        }
        if !rows.is_empty() {
            sink.take(self.table(), rows).await?;
        }
        Ok(())
    }

    async fn erase(&self, whose: &Whose) -> Result<Step> {
        if whose.spares(&self.table().data_set) {
            return Ok(Step::default());
        }
        self.delete(self.of(whose)?).await
    }

    async fn correct(&self, _: &Whose, _: &Correction) -> Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    async fn restrict(&self, _: &Whose, _: bool) -> Result<Step> {
        Ok(Step::default())
    }

    async fn remaining(&self, whose: &Whose) -> Result<Remaining> {
        let rows = self.rows(self.of(whose)?).await?;
        let held = whose.spares(&self.table().data_set);
        let (left, kept) = if held { (0, rows) } else { (rows, 0) };
        let table = self.table().name.clone();
        let line = TableRemaining { table, left, kept, why: None };
        Ok(Remaining { tables: vec![line] })
    }

    async fn count_older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<u64> {
        self.rows(self.older(tenant, table, before, except)?).await
    }

    async fn erase_older(
        &self,
        tenant: &TenantId,
        table: &str,
        before: Timestamp,
        except: &[HostId],
    ) -> Result<Step> {
        self.delete(self.older(tenant, table, before, except)?).await
    }
}

impl fmt::Debug for ObjectSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A store's own words may hold addresses.
        f.debug_struct("ObjectSource").field("name", &self.facts.name).finish_non_exhaustive()
    }
}

/// How many rows an object is.
fn pieces(object: &ObjectMeta) -> u64 {
    object.size.div_ceil(PIECE).max(1)
}

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn changed() -> Error {
    Error::new(ErrorKind::HostFailed).with_detail("an object changed while it was read")
}

/// What a store's error comes to. Its text holds paths and answers, and stays behind.
fn failed(error: object_store::Error) -> Error {
    match error {
        object_store::Error::Precondition { .. } | object_store::Error::NotFound { .. } => {
            changed()
        }
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => Error::new(ErrorKind::Configuration)
            .with_detail("the object store refused the host's credentials"),
        _ => Error::new(ErrorKind::HostFailed).with_detail("the object store failed"),
    }
}
