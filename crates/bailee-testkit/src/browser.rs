//! A browser's part of a flow: it keeps cookies by path and follows what it is told.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use bailee::{Answer, CallbackRequest};
use bailee_emulator::FormPost;
use http::{HeaderMap, HeaderValue, Method, header};
use url::Url;

/// One cookie jar.
#[derive(Debug, Default)]
pub struct Browser(Mutex<BTreeMap<String, Cookie>>);

#[derive(Clone, Debug)]
struct Cookie {
    value: String,
    path: String,
    /// Whether it goes with a POST from another site (`SameSite=None`).
    crosses: bool,
}

impl Browser {
    /// An empty jar.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the cookies of an answer.
    pub fn take(&self, answer: &Answer) {
        let mut jar = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let Ok(line) = line.to_str() else { continue };
            let mut parts = line.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let mut path = "/".to_owned();
            let (mut gone, mut crosses) = (false, false);
            for part in parts {
                match part.split_once('=') {
                    Some(("Path", value)) => path = value.to_owned(),
                    Some(("Max-Age", age)) => gone = age == "0",
                    Some(("SameSite", site)) => crosses = site == "None",
                    _ => {}
                }
            }
            if gone {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), Cookie { value: value.to_owned(), path, crosses });
            }
        }
    }

    /// How many cookies it holds.
    pub fn cookies(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The request that it makes when a provider sends it to a callback address.
    ///
    /// # Panics
    ///
    /// On what is not the address of a callback.
    pub fn callback(&self, address: &str) -> CallbackRequest {
        let (registration, url) = callback_of(address);
        let query = url.query().unwrap_or_default();
        CallbackRequest::new(registration, Method::GET, query, &self.headers(url.path()))
    }

    /// The request that it makes when a provider's page posts a form to a callback address: from
    /// another site, so that cookies which are `Lax` or `Strict` stay away.
    ///
    /// # Panics
    ///
    /// On what is not the address of a callback.
    pub fn post(&self, form: &FormPost) -> CallbackRequest {
        let (registration, url) = callback_of(&form.action);
        let mut headers = self.crossing_headers(url.path());
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form_type);
        let query = url.query().unwrap_or_default();
        CallbackRequest::new(registration, Method::POST, query, &headers).body(form.body.as_bytes())
    }

    /// The request that it makes when a callback answers with a redirect to itself.
    ///
    /// # Panics
    ///
    /// Where the answer sends the browser elsewhere, or nowhere.
    pub fn follow(&self, answer: &Answer) -> CallbackRequest {
        self.take(answer);
        let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        self.callback(location.expect("a redirect has a location"))
    }

    /// The cookie header that it sends with a request to a path.
    pub fn headers(&self, path: &str) -> HeaderMap {
        self.those(path, |_| true)
    }

    /// The cookie header that it sends with a POST to a path from another site.
    pub fn crossing_headers(&self, path: &str) -> HeaderMap {
        self.those(path, |cookie| cookie.crosses)
    }

    fn those(&self, path: &str, which: impl Fn(&Cookie) -> bool) -> HeaderMap {
        let jar = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line: Vec<String> = jar
            .iter()
            .filter(|(_, cookie)| path.starts_with(&cookie.path) && which(cookie))
            .map(|(name, cookie)| format!("{name}={}", cookie.value))
            .collect();
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&line.join("; "))
            && !line.is_empty()
        {
            headers.insert(header::COOKIE, value);
        }
        headers
    }
}

/// The registration in the address of a callback, and the address.
fn callback_of(address: &str) -> (String, Url) {
    let url = Url::parse(address).expect("a provider sends the browser to an address");
    let registration = url
        .path_segments()
        .and_then(|segments| segments.rev().nth(1).map(ToOwned::to_owned))
        .expect("a callback path ends in the registration and `callback`");
    (registration, url)
}
