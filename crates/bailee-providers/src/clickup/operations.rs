//! The calls that a declaration may allow: create a task, and find the list that it belongs in.

use std::fmt;

use bailee_core::{
    CredentialName, Effect, Error, ErrorKind, ProviderId, Result, ScopeName, Timestamp,
};
use http::Method;

use super::wire::{ListsWire, NamedWire, SpacesWire, TaskBody, TaskWire, TeamsWire};
use crate::{
    context::Context,
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    step::Step,
};

/// The longest name of a task, in characters. ClickUp documents none; this is our own bound.
pub const NAME_LIMIT: usize = 1000;
/// The longest description, in characters. ClickUp documents none; this is our own bound.
pub const DESCRIPTION_LIMIT: usize = 100_000;
/// The most assignees and the most tags of a task, a bound of our own.
const MOST: usize = 100;

const PROVIDER: ProviderId = ProviderId::from_static("clickup");
const MAIN: CredentialName = CredentialName::from_static("user");

pub(super) static CREATE_TASK: OperationFacts = OperationFacts {
    name: "clickup.create_task",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("tasks.write")],
    effect: Effect::Effect,
    method: Method::POST,
    path: "/api/v2/list/{list}/task",
    sends: &["content"],
    reads: &["content"],
    credential: MAIN,
};

pub(super) static LIST_WORKSPACES: OperationFacts = OperationFacts {
    name: "clickup.list_workspaces",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("workspaces")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/api/v2/team",
    sends: &[],
    reads: &["organisation"],
    credential: MAIN,
};

pub(super) static LIST_SPACES: OperationFacts = OperationFacts {
    name: "clickup.list_spaces",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("hierarchy")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/api/v2/team/{workspace}/space",
    sends: &[],
    reads: &["organisation"],
    credential: MAIN,
};

pub(super) static LIST_LISTS: OperationFacts = OperationFacts {
    name: "clickup.list_lists",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("hierarchy")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/api/v2/space/{space}/list",
    sends: &[],
    reads: &["organisation"],
    credential: MAIN,
};

/// Lists the workspaces that the person ticked at ClickUp. Their members are not read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListWorkspaces;

impl Operation for ListWorkspaces {
    type Output = Vec<Workspace>;

    fn facts(&self) -> &OperationFacts {
        &LIST_WORKSPACES
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<Workspace>>> {
        JsonCall::new(cx, &LIST_WORKSPACES).read(|wire: TeamsWire| {
            Ok(wire
                .teams
                .into_iter()
                .map(|NamedWire { id, name }| Workspace { id, name })
                .collect())
        })
    }
}

/// Lists the spaces of a workspace. `Debug` does not show which it is.
#[derive(Clone)]
pub struct ListSpaces {
    workspace: String,
}

impl ListSpaces {
    /// The spaces of one of the account's places. Of another workspace the request is refused
    /// before anything leaves.
    pub fn new(workspace: impl Into<String>) -> Self {
        Self { workspace: workspace.into() }
    }
}

impl Operation for ListSpaces {
    type Output = Vec<Space>;

    fn facts(&self) -> &OperationFacts {
        &LIST_SPACES
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<Space>>> {
        let ticked = cx.account.is_none_or(|account| account.place(&self.workspace).is_some());
        JsonCall::new(cx, &LIST_SPACES)
            .demand(is_id(&self.workspace) && ticked)
            .part("workspace", &self.workspace)
            .query("archived", "false")
            .read(|wire: SpacesWire| {
                let named = wire.spaces.into_iter();
                Ok(named.map(|NamedWire { id, name }| Space { id, name }).collect())
            })
    }
}

impl fmt::Debug for ListSpaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListSpaces").finish_non_exhaustive()
    }
}

/// Lists the lists of a space that lie in no folder. `Debug` does not show which it is.
#[derive(Clone)]
pub struct ListLists {
    space: String,
}

impl ListLists {
    /// The lists of a space.
    pub fn new(space: impl Into<String>) -> Self {
        Self { space: space.into() }
    }
}

impl Operation for ListLists {
    type Output = Vec<List>;

    fn facts(&self) -> &OperationFacts {
        &LIST_LISTS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Vec<List>>> {
        JsonCall::new(cx, &LIST_LISTS)
            .demand(is_id(&self.space))
            .part("space", &self.space)
            .query("archived", "false")
            .read(|wire: ListsWire| {
                let named = wire.lists.into_iter();
                Ok(named.map(|NamedWire { id, name }| List { id, name }).collect())
            })
    }
}

impl fmt::Debug for ListLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListLists").finish_non_exhaustive()
    }
}

/// Creates a task in a list. `Debug` does not show what it is about.
///
/// Each call creates one, also one that was made before.
#[derive(Clone)]
pub struct CreateTask {
    list: String,
    name: String,
    description: Option<Description>,
    assignees: Vec<u64>,
    tags: Vec<String>,
    status: Option<String>,
    priority: Option<Priority>,
    due: Option<(Timestamp, bool)>,
    parent: Option<String>,
    notify_all: Option<bool>,
}

impl CreateTask {
    /// A task in the list of this id.
    pub fn new(list: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            list: list.into(),
            name: name.into(),
            description: None,
            assignees: Vec::new(),
            tags: Vec::new(),
            status: None,
            priority: None,
            due: None,
            parent: None,
            notify_all: None,
        }
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, description: Description) -> Self {
        self.description = Some(description);
        self
    }

    /// Gives the task to a person, by their id at ClickUp.
    #[must_use]
    pub fn assign(mut self, user: u64) -> Self {
        self.assignees.push(user);
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Sets the status, by its name in the list. The list's first one is taken where none is set.
    #[must_use]
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.status = Some(status.into());
        self
    }

    /// Sets the priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Sets the day on which it is due.
    #[must_use]
    pub fn due_on(mut self, day: Timestamp) -> Self {
        self.due = Some((day, false));
        self
    }

    /// Sets the moment at which it is due.
    #[must_use]
    pub fn due_at(mut self, moment: Timestamp) -> Self {
        self.due = Some((moment, true));
        self
    }

    /// Makes it a part of another task of the same list.
    #[must_use]
    pub fn parent(mut self, task: impl Into<String>) -> Self {
        self.parent = Some(task.into());
        self
    }

    /// Sets whether everybody who follows it is told, the person who creates it too.
    #[must_use]
    pub fn notify_all(mut self, all: bool) -> Self {
        self.notify_all = Some(all);
        self
    }

    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` and says what is not acceptable.
    pub fn check(&self) -> Result<()> {
        if !is_id(&self.list) {
            return invalid("the list is no id of one");
        }
        let length = |text: &str| text.chars().count();
        if self.name.trim().is_empty() || length(&self.name) > NAME_LIMIT {
            return invalid("the name is empty or longer than 1000 characters");
        }
        if self.description.as_ref().is_some_and(|text| length(text.text()) > DESCRIPTION_LIMIT) {
            return invalid("the description is longer than 100000 characters");
        }
        if self.assignees.len() > MOST || self.tags.len() > MOST {
            return invalid("there are more than 100 assignees or tags");
        }
        let words = self.tags.iter().chain(&self.status);
        if words.clone().any(|word| word.trim().is_empty() || length(word) > 100) {
            return invalid("a tag or the status is empty or longer than 100 characters");
        }
        if self.due.is_some_and(|(due, _)| milliseconds(due).is_none()) {
            return invalid("the due date is outside the calendar");
        }
        if self.parent.as_deref().is_some_and(|task| !is_id(task)) {
            return invalid("the parent is no id of a task");
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
        let (description, markdown_content) = match &self.description {
            Some(Description::Markdown(text)) => (None, Some(text.as_str())),
            Some(Description::Plain(text)) => (Some(text.as_str()), None),
            None => (None, None),
        };
        JsonCall::new(cx, &CREATE_TASK)
            .demand(self.check().is_ok())
            .part("list", &self.list)
            .body(&TaskBody {
                name: &self.name,
                description,
                markdown_content,
                assignees: &self.assignees,
                tags: &self.tags,
                status: self.status.as_deref(),
                priority: self.priority.map(Priority::number),
                due_date: self.due.and_then(|(due, _)| milliseconds(due)),
                due_date_time: self.due.map(|(_, with_time)| with_time),
                parent: self.parent.as_deref(),
                notify_all: self.notify_all,
            })
            .read(|task: TaskWire| Ok(Task::read(task)))
    }
}

impl fmt::Debug for CreateTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateTask").field("priority", &self.priority).finish_non_exhaustive()
    }
}

/// What a task says at length. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Description {
    /// Markdown.
    Markdown(String),
    /// Text as it is.
    Plain(String),
}

impl Description {
    fn text(&self) -> &str {
        match self {
            Self::Markdown(text) | Self::Plain(text) => text,
        }
    }
}

impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Description([redacted])")
    }
}

/// How pressing a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// The first of four.
    Urgent,
    /// The second.
    High,
    /// The third.
    Normal,
    /// The last.
    Low,
}

impl Priority {
    fn number(self) -> u8 {
        match self {
            Self::Urgent => 1,
            Self::High => 2,
            Self::Normal => 3,
            Self::Low => 4,
        }
    }
}

/// A workspace. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Workspace {
    /// Its id, as a place of the account and as requests name it.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A space of a workspace. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Space {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A list of tasks. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct List {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A task that was created. It is personal data: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its status in the list.
    pub status: Option<String>,
    /// When it was created, to the second.
    pub created: Option<Timestamp>,
    /// Where people find it.
    pub url: Option<String>,
}

impl Task {
    fn read(wire: TaskWire) -> Self {
        let milliseconds = wire.date_created.and_then(|text| text.parse::<i64>().ok());
        Self {
            id: wire.id,
            name: wire.name,
            status: wire.status.and_then(|status| status.status),
            created: milliseconds.map(|number| Timestamp::from_seconds(number.div_euclid(1000))),
            url: wire.url,
        }
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Workspace([redacted])")
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Space([redacted])")
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("List([redacted])")
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

/// Ids of workspaces, spaces and lists are digits, those of tasks have letters too.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Times go out as milliseconds, in UTC. The last year is 9999.
fn milliseconds(at: Timestamp) -> Option<i64> {
    let seconds = at.as_seconds();
    (0..253_402_300_800).contains(&seconds).then(|| seconds * 1000)
}
