//! What Slack tells: that tokens of a workspace ended, and that the application left it.

use bailee_core::{CredentialName, Timestamp, WithdrawalReason};

use super::oauth::{BOT, USER};
use crate::{
    context::Context,
    grant::AccountId,
    scan::{Object, Value},
    signal::{self, About, Delivery, Reading, Reply, Signal, SignalRefusal, What, is_challenge},
    spec::TimeUnit,
};

/// The word for the kind of id that a workspace has, or an organisation where the application is
/// installed in the whole of it.
const PLACE: &str = "team_id";

/// A workspace or an organisation, as signals name it.
pub(super) fn place_id(place: &str) -> Option<AccountId> {
    AccountId::new(PLACE, place)
}

pub(super) fn read(cx: &Context<'_>, delivery: &Delivery<'_>) -> Result<Reading, SignalRefusal> {
    let document = Object::parse(delivery.body).map_err(|_| SignalRefusal::Malformed)?;
    let mut reading = signal::read(cx, delivery)?;
    match text(&document, "/type")?.as_deref() {
        // It is signed as all requests are, and answered after that was checked.
        Some("url_verification") => {
            let challenge = text(&document, "/challenge")?.filter(|text| is_challenge(text));
            reading.reply = Reply::Text(challenge.ok_or(SignalRefusal::Malformed)?);
        }
        Some("event_callback") => reading.signals = event(cx, &document)?,
        _ => {}
    }
    Ok(reading)
}

fn event(cx: &Context<'_>, document: &Object<'_>) -> Result<Vec<Signal>, SignalRefusal> {
    let kind = text(document, "/event/type")?;
    if !matches!(kind.as_deref(), Some("app_uninstalled" | "tokens_revoked")) {
        return Ok(Vec::new());
    }
    let at = at(document)?;
    let places = places(document)?;
    let mut signals = Vec::new();
    for place in &places {
        // Slack does not say that it is over there too.
        let what = |what: What| if place.certain { what } else { What::Check };
        let all = || place_id(&place.id).ok_or(SignalRefusal::Malformed);
        if kind.as_deref() == Some("app_uninstalled") {
            let gone = what(What::withdrawn(WithdrawalReason::AccessRemoved));
            signals.push(about(all()?, gone).at(at));
            continue;
        }
        for person in ids(document, "/event/tokens/oauth")? {
            let id =
                AccountId::new(cx.spec.identity.id_kind.clone(), format!("{}:{person}", place.id));
            let id = id.ok_or(SignalRefusal::Malformed)?;
            signals.push(about(id, what(ended(USER))).at(at));
        }
        if !ids(document, "/event/tokens/bot")?.is_empty() {
            // Everybody who installed the application there may have a token of the bot, and one of
            // them ended. Without a time nothing is taken for over before Slack was asked.
            signals.push(about(all()?, what(ended(BOT))));
        }
    }
    Ok(signals)
}

/// A workspace or an organisation that an event is about.
struct Place {
    id: String,
    certain: bool,
}

/// Where the installation is that an event is about: in the organisation as a whole, as the first of
/// its authorizations says, or else in the workspace. An application that was removed may have none
/// left, so the organisation of a workspace is then asked about too.
fn places(document: &Object<'_>) -> Result<Vec<Place>, SignalRefusal> {
    let team = text(document, "/team_id")?;
    let organisation = text(document, "/enterprise_id")?;
    let pointer = |pointer: &str| document.pointer(pointer).map_err(|_| SignalRefusal::Malformed);
    let organisation_wide = match pointer("/authorizations/0/is_enterprise_install")? {
        None => pointer("/is_enterprise_install")?,
        said => said,
    };
    let organisation_wide = match organisation_wide {
        Some(Value::Bool(said)) => Some(said),
        _ => None,
    };
    let certain = |id: String| Place { id, certain: true };
    let found = match (organisation_wide, team, organisation) {
        (Some(true), _, Some(organisation)) => vec![certain(organisation)],
        (None, Some(team), Some(organisation)) if team != organisation => {
            vec![certain(team), Place { id: organisation, certain: false }]
        }
        (_, Some(place), _) | (_, None, Some(place)) => vec![certain(place)],
        (_, None, None) => return Err(SignalRefusal::Malformed),
    };
    Ok(found)
}

fn about(id: AccountId, what: What) -> Signal {
    Signal::new(About::Account { id, issuer: None }, what)
}

fn ended(credential: CredentialName) -> What {
    What::Withdrawn { reason: WithdrawalReason::TokensRevoked, credential: Some(credential) }
}

fn at(document: &Object<'_>) -> Result<Option<Timestamp>, SignalRefusal> {
    let time = document.get("event_time").map_err(|_| SignalRefusal::Malformed)?;
    Ok(time.and_then(|time| TimeUnit::Seconds.read(&time.id_text()?)))
}

/// A text that is there and not empty.
fn text(document: &Object<'_>, pointer: &str) -> Result<Option<String>, SignalRefusal> {
    let value = document.pointer(pointer).map_err(|_| SignalRefusal::Malformed)?;
    Ok(value.and_then(|value| value.text()).filter(|text| !text.is_empty()))
}

fn ids(document: &Object<'_>, pointer: &str) -> Result<Vec<String>, SignalRefusal> {
    match document.pointer(pointer).map_err(|_| SignalRefusal::Malformed)? {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(list) => {
            let elements = list.elements().ok_or(SignalRefusal::Malformed)?;
            let ids = elements.iter().map(|id| id.text().ok_or(SignalRefusal::Malformed));
            ids.collect()
        }
    }
}
