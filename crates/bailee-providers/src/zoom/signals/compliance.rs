//! The data compliance API: an application that was told of a removal says that the data is gone.

use bailee_core::Effect;
use http::{Method, StatusCode};

use crate::{
    answer::Answer,
    context::Context,
    failure::Failure,
    once::once,
    request::{Authorization, BasicEncoding, Endpoint, Json, Payload, Request},
    scan::Value,
    spec::Spec,
    step::Step,
    zoom::errors,
};

/// Stands before the name of a member of the payload among the details of a request.
const MEMBER: &str = "payload.";

/// The payload of a removal, text by text, to be sent back when the data is gone.
pub(super) fn details(payload: Option<&Value<'_>>) -> Vec<(String, String)> {
    let members = ["account_id", "client_id", "deauthorization_time", "signature", "user_id"];
    let names = members.into_iter().chain(["user_data_retention"]);
    names
        .filter_map(|name| {
            let value = payload?.pointer(&format!("/{name}")).ok().flatten()?;
            Some((format!("{MEMBER}{name}"), value.text()?))
        })
        .filter(|(_, text)| text.len() <= 255)
        .collect()
}

/// Says that the data is gone, where the details hold what the removal said.
pub(in crate::zoom) fn report(
    cx: &Context<'_>,
    details: &[(String, String)],
) -> Option<Box<dyn Step<()>>> {
    let member = |name: &str| {
        let wanted = format!("{MEMBER}{name}");
        details.iter().find(|(known, _)| *known == wanted).map(|(_, text)| text.clone())
    };
    let received: serde_json::Map<String, serde_json::Value> = details
        .iter()
        .filter_map(|(name, text)| Some((name.strip_prefix(MEMBER)?, text)))
        .map(|(name, text)| (name.to_owned(), text.clone().into()))
        .collect();
    let body = Json::of(&serde_json::json!({
        "client_id": cx.registration.client_id,
        "user_id": member("user_id")?,
        "account_id": member("account_id")?,
        "deauthorization_event_received": received,
        "compliance_completed": true,
    }));
    let url = cx.spec.api.as_ref()?.join("/oauth/data/compliance").ok()?;
    let mut request = Request::new(Method::POST, url, Endpoint::Revoke, Effect::Idempotent)
        .with_payload(Payload::Json(body.ok()?));
    request.authorization = Authorization::ClientBasic(BasicEncoding::Raw);
    Some(once(cx, Some(request), reported))
}

fn reported(spec: &Spec, answer: &Answer) -> Result<(), Failure> {
    // Newer terms do not ask for it, and the address may go.
    if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::GONE) {
        return Ok(());
    }
    errors::classify(spec, answer).map_or(Ok(()), Err)
}
