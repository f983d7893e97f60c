use serde_json::{Value, json};

use super::{HubSpot, portal};
use crate::call::Call;
use crate::clock::iso;
use crate::desk::Desk;
use crate::message::Answer;
use crate::oauth::{Caller, Problem};

/// Creates a contact (`POST /crm/objects/{version}/contacts`).
pub(super) fn create(
    hubspot: &HubSpot,
    desk: &mut Desk,
    call: &Call<'_>,
    caller: &Caller,
) -> Result<Answer, Problem> {
    let Some(Value::Object(asked)) = call.request.json() else { return Err(Problem::BodyType) };
    let Some(Value::Object(properties)) = asked.get("properties") else {
        return Err(Problem::Missing("properties"));
    };
    if properties.is_empty() || !properties.values().all(Value::is_string) {
        return Err(Problem::Value("properties"));
    }
    if properties.keys().any(|name| !PROPERTIES.contains(&name.as_str())) {
        return Err(Problem::Value("a property that does not exist"));
    }
    let hub = portal(caller);
    if let Some(email) = properties.get("email").and_then(Value::as_str) {
        if !email.contains('@') {
            return Err(Problem::Value("email"));
        }
        let same = |contact: &&Value| {
            contact["hub"] == hub
                && contact["properties"]["email"]
                    .as_str()
                    .is_some_and(|known| known.eq_ignore_ascii_case(email))
        };
        let contacts = desk.written.iter().filter(|written| written.kind == "contact");
        if let Some(known) = contacts.map(|written| &written.value).find(same) {
            let text = if hubspot.conflicts_name_the_contact {
                let id = known["id"].as_str().unwrap_or_default();
                format!("Contact already exists. Existing ID: {id}")
            } else {
                "Contact already exists.".to_owned()
            };
            return Err(Problem::Said(hubspot.failure(409, "CONFLICT", &text)));
        }
    }
    let id = (501 + desk.written.len()).to_string();
    let mut contact = json!({
        "id": id,
        "properties": properties,
        "createdAt": iso(call.now),
        "updatedAt": iso(call.now),
        "archived": false,
    });
    let answer = Answer::json(201, &contact);
    contact["hub"] = json!(hub);
    desk.write(caller, "contact", contact);
    Ok(answer)
}

/// The people who work in the portal (`GET /crm/v3/owners`): three, whoever asks.
pub(super) fn owners(call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    let query = call.request.query();
    let number = |name: &'static str, usual: usize| match query.one(name) {
        None => Ok(usual),
        Some(text) => text.parse::<usize>().map_err(|_| Problem::Value(name)),
    };
    let (limit, after) = (number("limit", 100)?.clamp(1, 500), number("after", 0)?);
    // A page of two at most, so that there is a second one.
    let limit = limit.min(2);
    let hub = portal(caller);
    let all: Vec<Value> = (1..=3)
        .map(|n| {
            json!({
                "id": format!("{hub}{n}"),
                "email": format!("owner-{n}@portal-{hub}.example"),
                "firstName": format!("First {n}"),
                "lastName": format!("Last {n}"),
                "userId": n,
                "archived": false,
            })
        })
        .collect();
    let shown: Vec<&Value> = all.iter().skip(after).take(limit).collect();
    let mut body = json!({"results": shown});
    if after + limit < all.len() {
        body["paging"] = json!({"next": {"after": (after + limit).to_string()}});
    }
    Ok(Answer::json(200, &body))
}

const PROPERTIES: &[&str] =
    &["company", "email", "firstname", "lastname", "lifecyclestage", "phone"];
