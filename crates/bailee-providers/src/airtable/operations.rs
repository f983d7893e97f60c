//! The calls that a declaration may allow: list bases, list records, create records.

use std::{fmt, marker::PhantomData};

use bailee_core::{CredentialName, Effect, Error, ErrorKind, ProviderId, Result, ScopeName};
use http::Method;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    errors,
    wire::{BasesWire, CreatedWire, FieldsBody, RecordWire, RecordsBody, RecordsWire},
};
use crate::{
    context::Context,
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    page::{Cursor, Page, Paged},
    rfc::malformed,
    step::Step,
};

/// The most records that one request creates.
pub const RECORDS_LIMIT: usize = 10;
/// The most records on a page.
const PAGE_LIMIT: u8 = 100;

const PROVIDER: ProviderId = ProviderId::from_static("airtable");
const USER: CredentialName = CredentialName::from_static("user");

pub(super) static LIST_BASES: OperationFacts = OperationFacts {
    name: "airtable.list_bases",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("schema.bases:read")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/v0/meta/bases",
    sends: &[],
    reads: &["organisation"],
    credential: USER,
};

pub(super) static LIST_RECORDS: OperationFacts = OperationFacts {
    name: "airtable.list_records",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("data.records:read")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/v0/{base}/{table}",
    sends: &[],
    reads: &["records"],
    credential: USER,
};

pub(super) static CREATE_RECORDS: OperationFacts = OperationFacts {
    name: "airtable.create_records",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("data.records:write")],
    effect: Effect::Effect,
    method: Method::POST,
    path: "/v0/{base}/{table}",
    sends: &["records"],
    reads: &[],
    credential: USER,
};

/// Lists the bases that the person picked, page by page.
#[derive(Clone, Debug, Default)]
pub struct ListBases {
    cursor: Option<Cursor>,
}

impl ListBases {
    /// From the first one on.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Operation for ListBases {
    type Output = Page<Base>;

    fn facts(&self) -> &OperationFacts {
        &LIST_BASES
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<Base>>> {
        let mut call = JsonCall::new(cx, &LIST_BASES).classify(errors::classify);
        if let Some(cursor) = &self.cursor {
            call = call.query("offset", cursor.as_str());
        }
        call.read(|page: BasesWire| {
            let bases = page.bases.into_iter().map(|base| Base {
                id: base.id,
                name: base.name,
                permission_level: base.permission_level,
            });
            Ok(Page::new(bases.collect(), page.offset))
        })
    }
}

impl Paged for ListBases {
    type Item = Base;

    fn after(&self, cursor: Cursor) -> Self {
        Self { cursor: Some(cursor) }
    }
}

/// A base. `Debug` does not show its name.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Base {
    /// Its id, which stays: `app…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Airtable's word for what the person may do with it.
    pub permission_level: Option<String>,
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Base").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Lists the records of a table, page by page. Their fields are read into a type of the host's,
/// which names those that it needs; a field that is empty is missing. `Debug` does not show what is
/// asked for.
///
/// A cursor that is too old fails with the code `LIST_RECORDS_ITERATOR_NOT_AVAILABLE`: the list has
/// to be begun anew.
pub struct ListRecords<F> {
    base: String,
    table: String,
    page_size: Option<u8>,
    view: Option<String>,
    formula: Option<String>,
    fields: Vec<String>,
    sort: Vec<(String, bool)>,
    cursor: Option<Cursor>,
    read: PhantomData<fn() -> F>,
}

impl<F> ListRecords<F> {
    /// The records of a table, by its id or its name.
    pub fn new(base: impl Into<String>, table: impl Into<String>) -> Self {
        Self {
            base: base.into(),
            table: table.into(),
            page_size: None,
            view: None,
            formula: None,
            fields: Vec::new(),
            sort: Vec::new(),
            cursor: None,
            read: PhantomData,
        }
    }

    /// Sets how many stand on a page, from 1 to 100; Airtable gives 100 where it is not set.
    #[must_use]
    pub fn page_size(mut self, records: u8) -> Self {
        self.page_size = Some(records);
        self
    }

    /// Takes the records of a view, in its order.
    #[must_use]
    pub fn view(mut self, view: impl Into<String>) -> Self {
        self.view = Some(view.into());
        self
    }

    /// Takes the records for which a formula of Airtable's holds. Whoever puts a person's text into
    /// one has to quote it.
    #[must_use]
    pub fn filter_by_formula(mut self, formula: impl Into<String>) -> Self {
        self.formula = Some(formula.into());
        self
    }

    /// Asks for this field, and for no others but those that are named too.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.fields.push(field.into());
        self
    }

    /// Sorts by a field, beginning with the smallest, after those that were named before.
    #[must_use]
    pub fn sorted_by(mut self, field: impl Into<String>) -> Self {
        self.sort.push((field.into(), false));
        self
    }

    /// Sorts by a field, beginning with the largest, after those that were named before.
    #[must_use]
    pub fn sorted_down_by(mut self, field: impl Into<String>) -> Self {
        self.sort.push((field.into(), true));
        self
    }
}

impl<F> Operation for ListRecords<F>
where
    F: DeserializeOwned + Send + 'static,
{
    type Output = Page<Record<F>>;

    fn facts(&self) -> &OperationFacts {
        &LIST_RECORDS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<Record<F>>>> {
        let fits = self.page_size.is_none_or(|size| (1..=PAGE_LIMIT).contains(&size));
        let mut call = JsonCall::new(cx, &LIST_RECORDS)
            .part("base", &self.base)
            .part("table", &self.table)
            .demand(is_base(&self.base) && fits)
            .classify(errors::classify);
        for field in &self.fields {
            call = call.query("fields[]", field);
        }
        for (n, (field, down)) in self.sort.iter().enumerate() {
            call = call.query(format!("sort[{n}][field]"), field);
            if *down {
                call = call.query(format!("sort[{n}][direction]"), "desc");
            }
        }
        let size = self.page_size.map(|size| size.to_string());
        for (name, value) in [
            ("view", self.view.as_deref()),
            ("filterByFormula", self.formula.as_deref()),
            ("pageSize", size.as_deref()),
            ("offset", self.cursor.as_ref().map(Cursor::as_str)),
        ] {
            if let Some(value) = value {
                call = call.query(name, value);
            }
        }
        call.read(|page: RecordsWire<F>| {
            let records = page.records.into_iter().map(Record::read).collect();
            Ok(Page::new(records, page.offset))
        })
    }
}

impl<F> Paged for ListRecords<F>
where
    F: DeserializeOwned + Send + 'static,
{
    type Item = Record<F>;

    fn after(&self, cursor: Cursor) -> Self {
        Self { cursor: Some(cursor), ..self.clone() }
    }
}

impl<F> Clone for ListRecords<F> {
    fn clone(&self) -> Self {
        Self {
            base: self.base.clone(),
            table: self.table.clone(),
            page_size: self.page_size,
            view: self.view.clone(),
            formula: self.formula.clone(),
            fields: self.fields.clone(),
            sort: self.sort.clone(),
            cursor: self.cursor.clone(),
            read: PhantomData,
        }
    }
}

impl<F> fmt::Debug for ListRecords<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListRecords").field("page_size", &self.page_size).finish_non_exhaustive()
    }
}

/// A record. `Debug` shows its id alone.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record<F> {
    /// Its id, which stays: `rec…`.
    pub id: String,
    /// When it was created, as Airtable writes it.
    pub created: Option<String>,
    /// Its fields.
    pub fields: F,
}

impl<F> Record<F> {
    fn read(wire: RecordWire<F>) -> Self {
        Self { id: wire.id, created: wire.created_time, fields: wire.fields }
    }
}

impl<F> fmt::Debug for Record<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Creates up to ten records in a table: all of them or none. The outcome is their ids, in the order
/// in which they were given. `Debug` does not show what is in them.
///
/// Each call creates them, also where they were created before.
#[derive(Clone)]
pub struct CreateRecords {
    base: String,
    table: String,
    records: Vec<serde_json::Value>,
    typecast: bool,
}

impl CreateRecords {
    /// None yet, in a table by its id or its name.
    pub fn new(base: impl Into<String>, table: impl Into<String>) -> Self {
        Self { base: base.into(), table: table.into(), records: Vec::new(), typecast: false }
    }

    /// Adds a record: what has the form of an object, from the names of fields to their values.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` where it is no object, or the eleventh.
    pub fn record(mut self, fields: &impl Serialize) -> Result<Self> {
        let fields = serde_json::to_value(fields).ok().filter(serde_json::Value::is_object);
        match fields {
            Some(fields) if self.records.len() < RECORDS_LIMIT => {
                self.records.push(fields);
                Ok(self)
            }
            Some(_) => invalid("a request creates ten records at most"),
            None => invalid("a record is an object of fields"),
        }
    }

    /// Lets Airtable make of texts what the fields hold: numbers, dates, new choices of a list.
    #[must_use]
    pub fn typecast(mut self) -> Self {
        self.typecast = true;
        self
    }
}

impl Operation for CreateRecords {
    type Output = Vec<String>;

    fn facts(&self) -> &OperationFacts {
        &CREATE_RECORDS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<String>>> {
        let asked = self.records.len();
        JsonCall::new(cx, &CREATE_RECORDS)
            .part("base", &self.base)
            .part("table", &self.table)
            .body(&RecordsBody {
                records: self.records.iter().map(|fields| FieldsBody { fields }).collect(),
                typecast: self.typecast,
            })
            .demand(is_base(&self.base) && asked > 0)
            .classify(errors::classify)
            .read(move |created: CreatedWire| {
                let ids: Vec<String> = created.records.into_iter().map(|one| one.id).collect();
                if ids.len() == asked { Ok(ids) } else { Err(malformed()) }
            })
    }
}

impl fmt::Debug for CreateRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateRecords")
            .field("records", &self.records.len())
            .field("typecast", &self.typecast)
            .finish_non_exhaustive()
    }
}

fn invalid<T>(what: &'static str) -> Result<T> {
    Err(Error::new(ErrorKind::InvalidInput).with_provider(PROVIDER).with_detail(what))
}

/// Whether a text is the id of a base. What else could stand there is another API (`meta`).
fn is_base(text: &str) -> bool {
    let rest = text.strip_prefix("app");
    rest.is_some_and(|rest| {
        (1..=32).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}
