//! What browsers and hosts' programs give to the flow and the calls.

use std::sync::LazyLock;

use bailee_connect::{CookiePolicy, IdempotencyKey, Mount, Registration, fuzzing};
use bailee_core::{ClientKey, Id, RegistrationId};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Uri, header};
use url::Url;

use crate::{answers::headers, quiet, quiet_error};

const FLOW: Id = Id::from_bytes([0xab; 16]);

static MOUNT: LazyLock<Mount> =
    LazyLock::new(|| Mount::new("https://app.example.test/connect").expect("it is one"));

/// Lines of `Cookie`.
pub(crate) fn cookie(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(header::COOKIE, value);
        }
    }
    let scoped = CookiePolicy::scoped_to_callback("app").expect("a name");
    for policy in [scoped.clone(), scoped.host_only()] {
        let Some(secret) = fuzzing::cookie(&policy, FLOW, &headers) else { continue };
        let name = fuzzing::cookie_name(&policy, FLOW);
        let wanted = format!("{name}={}", BASE64_URL_SAFE_NO_PAD.encode(&secret));
        let all = headers.get_all(header::COOKIE).iter();
        let pairs = all.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
        let named: Vec<&[u8]> = pairs
            .map(<[u8]>::trim_ascii)
            .filter(|pair| pair.starts_with(name.as_bytes()))
            .collect();
        let value =
            |pair: &[u8]| pair.iter().filter(|b| !b.is_ascii_whitespace()).copied().collect();
        let exact: Vec<Vec<u8>> = named.into_iter().map(value).collect();
        assert!(secret.len() == 32 && exact.contains(&wanted.into_bytes()));
    }
}

/// The address under which a host mounts the routes.
pub(crate) fn mount(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Mount::new(text) {
        Ok(mount) => {
            let registration = RegistrationId::from_static("test");
            let uri = mount.redirect_uri(&registration);
            let url = Url::parse(&uri).expect("a redirect URI is an address");
            assert!(url.as_str() == uri && url.scheme() == "https", "{uri}");
            assert!(uri.starts_with(text.trim_end_matches('/')) && url.query().is_none(), "{uri}");
            let path = mount.callback_path(&registration);
            assert!(url.path() == path && HeaderValue::from_str(&path).is_ok());
            assert!(!path.contains(';'), "{path:?} is no path of a cookie");
        }
        Err(error) => quiet_error("mount", &error),
    }
}

/// The path of a page that a flow may end at.
pub(crate) fn return_target(data: &[u8]) {
    let Ok(path) = std::str::from_utf8(data) else { return };
    match fuzzing::return_target(&MOUNT, path) {
        Ok(address) => {
            let url = Url::parse(&address).expect("a target is an address");
            assert_eq!(url.origin().ascii_serialization(), MOUNT.origin());
            assert!(address.starts_with("https://app.example.test/") && address.ends_with('#'));
            assert!(url.username().is_empty() && url.fragment() == Some(""));
            assert!(HeaderValue::from_str(&address).is_ok());
        }
        Err(error) => quiet_error("return target", &error),
    }
}

/// The query of a callback that comes after a form, and the lines of its headers.
pub(crate) fn form_post(data: &[u8]) {
    let (query, rest) = crate::answers::line(data);
    let (headers, _) = headers(rest);
    if fuzzing::is_form(&headers) {
        let mut values = headers.get_all(header::CONTENT_TYPE).iter();
        let (Some(value), None) = (values.next(), values.next()) else { panic!("two types") };
        let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        assert!(text.trim_start().starts_with("application/x-www-form-urlencoded"));
    }
    let Ok(query) = std::str::from_utf8(query) else { return };
    if let Some(flow) = fuzzing::posted(query) {
        assert!(query.starts_with(&format!("bailee_posted={flow}")));
        assert!(!query.contains("code="));
    }
    match IdempotencyKey::new(query) {
        Ok(key) => quiet("idempotency key", &key),
        Err(error) => quiet_error("idempotency key", &error),
    }
}

/// An address that a client library asks for.
pub(crate) fn wanted_address(data: &[u8]) {
    let Ok(uri) = Uri::try_from(data) else { return };
    let api: Url = "https://api.example.test/v1".parse().expect("an address");
    let Some(segments) = fuzzing::wanted_address(&uri, &api) else { return };
    assert!(uri.host().is_none_or(|host| host.eq_ignore_ascii_case("api.example.test")));
    let mut url = api.clone();
    for segment in &segments {
        assert!(
            !segment.is_empty() && !segment.contains(['/', '\\', '%', '?', '#']),
            "{segment:?}"
        );
        assert!(!segment.chars().any(char::is_control), "{segment:?}");
        url.path_segments_mut().expect("it has a path").push(segment);
    }
    // As many segments as before: none was a step.
    let count = url.path_segments().into_iter().flatten().count();
    assert_eq!(count, segments.len() + 1, "{segments:?}");
    let given = uri.path().split('/').count() - 2;
    assert_eq!(given, segments.len());
}

/// The query of a client library's request, and the lines of its headers.
pub(crate) fn service_request(data: &[u8]) {
    let (query, rest) = crate::answers::line(data);
    let (given, _) = headers(rest);
    if let Ok(query) = std::str::from_utf8(query) {
        match fuzzing::service_query(query) {
            Ok(pairs) => {
                for (name, _) in pairs {
                    assert!(!name.eq_ignore_ascii_case("access_token"), "a token in a query");
                }
            }
            Err(error) => quiet_error("query", &error),
        }
    }
    match fuzzing::service_headers(&given, 7) {
        Ok(taken) => {
            let names = ["authorization", "cookie", "host", "user-agent", "transfer-encoding"];
            for (name, value) in &taken {
                assert!(!names.contains(&name.as_str()), "{name} is taken from a caller");
                assert!(HeaderValue::from_str(value).is_ok() && given.contains_key(name));
                assert_eq!(taken.iter().filter(|(known, _)| known == name).count(), 1);
            }
        }
        Err(error) => quiet_error("headers", &error),
    }
}

/// A private key as PKCS#8, or one in the form in which it is sealed.
pub(crate) fn signing_key(data: &[u8]) {
    let key = ClientKey::copy_from(data);
    match Registration::signed("example", "fake-client", "fake-key", &key) {
        Ok(registration) => {
            quiet("registration", &registration);
            let sealed = [b"fake-key\n", data].concat();
            let text = fuzzing::assertion(&sealed).expect("a key that is taken signs");
            assert_eq!(text.split(|byte| *byte == b'.').count(), 3);
        }
        Err(error) => quiet_error("key", &error),
    }
    if let Err(error) = fuzzing::assertion(data) {
        quiet_error("sealed key", &error);
    }
}

/// The lines of headers of a file.
pub(crate) fn file_head(data: &[u8]) {
    let (headers, _) = headers(data);
    if let Some((first, end, total)) = fuzzing::content_range(&headers) {
        assert!(first < end && total.is_none_or(|total| end <= total));
    }
    if let Some(tag) = fuzzing::strong_tag(&headers) {
        assert!(tag.starts_with('"') && tag.ends_with('"') && HeaderValue::from_str(&tag).is_ok());
    }
    if let Some(media_type) = fuzzing::media_type(&headers) {
        let (kind, subtype) = media_type.split_once('/').expect("two names");
        let name = |name: &str| (1..=127).contains(&name.len()) && !name.contains([' ', ';', '/']);
        assert!(name(kind) && name(subtype) && media_type == media_type.to_ascii_lowercase());
    }
}
