//! A client without a network.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;

use crate::{
    Category, HttpSend, Opened, Request, Response, SendError, Sent, check, opened::Whole,
    response::is_redirect,
};

/// An [`HttpSend`] that asks a closure for its answers, for unit tests.
///
/// What is in front of a network stays on: the check, the limit, the rule on redirects, and the
/// marks on header values.
pub struct Scripted {
    answer: Box<Answer>,
    sent: AtomicUsize,
}

type Answer = dyn Fn(&Request) -> Result<Response, SendError> + Send + Sync;

impl Scripted {
    /// Answers with what the closure says. The closure sees each request that passed the check.
    pub fn new(
        answer: impl Fn(&Request) -> Result<Response, SendError> + Send + Sync + 'static,
    ) -> Self {
        Self { answer: Box::new(answer), sent: AtomicUsize::new(0) }
    }

    /// How many requests passed the check.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl HttpSend for Scripted {
    async fn open(&self, request: Request) -> Result<Opened, SendError> {
        let host = check(&request).map_err(SendError::refused)?;
        self.sent.fetch_add(1, Ordering::SeqCst);
        let fail = |category| SendError::new(category, Sent::Maybe).at(host.clone());
        let response = (self.answer)(&request).map_err(|error| error.at(host.clone()))?;
        if is_redirect(response.status, &response.headers, request.resumes) {
            return Err(fail(Category::Redirect));
        }
        if response.body.len() > request.limit {
            return Err(fail(Category::TooLarge));
        }
        let length = Some(response.body.len() as u64);
        let body = Box::new(Whole::new(response.body));
        Ok(Opened::new(response.status, response.headers, length, body))
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method, StatusCode};
    use url::Url;
    use zeroize::Zeroizing;

    use super::*;
    use crate::{HostRefusal, Hosts};

    fn request(url: &str) -> Request {
        let hosts = Hosts::new(["api.provider.example"]).unwrap();
        Request::new(Method::GET, Url::parse(url).unwrap(), hosts).with_limit(4)
    }

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::from_iter([(
                "x-echo".parse().unwrap(),
                HeaderValue::from_static("secret"),
            )]),
            body: Zeroizing::new(body.as_bytes().to_vec()),
        }
    }

    #[tokio::test]
    async fn the_closure_answers_what_passed_the_check() {
        let client = Scripted::new(|request| {
            assert_eq!(request.url.path(), "/a");
            Ok(answer(200, "body"))
        });
        let response = client.send(request("https://api.provider.example/a")).await.unwrap();
        assert_eq!(*response.body, b"body");
        assert!(response.headers["x-echo"].is_sensitive());
        let error = client.send(request("https://other.example/a")).await.unwrap_err();
        assert_eq!(error, SendError::refused(HostRefusal::NotListed));
        assert_eq!(client.sent(), 1);
    }

    #[tokio::test]
    async fn an_answer_can_be_read_piece_by_piece() {
        let client = Scripted::new(|_| Ok(answer(206, "body")));
        let mut opened = client.open(request("https://api.provider.example/")).await.unwrap();
        assert_eq!((opened.status.as_u16(), opened.length), (206, Some(4)));
        assert_eq!(*opened.body.chunk().await.unwrap().unwrap(), b"body");
        assert!(opened.body.chunk().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn the_limit_and_the_rule_on_redirects_hold_without_a_network_too() {
        for (status, body, category) in
            [(200, "large", Category::TooLarge), (302, "", Category::Redirect)]
        {
            let client = Scripted::new(move |_| Ok(answer(status, body)));
            let error = client.send(request("https://api.provider.example/")).await.unwrap_err();
            assert_eq!((error.category(), error.sent()), (category, Sent::Maybe));
        }
        let client = Scripted::new(|_| Err(SendError::new(Category::Connect, Sent::No)));
        let error = client.send(request("https://api.provider.example/")).await.unwrap_err();
        assert_eq!((error.category(), error.sent()), (Category::Connect, Sent::No));
        assert_eq!(error.host().unwrap().as_str(), "api.provider.example");
    }
}
