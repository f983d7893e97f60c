//! The callback of a provider that posts its answer (OAuth 2.0 Form Post Response Mode).
//!
//! The POST comes from the provider's page, so the host's session cookie stays away and nobody can
//! say who is logged in. It ends nothing: what it brought is sealed into the flow's record for one
//! minute, and the browser is sent to the same path by GET, with the flow's id and no code in the
//! address. That GET carries the session, and everything is checked there as for a query.

use std::time::Duration;

use bailee_core::{ErrorKind, Id, Plaintext, TenantId, audit::Entry, sha256};
use bailee_providers::Callback;
use bailee_store::Key;
use bailee_vault::{Draft, Holder, View};
use http::{HeaderMap, HeaderValue, header};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    answer::Answer,
    begin::flow_id,
    body,
    complete::{AGAIN, CallbackRequest, LONGEST, Named, flow_of},
    connections::Connections,
    kind,
    refusal::{Refusal, RefusalReason},
    registration::Registered,
};

/// How long what was posted waits for the browser, which is there already.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Stands before the flow's id in the address that the browser is sent to.
const MARK: &str = "bailee_posted=";
/// The part of the flow's record that holds the form.
const PART: &str = "posted";

/// The flow whose form a GET fetches. The query is the one that we sent the browser to, and
/// nothing else: whoever brings a code in it did not come of a POST.
pub(crate) fn marked(query: &str) -> Result<Id, Refusal> {
    let first = query.strip_suffix(AGAIN).and_then(|query| query.strip_suffix('&'));
    let Some(flow) = first.unwrap_or(query).strip_prefix(MARK) else {
        return Err(Refusal::allowing("POST"));
    };
    flow.parse().map_err(|_| Refusal::new(RefusalReason::Shape))
}

impl Connections {
    /// Keeps what was posted, and says where the browser goes now. The flow is not consumed.
    pub(crate) async fn keep_posted(
        &self,
        registered: &Registered,
        request: &CallbackRequest,
    ) -> Result<Answer, Refusal> {
        let shape = || Refusal::new(RefusalReason::Shape);
        // A form has one place for its parameters.
        if !is_form(&request.headers) || !request.query.is_empty() || request.body.len() > LONGEST {
            return Err(shape());
        }
        let form = std::str::from_utf8(&request.body).map_err(|_| shape())?;
        let callback = self.parse(registered, form)?;

        let flow = flow_id(&callback.state);
        let clear = self
            .engine
            .0
            .cookies
            .clear(flow, &registered.callback_path, true)
            .map_err(|error| Refusal::because(RefusalReason::Unavailable, error))?;
        let browser = self.browser(flow, request, &clear)?.expose(sha256);
        // What is forged does not keep the true form out.
        self.prove(registered, form).await.map_err(|refusal| refusal.clearing(clear.clone()))?;
        self.keep(registered, flow, form, &browser).await.map_err(|refusal| {
            match refusal.reason() {
                // The first form is still to be fetched with it.
                RefusalReason::AlreadyPosted => refusal,
                _ => refusal.clearing(clear),
            }
        })?;
        let address = format!("{}?{MARK}{flow}#", registered.redirect_uri);
        HeaderValue::from_str(&address).map(Answer::see_other).map_err(|_| shape())
    }

    /// Writes the form into the flow's record: the first one, and no other.
    async fn keep(
        &self,
        registered: &Registered,
        flow: Id,
        form: &str,
        browser: &[u8; 32],
    ) -> Result<(), Refusal> {
        let vault = &self.engine.0.vault;
        let refuse = |reason| Err(Refusal::new(reason));
        let unavailable = |error| Refusal::because(RefusalReason::Unavailable, error);
        let key = Key::new(kind::FLOW, flow);
        // Whoever is overtaken reads once more what became of the flow.
        for _ in 0..3 {
            let view = vault
                .read(&TenantId::SYSTEM, Holder::Tenant, std::slice::from_ref(&key))
                .await
                .map_err(unavailable)?;
            self.engine.admit_instance(view.control()).await.map_err(unavailable)?;
            let Some(record) = view.record(0) else {
                return refuse(RefusalReason::FlowUnknown);
            };
            let mut facts = flow_of(&view)?;
            if !bool::from(browser.ct_eq(&facts.browser)) {
                return refuse(RefusalReason::BrowserMismatch);
            }
            if registered.id() != &facts.registration
                || registered.redirect_uri != facts.redirect_uri
            {
                return refuse(RefusalReason::RegistrationMismatch);
            }
            if facts.posted {
                return refuse(RefusalReason::AlreadyPosted);
            }
            facts.posted = true;
            let until = view.now().plus(KEPT_FOR);
            let bytes = body::encode(&facts).map_err(unavailable)?;
            let mut draft = Draft::new(key.clone(), Holder::Tenant)
                .about(record.subject)
                .expires(record.expires.map_or(until, |end| end.min(until)))
                .facts(body::SCHEMA, bytes)
                .part(PART, Plaintext::copy_from(form.as_bytes()));
            if facts.pkce {
                draft = draft.keep("pkce_verifier");
            }
            let entry = Entry::new("flow.posted", view.now())
                .about(record.subject)
                .with("flow", flow)
                .with("registration", registered.id());
            let put =
                vault.put(&TenantId::SYSTEM, draft, Some(record)).await.map_err(unavailable)?;
            let batch = vault.batch().map_err(unavailable)?.op(put).audit(entry);
            match vault.commit(&TenantId::SYSTEM, batch).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(unavailable(error)),
            }
        }
        refuse(RefusalReason::FlowUnknown)
    }

    /// What was posted, out of a flow that was consumed.
    pub(crate) async fn posted(
        &self,
        registered: &Registered,
        view: &View,
    ) -> Result<(Callback, Named), Refusal> {
        let form = view
            .part(0, PART)
            .map_err(|error| Refusal::because(RefusalReason::Unavailable, error))?;
        let form = form.expose(|form| {
            let form = std::str::from_utf8(form).map_err(|_| Refusal::new(RefusalReason::Shape))?;
            Ok::<_, Refusal>(Zeroizing::new(form.to_owned()))
        })?;
        let callback = self.parse(registered, &form)?;
        Ok((callback, self.prove(registered, &form).await?))
    }
}

/// Whether the body says that it is a form, and says it once.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}
