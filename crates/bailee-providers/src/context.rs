//! What a step is told: the spec, the registration, the time.

use std::collections::BTreeMap;

use bailee_core::{ProviderId, RegistrationId, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    grant::AccountFacts,
    request::{Authorization, BasicEncoding, Request, SecretRef, Value},
    spec::{ClientAuthentication, Pkce, Spec},
};

/// What a step is told. It is borrowed for the making of a step; steps keep copies of what they
/// need.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The provider's facts, with its metadata in them where it has any ([`Spec::resolve`]).
    pub spec: &'a Spec,
    /// The OAuth client that acts.
    pub registration: &'a Registration,
    /// The time.
    pub now: Timestamp,
    /// The account that is connected; none before it is known.
    pub account: Option<&'a AccountFacts>,
}

impl<'a> Context<'a> {
    /// A context without an account.
    pub fn new(spec: &'a Spec, registration: &'a Registration, now: Timestamp) -> Self {
        Self { spec, registration, now, account: None }
    }

    /// Says which account is connected.
    #[must_use]
    pub fn with_account(mut self, account: Option<&'a AccountFacts>) -> Self {
        self.account = account;
        self
    }

    /// The address that paths of operations are put behind: the account's own where it has one,
    /// else the spec's.
    pub fn api(&self) -> Option<&'a Url> {
        self.account.and_then(|account| account.api.as_ref()).or(self.spec.api.as_ref())
    }

    /// Which PKCE this flow uses (RFC 7636): what the registration says, else what the spec says
    /// for its platform. A public client always uses one.
    pub fn pkce(&self) -> Pkce {
        let chosen = self
            .registration
            .pkce
            .unwrap_or_else(|| self.spec.pkce.for_platform(self.registration.platform));
        if chosen == Pkce::None && self.registration.public { Pkce::S256 } else { chosen }
    }

    /// How this client proves who it is (RFC 6749 §2.3). A public client only names itself.
    pub fn authentication(&self) -> ClientAuthentication {
        if self.registration.public {
            return ClientAuthentication::None;
        }
        self.registration
            .authentication
            .or(self.spec.client.authentication)
            .unwrap_or(ClientAuthentication::Basic)
    }

    /// Adds the client's authentication to a request with a form or JSON body: never two methods in
    /// one request (RFC 6749 §2.3).
    pub(crate) fn authenticate(&self, request: &mut Request) {
        let client = &self.spec.client;
        let id = Value::Text(self.registration.client_id.clone());
        match self.authentication() {
            ClientAuthentication::Basic => {
                request.authorization = Authorization::ClientBasic(BasicEncoding::Rfc6749);
            }
            ClientAuthentication::BasicRaw => {
                request.authorization = Authorization::ClientBasic(BasicEncoding::Raw);
            }
            ClientAuthentication::None => request.push_field(client.id_parameter.clone(), id),
            ClientAuthentication::Post => {
                request.push_field(client.id_parameter.clone(), id);
                request.push_field(
                    client.secret_parameter.clone(),
                    Value::Secret(SecretRef::ClientSecret),
                );
            }
            ClientAuthentication::PrivateKeyJwt => {
                request.push_field(client.id_parameter.clone(), id);
                let kind = Value::text("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                request.push_field("client_assertion_type", kind);
                request.push_field("client_assertion", Value::Secret(SecretRef::ClientAssertion));
            }
        }
    }
}

/// One OAuth client at one provider, without its secrets: those are the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Registration {
    /// Its id, as flows and redirect paths name it.
    pub id: RegistrationId,
    /// The provider that it is registered at.
    pub provider: ProviderId,
    /// What it is for.
    pub environment: Environment,
    /// The public name of the client (RFC 6749 §2.2).
    pub client_id: String,
    /// Whether the client has no secret (RFC 6749 §2.1).
    pub public: bool,
    /// Where the client runs.
    pub platform: Platform,
    /// A PKCE other than the spec's, where the provider handles this client differently.
    pub pkce: Option<Pkce>,
    /// The redirect URI, where it is always the same one.
    pub redirect_uri: Option<String>,
    /// An authentication other than the spec's.
    pub authentication: Option<ClientAuthentication>,
    /// The values of the spec's variables that are the same for all of its connections.
    pub variables: BTreeMap<String, String>,
}

impl Registration {
    /// A confidential client of a web application, in the live environment.
    pub fn new(id: RegistrationId, provider: ProviderId, client_id: impl Into<String>) -> Self {
        Self {
            id,
            provider,
            environment: Environment::Live,
            client_id: client_id.into(),
            public: false,
            platform: Platform::Web,
            pkce: None,
            redirect_uri: None,
            authentication: None,
            variables: BTreeMap::new(),
        }
    }

    /// What stands in a client's place where keys are entered: there is no client.
    pub fn entered(id: RegistrationId, provider: ProviderId) -> Self {
        Self::new(id, provider, "").public()
    }

    /// Gives a variable of the spec its value.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Says which environment it belongs to.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Says that the client has no secret.
    #[must_use]
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// Says where the client runs.
    #[must_use]
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platform = platform;
        self
    }

    /// Sets another PKCE than the spec's.
    #[must_use]
    pub fn pkce(mut self, pkce: Pkce) -> Self {
        self.pkce = Some(pkce);
        self
    }

    /// Sets another client authentication than the spec's.
    #[must_use]
    pub fn authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = Some(authentication);
        self
    }
}

/// What a registration is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// An emulator under test.
    Emulator,
    /// People's accounts.
    #[default]
    Live,
    /// The provider's own place for trials.
    Sandbox,
}

/// Where a client runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// A program on a person's machine, with a loopback listener (RFC 8252).
    Desktop,
    /// A server.
    #[default]
    Web,
}
