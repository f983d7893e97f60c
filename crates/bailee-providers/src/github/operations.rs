//! The calls that a declaration may allow: create an issue, list repositories.

use std::fmt;

use bailee_core::{CredentialName, Effect, Error, ErrorKind, ProviderId, Result, ScopeName};
use http::{Method, header};

use super::{
    errors,
    wire::{IssueBody, IssueData, LabelData, RepositoryData},
};
use crate::{
    context::Context,
    json_call::JsonCall,
    next_address::next_link,
    operation::{Operation, OperationFacts},
    page::{Cursor, Page, Paged},
    step::Step,
};

/// The longest title of an issue, in characters.
pub const TITLE_LIMIT: usize = 256;
/// The longest text of an issue, in characters.
pub const BODY_LIMIT: usize = 65_536;

/// The largest page of a list.
const PAGE: u8 = 100;
const REPOSITORIES: &str = "/user/repos";
const ISSUES: &str = "/repos/{owner}/{repository}/issues";
const JSON: &str = "application/vnd.github+json";

const PROVIDER: ProviderId = ProviderId::from_static("github");
const USER: CredentialName = CredentialName::from_static("user");

const fn create(name: &'static str, scopes: &'static [ScopeName]) -> OperationFacts {
    OperationFacts {
        name,
        provider: PROVIDER,
        scopes,
        effect: Effect::Effect,
        method: Method::POST,
        path: ISSUES,
        sends: &["content"],
        reads: &[],
        credential: USER,
    }
}

const fn list(name: &'static str, scopes: &'static [ScopeName]) -> OperationFacts {
    OperationFacts {
        name,
        provider: PROVIDER,
        scopes,
        effect: Effect::Read,
        method: Method::GET,
        path: REPOSITORIES,
        sends: &[],
        reads: &["content"],
        credential: USER,
    }
}

const REPO: &[ScopeName] = &[ScopeName::from_static("repo")];
const PUBLIC_REPO: &[ScopeName] = &[ScopeName::from_static("public_repo")];
const ISSUES_WRITE: &[ScopeName] = &[ScopeName::from_static("issues:write")];
const METADATA: &[ScopeName] = &[ScopeName::from_static("metadata:read")];

static CREATE: OperationFacts = create("github.create_issue", REPO);
static CREATE_PUBLIC: OperationFacts = create("github.create_public_issue", PUBLIC_REPO);
static CREATE_APP: OperationFacts = create("github.create_app_issue", ISSUES_WRITE);
static LIST: OperationFacts = list("github.list_repositories", REPO);
static LIST_PUBLIC: OperationFacts = list("github.list_public_repositories", &[]);
static LIST_APP: OperationFacts = list("github.list_app_repositories", METADATA);

/// As what a call is made, and so which scope it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// As an OAuth App that may reach everything (`repo`).
    All,
    /// As a GitHub App, in the repositories that it was installed on.
    App,
    /// As an OAuth App that may reach what is public (`public_repo` for issues; nothing for lists).
    Public,
}

/// Opens an issue. It is not idempotent: one whose answer was lost may be there.
#[derive(Clone, PartialEq, Eq)]
pub struct CreateIssue {
    access: Access,
    owner: String,
    repository: String,
    title: String,
    body: Option<String>,
    labels: Vec<String>,
    assignees: Vec<String>,
}

impl CreateIssue {
    /// An issue with a title in a repository of an owner (a person or an organisation).
    pub fn new(
        access: Access,
        owner: impl Into<String>,
        repository: impl Into<String>,
        title: impl Into<String>,
    ) -> Self {
        Self {
            access,
            owner: owner.into(),
            repository: repository.into(),
            title: title.into(),
            body: None,
            labels: Vec::new(),
            assignees: Vec::new(),
        }
    }

    /// Sets the text, in GitHub's Markdown.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Adds a label. GitHub drops it without a word where the person may not set it; the
    /// [`Issue`] says which are there.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.labels.push(label.into());
        self
    }

    /// Assigns somebody by their login. GitHub drops that likewise.
    #[must_use]
    pub fn assignee(mut self, login: impl Into<String>) -> Self {
        self.assignees.push(login.into());
        self
    }

    /// Checks what was given.
    ///
    /// # Errors
    ///
    /// Fails with `InvalidInput` and says what is not acceptable.
    pub fn check(&self) -> Result<()> {
        let invalid = |what: &'static str| {
            let provider = self.facts().provider.clone();
            Err(Error::new(ErrorKind::InvalidInput).with_provider(provider).with_detail(what))
        };
        if !is_login(&self.owner) || !self.assignees.iter().all(|login| is_login(login)) {
            return invalid("an owner or assignee is no login");
        }
        if !is_repository(&self.repository) {
            return invalid("the repository has no name of one");
        }
        if self.title.trim().is_empty() || self.title.chars().count() > TITLE_LIMIT {
            return invalid("the title is empty or longer than 256 characters");
        }
        if self.body.as_ref().is_some_and(|body| body.chars().count() > BODY_LIMIT) {
            return invalid("the text is longer than 65536 characters");
        }
        if self.labels.iter().any(|label| label.trim().is_empty()) {
            return invalid("a label is empty");
        }
        Ok(())
    }
}

impl Operation for CreateIssue {
    type Output = Issue;

    fn facts(&self) -> &OperationFacts {
        match self.access {
            Access::All => &CREATE,
            Access::App => &CREATE_APP,
            Access::Public => &CREATE_PUBLIC,
        }
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Issue>> {
        let body = IssueBody {
            title: &self.title,
            body: self.body.as_deref(),
            labels: &self.labels,
            assignees: &self.assignees,
        };
        JsonCall::new(cx, self.facts())
            .demand(self.check().is_ok())
            .part("owner", &self.owner)
            .part("repository", &self.repository)
            .header(header::ACCEPT, JSON)
            .classify(errors::classify)
            .body(&body)
            .read(|data: IssueData| {
                let assignees = data.assignees.unwrap_or_default();
                Ok(Issue {
                    id: data.id,
                    number: data.number,
                    url: data.html_url,
                    labels: data.labels.into_iter().filter_map(LabelData::into_name).collect(),
                    assignees: assignees.into_iter().map(|person| person.login).collect(),
                })
            })
    }
}

impl fmt::Debug for CreateIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateIssue").field("access", &self.access).finish_non_exhaustive()
    }
}

/// An issue that was opened. `Debug` shows its number alone.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Issue {
    /// Its id, which no other issue has.
    pub id: u64,
    /// Its number within the repository.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// The labels that it has.
    pub labels: Vec<String>,
    /// The logins of those it is assigned to.
    pub assignees: Vec<String>,
}

impl fmt::Debug for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issue").field("number", &self.number).finish_non_exhaustive()
    }
}

/// Lists the repositories that the person reaches, page by page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRepositories {
    access: Access,
    affiliation: Option<Affiliation>,
    per_page: u8,
    cursor: Option<Cursor>,
}

/// What binds a person to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Affiliation {
    /// They work on it.
    Collaborator,
    /// It belongs to an organisation of theirs.
    OrganizationMember,
    /// It is theirs.
    Owner,
}

impl Affiliation {
    fn word(self) -> &'static str {
        match self {
            Self::Collaborator => "collaborator",
            Self::OrganizationMember => "organization_member",
            Self::Owner => "owner",
        }
    }
}

impl ListRepositories {
    /// All of them, a hundred on a page.
    pub fn new(access: Access) -> Self {
        Self { access, affiliation: None, per_page: PAGE, cursor: None }
    }

    /// Those alone that the person is bound to in this way.
    #[must_use]
    pub fn affiliation(mut self, affiliation: Affiliation) -> Self {
        self.affiliation = Some(affiliation);
        self
    }

    /// Sets how many are on a page, from 1 to 100.
    #[must_use]
    pub fn per_page(mut self, number: u8) -> Self {
        self.per_page = number.clamp(1, PAGE);
        self
    }
}

impl Operation for ListRepositories {
    type Output = Page<Repository>;

    fn facts(&self) -> &OperationFacts {
        match self.access {
            Access::All => &LIST,
            Access::App => &LIST_APP,
            Access::Public => &LIST_PUBLIC,
        }
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<Repository>>> {
        let mut call = JsonCall::new(cx, self.facts())
            .header(header::ACCEPT, JSON)
            .classify(errors::classify)
            .query("per_page", self.per_page.to_string());
        if self.access == Access::Public {
            call = call.query("visibility", "public");
        }
        if let Some(affiliation) = self.affiliation {
            call = call.query("affiliation", affiliation.word());
        }
        if let Some(cursor) = &self.cursor {
            call = call.continued(cursor);
        }
        let spec = cx.spec.clone();
        call.read_with_headers(move |data: Vec<RepositoryData>, headers| {
            let items = data.into_iter().map(Repository::read).collect();
            let next = next_link(headers)
                .map(|address| Cursor::of_address(&spec, &[REPOSITORIES], &address));
            Ok(Page { items, next: next.transpose()? })
        })
    }
}

impl Paged for ListRepositories {
    type Item = Repository;

    fn after(&self, cursor: Cursor) -> Self {
        Self { cursor: Some(cursor), ..self.clone() }
    }
}

/// A repository. `Debug` shows its id alone: what it is called may be a secret of its owner.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repository {
    /// Its id, which stays when it is renamed.
    pub id: u64,
    /// Owner and name, with a slash between.
    pub full_name: String,
    /// Whether it is private.
    pub private: bool,
    /// Whether it can only be read.
    pub archived: bool,
    /// Whether the person may write to it, where the answer says so.
    pub writable: Option<bool>,
}

impl Repository {
    fn read(data: RepositoryData) -> Self {
        Self {
            id: data.id,
            full_name: data.full_name,
            private: data.private,
            archived: data.archived,
            writable: data.permissions.map(|permissions| permissions.push),
        }
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A login: letters, digits, hyphens, and the underscore of logins that an enterprise manages.
fn is_login(text: &str) -> bool {
    (1..=39).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn is_repository(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && !matches!(text, "." | "..")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}
