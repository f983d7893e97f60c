//! Registrations: the OAuth clients that this instance has at providers (RFC 6749 §2).

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bailee_core::{
    ClientKey, ClientSecret, Error, ErrorKind, Id, Monotonic, Plaintext, ProviderId,
    RegistrationId, Result, SigningSecret, TenantId, Timestamp, audit::Entry,
};
use bailee_providers::{
    Endpoint, Environment, Platform, Provider, Spec,
    signal::{KeySet, SignalSecret as SignedWith},
    spec::{ClientAuthentication, CredentialKind, ResponseMode},
};
use bailee_store::{Committed, Key};
use bailee_vault::{Draft, Holder};
use serde::{Deserialize, Serialize};

use crate::{
    assertion::{self, Signer},
    body,
    brake::Brake,
    engine::Engine,
    kind,
    limiter::Limiter,
    mount::Mount,
    signal::RefusedSignals,
    watch::WatchTurns,
};

/// An OAuth client at a provider, as the host configures it.
///
/// The secret is sealed into the vault when the engine is built and opened only for the length of
/// a request that needs it.
pub struct Registration {
    facts: bailee_providers::Registration,
    secret: Option<ClientSecret>,
    owner: Option<TenantId>,
    /// What the provider signs its signals with.
    signing: Vec<SigningSecret>,
    /// The public half of the key that signs its assertions.
    signs_with: Option<Vec<u8>>,
}

impl Registration {
    /// A confidential client for a web application. Its id is the provider's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a provider id or a client id that cannot be one.
    pub fn new(provider: &str, client_id: impl Into<String>, secret: ClientSecret) -> Result<Self> {
        let mut registration = Self::public(provider, client_id)?;
        registration.facts.public = false;
        registration.secret = Some(secret);
        Ok(registration)
    }

    /// A public client: it has no secret and relies on PKCE (RFC 8252 §8.4).
    ///
    /// # Errors
    ///
    /// As [`Registration::new`].
    pub fn public(provider: &str, client_id: impl Into<String>) -> Result<Self> {
        let provider = ProviderId::new(provider)?;
        let client_id = client_id.into();
        // RFC 6749 appendix A.1: VSCHAR.
        let valid = (1..=1024).contains(&client_id.len())
            && client_id.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        if !valid {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("not a client id"));
        }
        let id = RegistrationId::new(provider.as_str())?;
        Ok(Self {
            facts: bailee_providers::Registration::new(id, provider, client_id),
            secret: None,
            owner: None,
            signing: Vec::new(),
            signs_with: None,
        })
    }

    /// A confidential client that proves who it is with assertions that it signs (RFC 7523 §2.2,
    /// `private_key_jwt`). The key is PKCS#8 for ES256 (P-256), RS256 (2048 to 4096 bits) or EdDSA
    /// (Ed25519), made for this authorization server alone; `key_id` is what the server knows its
    /// public half by. No secret is ever sent.
    ///
    /// # Errors
    ///
    /// As [`Registration::new`]; [`ErrorKind::InvalidInput`] for another key, or a key id that is
    /// not 1 to 255 characters of visible ASCII.
    pub fn signed(
        provider: &str,
        client_id: impl Into<String>,
        key_id: &str,
        key: &ClientKey,
    ) -> Result<Self> {
        if !(1..=255).contains(&key_id.len()) || !key_id.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::new(ErrorKind::InvalidInput).with_detail("not a key id"));
        }
        let public = key.expose(Signer::tried)?.public();
        let secret = assertion::sealed_form(key_id, key);
        let mut registration = Self::new(provider, client_id, secret)?;
        registration.facts = registration.facts.authentication(ClientAuthentication::PrivateKeyJwt);
        registration.signs_with = Some(public);
        Ok(registration)
    }

    /// What stands in a client's place at a provider whose keys are entered: there is no client.
    /// Its id is the provider's.
    ///
    /// # Errors
    ///
    /// As [`Registration::new`].
    pub fn entered(provider: &str) -> Result<Self> {
        let provider = ProviderId::new(provider)?;
        let id = RegistrationId::new(provider.as_str())?;
        Ok(Self {
            facts: bailee_providers::Registration::entered(id, provider),
            secret: None,
            owner: None,
            signing: Vec::new(),
            signs_with: None,
        })
    }

    /// Gives it an id of its own: a second client at the same provider needs one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for what cannot be an id.
    pub fn id(mut self, id: &str) -> Result<Self> {
        self.facts.id = RegistrationId::new(id)?;
        Ok(self)
    }

    /// Says in which of the provider's environments it is registered. The default is the live one.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.facts.environment = environment;
        self
    }

    /// Says that it is registered for programs on a person's own machine (RFC 8252).
    #[must_use]
    pub fn desktop(mut self) -> Self {
        self.facts.platform = Platform::Desktop;
        self
    }

    /// Gives a variable of the provider's spec its value: a directory, a host of one's own.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.facts = self.facts.variable(name, value);
        self
    }

    /// Says that it belongs to one tenant; others cannot use it.
    #[must_use]
    pub fn owned_by(mut self, tenant: TenantId) -> Self {
        self.owner = Some(tenant);
        self
    }

    /// Adds what the provider signs its signals with: the secret of its webhooks, or the public key
    /// that it shows for them. While one is replaced both are given, four at most; what is not
    /// given when the engine is built is no longer taken.
    #[must_use]
    pub fn signing_secret(mut self, secret: SigningSecret) -> Self {
        self.signing.push(secret);
        self
    }

    /// Refuses more secrets for signals than a rotation needs.
    pub(crate) fn check_signing(&self) -> Result<()> {
        if self.signing.len() <= SIGNING.len() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Configuration)
            .with_detail(format!("{} has more than four signing secrets", self.facts.id)))
    }

    /// Refuses a client that authenticates in another way than the provider's spec says.
    pub(crate) fn check_authentication(&self, spec: &Spec) -> Result<()> {
        let stated = spec.client.authentication;
        let signs = self.signs_with.is_some();
        let needs = stated == Some(ClientAuthentication::PrivateKeyJwt);
        let provider = &self.facts.provider;
        if self.takes_part() && !self.facts.public && stated.is_some() && signs != needs {
            return Err(Error::new(ErrorKind::Configuration).with_detail(format!(
                "the client at {provider} does not authenticate in the way of its spec"
            )));
        }
        // Before discovery there is no token endpoint, but an issuer.
        if signs && !spec.needs_discovery() {
            assertion::audience(spec)?;
        }
        Ok(())
    }

    /// Which key signs for which authorization server.
    pub(crate) fn signing_for(&self, spec: &Spec) -> Option<(Vec<u8>, String)> {
        let server = spec.issuer.clone().unwrap_or_else(|| spec.id.as_str().to_owned());
        self.signs_with.clone().map(|key| (key, server))
    }

    /// Whether it is a client: a client id is never empty.
    fn takes_part(&self) -> bool {
        !self.facts.client_id.is_empty()
    }

    /// Refuses an OAuth client where keys are entered, and the other way round.
    pub(crate) fn check_kind(&self, spec: &Spec) -> Result<()> {
        let entered = matches!(spec.credential, CredentialKind::ApiKey(_));
        if self.takes_part() != entered && !(entered && self.facts.platform == Platform::Desktop) {
            return Ok(());
        }
        let provider = &self.facts.provider;
        Err(Error::new(ErrorKind::Configuration).with_detail(if entered {
            format!("the keys of {provider} are entered: it has no client and no flow")
        } else {
            format!("{provider} needs a client: its credentials are not entered")
        }))
    }

    /// Refuses a client on a person's own machine where the provider posts its answer: what
    /// listens there reads queries, and no cookie says whose browser it was.
    pub(crate) fn check_response_mode(&self, spec: &Spec) -> Result<()> {
        let posts = spec.authorization.response_mode == ResponseMode::FormPost;
        if posts && self.facts.platform == Platform::Desktop {
            return Err(Error::new(ErrorKind::Configuration).with_detail(format!(
                "{} posts its answers, which a loopback listener does not take",
                self.facts.provider
            )));
        }
        Ok(())
    }

    /// Its id.
    pub fn registration_id(&self) -> &RegistrationId {
        &self.facts.id
    }

    /// Its provider.
    pub fn provider(&self) -> &ProviderId {
        &self.facts.provider
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("id", &self.facts.id)
            .field("provider", &self.facts.provider)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// A registration in use.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) facts: bailee_providers::Registration,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) owner: Option<TenantId>,
    pub(crate) redirect_uri: String,
    pub(crate) callback_path: String,
    /// The limiter of its API.
    pub(crate) limiter: Limiter,
    /// That of its grants: a busy API must not keep a token from being revoked.
    pub(crate) grants: Limiter,
    /// What stands between it and a mass of refused grants.
    pub(crate) brake: Brake,
    /// When it was last looked for what other processes were told.
    looked: Mutex<Option<Monotonic>>,
    resolved: Mutex<Option<Resolved>>,
    /// The keys that the provider signs its signals with.
    signal_keys: Mutex<Option<FetchedKeys>>,
    /// The turns of the questions that are asked by the schedule.
    pub(crate) watch_turns: WatchTurns,
    /// The refused signals that no audit entry tells of yet.
    pub(crate) refused: RefusedSignals,
}

#[derive(Clone, Debug)]
struct FetchedKeys {
    keys: Arc<KeySet>,
    at: Monotonic,
}

#[derive(Clone, Debug)]
struct Resolved {
    spec: Arc<Spec>,
    until: Timestamp,
}

/// `registration`, beside the parts `client_secret`, `previous_secret` once it was rotated, and those
/// of [`SIGNING`].
#[derive(Serialize, Deserialize)]
struct RegistrationBody {
    provider: ProviderId,
    client_id: String,
    public: bool,
    /// Whether what lies in the secret's place is a key that signs.
    #[serde(default)]
    signed: bool,
    /// How many secrets signals are signed with.
    #[serde(default)]
    signing: usize,
    /// Until when signals may still be signed with the former client secret.
    #[serde(default)]
    former_until: Option<Timestamp>,
}

/// The parts that hold what signals are signed with.
const SIGNING: [&str; 4] = ["signing", "signing_2", "signing_3", "signing_4"];
/// How long signals may be signed with a client secret that was replaced.
const FORMER: Duration = Duration::from_secs(7 * 86_400);

/// What a registration keeps secret.
pub(crate) struct Secrets {
    pub(crate) client: Option<ClientSecret>,
    pub(crate) signing: Vec<SigningSecret>,
}

impl RegistrationBody {
    fn check_for(&self, registered: &Registered) -> Result<()> {
        if self.provider == registered.facts.provider {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Configuration)
            .with_detail("a registration of this id belongs to another provider"))
    }
}

impl Registered {
    /// Joins a registration to its provider; the secret goes its own way.
    pub(crate) fn new(
        registration: Registration,
        provider: Arc<dyn Provider>,
        mount: &Mount,
    ) -> (Self, Secrets) {
        let Registration { facts, secret, owner, signing, signs_with: _ } = registration;
        let mut facts = facts;
        facts.redirect_uri = Some(mount.redirect_uri(&facts.id));
        let registered = Self {
            redirect_uri: mount.redirect_uri(&facts.id),
            callback_path: mount.callback_path(&facts.id),
            facts,
            provider,
            owner,
            limiter: Limiter::new("api"),
            grants: Limiter::new("grants"),
            looked: Mutex::new(None),
            resolved: Mutex::new(None),
            signal_keys: Mutex::new(None),
            brake: Brake::default(),
            watch_turns: WatchTurns::default(),
            refused: RefusedSignals::default(),
        };
        (registered, Secrets { client: secret, signing })
    }

    pub(crate) fn id(&self) -> &RegistrationId {
        &self.facts.id
    }

    pub(crate) fn record_key(&self) -> Key {
        Key::new(
            kind::REGISTRATION,
            Id::derive(&[b"registration", self.facts.id.as_str().as_bytes()]),
        )
    }

    /// The limiter of an endpoint.
    pub(crate) fn limiter_of(&self, endpoint: Endpoint) -> &Limiter {
        match endpoint {
            Endpoint::Api | Endpoint::Upload => &self.limiter,
            _ => &self.grants,
        }
    }

    /// Whether it signs assertions instead of sending a secret.
    pub(crate) fn is_signed(&self) -> bool {
        assertion::signs(&self.facts)
    }

    /// Whether its keys are entered.
    pub(crate) fn takes_keys(&self) -> bool {
        matches!(self.provider.spec().credential, CredentialKind::ApiKey(_))
    }

    /// Whether the provider's answer to a flow is posted.
    pub(crate) fn posts_back(&self) -> bool {
        self.provider.spec().authorization.response_mode == ResponseMode::FormPost
    }

    /// Refuses a flow where keys are entered.
    pub(crate) fn needs_flow(&self) -> Result<()> {
        if !self.takes_keys() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Configuration)
            .with_detail("the keys of this provider are entered: it has no flow"))
    }

    /// Both limiters.
    pub(crate) fn limiters(&self) -> [&Limiter; 2] {
        [&self.limiter, &self.grants]
    }

    /// Whether so long a time has passed since this was last said.
    pub(crate) fn look_is_due(&self, now: Monotonic, every: Duration) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = looked.is_none_or(|at| now.since(at) >= every);
        if due {
            *looked = Some(now);
        }
        due
    }

    /// Whether a visitor of this tenant may use it.
    pub(crate) fn serves(&self, tenant: &TenantId) -> bool {
        self.owner.as_ref().is_none_or(|owner| owner == tenant)
    }

    /// The spec as discovery completed it, while that is fresh.
    pub(crate) fn resolved(&self, now: Timestamp) -> Option<Arc<Spec>> {
        self.last_good().filter(|resolved| now < resolved.until).map(|resolved| resolved.spec)
    }

    /// The spec as discovery last completed it, however long ago.
    pub(crate) fn stale(&self) -> Option<Arc<Spec>> {
        self.last_good().map(|resolved| resolved.spec)
    }

    fn last_good(&self) -> Option<Resolved> {
        self.resolved.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The spec as far as this process knows it without asking the provider.
    pub(crate) fn known_spec(&self) -> Arc<Spec> {
        self.stale().unwrap_or_else(|| Arc::new(self.provider.spec().clone()))
    }

    /// The keys of the provider's signals as they were last fetched, and how long ago that was.
    pub(crate) fn signal_keys(&self, now: Monotonic) -> Option<(Arc<KeySet>, Duration)> {
        let fetched = self.signal_keys.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some((fetched.keys, now.since(fetched.at)))
    }

    pub(crate) fn set_signal_keys(&self, keys: Arc<KeySet>, at: Monotonic) {
        *self.signal_keys.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(FetchedKeys { keys, at });
    }

    pub(crate) fn set_resolved(&self, spec: Arc<Spec>, now: Timestamp) {
        // OpenID Connect Discovery says nothing of lifetimes; a day at most is ours.
        let until = now.plus(Duration::from_secs(86_400));
        *self.resolved.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Resolved { spec, until });
    }
}

impl Engine {
    /// Refuses a registration under the id of another provider's, before anything is written.
    pub(crate) async fn check_registration(&self, registered: &Registered) -> Result<()> {
        let key = registered.record_key();
        let view = self
            .0
            .vault
            .read(&TenantId::SYSTEM, Holder::Tenant, std::slice::from_ref(&key))
            .await?;
        let stored = view.facts(0)?.map(|facts| body::decode::<RegistrationBody>(&facts));
        match stored.transpose()? {
            Some(stored) => stored.check_for(registered),
            None => Ok(()),
        }
    }

    /// Seals a registration's secrets, if the vault does not hold them yet.
    pub(crate) async fn seal_registration(
        &self,
        registered: &Registered,
        secrets: &Secrets,
    ) -> Result<()> {
        // A second process may write the same at the same time: read again then.
        for _ in 0..3 {
            match seal(&self.0.vault, registered, secrets).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                done => return done.map(|_| ()),
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// Opens a registration's secret for one request.
    pub(crate) async fn client_secret(&self, registered: &Registered) -> Result<Option<Plaintext>> {
        if registered.facts.public {
            return Ok(None);
        }
        let view = self
            .0
            .vault
            .read(&TenantId::SYSTEM, Holder::Tenant, &[registered.record_key()])
            .await?;
        if view.record(0).is_none() {
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail("the registration's secret is not in the vault"));
        }
        // Another release may have put a key in the place of a secret: it must not be sent as one.
        let facts = view.facts(0)?.ok_or_else(|| Error::new(ErrorKind::Configuration))?;
        if body::decode::<RegistrationBody>(&facts)?.signed != registered.is_signed() {
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail("the registration in the vault authenticates in another way"));
        }
        view.part(0, "client_secret").map(Some)
    }
}

impl Engine {
    /// What a registration's signals may be signed with, opened for one check.
    pub(crate) async fn signing_secrets(
        &self,
        registered: &Registered,
        which: SignedWith,
    ) -> Result<Vec<Plaintext>> {
        let vault = &self.0.vault;
        let keys = [registered.record_key()];
        let view = vault.read(&TenantId::SYSTEM, Holder::Tenant, &keys).await?;
        self.admit_instance(view.control()).await?;
        let Some(facts) = view.facts(0)? else { return Ok(Vec::new()) };
        let body: RegistrationBody = body::decode(&facts)?;
        let mut secrets = Vec::new();
        // A key that signs our assertions is nothing that anybody else signs with.
        if which == SignedWith::Client && !body.public && !body.signed {
            secrets.push(view.part(0, "client_secret")?);
            if body.former_until.is_some_and(|until| view.now() < until) {
                secrets.push(view.part(0, "previous_secret")?);
            }
        }
        for part in SIGNING.iter().take(body.signing) {
            secrets.push(view.part(0, part)?);
        }
        Ok(secrets)
    }
}

async fn seal(
    vault: &bailee_vault::Vault,
    registered: &Registered,
    secrets: &Secrets,
) -> Result<Option<Committed>> {
    let key = registered.record_key();
    vault.ensure_owner(&TenantId::SYSTEM).await?;
    let view = vault.read(&TenantId::SYSTEM, Holder::Tenant, std::slice::from_ref(&key)).await?;
    let mut wanted = RegistrationBody {
        provider: registered.facts.provider.clone(),
        client_id: registered.facts.client_id.clone(),
        public: registered.facts.public,
        signed: registered.is_signed(),
        signing: secrets.signing.len(),
        former_until: None,
    };
    let stored =
        view.facts(0)?.map(|facts| body::decode::<RegistrationBody>(&facts)).transpose()?;
    let mut former = None;
    let mut event = "registration.added";
    if let Some(stored) = &stored {
        stored.check_for(registered)?;
        let old = if stored.public { None } else { Some(view.part(0, "client_secret")?) };
        let same_client = stored.client_id == wanted.client_id
            && match (&old, &secrets.client) {
                (None, None) => true,
                (Some(old), Some(new)) => {
                    old.expose(|old| ClientSecret::copy_from(old).equals(new))
                }
                _ => false,
            };
        let mut same_signing = stored.signing == secrets.signing.len();
        for (part, new) in SIGNING.iter().zip(&secrets.signing).take(stored.signing) {
            let old = view.part(0, part)?;
            same_signing &= old.expose(|old| SigningSecret::copy_from(old).equals(new));
        }
        if same_client && same_signing {
            return Ok(None);
        }
        event = "registration.rotated";
        if same_client {
            wanted.former_until = stored.former_until;
            if stored.former_until.is_some() {
                former = Some(view.part(0, "previous_secret")?);
            }
        } else if let Some(old) = old {
            wanted.former_until = Some(view.now().plus(FORMER));
            former = Some(old);
        }
    }
    let mut draft = Draft::new(key, Holder::Tenant).facts(body::SCHEMA, body::encode(&wanted)?);
    if let Some(former) = former {
        draft = draft.part("previous_secret", former);
    }
    if let Some(secret) = &secrets.client {
        draft = draft.part("client_secret", secret.expose(Plaintext::copy_from));
    }
    for (part, secret) in SIGNING.into_iter().zip(&secrets.signing) {
        draft = draft.part(part, secret.expose(Plaintext::copy_from));
    }
    let put = vault.put(&TenantId::SYSTEM, draft, view.record(0)).await?;
    let entry = Entry::new(event, vault.clock().now())
        .with("registration", registered.id())
        .with("provider", &registered.facts.provider);
    vault.commit(&TenantId::SYSTEM, vault.batch()?.op(put).audit(entry)).await.map(Some)
}
