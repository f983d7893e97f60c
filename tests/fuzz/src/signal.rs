//! What providers send of their own accord, and what they say when they are asked.

use bailee_core::{Timestamp, event::RequestKind};
use bailee_providers::signal::{
    About, Delivery, Opening, Polled, Reading, Reply, Signal, SignalRefusal, WatchFacts, What,
};
use http::Method;

use crate::{
    answers::{Answers, headers, line},
    conversation::Conversation,
    provider::{ADAPTERS, Ready},
    quiet, quiet_error, sections,
};

/// A line with an adapter's id, one with the method, one with the topic and the query (`topic?query`),
/// then headers, an empty line and the body. Another part answers whoever asks for keys.
pub(crate) fn delivery(data: &[u8]) {
    let parts = sections(data);
    let (name, rest) = line(parts[0]);
    let (method, rest) = line(rest);
    let (path, rest) = line(rest);
    let (headers, body) = headers(rest);
    let Some(ready) = std::str::from_utf8(name).ok().and_then(|name| ADAPTERS.get(name)) else {
        return;
    };
    let (Ok(method), Ok(path)) = (Method::from_bytes(method), std::str::from_utf8(path)) else {
        return;
    };
    let (topic, query) = path.split_once('?').unwrap_or((path, ""));
    let address = format!("https://app.example.test/connect/test/signal?{query}");
    let delivery = Delivery::new(&method, &address, &headers, body)
        .with_topic(Some(topic).filter(|topic| !topic.is_empty()));
    quiet("delivery", &delivery);
    let mut answers = Answers::read(parts.get(1).copied().unwrap_or(b"404\n\n"));

    match ready.provider.open_signal(&ready.context(), &delivery) {
        Ok(opening) => opened(ready, &opening, &delivery, &mut answers),
        Err(refusal) => refused(refusal),
    }
    // Whoever holds the secret may send anything, and whoever does not must learn as little.
    match ready.provider.read_signal(&ready.context(), &delivery) {
        Ok(reading) => read(&reading, data.len()),
        Err(refusal) => refused(refusal),
    }
}

fn refused(refusal: SignalRefusal) {
    quiet("refusal", &refusal);
    quiet_error(
        "refusal",
        &bailee_core::Error::from(bailee_core::ErrorKind::Rejected).with_source(refusal),
    );
    assert!(!refusal.code().is_empty());
}

fn opened(ready: &Ready, opening: &Opening, delivery: &Delivery<'_>, answers: &mut Answers) {
    quiet("opening", opening);
    let size = delivery.body.len() + delivery.address.len() + 4096;
    match opening {
        Opening::Answer(answer) => reply(answer, size),
        Opening::Check(proof) => {
            assert!((1..=8).contains(&proof.tags.len()), "{} signatures", proof.tags.len());
            assert!(proof.tags.iter().all(|tag| tag.len() <= 16 * 1024));
            assert!(proof.message.len() <= 4 * size, "more is signed than was sent");
        }
        Opening::CheckToken(proof) => {
            let cx = ready.context();
            let mut talk = Conversation { cx, answers, verified: false };
            if let Some(keys) = talk.step("signal_keys", ready.provider.signal_keys(&cx)) {
                let life = keys.fresh_for.as_secs();
                assert!((60..=86_400).contains(&life), "keys that are kept for {life} seconds");
                if let Some(signed) = proof.signed(&keys) {
                    quiet("signed", &signed);
                    bailee_connect::fuzzing::verify(&signed);
                }
            }
        }
        _ => panic!("a new kind of opening"),
    }
}

fn read(reading: &Reading, length: usize) {
    quiet("reading", reading);
    assert!(reading.id.as_ref().is_none_or(|id| (1..=4096 + length).contains(&id.len())));
    assert!(reading.signals.len() <= 64 + length, "{} signals", reading.signals.len());
    reply(&reading.reply, length + 4096);
    reading.signals.iter().for_each(said);
}

fn said(signal: &Signal) {
    let written = serde_json::to_string(signal).expect("a signal has a JSON form");
    let again = serde_json::from_str::<Signal>(&written).expect("what is written is read");
    assert_eq!(again, *signal);
    match &signal.about {
        About::Account { id, .. } => {
            assert!((1..=255).contains(&id.value().len()) && !id.kind().is_empty());
        }
        About::RefreshToken { by, value } => {
            assert!((16..=88).contains(&value.len()), "{by:?}");
        }
        _ => panic!("a new way to name somebody"),
    }
    meant(&signal.what);
}

fn meant(what: &What) {
    assert!(!what.code().is_empty());
    if let What::Request { kind, within, details } = what {
        let known = [RequestKind::Erasure, RequestKind::OthersAccess, RequestKind::OthersErasure];
        assert!(
            known.contains(kind) && within.is_none_or(|within| within.as_secs() <= 400 * 86_400)
        );
        // Ids, and nothing by which somebody is written to.
        assert!(details.iter().all(|(_, value)| !value.contains('@')), "an address is kept");
    }
}

/// An answer to the provider is short and in one piece, and no signature of ours is over what the
/// provider would sign.
fn reply(reply: &Reply, longest: usize) {
    quiet("reply", reply);
    match reply {
        Reply::Confirmation { url, code } => assert!(!url.is_empty() && !code.is_empty()),
        Reply::Json(text) => {
            serde_json::from_str::<serde_json::Value>(text).expect("a reply in JSON is JSON");
            assert!(text.len() <= longest);
        }
        Reply::Signed { message, encoding, before, after, .. } => {
            let document = serde_json::from_slice::<serde_json::Value>(message);
            assert!(!document.is_ok_and(|value| value.is_object()), "a delivery would be signed");
            assert!(message.len() <= longest);
            let text = format!("{before}{}{after}", encoding.encode(&[7; 32]));
            serde_json::from_str::<serde_json::Value>(&text).expect("a signed reply is JSON");
        }
        Reply::Status(status) => assert!(!status.is_redirection(), "{status}"),
        Reply::Text(text) => assert!(text.len() <= longest),
        _ => panic!("a new kind of reply"),
    }
}

/// What a provider says when it is asked: by the schedule, and where it keeps signals for whoever
/// comes.
pub(crate) fn asked(ready: &Ready, answers: &mut Answers) {
    let cx = ready.context();
    let mut talk = Conversation { cx, answers, verified: true };
    let accounts = ["7", "fake-account-1"].map(|id| {
        bailee_providers::AccountId::new(cx.spec.identity.id_kind.clone(), id).expect("an id")
    });
    let facts =
        WatchFacts::new(accounts.into(), Timestamp::from_seconds(1_740_000_000), Vec::new());
    if let Some(watched) = talk.step("watch", ready.provider.watch(&cx, &facts)) {
        quiet("watched", &watched);
        watched.said.iter().for_each(meant);
    }
    talk.step("signal_keys", ready.provider.signal_keys(&cx));
    for progress in [None, Some("7"), Some("fake-canary")] {
        let Some(step) = ready.provider.poll(&cx, progress) else { break };
        let Some(polled) = talk.step("poll", step) else { continue };
        quiet("polled", &polled);
        let Polled { signals, progress, .. } = &polled;
        signals.iter().for_each(said);
        assert!(progress.as_ref().is_none_or(|progress| (1..=8192).contains(&progress.len())));
    }
}
