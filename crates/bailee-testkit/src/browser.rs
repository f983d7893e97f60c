//! A browser's part of a flow: it keeps cookies by path and follows what it is told.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use bailee::{Answer, CallbackRequest};
use http::{HeaderMap, HeaderValue, Method, header};
use url::Url;

/// One cookie jar.
#[derive(Debug, Default)]
pub struct Browser(Mutex<BTreeMap<String, Cookie>>);

#[derive(Clone, Debug)]
struct Cookie {
    value: String,
    path: String,
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
            let mut gone = false;
            for part in parts {
                match part.split_once('=') {
                    Some(("Path", value)) => path = value.to_owned(),
                    Some(("Max-Age", age)) => gone = age == "0",
                    _ => {}
                }
            }
            if gone {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), Cookie { value: value.to_owned(), path });
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
        let url = Url::parse(address).expect("a provider sends the browser to an address");
        let registration = url
            .path_segments()
            .and_then(|segments| segments.rev().nth(1).map(ToOwned::to_owned))
            .expect("a callback path ends in the registration and `callback`");
        CallbackRequest::new(
            registration,
            Method::GET,
            url.query().unwrap_or_default(),
            &self.headers(url.path()),
        )
    }

    /// The cookie header that it sends with a request to a path.
    pub fn headers(&self, path: &str) -> HeaderMap {
        let jar = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line: Vec<String> = jar
            .iter()
            .filter(|(_, cookie)| path.starts_with(&cookie.path))
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
