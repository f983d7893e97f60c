//! The cases that every adapter passes, end to end: engine, HTTP and TLS, an emulated provider.
//!
//! An adapter shows itself as a [`Contender`]; [`run`] goes through the cases and says what came of
//! each. What a provider does not have (tokens that run out, a way to revoke) is no failure but
//! has to be said, and stands in the table with its reason.

mod cases;
mod joining;
mod table;

use std::sync::Arc;

use async_trait::async_trait;
use bailee::{
    Acting, Bailee, BeginOptions, ConnectionRef, Registration, Result, Visitor,
    core::ScopeName,
    providers::{
        OperationFacts, Provider, Spec,
        spec::{IdentitySource, RefreshClass},
    },
};
use bailee_emulator::{Account, Endpoint, Played, Site};

use crate::{Declared, PURPOSE, World};

pub use table::head;

/// An adapter with all that the cases need to know of it.
#[async_trait]
pub trait Contender: Send + Sync {
    /// The adapter.
    fn provider(&self) -> Arc<dyn Provider>;

    /// Its provider, played as the documentation says.
    fn played(&self) -> Played;

    /// The scopes that the flow asks for. There should be two or more, where the provider has them.
    fn scopes(&self) -> Vec<ScopeName>;

    /// The scope that a person leaves out in the case where they grant less than was asked for:
    /// one without which the account can still be found out. Without one, it is the last.
    fn left_out(&self) -> Option<ScopeName> {
        None
    }

    /// What the probe calls.
    fn operation(&self) -> OperationFacts;

    /// Calls one operation that reads, and looks at its outcome.
    ///
    /// # Errors
    ///
    /// What the call says.
    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()>;

    /// The class of the endpoint that the probe reaches at the emulator.
    fn probed(&self) -> Endpoint {
        Endpoint::Api
    }

    /// The key that the account's holder made as their so-manieth, where keys are entered: one of
    /// the form that the provider's have, which is nobody's.
    fn key(&self, account: &str, number: usize) -> String {
        format!("fake-key-canary-{number}-of-{account}")
    }

    /// Changes the registration: variables, an environment.
    fn registration(&self, registration: Registration) -> Registration {
        registration
    }

    /// Options of a flow: the person's variables.
    fn options(&self) -> BeginOptions {
        BeginOptions::default()
    }

    /// Gives an account what this provider's accounts have.
    fn account(&self, account: Account) -> Account {
        account
    }

    /// Why a case does not apply to the provider, in a few words for the table.
    fn why_not(&self, case: Case) -> Option<&'static str> {
        let _ = case;
        None
    }
}

/// What every adapter is tried with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Case {
    /// Connect, see whose account it is, call, disconnect.
    Happy,
    /// Tokens that run out are renewed, twice, each time with the newest.
    RotatedRefresh,
    /// The grant is over: the person is asked to connect again.
    InvalidGrant,
    /// Too many requests: callers are told how long, and nothing leaves until then.
    TooManyRequests,
    /// A fault of the provider's own costs nobody their connection.
    ServerError,
    /// A slow answer is waited for, and nobody else waits.
    Slow,
    /// An answer that is cut off: reads are repeated, a lost renewal blames nobody.
    CutOff,
    /// An answer of another type than it should be is not read.
    WrongContentType,
    /// An error with status 200 is an error.
    OkWithError,
    /// What a provider repeats of our secrets comes out nowhere.
    SecretsEchoed,
    /// Fewer scopes than asked for are told, and what needs them is refused.
    ScopeShrink,
    /// Two accounts of one person are two connections.
    SecondAccount,
    /// Reconnecting with another account needs the person's word.
    OtherAccountOnReconnect,
    /// A disconnect revokes what can be revoked, and says so.
    Revoke,
    /// Asking whether a grant lives finds out that it does not.
    Liveness,
}

impl Case {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 15] = [
        Self::Happy,
        Self::RotatedRefresh,
        Self::InvalidGrant,
        Self::TooManyRequests,
        Self::ServerError,
        Self::Slow,
        Self::CutOff,
        Self::WrongContentType,
        Self::OkWithError,
        Self::SecretsEchoed,
        Self::ScopeShrink,
        Self::SecondAccount,
        Self::OtherAccountOnReconnect,
        Self::Revoke,
        Self::Liveness,
    ];

    /// Its heading in the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Happy => "happy",
            Self::RotatedRefresh => "rotated refresh",
            Self::InvalidGrant => "`invalid_grant`",
            Self::TooManyRequests => "429",
            Self::ServerError => "5xx",
            Self::Slow => "slow",
            Self::CutOff => "cut off",
            Self::WrongContentType => "wrong content type",
            Self::OkWithError => "200 with error",
            Self::SecretsEchoed => "secrets echoed",
            Self::ScopeShrink => "scope shrink",
            Self::SecondAccount => "second account",
            Self::OtherAccountOnReconnect => "other account on reconnect",
            Self::Revoke => "revoke",
            Self::Liveness => "liveness",
        }
    }
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The provider has nothing of the kind, for this reason.
    NotApplicable(&'static str),
    /// It passed.
    Passed,
}

/// What came of all cases of an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The provider's name as people know it.
    pub title: String,
    /// Each case with its outcome, in the order of [`Case::ALL`].
    pub outcomes: Vec<(Case, Outcome)>,
}

/// Goes through all cases.
///
/// # Panics
///
/// When a case fails; the message names it and the adapter.
pub async fn run(contender: Arc<dyn Contender>) -> Report {
    let spec = contender.provider().spec().clone();
    let mut outcomes = Vec::new();
    for case in Case::ALL {
        let why = contender.why_not(case).or_else(|| why_not(&*contender, case));
        let outcome = match why {
            Some(reason) => Outcome::NotApplicable(reason),
            None => {
                let stage = Stage::new(contender.clone(), case).await;
                cases::play(&stage, case).await;
                stage.world.assert_clean_audit(&["acme", "~"]).await;
                Outcome::Passed
            }
        };
        outcomes.push((case, outcome));
    }
    Report { title: label(&spec), outcomes }
}

/// An adapter's name in the table: the provider's, and its own where that is another one.
pub fn label(spec: &Spec) -> String {
    let word: String = spec
        .title
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if word == spec.id.as_str() {
        spec.title.clone()
    } else {
        format!("{} (`{}`)", spec.title, spec.id)
    }
}

/// What follows from the facts alone.
fn why_not(contender: &dyn Contender, case: Case) -> Option<&'static str> {
    let provider = contender.provider();
    let class = provider.spec().refresh.class;
    let nameless = provider.spec().identity.source == IdentitySource::Fingerprint;
    match case {
        Case::OtherAccountOnReconnect if nameless => Some("a key names no account"),
        Case::ScopeShrink if joining::takes_keys(provider.spec()) => Some("a key has no scopes"),
        Case::RotatedRefresh if class == RefreshClass::Static => Some("tokens do not run out"),
        Case::ScopeShrink if contender.scopes().len() < 2 => Some("there is one scope"),
        _ => None,
    }
}

/// One adapter in a world of its own, for one case.
struct Stage {
    contender: Arc<dyn Contender>,
    case: Case,
    world: World,
    provider: String,
    /// Where keys are entered.
    keys: Option<joining::Keys>,
}

/// The client of every registration in a world.
const CLIENT: &str = crate::world::CLIENT;

impl Stage {
    async fn new(contender: Arc<dyn Contender>, case: Case) -> Self {
        let provider = contender.provider();
        let declared = Declared::of(provider.spec())
            .scopes(contender.scopes().iter().map(|scope| scope.as_str().to_owned()))
            .operation(&contender.operation());
        let id = provider.spec().id.as_str().to_owned();
        let keys = joining::takes_keys(provider.spec()).then(joining::Keys::default);
        let registering = contender.clone();
        let world = World::builder(declared.declaration())
            .play_provider(contender.played(), provider, move |registration| {
                registering.registration(registration)
            })
            .build()
            .await
            .unwrap_or_else(|error| panic!("{id}: {case:?}: no world: {error:?}"));
        let stage = Self { contender: contender.clone(), case, world, provider: id, keys };
        for name in ["ada", "grace"] {
            stage.site().add_account(contender.account(Account::new(name)));
            stage.make_key(name);
        }
        stage
    }

    fn site(&self) -> &Site {
        self.world.site(&self.provider)
    }

    fn bailee(&self) -> &Bailee {
        &self.world.bailee
    }

    fn visitor(&self) -> Visitor {
        self.world.visitor("ada")
    }

    async fn connect(&self, account: &str) -> ConnectionRef {
        match self.flow(self.contender.options(), account).await {
            Ok(joined) => joined.connection,
            Err(refusal) => self.fail(&format!("not connected: {refusal:?}")),
        }
    }

    async fn probe(&self, connection: &ConnectionRef) -> Result<()> {
        let acting = self.bailee().acting(&self.visitor(), &PURPOSE);
        self.contender.probe(&acting, connection).await
    }

    async fn works(&self, connection: &ConnectionRef) {
        if let Err(error) = self.probe(connection).await {
            self.fail(&format!("the probe failed: {error:?}"));
        }
    }

    fn demand(&self, holds: bool, what: &str) {
        if !holds {
            self.fail(what);
        }
    }

    fn fail(&self, what: &str) -> ! {
        panic!("{}: {:?}: {what}", self.provider, self.case)
    }
}
