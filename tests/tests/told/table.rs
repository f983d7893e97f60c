//! The providers that sign what they tell, and what the shared tests need to know of each.

use bailee::{RequestKind, WithdrawalReason};
use bailee_testkit::emulator::{self, Played};

/// A provider that tells.
#[derive(Clone, Copy)]
pub(crate) struct Teller {
    /// Its name, its site's and its registration's.
    pub(crate) name: &'static str,
    /// The id of the client. GitHub knows by it what kind of client it is.
    pub(crate) client: &'static str,
    pub(crate) play: fn() -> Played,
    pub(crate) scopes: &'static [&'static str],
    /// The provider's word for an event about one person.
    pub(crate) event: &'static str,
    /// What stands behind the signal address.
    pub(crate) topic: Option<&'static str>,
    pub(crate) effect: Effect,
    pub(crate) signed: Signed,
    pub(crate) secret: Secret,
    /// For how many seconds a delivery is good. None is for ever.
    pub(crate) good_for: Option<u64>,
    /// How many seconds it may be ahead. None where it has no time of its own.
    pub(crate) ahead: Option<u64>,
    pub(crate) accepted: u16,
    pub(crate) refused: u16,
}

/// What comes of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The connection ends.
    Ends(WithdrawalReason),
    /// A request is opened, and the connection stays.
    Asks(RequestKind),
}

/// Where the signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    /// In this header.
    Header(&'static str),
    /// In the body, before a full stop, in a field of a form.
    Form,
    /// In the body, which is a token.
    Token,
}

/// What it is signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    /// The client's secret.
    Client,
    /// A secret for signals alone.
    Own,
    /// A private key; the registration has the public one.
    Pair,
    /// Keys that the provider shows.
    Published,
}

const CLIENT: &str = "fake-client-1";

const fn teller(name: &'static str, event: &'static str, play: fn() -> Played) -> Teller {
    Teller {
        name,
        client: CLIENT,
        play,
        scopes: &[],
        event,
        topic: None,
        effect: Effect::Ends(WithdrawalReason::AccessRemoved),
        signed: Signed::Form,
        secret: Secret::Own,
        good_for: Some(300),
        ahead: Some(300),
        accepted: 200,
        refused: 401,
    }
}

pub(crate) const TIKTOK: Teller = Teller {
    scopes: &["user.info.basic", "video.publish"],
    signed: Signed::Header("TikTok-Signature"),
    secret: Secret::Client,
    ..teller("tiktok", "authorization.removed", || emulator::tiktok::TikTok::new().into())
};

pub(crate) const SLACK: Teller = Teller {
    scopes: &["chat:write"],
    effect: Effect::Ends(WithdrawalReason::TokensRevoked),
    signed: Signed::Header("X-Slack-Signature"),
    ..teller("slack", "tokens_revoked", || emulator::slack::Slack::new().into())
};

/// A GitHub App: an OAuth App is told nothing.
pub(crate) const GITHUB: Teller = Teller {
    client: "Iv23fakeclient1",
    scopes: &["read:user"],
    signed: Signed::Header("X-Hub-Signature-256"),
    good_for: None,
    ahead: None,
    ..teller("github", "github_app_authorization.revoked", || {
        emulator::github::GitHub::new().into()
    })
};

pub(crate) const ZOOM: Teller = Teller {
    scopes: &["user:read:user"],
    signed: Signed::Header("x-zm-signature"),
    ..teller("zoom", "app_deauthorized", || {
        // Without this it is a request for an erasure as well.
        let mut zoom = emulator::zoom::Zoom::new();
        zoom.user_data_retention = Some("true");
        zoom.into()
    })
};

pub(crate) const INSTAGRAM: Teller = Teller {
    scopes: &["instagram_business_basic"],
    topic: Some("deauthorize"),
    signed: Signed::Form,
    secret: Secret::Client,
    good_for: None,
    ahead: None,
    ..teller("instagram", "deauthorize", || emulator::instagram::Instagram::new().into())
};

pub(crate) const GOOGLE: Teller = Teller {
    scopes: &["openid", "email"],
    effect: Effect::Ends(WithdrawalReason::TokensRevoked),
    signed: Signed::Token,
    secret: Secret::Published,
    good_for: None,
    accepted: 202,
    refused: 400,
    ..teller("google", "tokens-revoked", || emulator::google::Google::new().into())
};

pub(crate) const HUBSPOT: Teller = Teller {
    scopes: &["crm.objects.owners.read", "oauth"],
    effect: Effect::Asks(RequestKind::OthersErasure),
    signed: Signed::Header("X-HubSpot-Signature-v3"),
    secret: Secret::Client,
    ..teller("hubspot", "contact.privacyDeletion", || emulator::hubspot::HubSpot::new().into())
};

/// Jira tells nothing of its own accord: it is asked.
pub(crate) const JIRA: Teller = Teller {
    scopes: &["offline_access", "read:jira-work", "read:me", "report:personal-data"],
    ..teller("jira", "", || emulator::jira::Jira::new().into())
};

pub(crate) const SHOPIFY: Teller = Teller {
    scopes: &["read_products"],
    signed: Signed::Header("X-Shopify-Hmac-Sha256"),
    secret: Secret::Client,
    good_for: None,
    ahead: None,
    ..teller("shopify", "app/uninstalled", || emulator::shopify::Shopify::new().into())
};

/// What Shopify tells of a shop's customer.
pub(crate) const CUSTOMER: Teller = Teller {
    event: "customers/redact",
    effect: Effect::Asks(RequestKind::OthersErasure),
    ..SHOPIFY
};

pub(crate) const STRIPE: Teller = Teller {
    scopes: &["read_only"],
    signed: Signed::Header("Stripe-Signature"),
    refused: 400,
    ..teller("stripe", "account.application.deauthorized", || {
        emulator::stripe::Stripe::new().into()
    })
};

pub(crate) const LINEAR: Teller = Teller {
    scopes: &["read"],
    signed: Signed::Header("Linear-Signature"),
    good_for: Some(60),
    ahead: Some(60),
    ..teller("linear", "OAuthAuthorization", || emulator::linear::Linear::new().into())
};

pub(crate) const DISCORD: Teller = Teller {
    scopes: &["identify"],
    signed: Signed::Header("X-Signature-Ed25519"),
    secret: Secret::Pair,
    accepted: 204,
    ..teller("discord", "APPLICATION_DEAUTHORIZED", || emulator::discord::Discord::new().into())
};

pub(crate) const X: Teller = Teller {
    scopes: &["offline.access", "tweet.read", "users.read"],
    signed: Signed::Header("x-twitter-webhooks-signature"),
    good_for: None,
    ahead: None,
    ..teller("x", "oauth.revoke", || emulator::x::X::new().into())
};

/// Runs a test for each of them.
macro_rules! for_each_teller {
    ($(#[doc = $doc:literal])* #[tokio::test] async fn $name:ident($teller:ident: Teller) $body:block) => {
        $(#[doc = $doc])*
        async fn $name($teller: $crate::table::Teller) $body

        mod $name {
            for_each_teller!(@ $name tiktok TIKTOK);
            for_each_teller!(@ $name slack SLACK);
            for_each_teller!(@ $name github GITHUB);
            for_each_teller!(@ $name zoom ZOOM);
            for_each_teller!(@ $name instagram INSTAGRAM);
            for_each_teller!(@ $name google GOOGLE);
            for_each_teller!(@ $name hubspot HUBSPOT);
            for_each_teller!(@ $name shopify SHOPIFY);
            for_each_teller!(@ $name customer CUSTOMER);
            for_each_teller!(@ $name stripe STRIPE);
            for_each_teller!(@ $name linear LINEAR);
            for_each_teller!(@ $name discord DISCORD);
            for_each_teller!(@ $name x X);
        }
    };
    (@ $name:ident $test:ident $teller:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            super::$name($crate::table::$teller).await;
        }
    };
}
