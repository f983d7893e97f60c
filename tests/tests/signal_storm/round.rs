//! What comes in one round.
//!
//! Each account has one story at most: it is withdrawn, suspended, asked about. Everything else
//! about it in the same round must change nothing.

use std::time::Duration;

use bailee::core::Clock;
use bailee_testkit::{
    World,
    emulator::{Announcement, google::Google, linear::Linear},
};
use bailee_tests::Dice;

use crate::{
    Sent,
    cast::{CAST, MOUNT, Part, name, privacy_deletion},
    model::{Delivery, Effect, Model, Scope, Stands, Wanted},
};

/// What accounts there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct People {
    /// So many are connected at each provider,
    pub(crate) connected: usize,
    /// and so many are not.
    pub(crate) strangers: usize,
}

/// What makes a round.
#[derive(Debug)]
pub(crate) struct Director<'a> {
    pub(crate) w: &'a World,
    pub(crate) draw: Dice,
    pub(crate) people: People,
    /// Deliveries that were made and not sent before the person connected again.
    pub(crate) late: Vec<Delivery>,
    /// Deliveries of former rounds that were taken.
    pub(crate) history: Vec<Delivery>,
}

/// An end of access: the provider's word, the topic of its address, whom it means, and whether it
/// asks for an erasure too.
type End = (&'static str, Option<&'static str>, Scope, bool);

fn ends(part: &Part) -> &'static [End] {
    use Scope::{Account, Place};
    match part.id {
        // The reason follows from the word behind the full stop.
        "tiktok" => &[
            ("authorization.removed/1", None, Account, false),
            ("authorization.removed/2", None, Account, true),
        ],
        "slack" => {
            &[("tokens_revoked", None, Account, false), ("app_uninstalled", None, Place, false)]
        }
        "github" => &[("github_app_authorization.revoked", None, Account, false)],
        "zoom" => &[("app_deauthorized", None, Account, true)],
        "instagram" => &[
            ("deauthorize", Some("deauthorize"), Account, false),
            ("data_deletion", Some("data-deletion"), Account, true),
        ],
        "google" => &[
            ("oauth/event-type/tokens-revoked", None, Account, false),
            ("risc/event-type/account-purged", None, Account, true),
        ],
        "shopify" => &[("app/uninstalled", None, Account, false)],
        "stripe" => &[("account.application.deauthorized", None, Account, false)],
        "linear" => {
            &[("OAuthAuthorization", None, Account, false), ("OAuthApp", None, Place, false)]
        }
        "discord" => &[("APPLICATION_DEAUTHORIZED", None, Account, false)],
        "x" => {
            &[("oauth.revoke", None, Account, false), ("user_event.revoke", None, Account, false)]
        }
        _ => &[],
    }
}

/// What a provider asks for without ending anything: its word, the kind of request, and what of an
/// account it can be about.
fn asks(part: &Part) -> &'static [(&'static str, &'static str)] {
    match part.id {
        "shopify" => &[
            ("customers/data_request", "others_access"),
            ("customers/redact", "others_erasure"),
            ("shop/redact", "erasure"),
        ],
        "hubspot" => &[("contact.privacyDeletion", "others_erasure")],
        _ => &[],
    }
}

/// What only makes us ask, while everything lives.
fn checks(part: &Part) -> &'static [&'static str] {
    match part.id {
        "github" => &["installation.deleted", "installation.suspend", "installation.unsuspend"],
        "google" => &[
            "risc/event-type/account-credential-change-required",
            "risc/event-type/sessions-revoked",
        ],
        "linear" => &["OAuthAuthorization/1"],
        _ => &[],
    }
}

/// What says nothing of anybody's access.
fn harmless(part: &Part) -> &'static [&'static str] {
    match part.id {
        "tiktok" => &["post.publish.complete", "video.upload.failed"],
        "slack" => &["url_verification"],
        "github" => &["ping", "installation.created"],
        "zoom" => &["endpoint.url_validation"],
        "google" => &["risc/event-type/verification"],
        "stripe" => &["customer.deleted"],
        "discord" => &["PING", "APPLICATION_AUTHORIZED"],
        "x" => &["crc"],
        _ => &[],
    }
}

impl Director<'_> {
    /// The deliveries of a round, in the order in which they are sent first.
    pub(crate) fn round(&mut self, model: &Model, size: usize) -> Vec<Delivery> {
        let mut stories = std::mem::take(&mut self.late);
        for part in 0..CAST.len() {
            for place in 0..self.people.connected / 3 {
                self.place(model, part, place, &mut stories);
            }
        }
        // What is left out for now comes with another round.
        self.draw.shuffle(&mut stories);
        let mut all = stories;
        let own: Vec<Delivery> = all.clone();
        while all.len() < size {
            let delivery = self.noise(&own);
            all.push(delivery);
        }
        self.draw.shuffle(&mut all);
        all
    }

    /// The stories of the three accounts of a place.
    fn place(&mut self, model: &Model, part: usize, place: usize, into: &mut Vec<Delivery>) {
        let late = |into: &[Delivery], account: usize| {
            into.iter().any(|known| (known.part, known.account) == (part, account))
        };
        let accounts: Vec<usize> = (place * 3..place * 3 + 3).collect();
        let quiet = accounts.iter().all(|account| !late(into, *account));
        let whole: Vec<End> =
            ends(&CAST[part]).iter().filter(|end| end.2 == Scope::Place).copied().collect();
        if quiet && !whole.is_empty() && self.draw.chance(15) {
            let end = *self.draw.one(&whole);
            into.push(self.end(part, accounts[0], end));
            return;
        }
        for account in accounts {
            let living: Vec<Stands> =
                model.living(part, account).map(|known| known.stands).collect();
            let now = self.w.clock.now();
            if late(into, account) || living.is_empty() || model.is_ambiguous(part, account, now) {
                continue;
            }
            let frozen = living.contains(&Stands::Frozen);
            let drawn = self.draw.below(100);
            let single: Vec<End> =
                ends(&CAST[part]).iter().filter(|end| end.2 == Scope::Account).copied().collect();
            match drawn {
                0..25 if !single.is_empty() => {
                    let end = *self.draw.one(&single);
                    into.push(self.end(part, account, end));
                }
                // One of the grants of an account: it has to be the only one.
                25..32 if CAST[part].id == "google" && living.len() == 1 => {
                    let end = ("oauth/event-type/token-revoked", None, Scope::Account, false);
                    into.push(self.end(part, account, end));
                }
                32..50 if CAST[part].id == "google" => {
                    self.suspension(part, account, frozen, into);
                }
                50..65 if !asks(&CAST[part]).is_empty() => {
                    let ask = *self.draw.one(asks(&CAST[part]));
                    into.push(self.ask(part, account, ask));
                }
                65..80 if !checks(&CAST[part]).is_empty() && !frozen => {
                    let event = *self.draw.one(checks(&CAST[part]));
                    let sent = self.announce(part, event, Some(account), None);
                    let wanted = Wanted::Taken;
                    let effects = Vec::new();
                    into.push(Delivery { class: "question", part, account, sent, wanted, effects });
                }
                _ => {}
            }
        }
    }

    fn end(&mut self, part: usize, account: usize, end: End) -> Delivery {
        let (event, topic, scope, erases) = end;
        let sent = self.announce(part, event, Some(account), topic);
        let mut effects = vec![Effect::Ends(scope)];
        if erases {
            effects.insert(0, Effect::Opens("erasure", scope));
        }
        Delivery { class: "withdrawal", part, account, sent, wanted: Wanted::Taken, effects }
    }

    fn ask(&mut self, part: usize, account: usize, ask: (&str, &'static str)) -> Delivery {
        let (event, kind) = ask;
        let (sent, scope) = if CAST[part].id == "hubspot" {
            let contact = 1 + self.draw.below(1_000_000_000);
            let now = self.w.clock.now().as_seconds();
            (privacy_deletion(account / 3, contact, now), Scope::Place)
        } else {
            (self.announce(part, event, Some(account), None), Scope::Account)
        };
        let effects = vec![Effect::Opens(kind, scope)];
        Delivery { class: "request", part, account, sent, wanted: Wanted::Taken, effects }
    }

    /// Suspended, let go, suspended again: in whatever order it comes, the last word counts.
    fn suspension(&mut self, part: usize, account: usize, frozen: bool, into: &mut Vec<Delivery>) {
        let mut stop = !frozen;
        let words = 1 + self.draw.below(3);
        for n in 0..words {
            self.w.advance(Duration::from_secs(1));
            let event = if stop { "account-disabled" } else { "account-enabled" };
            let sent = self.announce(part, event, Some(account), None);
            let last = n + 1 == words;
            let effect = if stop { Effect::Freezes } else { Effect::Thaws };
            let effects = if last { vec![effect] } else { Vec::new() };
            let (class, wanted) = ("suspension", Wanted::Taken);
            into.push(Delivery { class, part, account, sent, wanted, effects });
            stop = !stop;
        }
    }

    /// Something that must change nothing.
    fn noise(&mut self, own: &[Delivery]) -> Delivery {
        loop {
            let part = self.draw.below(CAST.len());
            let cast = &CAST[part];
            let account = self.draw.below(self.people.connected);
            let single: Vec<End> =
                ends(cast).iter().filter(|end| end.2 == Scope::Account).copied().collect();
            let made = |class, account, sent, wanted| {
                let effects = Vec::new();
                Some(Delivery { class, part, account, sent, wanted, effects })
            };
            let drawn = self.draw.below(100);
            let delivery = match drawn {
                // Signed by a client that is not ours.
                0..20 if !single.is_empty() => {
                    let (event, topic, ..) = *self.draw.one(&single);
                    let client = cast.stranger();
                    self.by(part, event, Some(account), &client, cast.registration, topic)
                        .and_then(|sent| made("forged", account, sent, Wanted::Refused))
                }
                // Ours, and changed on its way.
                20..35 if !own.is_empty() => {
                    let whole = self.draw.one(own).clone();
                    let sent = self.tampered(&whole.sent);
                    Some(Delivery {
                        class: "tampered",
                        sent,
                        wanted: Wanted::Refused,
                        effects: Vec::new(),
                        ..whole
                    })
                }
                35..55 if !own.is_empty() => {
                    let twin = self.draw.one(own).clone();
                    Some(Delivery { class: "duplicate", effects: Vec::new(), ..twin })
                }
                55..70 if !self.history.is_empty() => {
                    let old = self.draw.one(&self.history).clone();
                    let wanted = Wanted::TakenOrStale;
                    Some(Delivery { class: "replayed", wanted, effects: Vec::new(), ..old })
                }
                70..80 if !single.is_empty() => {
                    let account = self.people.connected + self.draw.below(self.people.strangers);
                    let (event, topic, ..) = *self.draw.one(&single);
                    let sent = self.announce(part, event, Some(account), topic);
                    made("foreign account", account, sent, Wanted::Taken)
                }
                // Told to a client of ours that has nothing of the account.
                80..90 if !single.is_empty() => {
                    let (event, topic, ..) = *self.draw.one(&single);
                    let (client, to) = (cast.other(), cast.other_registration());
                    self.by(part, event, Some(account), &client, &to, topic)
                        .and_then(|sent| made("other client", account, sent, Wanted::Taken))
                }
                90.. if !harmless(cast).is_empty() => {
                    let event = *self.draw.one(harmless(cast));
                    let sent = self.announce(part, event, Some(account), None);
                    made("harmless", account, sent, Wanted::Silent)
                }
                _ => None,
            };
            if let Some(delivery) = delivery {
                return delivery;
            }
        }
    }

    /// A withdrawal that is made now and sent after the person connected again.
    pub(crate) fn keep_back(&mut self, part: usize, account: usize) {
        let single: Vec<End> =
            ends(&CAST[part]).iter().filter(|end| end.2 == Scope::Account).copied().collect();
        if single.is_empty() {
            return;
        }
        let end = *self.draw.one(&single);
        let mut delivery = self.end(part, account, end);
        // What somebody asked for has to be answered, however late it comes.
        delivery.effects.retain(|effect| matches!(effect, Effect::Opens(..)));
        (delivery.class, delivery.wanted) = ("late", Wanted::TakenOrStale);
        self.late.push(delivery);
    }

    fn announce(
        &self,
        part: usize,
        event: &str,
        account: Option<usize>,
        topic: Option<&str>,
    ) -> Sent {
        let cast = &CAST[part];
        let sent = self.by(part, event, account, cast.client, cast.registration, topic);
        sent.unwrap_or_else(|| panic!("{} tells of {event}", cast.id))
    }

    fn by(
        &self,
        part: usize,
        event: &str,
        account: Option<usize>,
        client: &str,
        registration: &str,
        topic: Option<&str>,
    ) -> Option<Sent> {
        let site = self.w.site(CAST[part].id);
        let account = account.map(name).unwrap_or_default();
        let topic = topic.map(|topic| format!("/{topic}")).unwrap_or_default();
        let to = format!("{MOUNT}/{registration}/signal{topic}");
        let mut word = event;
        if let Some((event, reason)) = event.split_once("removed/") {
            let _ = event;
            site.change_tiktok(|tiktok| tiktok.removal_reason = reason.parse().unwrap());
            word = "authorization.removed";
        }
        if CAST[part].id == "linear" {
            let left = u32::from(event.ends_with("/1"));
            site.switches(|linear: &mut Linear| linear.active_tokens_left = left);
            word = event.trim_end_matches("/1");
        }
        if CAST[part].id == "google" {
            site.switches(|google: &mut Google| google.disabled_reason = Some("hijacking"));
        }
        site.announce(word, &account, client, &to).ok().map(wire)
    }

    /// One letter or digit of it is another one.
    fn tampered(&mut self, sent: &Sent) -> Sent {
        let mut sent = sent.clone();
        let letters: Vec<usize> =
            (0..sent.body.len()).filter(|n| sent.body[*n].is_ascii_alphanumeric()).collect();
        let at = *self.draw.one(&letters);
        let other = if sent.body[at] == b'7' { b'3' } else { b'7' };
        sent.body[at] = other;
        sent
    }
}

fn wire(sent: Announcement) -> Sent {
    Sent { method: sent.method, url: sent.url, headers: sent.headers, body: sent.body }
}
