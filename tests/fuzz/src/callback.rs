//! What comes back to a redirect URI.

use bailee_providers::{Callback, HostileText, Outcome, QUERY_LIMIT, Spec};
use url::form_urlencoded;

use crate::{
    provider::{ADAPTERS, GENERIC, Ready},
    quiet, quiet_error,
};

/// A query, or the body of a form that was posted, as each provider reads it.
pub(crate) fn callback(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    for ready in GENERIC.iter().chain(ADAPTERS.values()) {
        let Ready { provider, spec, .. } = ready;
        let cx = ready.context();
        match provider.callback_proof(&cx, query) {
            Ok(Some(proof)) => {
                quiet("callback proof", &proof);
                assert!(proof.message.len() <= 2 * query.len() + 16 && proof.tag.len() <= 1024);
            }
            Ok(None) => {}
            Err(refusal) => quiet_error("callback proof", &refusal.into()),
        }
        match provider.callback(&cx, query) {
            Ok(callback) => taken(spec, query, &callback),
            Err(refusal) => quiet_error("callback", &refusal.into()),
        }
    }
}

fn taken(spec: &Spec, query: &str, callback: &Callback) {
    quiet("callback", callback);
    assert!(query.len() <= QUERY_LIMIT);
    // Another parser agrees on what stands there, and that it stands there once.
    let one = |name: &str| {
        let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
        let first = found.next().map(|(_, value)| value.into_owned());
        assert!(found.next().is_none(), "`{name}` stands twice");
        first
    };
    let same = |name: &str, bytes: &[u8]| {
        let other = one(name).unwrap_or_default();
        // That parser replaces what is not UTF-8, and one provider puts `#_` behind its queries.
        let text = String::from_utf8_lossy(bytes);
        let same = text == other || Some(&*text) == other.strip_suffix("#_");
        assert!(same, "`{name}` is read in another way");
    };
    callback.state.expose(|state| same("state", state));
    assert!(callback.state.expose(|state| !state.is_empty()));
    match &callback.outcome {
        Outcome::Code { code, .. } => {
            code.expose(|code| same("code", code));
            assert!(one("error").is_none() && code.expose(|code| !code.is_empty()));
        }
        Outcome::Refused { failure, description } => {
            assert!(one("code").is_none() && one("error").is_some());
            crate::conversation::harmless("callback", failure);
            let text = description.as_ref().map(HostileText::as_str).unwrap_or_default();
            assert!(text.len() <= 256 && text.bytes().all(|b| (0x20..0x7f).contains(&b)));
        }
        other => panic!("a new outcome: {other:?}"),
    }
    let issuer = spec.issuer.as_deref();
    if callback.check_issuer(spec, issuer).is_ok() {
        assert!(callback.iss.is_none() || callback.iss.as_deref() == issuer);
        assert!(callback.iss.is_some() || !spec.iss_in_callback);
    }
}
