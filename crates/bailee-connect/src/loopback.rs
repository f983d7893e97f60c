//! Connecting from a terminal: a listener on the loopback interface (RFC 8252 §7.3).
//!
//! State and PKCE, no cookie; a port chosen by the system, a path of its own, one request, then it
//! closes.

use std::{net::Ipv4Addr, time::Duration};

use bailee_core::{Act, Error, ErrorKind, Id, Origin, PurposeId, RegistrationId, Result, Visitor};
use bailee_providers::{Outcome, Platform};
use bailee_registry::Disclosure;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use zeroize::Zeroizing;

use crate::{
    begin::{BeginOptions, flow_id},
    complete::{Completed, flow_of},
    connections::Connections,
    refusal::{Refusal, RefusalReason},
    settle::Settling,
};

/// The longest request that is read.
const LONGEST_REQUEST: usize = 16 * 1024;

/// A flow of a terminal that waits for its browser.
#[derive(Debug)]
pub struct Loopback {
    connections: Connections,
    visitor: Visitor,
    registration: RegistrationId,
    flow: Id,
    listener: TcpListener,
    path: String,
    redirect_uri: String,
    url: bailee_providers::AuthorizationUrl,
    disclosure: Disclosure,
}

impl Connections {
    /// Begins a flow for a person at a terminal, for a registration made with
    /// [`crate::Registration::desktop`].
    ///
    /// # Errors
    ///
    /// As [`Connections::begin`]; [`ErrorKind::Configuration`] for a registration of the web;
    /// [`ErrorKind::Unsupported`] where no loopback port can be had.
    pub async fn begin_loopback(
        &self,
        visitor: &Visitor,
        registration: &str,
        purposes: &[PurposeId],
    ) -> Result<Loopback> {
        let options = BeginOptions::default();
        self.begin_loopback_with(visitor, registration, purposes, options).await
    }

    /// The same with options: a shop, a connection that is made to work again. There is no page to
    /// go back to, so a return target is not used.
    ///
    /// # Errors
    ///
    /// As [`Connections::begin_with`] and [`Connections::begin_loopback`].
    pub async fn begin_loopback_with(
        &self,
        visitor: &Visitor,
        registration: &str,
        purposes: &[PurposeId],
        options: BeginOptions,
    ) -> Result<Loopback> {
        let id = RegistrationId::new(registration)?;
        let registered = self.engine.registered(&id)?.clone();
        if registered.facts.platform != Platform::Desktop {
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail("only a desktop registration connects through a loopback listener"));
        }
        let no_port = || Error::new(ErrorKind::Unsupported).with_detail("no loopback port");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|_| no_port())?;
        let port = listener.local_addr().map_err(|_| no_port())?.port();
        let path = format!("/{id}/callback");
        let redirect_uri = format!("http://127.0.0.1:{port}{path}");
        let prepared = self
            .prepare(visitor, &registered, purposes, options, &redirect_uri, Origin::Loopback)
            .await?;
        Ok(Loopback {
            connections: self.clone(),
            visitor: visitor.clone(),
            registration: id,
            flow: prepared.flow,
            listener,
            path,
            redirect_uri,
            url: prepared.url,
            disclosure: prepared.disclosure,
        })
    }
}

impl Loopback {
    /// What the person is told before they open the address.
    pub fn disclosure(&self) -> &Disclosure {
        &self.disclosure
    }

    /// The address for the person's browser. It holds the flow's state: show it to nobody else.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Waits for the browser and ends the flow. Requests to other paths are answered 404 and do
    /// not end the wait; the first request to the callback path does, whatever it holds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Expired`] when nothing came within the flow's ten minutes; otherwise as
    /// [`Connections::complete`].
    pub async fn finish(self) -> Result<Completed> {
        let wait = tokio::time::timeout(crate::begin::FLOW_LIFETIME, self.request()).await;
        let (mut stream, query) = wait.map_err(|_| Error::new(ErrorKind::Expired))??;
        let outcome = self.end(&query).await;
        let page = if outcome.is_ok() { DONE } else { FAILED };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
             Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\
             X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{page}",
            page.len()
        );
        // The connection stands whether or not the page arrives.
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
        outcome
    }

    async fn request(&self) -> Result<(TcpStream, Zeroizing<String>)> {
        loop {
            let Ok((mut stream, _)) = self.listener.accept().await else { continue };
            let read = tokio::time::timeout(Duration::from_secs(5), head(&mut stream)).await;
            let Ok(Some(head)) = read else { continue };
            let target = head.split_ascii_whitespace().nth(1).unwrap_or_default();
            let is_get = head.starts_with("GET ");
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            if is_get && path == self.path {
                return Ok((stream, Zeroizing::new(query.to_owned())));
            }
            let _ = stream
                .write_all(
                    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                )
                .await;
        }
    }

    async fn end(&self, query: &str) -> Result<Completed> {
        let outcome = self.receive(query).await;
        if let Err(refusal) = &outcome {
            self.connections.note_refusal(refusal.reason(), Some(&self.registration)).await;
        }
        outcome.map_err(Error::from)
    }

    async fn receive(&self, query: &str) -> Result<Completed, Refusal> {
        let connections = &self.connections;
        let engine = &connections.engine;
        let refuse = |reason| Err(Refusal::new(reason));
        let unavailable = |error| Refusal::because(RefusalReason::Unavailable, error);
        let registered = engine.registered(&self.registration).map_err(unavailable)?.clone();
        let callback = connections.parse(&registered, query)?;
        // Any program on this machine can call the listener: it ends its own flow and no other.
        if flow_id(&callback.state) != self.flow {
            return refuse(RefusalReason::FlowUnknown);
        }
        let named = connections.prove(&registered, query).await?;
        let view = connections.consume(self.flow, false).await?;
        let body = flow_of(&view)?;
        let mine = body.tenant == *self.visitor.tenant()
            && body.person == *self.visitor.person()
            && body.origin == Origin::Loopback;
        if !mine {
            return refuse(RefusalReason::VisitorMismatch);
        }
        if body.registration != self.registration || body.redirect_uri != self.redirect_uri {
            return refuse(RefusalReason::RegistrationMismatch);
        }
        connections.compare_provider(&registered, &body, &callback, &named).await?;
        engine
            .may(self.visitor.person(), Some(body.subject), &body.tenant, Act::Connect(body.owner))
            .await
            .map_err(|error| Refusal::because(RefusalReason::NotAllowed, error))?;
        let Outcome::Code { code, .. } = callback.outcome else {
            return refuse(RefusalReason::ProviderError);
        };
        let flow = self.flow;
        let settled = connections.settle(Settling { flow, registered, body, view, code }).await?;
        Ok(Completed {
            connection: settled.connection,
            reconnected: settled.reconnected,
            missing: settled.missing,
            unasked: settled.unasked,
            answer: crate::answer::Answer::page(http::StatusCode::OK, DONE),
        })
    }
}

/// The head of a request, if it is one and not too long.
async fn head(stream: &mut TcpStream) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_REQUEST));
    let mut chunk = Zeroizing::new([0; 1024]);
    loop {
        let read = stream.read(chunk.as_mut_slice()).await.ok()?;
        if read == 0 || bytes.len() + read > LONGEST_REQUEST {
            return None;
        }
        bytes.extend_from_slice(&chunk[..read]);
        if bytes.windows(4).any(|window| window == b"\r\n\r\n") {
            return std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()));
        }
    }
}

const DONE: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Connected</title>\n\
<h1>The account is connected</h1>\n<p>You can close this window and go back to the terminal.</p>\n";

const FAILED: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Not connected</title>\n\
<h1>The account was not connected</h1>\n<p>Nothing was stored. The terminal says why.</p>\n";
