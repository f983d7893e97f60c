//! Filling a request's template with secrets: the only code that joins a token to a request.
//!
//! Every buffer that a secret passes through is made in its full size first and wiped after.

use std::time::Duration;

use bailee_core::{Error, ErrorKind, Plaintext, Remedy, Result, SecretText};
use bailee_http::{Body, Hosts, secret_header};
use bailee_providers::{
    Authorization, BasicEncoding, Endpoint, Json, Payload, Request, SecretRef, Spec, Target, Value,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Method, header};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::{
    assertion::Asserting,
    drive::{Line, OpenSecret},
    media::MediaSource,
};

/// What a request is filled with.
#[derive(Clone, Copy)]
pub(crate) struct Filling<'a> {
    pub(crate) secrets: &'a dyn OpenSecret,
    pub(crate) media: Option<&'a dyn MediaSource>,
    pub(crate) upload: Option<&'a SecretText>,
}

impl<'a> Filling<'a> {
    pub(crate) fn secrets(secrets: &'a dyn OpenSecret) -> Self {
        Self { secrets, media: None, upload: None }
    }
}

pub(crate) async fn fill(
    line: &Line,
    request: &Request,
    filling: Filling<'_>,
    deadline: Duration,
) -> Result<bailee_http::Request> {
    let asserting = Asserting::new(line, filling.secrets);
    let filling = Filling { secrets: &asserting, ..filling };
    let (mut url, hosts) = target(line, request, filling)?;
    if !request.query.is_empty() {
        let mut pairs = url.query_pairs_mut();
        for (name, value) in &request.query {
            match value {
                Value::Text(text) => pairs.append_pair(name, text),
                // A secret in an address ends in logs of others.
                secret if may_hold_secrets(line, request) => {
                    let (prefix, value) = open(secret, filling.secrets)?;
                    value.expose(|bytes| {
                        std::str::from_utf8(bytes).map_err(|_| invalid()).map(|text| {
                            let mut joined =
                                Zeroizing::new(String::with_capacity(prefix.len() + text.len()));
                            joined.push_str(prefix);
                            joined.push_str(text);
                            pairs.append_pair(name, &joined);
                        })
                    })?;
                    &mut pairs
                }
                _ => {
                    return Err(Error::new(ErrorKind::Unsupported)
                        .with_detail("a secret must not stand in an address"));
                }
            };
        }
    }
    if line.spec.lacks_variables() {
        return Err(Error::new(ErrorKind::InvalidInput)
            .with_detail("an address needs a value that was not given"));
    }
    let mut filled = bailee_http::Request::new(request.method.clone(), url, hosts)
        .with_deadline(deadline)
        .with_limit(request.limit);
    if request.endpoint == Endpoint::Upload {
        filled = filled.resuming();
    }
    if !is_own_credential(request) {
        for (name, value) in &line.spec.headers {
            let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
            let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
            filled = filled.with_header(name, value);
        }
    }
    for (name, value) in &request.headers {
        filled = filled.with_header(name.clone(), header_value(value, filling.secrets)?);
    }
    match request.authorization {
        Authorization::None => {}
        Authorization::Bearer => {
            let value = header_value(
                &Value::Joined("Bearer ".into(), SecretRef::AccessToken),
                filling.secrets,
            )?;
            filled = filled.with_header(header::AUTHORIZATION, value);
        }
        Authorization::ClientBasic(encoding) => {
            let secret = filling.secrets.open(SecretRef::ClientSecret)?;
            let value = basic(&line.registered.facts.client_id, &secret, encoding)?;
            filled = filled.with_header(header::AUTHORIZATION, value);
        }
        _ => return Err(Error::new(ErrorKind::Unsupported)),
    }
    let (content_type, bytes) = match &request.payload {
        Payload::Empty => return Ok(filled),
        Payload::Bytes { bytes, content_type } => {
            (media_type(content_type)?, Zeroizing::new(bytes.to_vec()))
        }
        Payload::Form(fields) => (
            HeaderValue::from_static("application/x-www-form-urlencoded"),
            form(fields, filling.secrets)?,
        ),
        Payload::Json(json) => (
            HeaderValue::from_static("application/json; charset=UTF-8"),
            json_body(json, filling.secrets)?,
        ),
        Payload::Media { range, content_type } => {
            let media = filling.media.ok_or_else(|| {
                Error::new(ErrorKind::InvalidInput).with_detail("the media is not at hand")
            })?;
            let length = range.end.saturating_sub(range.start);
            let bytes = media
                .read(range.start, length)
                .await
                .map_err(|error| Error::new(ErrorKind::HostFailed).with_source(error))?;
            if bytes.len() as u64 != length {
                return Err(Error::new(ErrorKind::HostFailed)
                    .with_detail("the media gave another number of bytes than asked for"));
            }
            (media_type(content_type)?, Zeroizing::new(bytes))
        }
        _ => return Err(Error::new(ErrorKind::Unsupported)),
    };
    filled = filled.with_header(header::CONTENT_TYPE, content_type);
    filled.body = Body::Bytes(bytes);
    Ok(filled)
}

fn media_type(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::new(ErrorKind::InvalidInput).with_detail("not a media type"))
}

/// Whether a secret may stand in this request's query: only at the token endpoints of a provider
/// that takes it nowhere else (SEC-07).
fn may_hold_secrets(line: &Line, request: &Request) -> bool {
    line.spec.client.secrets_in_query && request.endpoint == Endpoint::Token
}

/// Whether the address is its own credential. The lists of hosts for such are the wider ones.
fn is_own_credential(request: &Request) -> bool {
    request.endpoint == Endpoint::Upload
        || matches!(request.target, Target::Issued(_) | Target::Progress)
}

/// No secret goes to such an address, wherever in the request it would stand; and what a provider
/// points to is fetched, never sent anything.
fn refuse_company(request: &Request) -> Result<()> {
    if !is_own_credential(request) {
        return Ok(());
    }
    let is_secret = |value: &Value| !matches!(value, Value::Text(_));
    let secret = request.headers.iter().any(|(_, value)| is_secret(value))
        || request.query.iter().any(|(_, value)| is_secret(value));
    let issued = matches!(request.target, Target::Issued(_));
    let sends = request.method != Method::GET || request.payload != Payload::Empty;
    if secret || request.authorization != Authorization::None || issued && sends {
        return Err(Error::new(ErrorKind::Denied)
            .with_remedy(Remedy::FixConfiguration)
            .with_detail("no token goes to an address that is a secret itself"));
    }
    Ok(())
}

/// The address of a file that a provider pointed to, checked again where it is used.
fn journal_file(spec: &Spec, address: &[u8]) -> Option<Url> {
    let text = std::str::from_utf8(address).ok()?;
    spec.check_journal_address(text).ok()?;
    Url::parse(text).ok()
}

const NOT_A_FILE: &str = "the provider pointed to a place where its files do not lie";

fn target(line: &Line, request: &Request, filling: Filling<'_>) -> Result<(Url, Hosts)> {
    refuse_company(request)?;
    match &request.target {
        Target::Url(url) => {
            let mut hosts = line.spec.hosts_for(request.endpoint);
            // The account's own host, as it was checked and stored when it was connected.
            let own = line.account.as_ref().and_then(|account| account.api.as_ref());
            if let Some(api) = own
                && line.spec.check_account_api(api).is_ok()
                && let Some(host) = api.host_str()
                && !hosts.iter().any(|known| known == host)
            {
                hosts.push(host.to_owned());
            }
            Ok((url.clone(), Hosts::new(hosts)?))
        }
        Target::Progress => {
            let address = filling.upload.ok_or_else(|| {
                Error::new(ErrorKind::InvalidInput).with_detail("there is no upload address")
            })?;
            let url = address
                .expose(|bytes| {
                    std::str::from_utf8(bytes).ok().and_then(|text| Url::parse(text).ok())
                })
                .ok_or_else(|| {
                    Error::new(ErrorKind::ProviderRefused).with_detail("not an upload address")
                })?;
            Ok((url, Hosts::new(&line.spec.upload_hosts)?))
        }
        Target::Issued(address) => {
            let url = address
                .expose(|bytes| journal_file(&line.spec, bytes))
                .ok_or_else(|| Error::new(ErrorKind::ProviderRefused).with_detail(NOT_A_FILE))?;
            Ok((url, Hosts::new(&line.spec.signals.journal_hosts)?))
        }
        _ => Err(Error::new(ErrorKind::Unsupported)),
    }
}

fn header_value(value: &Value, secrets: &dyn OpenSecret) -> Result<HeaderValue> {
    let (prefix, secret) = match value {
        Value::Issued(issued) => {
            return secret_header(issued.expose(|bytes| Zeroizing::new(bytes.to_vec())));
        }
        Value::Text(text) => {
            return HeaderValue::from_str(text).map_err(|_| {
                Error::new(ErrorKind::InvalidInput).with_detail("a text does not fit a header")
            });
        }
        Value::Joined(prefix, secret) => (prefix.as_ref(), *secret),
        Value::Secret(secret) => ("", *secret),
        _ => return Err(Error::new(ErrorKind::Unsupported)),
    };
    let buffer = secrets.open(secret)?.expose(|bytes| {
        let mut buffer = Zeroizing::new(Vec::with_capacity(prefix.len() + bytes.len()));
        buffer.extend_from_slice(prefix.as_bytes());
        buffer.extend_from_slice(bytes);
        buffer
    });
    secret_header(buffer)
}

fn basic(client_id: &str, secret: &Plaintext, encoding: BasicEncoding) -> Result<HeaderValue> {
    let pair = secret.expose(|secret| {
        let mut pair = Zeroizing::new(Vec::with_capacity(3 * (client_id.len() + secret.len()) + 1));
        for (n, part) in [client_id.as_bytes(), secret].into_iter().enumerate() {
            if n == 1 {
                pair.push(b':');
            }
            match encoding {
                BasicEncoding::Raw => pair.extend_from_slice(part),
                BasicEncoding::Rfc6749 => push_form(&mut pair, part),
            }
        }
        pair
    });
    let mut value = Zeroizing::new(vec![0; 6 + pair.len().div_ceil(3) * 4]);
    value[..6].copy_from_slice(b"Basic ");
    STANDARD
        .encode_slice(&*pair, &mut value[6..])
        .map_err(|_| Error::new(ErrorKind::TooLarge).with_detail("a client's credentials"))?;
    secret_header(value)
}

/// The largest that a form or JSON string makes of one byte.
const WORST: usize = 6;

fn form(
    fields: &[(std::borrow::Cow<'static, str>, Value)],
    secrets: &dyn OpenSecret,
) -> Result<Zeroizing<Vec<u8>>> {
    let opened = fields
        .iter()
        .map(|(name, value)| Ok((name, open(value, secrets)?)))
        .collect::<Result<Vec<_>>>()?;
    let size = opened
        .iter()
        .map(|(name, (prefix, value))| {
            WORST * (name.len() + prefix.len() + value.expose(<[u8]>::len)) + 2
        })
        .sum();
    let mut body = Zeroizing::new(Vec::with_capacity(size));
    for (n, (name, (prefix, value))) in opened.iter().enumerate() {
        if n > 0 {
            body.push(b'&');
        }
        push_form(&mut body, name.as_bytes());
        body.push(b'=');
        push_form(&mut body, prefix.as_bytes());
        value.expose(|bytes| push_form(&mut body, bytes));
    }
    Ok(body)
}

fn open<'a>(value: &'a Value, secrets: &dyn OpenSecret) -> Result<(&'a str, Plaintext)> {
    match value {
        Value::Text(text) => Ok(("", Plaintext::copy_from(text.as_bytes()))),
        Value::Issued(issued) => Ok(("", issued.expose(Plaintext::copy_from))),
        Value::Secret(secret) => Ok(("", secrets.open(*secret)?)),
        Value::Joined(prefix, secret) => Ok((prefix, secrets.open(*secret)?)),
        _ => Err(Error::new(ErrorKind::Unsupported)),
    }
}

fn push_form(body: &mut Vec<u8>, bytes: &[u8]) {
    for piece in form_urlencoded::byte_serialize(bytes) {
        body.extend_from_slice(piece.as_bytes());
    }
}

fn json_body(json: &Json, secrets: &dyn OpenSecret) -> Result<Zeroizing<Vec<u8>>> {
    let mut opened = Vec::new();
    let size = json_size(json, secrets, &mut opened)?;
    let mut body = Zeroizing::new(Vec::with_capacity(size));
    push_json(&mut body, json, &mut opened.iter())?;
    Ok(body)
}

/// The most bytes that the value can take, opening its secrets on the way, in their order.
fn json_size(json: &Json, secrets: &dyn OpenSecret, opened: &mut Vec<Plaintext>) -> Result<usize> {
    Ok(match json {
        Json::Null | Json::Bool(_) => 5,
        Json::Integer(_) | Json::Float(_) => 32,
        Json::Text(text) => WORST * text.len() + 2,
        Json::Secret(_) | Json::Joined(..) | Json::Issued(_) => {
            let secret = match json {
                Json::Secret(secret) | Json::Joined(_, secret) => secrets.open(*secret)?,
                Json::Issued(issued) => issued.expose(Plaintext::copy_from),
                _ => return Err(invalid()),
            };
            let prefix = if let Json::Joined(prefix, _) = json { prefix.len() } else { 0 };
            let size = WORST * (prefix + secret.expose(<[u8]>::len)) + 2;
            opened.push(secret);
            size
        }
        Json::Array(items) => {
            let mut size = 2;
            for item in items {
                size += json_size(item, secrets, opened)? + 1;
            }
            size
        }
        Json::Object(members) => {
            let mut size = 2;
            for (name, value) in members {
                size += WORST * name.len() + 4 + json_size(value, secrets, opened)?;
            }
            size
        }
        _ => return Err(Error::new(ErrorKind::Unsupported)),
    })
}

fn push_json<'a>(
    body: &mut Vec<u8>,
    json: &Json,
    opened: &mut impl Iterator<Item = &'a Plaintext>,
) -> Result<()> {
    match json {
        Json::Null => body.extend_from_slice(b"null"),
        Json::Bool(value) => body.extend_from_slice(if *value { b"true" } else { b"false" }),
        Json::Integer(number) => body.extend_from_slice(number.to_string().as_bytes()),
        Json::Float(number) => {
            let number = serde_json::Number::from_f64(*number).ok_or_else(invalid)?;
            body.extend_from_slice(number.to_string().as_bytes());
        }
        Json::Text(text) => push_string(body, text),
        Json::Secret(_) | Json::Joined(..) | Json::Issued(_) => {
            let prefix = if let Json::Joined(prefix, _) = json { prefix } else { "" };
            let secret = opened.next().ok_or_else(invalid)?;
            secret.expose(|bytes| {
                std::str::from_utf8(bytes)
                    .map(|text| push_strings(body, &[prefix, text]))
                    .map_err(|_| invalid())
            })?;
        }
        Json::Array(items) => {
            body.push(b'[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    body.push(b',');
                }
                push_json(body, item, opened)?;
            }
            body.push(b']');
        }
        Json::Object(members) => {
            body.push(b'{');
            for (n, (name, value)) in members.iter().enumerate() {
                if n > 0 {
                    body.push(b',');
                }
                push_string(body, name);
                body.push(b':');
                push_json(body, value, opened)?;
            }
            body.push(b'}');
        }
        _ => return Err(Error::new(ErrorKind::Unsupported)),
    }
    Ok(())
}

/// A JSON string (RFC 8259 §7).
fn push_string(body: &mut Vec<u8>, text: &str) {
    push_strings(body, &[text]);
}

/// Several texts as one JSON string.
fn push_strings(body: &mut Vec<u8>, texts: &[&str]) {
    body.push(b'"');
    for byte in texts.iter().flat_map(|text| text.bytes()) {
        match byte {
            b'"' | b'\\' => body.extend_from_slice(&[b'\\', byte]),
            0..=0x1f => {
                let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
                body.extend_from_slice(b"\\u00");
                body.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
            _ => body.push(byte),
        }
    }
    body.push(b'"');
}

fn invalid() -> Error {
    Error::new(ErrorKind::InvalidInput).with_detail("a value has no JSON form")
}

#[cfg(test)]
mod tests {
    use bailee_core::{AccessToken, Effect};
    use bailee_providers::Issued;

    use super::*;

    struct Fake(&'static [u8]);

    impl OpenSecret for Fake {
        fn open(&self, _: SecretRef) -> Result<Plaintext> {
            Ok(Plaintext::copy_from(self.0))
        }
    }

    #[test]
    fn forms_encode_each_value_once_and_never_grow_their_buffer() {
        let fields = vec![
            ("grant_type".into(), Value::text("refresh token")),
            ("refresh_token".into(), Value::Secret(SecretRef::RefreshToken)),
        ];
        let body = form(&fields, &Fake(b"fake*a!b%2B/\xff")).unwrap();
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            "grant_type=refresh+token&refresh_token=fake*a%21b%252B%2F%FF"
        );
        let worst = form(&fields, &Fake(&[0xff; 1000])).unwrap();
        assert!(worst.len() <= worst.capacity());
    }

    #[test]
    fn json_strings_are_escaped_and_read_back_the_same() {
        let text = "fake \"quoted\" \\ \n \u{1} é";
        let json = Json::Object(vec![
            ("a".into(), Json::Text(text.into())),
            ("b".into(), Json::Array(vec![Json::Secret(SecretRef::AccessToken), Json::Integer(3)])),
            ("c".into(), Json::Null),
        ]);
        let body = json_body(&json, &Fake(b"fake\"x")).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(read, serde_json::json!({"a": text, "b": ["fake\"x", 3], "c": null}));
    }

    #[test]
    fn basic_credentials_follow_rfc_6749_or_stay_raw() {
        let secret = Plaintext::copy_from(b"fake:s/x");
        let decode = |encoding| {
            let value = basic("id+1", &secret, encoding).unwrap();
            assert!(value.is_sensitive());
            let text = value.to_str().unwrap().strip_prefix("Basic ").unwrap().to_owned();
            String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
        };
        assert_eq!(decode(BasicEncoding::Rfc6749), "id%2B1:fake%3As%2Fx");
        assert_eq!(decode(BasicEncoding::Raw), "id+1:fake:s/x");
    }

    fn file(address: &str) -> Request {
        let address = Issued::new(AccessToken::copy_from(address.as_bytes()));
        Request::new(Method::GET, Target::Issued(address), Endpoint::Api, Effect::Read)
    }

    #[test]
    fn out_03_nothing_goes_along_to_an_address_that_is_a_secret_itself() {
        let plain = file("https://files.example.test/a?fake-signature");
        assert!(refuse_company(&plain).is_ok());
        let token = || Value::Secret(SecretRef::AccessToken);
        let mut posted = plain.clone();
        posted.method = Method::POST;
        let issued = Value::Issued(Issued::new(AccessToken::copy_from(b"fake-token")));
        for refused in [
            plain.clone().with_bearer(),
            plain.clone().with_header(header::COOKIE, token()),
            plain.clone().with_header(header::AUTHORIZATION, issued),
            plain.clone().with_query("access_token", token()),
            plain.clone().with_payload(Payload::Form(vec![("token".into(), token())])),
            posted,
        ] {
            assert_eq!(refuse_company(&refused).unwrap_err().kind(), ErrorKind::Denied);
        }
    }

    #[test]
    fn out_05_a_provider_points_to_no_other_place_than_its_files() {
        let spec = Spec::parse(FILES).unwrap();
        let good = "https://bucket.files.example.test/a?X-Amz-Signature=fake%2Fx";
        assert_eq!(journal_file(&spec, good.as_bytes()).unwrap().as_str(), good);
        for bad in [
            "http://bucket.files.example.test/a",
            "https://files.example.test/a",
            "https://bucket.files.example.test.evil.test/a",
            "https://evilfiles.example.test/a",
            "https://api.example.test/a",
            "https://user@bucket.files.example.test/a",
            "https://bucket.files.example.test@evil.test/a",
            "https://bucket.files.example.test:8443/a",
            "https://bucket.files.example.test/a#f",
            "https://bucket.files.example.test\\@evil.test/",
            "https://127.0.0.1/a",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/a",
            "https://2130706433/a",
            "https://localhost/a",
            "file:///etc/passwd",
            "//bucket.files.example.test/a",
            "",
        ] {
            assert!(journal_file(&spec, bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(journal_file(&spec, b"https://bucket.files.example.test/\xff").is_none());
    }

    const FILES: &str = r#"
        id = "somewhere"
        title = "Somewhere"
        checked = "2026-11"
        pages = []
        hosts = ["api.example.test"]
        [endpoints]
        authorization = "https://api.example.test/authorize"
        token = "https://api.example.test/token"
        userinfo = "https://api.example.test/me"
        [identity]
        source = "endpoint"
        id_kind = "user"
        id = "/id"
        [signals]
        journal_hosts = ["*.files.example.test"]
    "#;

    #[test]
    fn tok_03_a_token_that_does_not_fit_a_header_is_refused_without_its_text() {
        let value = Value::Joined("Bearer ".into(), SecretRef::AccessToken);
        let error = header_value(&value, &Fake(b"fake\r\nX: y")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!format!("{error:?}").contains("fake"));
    }
}
