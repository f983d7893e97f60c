//! Search, count, fields, one issue.

use std::fmt;

use bailee_core::{Error, ErrorKind, Result};
use http::Method;
use serde_json::{Map, Value};

use super::{PROVIDER, at_site, is_issue, jql, people, reading};
use crate::{
    context::Context,
    jira::wire::{Count, CountBody, FieldData, Found, IssueData, SearchBody},
    operation::{Operation, OperationFacts},
    page::{Cursor, Page, Paged},
    step::Step,
};

/// The longest search expression that is sent, in characters.
pub const JQL_LIMIT: usize = 20_000;

/// The most issues on a page.
pub const PAGE_LIMIT: u16 = 5000;

/// The largest page that is read, in bytes. Descriptions and comments are long.
const LARGEST: usize = 16 * 1024 * 1024;

static SEARCH: OperationFacts = reading(
    "jira.search_issues",
    Method::POST,
    "/ex/jira/{cloud}/rest/api/3/search/jql",
    &["content"],
);

static COUNT: OperationFacts = reading(
    "jira.count_issues",
    Method::POST,
    "/ex/jira/{cloud}/rest/api/3/search/approximate-count",
    &["content"],
);

static FIELDS: OperationFacts =
    reading("jira.list_fields", Method::GET, "/ex/jira/{cloud}/rest/api/3/field", &["settings"]);

static ISSUE: OperationFacts = reading(
    "jira.get_issue",
    Method::GET,
    "/ex/jira/{cloud}/rest/api/3/issue/{issue}",
    &["content"],
);

/// Searches a site for issues with JQL, page by page. `Debug` shows neither the expression nor the
/// site.
///
/// The fields that are given have to be named; without any, an issue has its summary, status and
/// times. A page may hold fewer issues than asked for where many fields are. The index lags behind
/// writes by seconds.
#[derive(Clone)]
pub struct SearchIssues {
    site: Option<String>,
    jql: String,
    fields: Vec<String>,
    limit: u16,
    changelog: bool,
    cursor: Option<Cursor>,
}

impl SearchIssues {
    /// A search for what the expression says, 50 issues a page.
    pub fn new(jql: impl Into<String>) -> Self {
        let fields = ["summary", "status", "created", "updated"].map(str::to_owned).to_vec();
        Self { site: None, jql: jql.into(), fields, limit: 50, changelog: false, cursor: None }
    }

    /// Names the site by its id. Not needed where the connection has only one.
    #[must_use]
    pub fn at(mut self, site: impl Into<String>) -> Self {
        self.site = Some(site.into());
        self
    }

    /// Names the fields that are given, in place of the usual ones (`*all`, `-description` too).
    #[must_use]
    pub fn fields(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.fields = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how many issues a page has at most: 1 to [`PAGE_LIMIT`].
    #[must_use]
    pub fn limit(mut self, limit: u16) -> Self {
        self.limit = limit;
        self
    }

    /// Gives the history of each issue too.
    #[must_use]
    pub fn with_changelog(mut self) -> Self {
        self.changelog = true;
        self
    }

    /// Checks what was given, but for the site.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` where the expression restricts nothing, is ordered by more than
    /// seven fields or is longer than [`JQL_LIMIT`], a field has no name, or the size of a page is
    /// out of bounds.
    pub fn check(&self) -> Result<()> {
        check_jql(&self.jql)?;
        if !self.fields.iter().all(|field| is_field(field)) {
            return wrong("a field has a name that no field has");
        }
        if !(1..=PAGE_LIMIT).contains(&self.limit) {
            return wrong("a page has 1 to 5000 issues");
        }
        Ok(())
    }
}

impl Operation for SearchIssues {
    type Output = Page<Issue>;

    fn facts(&self) -> &OperationFacts {
        &SEARCH
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<Issue>>> {
        at_site(cx, &SEARCH, self.site.as_deref())
            .body(&SearchBody {
                jql: &self.jql,
                max_results: self.limit,
                fields: &self.fields,
                next_page_token: self.cursor.as_ref().map(Cursor::as_str),
                expand: self.changelog.then_some("changelog"),
            })
            .demand(self.check().is_ok())
            .limit(LARGEST)
            .read(|found: Found| {
                let next = found.next_page_token.filter(|_| !found.is_last);
                Ok(Page::new(found.issues.into_iter().map(Issue::of).collect(), next))
            })
    }
}

impl Paged for SearchIssues {
    type Item = Issue;

    fn after(&self, cursor: Cursor) -> Self {
        Self { cursor: Some(cursor), ..self.clone() }
    }
}

impl fmt::Debug for SearchIssues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SearchIssues").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Estimates how many issues of a site an expression finds. `Debug` shows neither.
#[derive(Clone)]
pub struct CountIssues {
    site: Option<String>,
    jql: String,
}

impl CountIssues {
    /// Counts what the expression says.
    pub fn new(jql: impl Into<String>) -> Self {
        Self { site: None, jql: jql.into() }
    }

    /// Names the site by its id. Not needed where the connection has only one.
    #[must_use]
    pub fn at(mut self, site: impl Into<String>) -> Self {
        self.site = Some(site.into());
        self
    }
}

impl Operation for CountIssues {
    type Output = u64;

    fn facts(&self) -> &OperationFacts {
        &COUNT
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<u64>> {
        at_site(cx, &COUNT, self.site.as_deref())
            .body(&CountBody { jql: &self.jql })
            .demand(check_jql(&self.jql).is_ok())
            .read(|count: Count| Ok(count.count))
    }
}

impl fmt::Debug for CountIssues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CountIssues([redacted])")
    }
}

/// Lists the fields that issues of a site can have.
#[derive(Clone, Default)]
pub struct ListFields {
    site: Option<String>,
}

impl ListFields {
    /// The fields of the connection's only site.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the site by its id.
    #[must_use]
    pub fn at(mut self, site: impl Into<String>) -> Self {
        self.site = Some(site.into());
        self
    }
}

impl Operation for ListFields {
    type Output = Vec<FieldName>;

    fn facts(&self) -> &OperationFacts {
        &FIELDS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<FieldName>>> {
        at_site(cx, &FIELDS, self.site.as_deref()).read(|fields: Vec<FieldData>| {
            let fields = fields.into_iter().filter(|field| is_field(&field.id));
            let fields = fields.map(|field| FieldName {
                id: field.id,
                name: field.name,
                custom: field.custom,
                kind: field.schema.and_then(|schema| schema.kind),
            });
            Ok(fields.collect())
        })
    }
}

impl fmt::Debug for ListFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListFields")
    }
}

/// A field that issues can have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldName {
    /// Its id, as [`SearchIssues::fields`] names it.
    pub id: String,
    /// Its name, as people see it.
    pub name: String,
    /// Whether it was made by people of the site.
    pub custom: bool,
    /// Jira's word for what it holds (`string`, `user`, `array`).
    pub kind: Option<String>,
}

/// Reads one issue. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct GetIssue {
    site: Option<String>,
    issue: String,
    fields: Vec<String>,
    changelog: bool,
}

impl GetIssue {
    /// The issue of a key (`DEMO-17`) or an id, with all fields.
    pub fn new(issue: impl Into<String>) -> Self {
        Self { site: None, issue: issue.into(), fields: Vec::new(), changelog: false }
    }

    /// Names the site by its id. Not needed where the connection has only one.
    #[must_use]
    pub fn at(mut self, site: impl Into<String>) -> Self {
        self.site = Some(site.into());
        self
    }

    /// Names the fields that are given.
    #[must_use]
    pub fn fields(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.fields = names.into_iter().map(Into::into).collect();
        self
    }

    /// Gives the history too.
    #[must_use]
    pub fn with_changelog(mut self) -> Self {
        self.changelog = true;
        self
    }
}

impl Operation for GetIssue {
    type Output = Issue;

    fn facts(&self) -> &OperationFacts {
        &ISSUE
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Issue>> {
        let good = is_issue(&self.issue) && self.fields.iter().all(|field| is_field(field));
        let mut call =
            at_site(cx, &ISSUE, self.site.as_deref()).part("issue", &self.issue).demand(good);
        if !self.fields.is_empty() {
            call = call.query("fields", self.fields.join(","));
        }
        if self.changelog {
            call = call.query("expand", "changelog");
        }
        call.limit(LARGEST).read(|issue: IssueData| Ok(Issue::of(issue)))
    }
}

impl fmt::Debug for GetIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GetIssue([redacted])")
    }
}

/// An issue, without the people in it ([`without_people`](super::without_people)). `Debug` shows the
/// names of its fields.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Issue {
    /// Its id.
    pub id: String,
    /// Its key, which changes when it is moved.
    pub key: String,
    /// Its fields by their ids. Rich texts are in the Atlassian Document Format.
    pub fields: Map<String, Value>,
    /// Its history, where that was asked for.
    pub changelog: Option<Value>,
}

impl Issue {
    fn of(wire: IssueData) -> Self {
        Self {
            id: wire.id,
            key: wire.key,
            fields: people::fields_without_people(wire.fields),
            changelog: wire.changelog.and_then(people::without_people),
        }
    }
}

impl fmt::Debug for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issue").field("fields", &self.fields.len()).finish_non_exhaustive()
    }
}

fn check_jql(jql: &str) -> Result<()> {
    if jql.chars().count() > JQL_LIMIT || jql.chars().any(|c| c == '\0') {
        return wrong("the search expression is too long");
    }
    if !jql::is_bounded(jql) {
        return wrong(
            "the search expression has to restrict something, and be ordered by seven fields at most",
        );
    }
    Ok(())
}

fn wrong(what: &'static str) -> Result<()> {
    Err(Error::new(ErrorKind::InvalidInput).with_provider(PROVIDER).with_detail(what))
}

/// The id of a field, `*all`, `*navigable`, or one of them behind a minus.
fn is_field(name: &str) -> bool {
    let name = name.strip_prefix('-').unwrap_or(name);
    let name = name.strip_prefix('*').unwrap_or(name);
    let word = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    (1..=255).contains(&name.len()) && word
}
