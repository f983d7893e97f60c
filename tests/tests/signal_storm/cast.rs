//! The providers that take part, their clients, and the declaration under which they do.

use std::{collections::BTreeSet, sync::Arc};

use bailee::{
    BeginOptions, Builder, ClientSecret, Declaration, Registration, SigningSecret,
    providers::{Environment, Provider},
};
use bailee_testkit::{
    Declared, World, WorldBuilder,
    emulator::{self, Account, Client, Played},
};

/// A provider that tells things.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) id: &'static str,
    /// The registration whose connections are told of.
    pub(crate) registration: &'static str,
    pub(crate) client: &'static str,
    pub(crate) scopes: &'static [&'static str],
    /// Whether a new authorization ends the one before, so that an account is connected once.
    pub(crate) once: bool,
}

const fn part(id: &'static str, scopes: &'static [&'static str]) -> Part {
    Part { id, registration: id, client: CLIENT, scopes, once: false }
}

/// The client of every registration that a world makes.
const CLIENT: &str = "fake-client-1";
const SECRET: &str = "fake-client-secret-canary";
const SIGNING: &str = "fake-signing-secret-canary";
/// Only a GitHub App is told anything.
const APP: &str = "Iv1.fake-app";
/// A second client at each provider, with a registration of its own and without connections.
const OTHER_SECRET: &str = "fake-other-secret-canary";
const OTHER_SIGNING: &str = "fake-other-signing-canary";
/// Somebody else's client: its secret is no secret of ours.
const STRANGER: &str = "fake-stranger";
pub(crate) const MOUNT: &str = "https://app.example.test/connect";

pub(crate) const CAST: [Part; 12] = [
    part("tiktok", &["user.info.basic"]),
    part("slack", &["channels:read", "user:chat:write"]),
    Part { registration: "github-app", client: APP, ..part("github", &["read:user", "repo"]) },
    Part { once: true, ..part("zoom", &["user:read:user"]) },
    part("instagram", &["instagram_business_basic"]),
    part("google", &["openid", "email"]),
    part("hubspot", &["oauth", "crm.objects.owners.read"]),
    part("shopify", &["read_products"]),
    part("stripe", &["read_only"]),
    part("linear", &["read"]),
    part("discord", &["identify"]),
    Part { once: true, ..part("x", &["offline.access", "tweet.read", "users.read"]) },
];

impl Part {
    pub(crate) fn adapter(&self) -> Arc<dyn Provider> {
        let all = bailee::providers::compiled_in();
        all.into_iter().find(|provider| provider.spec().id.as_str() == self.id).unwrap()
    }

    /// The client without connections.
    pub(crate) fn other(&self) -> String {
        if self.client == APP { "Iv1.fake-other".into() } else { "fake-client-2".into() }
    }

    pub(crate) fn other_registration(&self) -> String {
        format!("{}-other", self.id)
    }

    pub(crate) fn stranger(&self) -> String {
        if self.client == APP { format!("Iv1.{STRANGER}") } else { STRANGER.into() }
    }

    /// How a flow is begun.
    pub(crate) fn options(&self) -> BeginOptions {
        let mut options = BeginOptions::default();
        if self.id == "shopify" {
            options.variables.insert("shop".into(), "demo".into());
        }
        options
    }

    /// The n-th account. Three are in one place, where the provider has places.
    pub(crate) fn account(&self, n: usize) -> Account {
        let place = n / 3;
        let account = Account::new(name(n));
        match self.id {
            "slack" => account.fact("team_id", format!("T0PLACE{place}")),
            "linear" => account.fact("organization_id", format!("organization-of-{place}")),
            "hubspot" => account.fact("hub_id", 700_000 + u64::try_from(place).unwrap()),
            _ => account,
        }
    }

    fn signing(&self, of: &str) -> SigningSecret {
        let key = match self.id {
            "discord" => emulator::discord::public_key(of),
            _ => of.to_owned(),
        };
        SigningSecret::copy_from(key.as_bytes())
    }

    fn client(&self, id: &str, client: &str, secret: &str, signing: &str) -> Registration {
        let registration =
            Registration::new(self.id, client, ClientSecret::copy_from(secret.as_bytes())).unwrap();
        registration
            .id(id)
            .unwrap()
            .environment(Environment::Emulator)
            .signing_secret(self.signing(signing))
    }
}

/// The name of the n-th account at its provider.
pub(crate) fn name(n: usize) -> String {
    format!("account{n}")
}

/// One purpose, through all of them.
pub(crate) fn declaration() -> Declaration {
    let (mut categories, mut middle, mut rest) = (BTreeSet::new(), String::new(), String::new());
    let mut front = String::new();
    for part in &CAST {
        let text = Declared::of(part.adapter().spec()).scopes(part.scopes.iter().copied());
        let text = text.to_toml();
        let (head, tail) = text.split_once("[categories]\n").unwrap();
        let (own, tail) = tail.split_once("\n[purposes").unwrap();
        let (purpose, tail) = tail.split_once("\n[recipients").unwrap();
        categories.extend(own.lines().map(ToOwned::to_owned));
        head.clone_into(&mut front);
        middle = format!("\n[purposes{purpose}");
        rest += &format!("\n[recipients{tail}");
    }
    let categories: Vec<String> = categories.into_iter().collect();
    let text = format!("{front}[categories]\n{}\n{middle}{rest}", categories.join("\n"));
    Declaration::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What only this world's processes have: a second client at each provider, and an App at GitHub.
fn beside(mut builder: Builder) -> Builder {
    for part in &CAST {
        if part.registration != part.id {
            builder =
                builder.registration(part.client(part.registration, part.client, SECRET, SIGNING));
        }
        let id = part.other_registration();
        let other = part.client(&id, &part.other(), OTHER_SECRET, OTHER_SIGNING);
        builder = builder.registration(other);
    }
    builder
}

/// The registrations of a victim: the same as its world's.
pub(crate) fn register(mut builder: Builder) -> Builder {
    for part in &CAST {
        let own = part.client(part.id, CLIENT, SECRET, SIGNING);
        builder = builder.shared_provider(part.adapter()).registration(own);
    }
    beside(builder)
}

/// A world with all of them.
pub(crate) fn world() -> WorldBuilder {
    let mut builder = World::builder(declaration());
    for part in CAST {
        let register = move |_: Registration| part.client(part.id, CLIENT, SECRET, SIGNING);
        builder = builder.play_provider(played(part.id), part.adapter(), register);
    }
    builder.change(beside)
}

/// Makes the clients beside that of each world known, and the accounts.
pub(crate) fn furnish(w: &World, accounts: usize) {
    for part in &CAST {
        let site = w.site(part.id);
        let back = |registration: &str| format!("{MOUNT}/{registration}/callback");
        let client = |id: &str, registration: &str, secret: &str, signing: &str| {
            let client = Client::new(id).secret(secret).redirect(back(registration));
            site.add_client(client.signal_secret(signing)).unwrap();
        };
        if part.client != CLIENT {
            client(part.client, part.registration, SECRET, SIGNING);
        }
        client(&part.other(), &part.other_registration(), OTHER_SECRET, OTHER_SIGNING);
        client(&part.stranger(), "stranger", "fake-stranger-secret", "fake-stranger-signing");
        for n in 0..accounts {
            site.add_account(part.account(n));
        }
    }
}

fn played(id: &str) -> Played {
    match id {
        "tiktok" => {
            let mut tiktok = emulator::tiktok::TikTok::new();
            (tiktok.rate_limits, tiktok.daily_caps) = (false, false);
            tiktok.into()
        }
        "slack" => {
            let mut slack = emulator::slack::Slack::new();
            slack.rate_limits = false;
            slack.into()
        }
        "github" => emulator::github::GitHub::new().into(),
        "zoom" => emulator::zoom::Zoom::new().into(),
        "instagram" => emulator::instagram::Instagram::new().into(),
        "google" => emulator::google::Google::new().into(),
        "hubspot" => emulator::hubspot::HubSpot::new().into(),
        "shopify" => emulator::shopify::Shopify::new().into(),
        "stripe" => emulator::stripe::Stripe::new().into(),
        "linear" => emulator::linear::Linear::new().into(),
        "discord" => emulator::discord::Discord::new().into(),
        _ => emulator::x::X::new().into(),
    }
}

/// A delivery of HubSpot: that a contact of a portal is to be erased.
pub(crate) fn privacy_deletion(portal: usize, contact: usize, now: i64) -> crate::Sent {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use ring::hmac;
    let url = format!("{MOUNT}/hubspot/signal");
    let body = serde_json::json!([{
        "eventId": contact,
        "subscriptionId": 1,
        "portalId": 700_000 + portal,
        "appId": 1,
        "occurredAt": now * 1000,
        "subscriptionType": "contact.privacyDeletion",
        "attemptNumber": 0,
        "objectId": contact,
    }]);
    let body = body.to_string();
    let time = (now * 1000).to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, format!("POST{url}{body}{time}").as_bytes());
    let headers = [
        ("Content-Type", "application/json".to_owned()),
        ("X-HubSpot-Signature-v3", BASE64_STANDARD.encode(tag.as_ref())),
        ("X-HubSpot-Request-Timestamp", time),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    crate::Sent { method: "POST".to_owned(), url, headers, body: body.into_bytes() }
}
