use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::form_urlencoded;

use super::{Carrier, ClientAuth, Dialect, Problem};
use crate::call::Call;
use crate::desk::Desk;
use crate::message::Parameters;
use crate::registration::Client;

/// The parameters of a request, from whatever may carry them here.
pub(crate) fn parameters<D: Dialect>(dialect: &D, call: &Call<'_>) -> Result<Parameters, Problem> {
    let (carriers, request) = (dialect.carriers(call.endpoint), call.request);
    let mut parameters =
        if carriers.contains(&Carrier::Query) { request.query() } else { Parameters::default() };
    if request.is_form() && carriers.contains(&Carrier::Form) {
        for (key, value) in request.form().pairs() {
            parameters.add(key, value.as_str());
        }
    } else if let Some(json) = request.json().filter(|_| carriers.contains(&Carrier::Json)) {
        let Value::Object(members) = json else { return Err(Problem::BodyType) };
        for (key, value) in members {
            match value {
                Value::String(text) => parameters.add(&key, text),
                Value::Bool(_) | Value::Number(_) => parameters.add(&key, value.to_string()),
                Value::Null => {}
                Value::Array(_) | Value::Object(_) => return Err(Problem::BodyType),
            }
        }
    } else if !request.body.is_empty() || !carriers.contains(&Carrier::Query) {
        return Err(Problem::BodyType);
    }
    if parameters.repeats() { Err(Problem::Repeated) } else { Ok(parameters) }
}

/// The client of a request, authenticated in exactly one of the ways that are taken here, and the
/// parameters.
pub(crate) fn authenticate<D: Dialect>(
    dialect: &D,
    desk: &Desk,
    call: &Call<'_>,
) -> Result<(Client, Parameters), Problem> {
    let facts = dialect.facts();
    let parameters = parameters(dialect, call)?;
    let in_header = call.request.has_header("authorization");
    let secret = parameters.one("client_secret");
    if in_header && secret.is_some() {
        return Err(Problem::Secret);
    }
    let ways = dialect.client_auth(call.endpoint);
    let allowed = |way: ClientAuth| ways.contains(&way);
    let named = parameters.one(facts.client_id);
    let candidates: Vec<(String, Option<String>)> = if in_header {
        let pair = call.request.header("authorization").and_then(basic).ok_or(Problem::Secret)?;
        let decoded = allowed(ClientAuth::Basic).then(|| (decode(&pair.0), decode(&pair.1)));
        let raw = allowed(ClientAuth::BasicRaw).then_some(pair);
        let pairs = [decoded, raw].into_iter().flatten();
        let pairs = pairs.map(|(id, secret)| match facts.secret_is_enough && secret.is_empty() {
            true => (owner(desk, &id), Some(id)),
            false => (id, Some(secret)),
        });
        pairs.collect()
    } else {
        let way = if secret.is_some() { ClientAuth::Body } else { ClientAuth::None };
        let by_secret = secret.filter(|_| facts.secret_is_enough);
        let id = match (named, by_secret) {
            (Some(id), _) => id.to_owned(),
            (None, Some(secret)) => owner(desk, secret),
            (None, None) => return Err(Problem::Missing(facts.client_id)),
        };
        if !allowed(way) {
            return Err(Problem::Secret);
        }
        vec![(id, secret.map(str::to_owned))]
    };
    if !candidates.iter().any(|(id, _)| desk.clients.contains_key(id)) {
        return Err(if candidates.is_empty() { Problem::Secret } else { Problem::Client });
    }
    let client = candidates.iter().find_map(|(id, secret)| {
        desk.clients.get(id).filter(|client| client.knows_secret(secret.as_deref()))
    });
    let client = client.ok_or(Problem::Secret)?;
    if named.is_some_and(|id| id != client.id) {
        return Err(Problem::Client);
    }
    Ok((client.clone(), parameters))
}

/// The id of the client that has this secret.
fn owner(desk: &Desk, secret: &str) -> String {
    let owner = desk.clients.values().find(|client| client.knows_secret(Some(secret)));
    owner.map(|client| client.id.clone()).unwrap_or_default()
}

/// Id and secret of a Basic header, as they came.
pub(crate) fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Undoes the form encoding of RFC 6749 §2.3.1.
pub(crate) fn decode(text: &str) -> String {
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    let form = format!("v={escaped}");
    let value = form_urlencoded::parse(form.as_bytes()).next();
    value.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_decoded() {
        assert_eq!(decode("a%3Ab+c%25&=+"), "a:b c%&= ");
        assert!(basic("Basic !!!").is_none());
        assert!(basic("Bearer YTpi").is_none());
        assert_eq!(basic("basic YTpi"), Some(("a".into(), "b".into())));
    }
}
