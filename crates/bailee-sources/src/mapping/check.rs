//! What has to be true of a mapping beyond its form.

use std::collections::{BTreeMap, BTreeSet};

use bailee_core::DataCategory;
use bailee_registry::DataOrigin;
use bailee_rights::source::{FieldFacts, Kept, SourceFacts, Strategy};
use toml::Spanned;

use super::{
    Action, Age, Checked, Column, Field, Form, Link, Table, Unit, facts_of,
    order::children_first,
    written::{
        TypedColumn, Written, WrittenColumn, WrittenField, WrittenKept, WrittenPostgres,
        WrittenPseudonymise, WrittenStrategy, WrittenTable,
    },
};
use crate::{Problems, problem::Report};

/// How many rows a step changes where nothing is said.
const BATCH: u32 = 5000;
/// Where PostgreSQL puts tables of which nobody says more.
const SCHEMA: &str = "public";
const MOST: u32 = 100_000;

pub(super) fn check(text: &str, written: Written) -> Result<Checked, Problems> {
    let mut report = Report::on(text);
    let span = written.name.span();
    let name = written.name.into_inner();
    if !is_name(&name) {
        report.add(&span, "this is not the name of a source", NAME);
    }
    let only_tenant = written.only_tenant.map(Spanned::into_inner);
    let batch = written.batch.map_or(BATCH, |batch| {
        let span = batch.span();
        let batch = batch.into_inner();
        if !(1..=MOST).contains(&batch) {
            report.add(&span, "`batch` is out of bounds", format!("write 1 to {MOST}"));
        }
        batch
    });
    let (schema, tenant_setting) = of_postgres(&mut report, written.postgres);
    if written.tables.is_empty() {
        report.add(
            &span,
            "there is no table",
            "write [[tables]] for each table with data of people",
        );
    }
    let places = places(&mut report, &written.tables);
    let mut refers_to = Vec::new();
    let mut tables = Vec::new();
    let mut spans = Vec::new();
    for written in written.tables {
        let span = written.span();
        let mut reader = Reader { report: &mut report, places: &places, span: span.clone() };
        refers_to.push(reader.references(written.get_ref()));
        tables.push(reader.table(written.into_inner(), only_tenant.is_some()));
        spans.push(span);
    }
    if !report.is_empty() {
        return Err(report.finish());
    }
    let mut tables: Vec<_> = tables.into_iter().flatten().collect();
    let order = match children_first(&refers_to) {
        Ok(order) => order,
        Err(circle) => {
            let names: Vec<_> =
                circle.iter().map(|at| format!("`{}`", tables[*at].0.name)).collect();
            let what = format!("tables refer to each other in a circle: {}", names.join(", "));
            let span = circle.first().map_or(0..0, |at| spans[*at].clone());
            report.add(&span, what, "leave one reference out and clear its column first");
            return Err(report.finish());
        }
    };
    for (at, span) in spans.iter().enumerate() {
        hangs(&mut report, &tables, at, span);
    }
    if !report.is_empty() {
        return Err(report.finish());
    }
    // The tables move to their places in the order; what points at them follows.
    let mut moved = vec![0; order.len()];
    for (to, from) in order.iter().enumerate() {
        moved[*from] = to;
    }
    for (at, to) in
        refers_to.iter().enumerate().flat_map(|(at, to)| to.iter().map(move |to| (at, to)))
    {
        let parent = matches!(tables[at].0.link, Link::Parent { table, .. } if table == *to);
        tables[*to].0.referred |= !parent;
        tables[at].0.refers_to.push(moved[*to]);
    }
    for (table, _) in &mut tables {
        if let Link::Parent { table, .. } = &mut table.link {
            *table = moved[*table];
        }
    }
    let mut placed: Vec<_> = moved.iter().zip(tables).collect();
    placed.sort_by_key(|(to, _)| **to);
    let (tables, facts): (Vec<Table>, Vec<_>) = placed.into_iter().map(|(_, both)| both).unzip();
    let identifiers = tables.iter().filter_map(|table| match &table.link {
        Link::Subject { identifier, .. } => identifier.clone(),
        Link::Parent { .. } => None,
    });
    let facts = identifiers.fold(SourceFacts::new(name, facts), SourceFacts::needing);
    Ok(Checked { facts, only_tenant, batch, schema, tenant_setting, tables })
}

/// The schema, and the setting that row security reads.
fn of_postgres(
    report: &mut Report<'_>,
    written: Option<WrittenPostgres>,
) -> (String, Option<String>) {
    let Some(WrittenPostgres { schema, tenant_setting }) = written else {
        return (SCHEMA.to_owned(), None);
    };
    if let Some(schema) = schema.as_ref().filter(|schema| !is_identifier(schema.get_ref())) {
        report.add(&schema.span(), "this is not the name of a schema", IDENTIFIER);
    }
    // Settings without a dot are the server's own.
    let is_setting = |name: &str| {
        name.split('.').count() > 1
            && name.split('.').all(|part| {
                part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            })
    };
    if let Some(setting) = tenant_setting.as_ref().filter(|name| !is_setting(name.get_ref())) {
        let mend = "write it as the policies read it, such as \"app.tenant\"";
        report.add(&setting.span(), "this is not the name of a setting of yours", mend);
    }
    let schema = schema.map_or_else(|| SCHEMA.to_owned(), Spanned::into_inner);
    (schema, tenant_setting.map(Spanned::into_inner))
}

type Read = (Table, bailee_rights::source::TableFacts);

/// The names of the mapped tables with their places.
fn places(report: &mut Report<'_>, tables: &[Spanned<WrittenTable>]) -> BTreeMap<String, usize> {
    let mut places = BTreeMap::new();
    for (at, table) in tables.iter().enumerate() {
        let name = table.get_ref().name.as_ref().unwrap_or(&table.get_ref().table);
        if !is_name(name.get_ref()) {
            report.add(&name.span(), "this is not the name of a mapped table", NAME);
        } else if places.insert(name.get_ref().clone(), at).is_some() {
            let what = format!("two mapped tables are called `{}`", name.get_ref());
            report.add(&name.span(), what, "give one of them another `name`");
        }
    }
    places
}

/// A row that hangs on another must not be left without it: nobody would find it any more.
fn hangs(report: &mut Report<'_>, tables: &[Read], at: usize, span: &std::ops::Range<usize>) {
    let (child, _) = &tables[at];
    let Link::Parent { table, column, .. } = &child.link else { return };
    let (parent, _) = &tables[*table];
    let clears = |fields: &[usize]| {
        fields
            .iter()
            .any(|at| child.fields[*at].column == *column && child.fields[*at].path.is_empty())
    };
    let stays = match &child.action {
        Action::Delete | Action::Unlink => false,
        Action::Keep => true,
        Action::Null(fields) => !clears(fields),
        Action::Pseudonymise { .. } => true,
    };
    let goes = matches!(parent.action, Action::Delete);
    let loses = goes || matches!(parent.action, Action::Unlink);
    if (goes && stays) || (loses && matches!(child.action, Action::Keep)) {
        let what = format!(
            "rows of `{}` stay, and what ties them to a person goes with `{}`",
            child.name, parent.name
        );
        report.add(
            span,
            what,
            "delete or unlink them too, or find them by a `subject` of their own",
        );
    }
}

struct Reader<'r, 't> {
    report: &'r mut Report<'t>,
    places: &'r BTreeMap<String, usize>,
    span: std::ops::Range<usize>,
}

impl Reader<'_, '_> {
    fn wrong(&mut self, what: impl Into<String>, mend: impl Into<String>) {
        self.report.add(&self.span, what, mend);
    }

    /// The places of the tables that a table refers to.
    fn references(&mut self, table: &WrittenTable) -> Vec<usize> {
        let mut found = Vec::new();
        let parent = table.parent.as_ref().map(|parent| (parent.span(), &parent.get_ref().table));
        let others = table.refers_to.iter().map(|other| (other.span(), other.get_ref()));
        for (span, name) in parent.into_iter().chain(others) {
            match self.places.get(name) {
                Some(place) => found.push(*place),
                None => self.report.add(
                    &span,
                    "this names no mapped table",
                    "write the `name` of another [[tables]]",
                ),
            }
        }
        found
    }

    fn table(&mut self, written: WrittenTable, one_tenant: bool) -> Option<Read> {
        let (sql_span, sql) = (written.table.span(), written.table.into_inner());
        self.identifier(&sql_span, &sql);
        let name = written.name.map_or_else(|| sql.clone(), Spanned::into_inner);
        let key_span = written.key.span();
        let key = written.key.into_inner();
        if key.is_empty() || key.iter().collect::<BTreeSet<_>>().len() != key.len() {
            self.report.add(&key_span, "`key` names no row", "name the columns of the primary key");
        }
        key.iter().for_each(|column| self.identifier(&key_span, column));
        let tenant = written.tenant.map(|tenant| self.tenant(tenant));
        if tenant.is_none() && written.parent.is_none() && !one_tenant {
            let mend = "name the column in `tenant`, or say above whose the whole database is: \
                        only_tenant = \"…\"";
            self.wrong(format!("nothing says which tenant the rows of `{name}` are of"), mend);
        }
        let link = match (written.subject, written.parent) {
            (Some(subject), None) => {
                let span = subject.span();
                let subject = subject.into_inner();
                self.identifier(&span, &subject.column);
                if subject.identifier.as_ref().is_some_and(|identifier| !is_name(identifier)) {
                    self.report.add(&span, "this is not the name of an identifier", NAME);
                }
                let column = Column { name: subject.column, form: subject.form };
                Some(Link::Subject { column, identifier: subject.identifier })
            }
            (None, Some(parent)) => {
                let span = parent.span();
                let parent = parent.into_inner();
                self.identifier(&span, &parent.column);
                self.identifier(&span, &parent.key);
                let place = self.places.get(&parent.table).copied();
                place.map(|table| Link::Parent { table, column: parent.column, key: parent.key })
            }
            _ => {
                let mend = "write `subject`, or `parent` for rows that hang on another table's";
                self.wrong(format!("what ties `{name}` to a person is not said once"), mend);
                None
            }
        };
        let restriction = written.restriction.map(|restriction| {
            let span = restriction.span();
            let column = restriction.into_inner();
            self.identifier(&span, &column);
            column
        });
        let age = self.age(written.age_column, written.age_unit);
        let origin = self.origin(&written.origin, written.from.as_ref());
        let (fields, facts) = self.fields(written.fields, &written.others, origin.as_ref());
        let strategy_span = written.strategy.span();
        let link = link?;
        let fixed: BTreeSet<&str> = key
            .iter()
            .chain(tenant.as_ref().map(|tenant| &tenant.name))
            .chain(&restriction)
            .chain(age.as_ref().map(|age| &age.column))
            .map(String::as_str)
            .collect();
        let shared = !written.others.is_empty();
        let (action, strategy) = self.action(
            &strategy_span,
            written.strategy.into_inner(),
            &Laid { fields: &fields, facts: &facts, fixed: &fixed, link: &link, shared },
        )?;
        match &action {
            Action::Keep if age.is_some() => {
                let mend = "remove `age_column`";
                self.report.add(&strategy_span, "what a law keeps is not erased by its age", mend);
            }
            Action::Pseudonymise { constant: None, .. } if age.is_some() => {
                let what = "rows are also erased by their age, of many people at once";
                let mend = "write a constant in `with`, or remove `age_column`";
                self.report.add(&strategy_span, what, mend);
            }
            _ => {}
        }
        let data_set = written.data_set.into_inner();
        let (restricts, aged) = (restriction.is_some(), age.is_some());
        let facts = facts_of(&name, &data_set, strategy, facts, restricts, aged);
        Some((
            Table {
                name,
                sql,
                key,
                tenant,
                link,
                restriction,
                age,
                referred: false,
                refers_to: Vec::new(),
                fields,
                action,
            },
            facts,
        ))
    }

    fn age(&mut self, column: Option<Spanned<String>>, unit: Option<Spanned<Unit>>) -> Option<Age> {
        match (column, unit) {
            (Some(column), Some(unit)) => {
                self.identifier(&column.span(), column.get_ref());
                Some(Age { column: column.into_inner(), unit: unit.into_inner() })
            }
            (Some(column), None) => {
                let mend = "write `age_unit`: \"seconds\", \"millis\", \"text\" or \"timestamp\"";
                self.report.add(&column.span(), "nothing says how the time lies in it", mend);
                None
            }
            (None, Some(unit)) => {
                let mend = "write `age_column`, or remove it";
                self.report.add(&unit.span(), "nothing says which column it is of", mend);
                None
            }
            (None, None) => None,
        }
    }

    fn tenant(&mut self, written: Spanned<WrittenColumn>) -> Column {
        let span = written.span();
        let column = match written.into_inner() {
            WrittenColumn::Name(name) => Column { name, form: Form::Text },
            WrittenColumn::Typed(TypedColumn { column, form }) => Column { name: column, form },
        };
        self.identifier(&span, &column.name);
        column
    }

    fn fields(
        &mut self,
        written: Spanned<Vec<Spanned<WrittenField>>>,
        others: &[Spanned<String>],
        origin: Option<&DataOrigin>,
    ) -> (Vec<Field>, Vec<FieldFacts>) {
        let whole = written.span();
        let mut fields = Vec::new();
        let mut facts: Vec<FieldFacts> = Vec::new();
        for written in written.into_inner() {
            let span = written.span();
            let written = written.into_inner();
            self.identifier(&span, &written.column);
            let path = written.pointer.as_deref().map_or(Some(Vec::new()), keys);
            let path = path.unwrap_or_else(|| {
                let mend = "write a JSON pointer to a key of an object, such as \"/address/city\"";
                self.report.add(&span, "this is not a pointer", mend);
                Vec::new()
            });
            let whole_name = [written.column.as_str()].into_iter();
            let whole_name = whole_name.chain(path.iter().map(String::as_str));
            let name = written.name.unwrap_or_else(|| whole_name.collect::<Vec<_>>().join("."));
            if facts.iter().any(|earlier| earlier.name == name) {
                let what = format!("the field `{name}` stands twice");
                self.report.add(&span, what, "give one of the two another `name`");
            }
            let own = written.origin.map(|origin| self.origin(&origin, written.from.as_ref()));
            let Some(origin) = own.unwrap_or_else(|| origin.cloned()) else { continue };
            let masked = others.iter().any(|other| *other.get_ref() == name);
            let mut field = FieldFacts::new(name, DataCategory::new(written.category), origin);
            field.masked = masked;
            facts.push(field);
            fields.push(Field { column: written.column, path, masked });
        }
        if fields.is_empty() {
            self.report.add(&whole, "there are no fields", "name what is handed over of a row");
        }
        for other in others {
            if !facts.iter().any(|field| field.name == *other.get_ref()) {
                self.report.add(&other.span(), "this is none of the fields", "name a field");
            }
        }
        (fields, facts)
    }

    fn origin(
        &mut self,
        word: &Spanned<String>,
        from: Option<&Spanned<String>>,
    ) -> Option<DataOrigin> {
        let origin = match word.get_ref().as_str() {
            "derived" => DataOrigin::Derived,
            "inferred" => DataOrigin::Inferred,
            "observed" => DataOrigin::Observed,
            "provided" => DataOrigin::Provided,
            "obtained" => match from {
                Some(from) => return Some(DataOrigin::Obtained { from: from.get_ref().clone() }),
                None => {
                    let mend = "write `from` (Art. 14(2)(f) GDPR)";
                    self.report.add(&word.span(), "nothing says who gave it", mend);
                    return None;
                }
            },
            _ => {
                let mend = "use \"derived\", \"inferred\", \"observed\", \"obtained\" or \
                            \"provided\"";
                self.report.add(&word.span(), "this is not an origin of data", mend);
                return None;
            }
        };
        if let Some(from) = from {
            let mend = "remove it, or write origin = \"obtained\"";
            self.report.add(&from.span(), "nobody else gave it", mend);
        }
        Some(origin)
    }

    fn action(
        &mut self,
        span: &std::ops::Range<usize>,
        strategy: WrittenStrategy,
        laid: &Laid<'_>,
    ) -> Option<(Action, Strategy)> {
        Some(match strategy {
            WrittenStrategy::Delete => {
                if laid.shared {
                    let mend = "use \"unlink\", or clear the fields of this side alone";
                    let what = "the rows are also another person's and cannot be deleted";
                    self.report.add(span, what, mend);
                }
                (Action::Delete, Strategy::Delete)
            }
            WrittenStrategy::Keep(WrittenKept { article, reason, until }) => {
                if [&article, &reason, &until].into_iter().any(|text| text.trim().is_empty()) {
                    let mend = "write the provision, the reason and until when (Art. 17(3) GDPR)";
                    self.report.add(span, "something is kept without saying why", mend);
                }
                (Action::Keep, Strategy::Keep(Kept::new(article, reason, until)))
            }
            WrittenStrategy::Null(names) => {
                let fields = self.changed(span, &names, laid, true)?;
                (Action::Null(fields), Strategy::Null { fields: names })
            }
            WrittenStrategy::Pseudonymise(WrittenPseudonymise { fields: names, with }) => {
                let fields = self.changed(span, &names, laid, false)?;
                let link = laid.link_column();
                if fields.iter().any(|at| laid.fields[*at].column == link) && !laid.links_by_text()
                {
                    let what = "a pseudonym is a text, and what ties the row to a person is none";
                    self.report.add(span, what, "use \"unlink\"");
                }
                if with.as_ref().is_some_and(String::is_empty) {
                    self.report.add(span, "the constant is empty", "write some word");
                }
                let action = Action::Pseudonymise { fields, constant: with };
                (action, Strategy::Pseudonymise { fields: names })
            }
            WrittenStrategy::Unlink => {
                if laid.fixed.contains(laid.link_column()) {
                    let what = "what ties the row to a person is part of its key or its tenant";
                    self.report.add(span, what, "delete the row");
                }
                (Action::Unlink, Strategy::Unlink)
            }
        })
    }

    /// The places of the fields that an erasure changes.
    fn changed(
        &mut self,
        span: &std::ops::Range<usize>,
        names: &[String],
        laid: &Laid<'_>,
        parts: bool,
    ) -> Option<Vec<usize>> {
        if names.is_empty() {
            self.report.add(span, "an erasure would change nothing", "name the fields");
            return None;
        }
        let mut places = Vec::new();
        for name in names {
            let place = laid.facts.iter().position(|field| field.name == *name);
            let Some((place, field)) = place.and_then(|at| Some((at, laid.fields.get(at)?))) else {
                self.report.add(span, "an erasure would change what is no field", "name fields");
                return None;
            };
            let fault = if field.masked {
                Some("another person's, and is not changed")
            } else if laid.fixed.contains(field.column.as_str()) {
                Some(
                    "part of the key, the tenant, the restriction or the age, and cannot be changed",
                )
            } else if !field.path.is_empty() && !parts {
                Some("a part of a document, which can only be removed")
            } else {
                None
            };
            if let Some(fault) = fault {
                self.report.add(span, format!("the field `{name}` is {fault}"), "leave it out");
                return None;
            }
            places.push(place);
        }
        Some(places)
    }

    fn identifier(&mut self, span: &std::ops::Range<usize>, name: &str) {
        // Whatever a database takes between quotes; control characters are nobody's intent.
        if !is_identifier(name) {
            self.report.add(span, "this is not the name of a table or a column", IDENTIFIER);
        }
    }
}

/// What a strategy is read against.
struct Laid<'a> {
    fields: &'a [Field],
    facts: &'a [FieldFacts],
    fixed: &'a BTreeSet<&'a str>,
    link: &'a Link,
    shared: bool,
}

impl Laid<'_> {
    fn link_column(&self) -> &str {
        match self.link {
            Link::Parent { column, .. } => column,
            Link::Subject { column, .. } => &column.name,
        }
    }

    fn links_by_text(&self) -> bool {
        matches!(self.link, Link::Subject { column, .. } if column.form == Form::Text)
    }
}

/// The keys that a JSON pointer (RFC 6901) names. Places in lists are not to be pointed at: they move
/// when one before them is removed.
fn keys(pointer: &str) -> Option<Vec<String>> {
    let keys: Vec<String> = pointer
        .strip_prefix('/')?
        .split('/')
        .map(|key| key.replace("~1", "/").replace("~0", "~"))
        .collect();
    let plain = |key: &String| {
        !key.is_empty()
            && !key.bytes().all(|byte| byte.is_ascii_digit())
            && !key.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'))
    };
    keys.iter().all(plain).then_some(keys)
}

fn is_identifier(name: &str) -> bool {
    (1..=63).contains(&name.len()) && !name.chars().any(|c| c.is_control() || c == '"')
}

fn is_name(name: &str) -> bool {
    (1..=48).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

const NAME: &str = "use lower-case letters, digits, - and _, beginning with a letter, at most 48";
const IDENTIFIER: &str = "write it as the database has it, at most 63 bytes and without quotes";
