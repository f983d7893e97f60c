//! Every step and every operation of every adapter, with answers of any kind.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use bailee_core::{IdToken, RegistrationId, ScopeName, SecretText, State, Verifier};
use bailee_providers::{
    Account, AccountFacts, AccountId, Answer, AuthorizeAsk, Context, CredentialFacts, ExchangeAsk,
    Generic, Grant, GrantFacts, IssuedCredential, Place, Progress, Provider, Registration, Spec,
    compiled_in, discovery as discover, spec::CredentialKind,
};

use crate::{
    answers::{Answers, NOW, line},
    conversation::{Conversation, harmless},
    operations, quiet, quiet_error, signal,
};

/// A provider that is ready to be spoken with.
pub(crate) struct Ready {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) spec: Spec,
    pub(crate) registration: Registration,
    account: AccountFacts,
}

/// The adapters of this build, by their ids.
pub(crate) static ADAPTERS: LazyLock<BTreeMap<String, Ready>> = LazyLock::new(|| {
    let ready = compiled_in().into_iter().map(|provider| {
        let spec = provider.spec().clone();
        (spec.id.to_string(), Ready::new(provider, spec))
    });
    ready.collect()
});

/// Providers that are facts alone, each with other facts.
pub(crate) static GENERIC: LazyLock<Vec<Ready>> = LazyLock::new(|| {
    [PLAIN, OPENID, ODD]
        .map(|text| {
            let spec = Spec::parse(text).expect("the spec is a constant");
            Ready::new(Arc::new(Generic::new(spec.clone())), spec)
        })
        .into()
});

impl Ready {
    pub(crate) fn new(provider: Arc<dyn Provider>, spec: Spec) -> Self {
        let given = |(name, default): (&String, Option<&String>)| {
            (name.clone(), default.cloned().unwrap_or_else(|| "fake".to_owned()))
        };
        let variables: BTreeMap<String, String> = spec
            .variables
            .iter()
            .map(|variable| given((&variable.name, variable.default.as_ref())))
            .collect();
        let spec = spec.with_variables(&variables).expect("the variables fit");
        let id = RegistrationId::from_static("test");
        let mut registration = match spec.credential {
            CredentialKind::ApiKey(_) => Registration::entered(id, spec.id.clone()),
            _ => Registration::new(id, spec.id.clone(), "fake-client"),
        };
        registration.variables = variables;
        let mut account = AccountFacts::new("7fake-account-1");
        account.places.extend(Place::new("fake-place-1", "Somewhere"));
        account.places.extend(Place::new("fake-place-2", "Elsewhere"));
        let hosts = spec.account_hosts.iter().map(|host| host.replace('*', "fake"));
        account.api = hosts.map(|host| format!("https://{host}/")).find_map(|url| url.parse().ok());
        Self { provider, spec, registration, account }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context::new(&self.spec, &self.registration, NOW).with_account(Some(&self.account))
    }

    /// Every step of a provider, one after the other, each with the same answers.
    fn steps(&self, answers: &mut Answers) {
        let cx = self.context();
        let provider = &*self.provider;
        let mut talk = Conversation { cx, answers, verified: true };
        let facts = self.credential();
        let grants = [
            talk.step(
                "exchange",
                provider.exchange(&cx, &ExchangeAsk { redirect_uri: REDIRECT, pkce: true }),
            ),
            talk.step("refresh", provider.refresh(&cx, &facts)),
        ];
        let asked: Vec<ScopeName> =
            cx.spec.scopes.catalogue.iter().map(|entry| entry.name.clone()).collect();
        let mut known = Vec::new();
        for mut grant in grants.into_iter().flatten() {
            self.grant(&mut grant, &asked);
            known.push((grant.facts(&asked), grant.id_token.take()));
        }
        let mut named = GrantFacts::new(asked);
        named.account_id = AccountId::new(cx.spec.identity.id_kind.clone(), "fake-account-1");
        known.push((named, Some(IdToken::copy_from(ID_TOKEN.as_bytes()))));
        for (grant, id_token) in known {
            quiet("grant facts", &grant);
            let step = provider.identity(&cx, &grant, None, id_token);
            if let Some(account) = talk.step("identity", step) {
                self.account(&account);
            }
        }

        let plan = provider.revoke_plan(&cx, &facts);
        quiet("revoke plan", &plan);
        talk.step("revoke", provider.revoke(&cx, &facts));
        if let Some(step) = provider.revoke_alone(&cx, &facts) {
            talk.step("revoke_alone", step);
        }
        if let Some(step) = provider.introspect(&cx)
            && let Some(found) = talk.step("introspect", step)
        {
            quiet("introspection", &found);
        }
        talk.step("liveness", provider.liveness(&cx));
        let answer = talk.answers.again().next();
        self.meaning(&answer);
    }

    /// What an answer of the API means, and what its headers say of limits.
    pub(crate) fn meaning(&self, answer: &Answer) {
        let cx = self.context();
        quiet("answer", answer);
        let failure = self.provider.classify(&cx, answer);
        if let Some(failure) = &failure {
            harmless("classify", failure);
        }
        if !answer.status.is_success() {
            assert!(failure.is_some(), "an answer of {} is a success", answer.status);
        }
        for wait in [
            bailee_providers::retry_after(answer),
            bailee_providers::used_up(&cx.spec.rate_limit, answer),
        ] {
            assert!(wait.unwrap_or_default().as_secs() <= 3600, "a wait of {wait:?}");
        }
    }

    fn credential(&self) -> CredentialFacts {
        CredentialFacts::new(self.spec.token.credential.clone(), Vec::new())
            .with_refresh(None)
            .expiring(NOW)
    }

    /// What a token answer may bring.
    fn grant(&self, grant: &mut Grant, asked: &[ScopeName]) {
        quiet("grant", grant);
        assert!(!grant.credentials.is_empty(), "a grant without a credential");
        for IssuedCredential { access, refresh, expires_in, refresh_expires_in, scopes, .. } in
            &grant.credentials
        {
            let usable = |bytes: &[u8]| {
                (1..=64 * 1024).contains(&bytes.len()) && !bytes.iter().any(u8::is_ascii_control)
            };
            assert!(access.expose(usable) && access.expose(|bytes| !bytes.contains(&b' ')));
            assert!(refresh.as_ref().is_none_or(|token| token.expose(usable)));
            for life in [expires_in, refresh_expires_in].into_iter().flatten() {
                assert!(life.as_secs() <= 315_360_000, "a token that lives for {life:?}");
            }
            assert!(scopes.as_ref().is_none_or(|scopes| scopes.len() <= 2 * 512));
        }
        if let Some(api) = &grant.api {
            assert!(self.spec.check_account_api(api).is_ok(), "an API elsewhere");
        }
        grant.complete_scopes(&self.spec.scopes, asked);
        grant.compare_scopes(asked);
    }

    /// What an account may be.
    fn account(&self, account: &Account) {
        quiet("account", account);
        let id = account.id.value();
        assert!((1..=255).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()));
        for text in account.display.iter().chain(&account.account_type) {
            assert!(text.chars().count() <= 200 && !text.chars().any(char::is_control));
        }
        assert!(account.places.len() <= 200 && account.also.len() <= 4);
        if let Some(api) = &account.api {
            assert!(self.spec.check_account_api(api).is_ok(), "an API elsewhere");
        }
        if let Err(failure) = self.provider.eligibility(&self.context(), account) {
            harmless("eligibility", &failure);
        }
        let facts = account.facts();
        quiet("account facts", &facts);
        let json = serde_json::to_string(&facts).expect("facts of an account have a JSON form");
        assert_eq!(serde_json::from_str::<AccountFacts>(&json).ok(), Some(facts));
    }
}

/// A line with an adapter's id, then answers: each conversation of that adapter gets them.
pub(crate) fn adapter(data: &[u8]) {
    let (name, rest) = line(data);
    let adapters = &*ADAPTERS;
    // An id that is none stands for one of them, so that every input goes somewhere.
    let ready = std::str::from_utf8(name).ok().and_then(|name| adapters.get(name));
    let ready = ready.unwrap_or_else(|| {
        let sum: usize = name.iter().map(|byte| usize::from(*byte)).sum();
        adapters.values().nth(sum % adapters.len()).expect("there are adapters")
    });
    let mut answers = Answers::read(rest);
    ready.steps(&mut answers);
    signal::asked(ready, &mut answers);
    let mut talk = Conversation { cx: ready.context(), answers: &mut answers, verified: true };
    operations::all(ready.spec.id.as_str(), &mut talk);
}

/// Answers for each conversation of providers that are facts alone.
pub(crate) fn generic(data: &[u8]) {
    let mut answers = Answers::read(data);
    for ready in GENERIC.iter() {
        ready.steps(&mut answers);
        let answer = answers.again().next();
        ready.meaning(&answer);
    }
}

/// A line with an adapter's id, then the facts of a stored progress, its secret, and answers.
pub(crate) fn progress(data: &[u8]) {
    let parts = crate::sections(data);
    let [facts, secret, answers @ ..] = parts.as_slice() else { return };
    let (name, facts) = line(facts);
    let found = std::str::from_utf8(name).ok().and_then(|name| ADAPTERS.get(name));
    let Some(ready) = found else { return };
    let mut answers = Answers::read(&answers.join(b"\n%%\n".as_slice()));
    let mut talk = Conversation { cx: ready.context(), answers: &mut answers, verified: true };
    let begin = || {
        let secret = (!secret.is_empty()).then(|| SecretText::copy_from(secret));
        Progress::new(facts.to_vec(), secret)
    };
    operations::publications(ready.spec.id.as_str(), &mut |publication| {
        talk.answers.again();
        // A progress is ours, sealed; one that is nonsense must still do no more than fail.
        talk.follow(publication, begin(), true);
        let followed = ready.provider.follow(publication.facts().name);
        if let Some(followed) = followed {
            talk.answers.again();
            talk.follow(&*followed, begin(), true);
        }
    });
}

/// Answers to whoever asks for metadata, and a flow with what they say.
pub(crate) fn discovery(data: &[u8]) {
    static SPEC: LazyLock<Spec> =
        LazyLock::new(|| Spec::parse(DISCOVERED).expect("the spec is a constant"));
    let spec = &*SPEC;
    let id = RegistrationId::from_static("test");
    let registration = Registration::new(id, spec.id.clone(), "fake-client");
    let mut answers = Answers::read(data);
    let mut talk = Conversation {
        cx: Context::new(spec, &registration, NOW),
        answers: &mut answers,
        verified: false,
    };
    let Some(metadata) = talk.step("discovery", discover(spec)) else { return };
    assert_eq!(Some(metadata.issuer.as_str()), spec.issuer.as_deref());
    let spec = match spec.resolve(&metadata) {
        Ok(spec) => spec,
        Err(error) => return quiet_error("resolve", &error),
    };
    let pinned = spec.pin(&spec.hosts.clone());
    assert!(pinned.is_ok(), "hosts that were found cannot be pinned");
    let ready = Ready::new(Arc::new(Generic::new(spec.clone())), spec);
    authorize(&ready);
    ready.steps(&mut answers);
}

/// The address that a flow begins at.
pub(crate) fn authorize(ready: &Ready) {
    let state = State::copy_from(b"fake-canary-state");
    let verifier = Verifier::copy_from(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let scopes: Vec<ScopeName> =
        ready.spec.scopes.catalogue.iter().map(|entry| entry.name.clone()).collect();
    let mut ask = AuthorizeAsk::new(&scopes, REDIRECT, &state);
    ask.verifier = Some(&verifier);
    match ready.provider.authorize(&ready.context(), &ask) {
        Ok(address) => {
            quiet("authorize", &address);
            let address = address.into_url();
            let endpoint = ready.spec.endpoints.authorization.as_ref();
            assert_eq!(address.host_str(), endpoint.and_then(url::Url::host_str));
            let states = address.query_pairs().filter(|(name, _)| name == "state").count();
            assert_eq!(states, 1, "a flow has one state");
        }
        Err(error) => quiet_error("authorize", &error),
    }
}

pub(crate) const REDIRECT: &str = "https://app.example.test/connect/callback";

/// `{"alg":"RS256","kid":"fake-key"}` over claims of nobody.
const ID_TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImZha2Uta2V5In0.e30.ZmFrZQ"; // an example

/// OAuth without OpenID Connect: form-encoded answers, a nested profile, an endpoint that
/// introspects.
const PLAIN: &str = r#"
id = "plain"
title = "Plain"
checked = "2026-11-21"
pages = ["https://plain.example.test/docs"]
hosts = ["plain.example.test", "api.plain.example.test"]
api = "https://api.plain.example.test/v1"
error_at = ["/error/code", "/code"]
errors_in_success = true
[endpoints]
authorization = "https://plain.example.test/authorize?tenant=1"
token = "https://plain.example.test/token"
revocation = "https://plain.example.test/revoke"
introspection = "https://plain.example.test/introspect"
userinfo = "https://api.plain.example.test/me"
[client]
authentication = "basic_raw"
[token]
form_encoded = true
type_optional = true
account_member = "/user/id"
[identity]
source = "endpoint"
id_kind = "account"
id = "/data/id"
display = ["/data/name"]
account_type = "/data/type"
[eligibility]
plain = ["A business account is needed."]
account_types = ["business"]
[rate_limit]
remaining_header = "x-ratelimit-remaining"
reset_header = "x-ratelimit-reset"
[[scope]]
name = "notes"
plain = "read your notes"
category = "content"
effect = "read"
[[error]]
code = "quota_exceeded"
kind = "rate_limited"
wait_seconds = 30
[withdrawal]
steps = ["Open the settings", "Remove the application"]
"#;

/// OpenID Connect with its endpoints by hand.
const OPENID: &str = r#"
id = "openid"
title = "Example"
checked = "2026-11-21"
pages = ["https://login.example.test/docs"]
issuer = "https://login.example.test"
hosts = ["login.example.test"]
api = "https://login.example.test/api"
iss_in_callback = true
[endpoints]
authorization = "https://login.example.test/authorize"
token = "https://login.example.test/token"
revocation = "https://login.example.test/revoke"
jwks = "https://login.example.test/keys"
userinfo = "https://login.example.test/userinfo"
[identity]
source = "openid"
display = ["/name"]
[[scope]]
name = "openid"
plain = "see which account is yours"
category = "identity"
effect = "read"
"#;

/// The token answer states the account and its API; scopes come with commas; tokens go as JSON.
const ODD: &str = r#"
id = "odd"
title = "Odd"
checked = "2026-11-21"
pages = ["https://odd.example.test/docs"]
hosts = ["odd.example.test"]
account_hosts = ["*.odd.example.test"]
upload_hosts = ["upload.odd.example.test"]
api = "https://odd.example.test"
[endpoints]
authorization = "https://odd.example.test/authorize"
token = "https://odd.example.test/token"
revocation = "https://odd.example.test/revoke"
[token]
request = "json"
api_member = "instance_url"
account_member = ["id", "/team/id"]
[scopes]
separator = ","
callback_parameter = "scope"
[identity]
source = "token_answer"
id_kind = "team"
display = ["/team/name"]
[[scope]]
name = "notes"
plain = "read your notes"
category = "content"
effect = "read"
"#;

/// A provider whose metadata says the rest.
const DISCOVERED: &str = r#"
id = "discovered"
title = "Discovered"
checked = "2026-11-21"
pages = ["https://login.example.test/docs"]
issuer = "https://login.example.test/realm"
discover = true
[identity]
source = "openid"
[[scope]]
name = "openid"
plain = "see which account is yours"
category = "identity"
effect = "read"
"#;
