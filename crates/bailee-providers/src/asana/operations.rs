//! The calls that a declaration may allow: create a task, list workspaces and projects.

use std::fmt;

use bailee_core::{
    CredentialName, Effect, Error, ErrorKind, ProviderId, Result, ScopeName, Timestamp,
};
use http::Method;
use time::{Date, OffsetDateTime, macros::format_description};

use super::{
    errors,
    wire::{Data, NamedWire, PageWire, TaskBody, TaskWire},
};
use crate::{
    context::Context,
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    page::{Cursor, Page, Paged},
    step::Step,
};

/// The longest name of a task, in characters. Asana documents none; this is our own bound.
pub const NAME_LIMIT: usize = 1000;
/// The longest notes, in characters. Asana documents none; this is our own bound.
pub const NOTES_LIMIT: usize = 65_535;
/// The most projects, followers and tags of a new task, a bound of our own.
const MOST: usize = 50;
/// The most entries on a page.
const PAGE_LIMIT: u8 = 100;

const PROVIDER: ProviderId = ProviderId::from_static("asana");
const MAIN: CredentialName = CredentialName::from_static("user");

pub(super) static CREATE_TASK: OperationFacts = OperationFacts {
    name: "asana.create_task",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("tasks:write")],
    effect: Effect::Effect,
    method: Method::POST,
    path: "/tasks",
    sends: &["content"],
    reads: &["content"],
    credential: MAIN,
};

pub(super) static LIST_WORKSPACES: OperationFacts = OperationFacts {
    name: "asana.list_workspaces",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("workspaces:read")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/workspaces",
    sends: &[],
    reads: &["organisation"],
    credential: MAIN,
};

pub(super) static LIST_PROJECTS: OperationFacts = OperationFacts {
    name: "asana.list_projects",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("projects:read")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/projects",
    sends: &[],
    reads: &["content"],
    credential: MAIN,
};

/// Creates a task. `Debug` does not show what it is about.
///
/// Each call creates one, also one that was made before.
#[derive(Clone)]
pub struct CreateTask {
    container: Container,
    name: String,
    assignee: Option<Assignee>,
    notes: Option<Notes>,
    due: Option<Due>,
    followers: Vec<String>,
    tags: Vec<String>,
}

impl CreateTask {
    /// A task in a place.
    pub fn new(container: Container, name: impl Into<String>) -> Self {
        Self {
            container,
            name: name.into(),
            assignee: None,
            notes: None,
            due: None,
            followers: Vec::new(),
            tags: Vec::new(),
        }
    }

    /// Gives the task to somebody.
    #[must_use]
    pub fn assign(mut self, assignee: Assignee) -> Self {
        self.assignee = Some(assignee);
        self
    }

    /// Sets the notes.
    #[must_use]
    pub fn notes(mut self, notes: Notes) -> Self {
        self.notes = Some(notes);
        self
    }

    /// Sets when it is due.
    #[must_use]
    pub fn due(mut self, due: Due) -> Self {
        self.due = Some(due);
        self
    }

    /// Adds a follower, by their id.
    #[must_use]
    pub fn follower(mut self, gid: impl Into<String>) -> Self {
        self.followers.push(gid.into());
        self
    }

    /// Adds a tag, by its id.
    #[must_use]
    pub fn tag(mut self, gid: impl Into<String>) -> Self {
        self.tags.push(gid.into());
        self
    }

    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` and says what is not acceptable.
    pub fn check(&self) -> Result<()> {
        let placed = match &self.container {
            Container::Parent(gid) | Container::Workspace(gid) => is_gid(gid),
            Container::Projects(gids) => {
                (1..=MOST).contains(&gids.len()) && gids.iter().all(|gid| is_gid(gid))
            }
        };
        if !placed {
            return invalid("the place of the task is no id, or there are none or more than 50");
        }
        let length = |text: &str| text.chars().count();
        if self.name.trim().is_empty() || length(&self.name) > NAME_LIMIT {
            return invalid("the name is empty or longer than 1000 characters");
        }
        if self.notes.as_ref().is_some_and(|notes| length(notes.text()) > NOTES_LIMIT) {
            return invalid("the notes are longer than 65535 characters");
        }
        if let Some(Assignee::User(gid)) = &self.assignee
            && !is_gid(gid)
        {
            return invalid("the assignee is no id of a person");
        }
        if self.due.as_ref().is_some_and(|due| due.written().is_none()) {
            return invalid("the due date is no date (2026-12-01), or outside the calendar");
        }
        for gids in [&self.followers, &self.tags] {
            if gids.len() > MOST || !gids.iter().all(|gid| is_gid(gid)) {
                return invalid("a follower or a tag is no id, or there are more than 50");
            }
        }
        Ok(())
    }
}

impl Operation for CreateTask {
    type Output = Task;

    fn facts(&self) -> &OperationFacts {
        &CREATE_TASK
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Task>> {
        let due = self.due.as_ref().and_then(Due::written);
        let is_day = matches!(self.due, Some(Due::On(_)));
        let data = TaskBody {
            name: &self.name,
            workspace: match &self.container {
                Container::Workspace(gid) => Some(gid),
                _ => None,
            },
            projects: match &self.container {
                Container::Projects(gids) => gids,
                _ => &[],
            },
            parent: match &self.container {
                Container::Parent(gid) => Some(gid),
                _ => None,
            },
            assignee: self.assignee.as_ref().map(Assignee::text),
            notes: match &self.notes {
                Some(Notes::Plain(text)) => Some(text),
                _ => None,
            },
            html_notes: match &self.notes {
                Some(Notes::Html(text)) => Some(text),
                _ => None,
            },
            due_on: due.as_deref().filter(|_| is_day),
            due_at: due.as_deref().filter(|_| !is_day),
            followers: &self.followers,
            tags: &self.tags,
        };
        JsonCall::new(cx, &CREATE_TASK)
            .demand(self.check().is_ok())
            .classify(errors::classify)
            // The names of people and of the places around it are left out of the answer.
            .query("opt_fields", "name,completed,created_at,permalink_url")
            .body(&Data { data })
            .read(|answer: Data<TaskWire>| Ok(Task::read(answer.data)))
    }
}

impl fmt::Debug for CreateTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateTask").finish_non_exhaustive()
    }
}

/// Where a task belongs, by ids. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// In another task, as a part of it.
    Parent(String),
    /// In projects, 1 to 50 of one workspace.
    Projects(Vec<String>),
    /// In a workspace, and in no project.
    Workspace(String),
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parent(_) => "Parent([redacted])",
            Self::Projects(_) => "Projects([redacted])",
            Self::Workspace(_) => "Workspace([redacted])",
        })
    }
}

/// Who is to do a task. `Debug` does not show an id.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Assignee {
    /// The person whose account is connected.
    Me,
    /// The person of this id.
    User(String),
}

impl Assignee {
    fn text(&self) -> &str {
        match self {
            Self::Me => "me",
            Self::User(gid) => gid,
        }
    }
}

impl fmt::Debug for Assignee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Me => "Me",
            Self::User(_) => "User([redacted])",
        })
    }
}

/// What a task says at length. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notes {
    /// In Asana's own HTML, within `<body>`. It is not checked here.
    Html(String),
    /// Text as it is.
    Plain(String),
}

impl Notes {
    fn text(&self) -> &str {
        match self {
            Self::Html(text) | Self::Plain(text) => text,
        }
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notes([redacted])")
    }
}

/// When a task is due. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Due {
    /// At a moment.
    At(Timestamp),
    /// On a day: `2026-12-01`.
    On(String),
}

impl Due {
    fn written(&self) -> Option<String> {
        match self {
            Self::At(moment) => {
                let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
                OffsetDateTime::from_unix_timestamp(moment.as_seconds()).ok()?.format(form).ok()
            }
            Self::On(day) => {
                let form = format_description!("[year]-[month]-[day]");
                Date::parse(day, form).ok().map(|_| day.clone())
            }
        }
    }
}

impl fmt::Debug for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Due([redacted])")
    }
}

/// Lists the person's workspaces, page by page.
#[derive(Clone, Debug, Default)]
pub struct ListWorkspaces {
    listing: Listing,
}

impl ListWorkspaces {
    /// All workspaces that the person is in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many stand on a page, from 1 to 100; 100 where it is not set.
    #[must_use]
    pub fn page_size(mut self, workspaces: u8) -> Self {
        self.listing.size = Some(workspaces);
        self
    }
}

impl Operation for ListWorkspaces {
    type Output = Page<Workspace>;

    fn facts(&self) -> &OperationFacts {
        &LIST_WORKSPACES
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<Workspace>>> {
        self.listing.ask(JsonCall::new(cx, &LIST_WORKSPACES)).read(|page: PageWire| {
            Ok(page_of(page, |NamedWire { gid, name }| Workspace { gid, name }))
        })
    }
}

impl Paged for ListWorkspaces {
    type Item = Workspace;

    fn after(&self, cursor: Cursor) -> Self {
        Self { listing: self.listing.after(cursor) }
    }
}

/// Lists the projects of a workspace, page by page: those that are not archived. `Debug` does not
/// show which workspace it is.
#[derive(Clone)]
pub struct ListProjects {
    workspace: String,
    listing: Listing,
}

impl ListProjects {
    /// The projects of a workspace.
    pub fn new(workspace: impl Into<String>) -> Self {
        Self { workspace: workspace.into(), listing: Listing::default() }
    }

    /// Sets how many stand on a page, from 1 to 100; 100 where it is not set.
    #[must_use]
    pub fn page_size(mut self, projects: u8) -> Self {
        self.listing.size = Some(projects);
        self
    }
}

impl Operation for ListProjects {
    type Output = Page<Project>;

    fn facts(&self) -> &OperationFacts {
        &LIST_PROJECTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<Project>>> {
        let call = JsonCall::new(cx, &LIST_PROJECTS)
            .demand(is_gid(&self.workspace))
            .query("workspace", self.workspace.as_str())
            .query("archived", "false");
        self.listing.ask(call).read(|page: PageWire| {
            Ok(page_of(page, |NamedWire { gid, name }| Project { gid, name }))
        })
    }
}

impl Paged for ListProjects {
    type Item = Project;

    fn after(&self, cursor: Cursor) -> Self {
        Self { workspace: self.workspace.clone(), listing: self.listing.after(cursor) }
    }
}

impl fmt::Debug for ListProjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListProjects").field("listing", &self.listing).finish_non_exhaustive()
    }
}

/// What all lists are asked with.
#[derive(Clone, Debug, Default)]
struct Listing {
    size: Option<u8>,
    cursor: Option<Cursor>,
}

impl Listing {
    fn ask(&self, call: JsonCall) -> JsonCall {
        let size = self.size.unwrap_or(PAGE_LIMIT);
        let call = call
            .demand((1..=PAGE_LIMIT).contains(&size))
            .classify(errors::classify)
            .query("opt_fields", "name")
            // Without it there are no pages, and long lists are refused.
            .query("limit", size.to_string());
        match &self.cursor {
            Some(cursor) => call.query("offset", cursor.as_str()),
            None => call,
        }
    }

    fn after(&self, cursor: Cursor) -> Self {
        Self { size: self.size, cursor: Some(cursor) }
    }
}

fn page_of<T>(page: PageWire, read: impl Fn(NamedWire) -> T) -> Page<T> {
    Page::new(page.data.into_iter().map(read).collect(), page.next_page.map(|next| next.offset))
}

/// A workspace. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Workspace {
    /// Its id.
    pub gid: String,
    /// Its name.
    pub name: String,
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Workspace([redacted])")
    }
}

/// A project. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Project {
    /// Its id.
    pub gid: String,
    /// Its name.
    pub name: String,
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Project([redacted])")
    }
}

/// A task that was created. It is personal data: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// Its id.
    pub gid: String,
    /// Its name.
    pub name: Option<String>,
    /// Whether it is done.
    pub completed: bool,
    /// When it was created, as Asana writes it.
    pub created_at: Option<String>,
    /// Where people find it.
    pub url: Option<String>,
}

impl Task {
    fn read(wire: TaskWire) -> Self {
        Self {
            gid: wire.gid,
            name: wire.name,
            completed: wire.completed.unwrap_or(false),
            created_at: wire.created_at,
            url: wire.permalink_url,
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task([redacted])")
    }
}

fn invalid(what: &'static str) -> Result<()> {
    Err(Error::new(ErrorKind::InvalidInput).with_provider(PROVIDER).with_detail(what))
}

/// Ids are digits, too many for a number.
fn is_gid(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}
