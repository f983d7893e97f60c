//! Reading a spec's file and checking it as a whole.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use bailee_core::{Error, ErrorKind, Result};
use toml::Spanned;

use super::{
    CredentialKind, Eligibility, RefreshClass, SpecFacts, TokenFacts, Withdrawal, address,
    file::{File, Text},
};
use crate::{failure::ErrorRow, rfc::codes};

/// Reads and checks a file. The text is the host's or ours, so its faults are told with the words
/// that stand in it.
pub(super) fn parse(text: &str) -> Result<SpecFacts> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        fault(&[format!("line {line}: {}", error.message().trim())])
    })?;
    let mut check = Check { text, faults: Vec::new(), values: BTreeMap::new() };
    let facts = check.facts(file);
    if check.faults.is_empty() { Ok(facts) } else { Err(fault(&check.faults)) }
}

fn fault(faults: &[String]) -> Error {
    Error::new(ErrorKind::Configuration).with_detail(format!("spec: {}", faults.join("; ")))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

pub(super) struct Check<'a> {
    text: &'a str,
    faults: Vec<String>,
    /// The variables' defaults, and a placeholder for those without.
    pub(super) values: BTreeMap<String, String>,
}

impl Check<'_> {
    pub(super) fn fault(&mut self, span: Range<usize>, what: impl std::fmt::Display) {
        self.faults.push(format!("line {}: {what}", line_of(self.text, span.start)));
    }

    fn facts(&mut self, file: File) -> SpecFacts {
        if file.title.get_ref().trim().is_empty() {
            self.fault(file.title.span(), "the title is empty");
        }
        if !is_date(file.checked.get_ref()) {
            self.fault(file.checked.span(), "`checked` is no date (2026-11-21 or 2026-11)");
        }
        let discover = file.discover.as_ref().is_some_and(|value| *value.get_ref());
        if let Some(value) = &file.discover
            && discover
            && file.issuer.is_none()
        {
            self.fault(value.span(), "`discover` needs an `issuer`");
        }
        self.issuer(file.issuer.as_ref());
        let client = self.client(&file.client, file.issuer.is_some());
        let variables = self.variables(&file.variables);
        let templates = self.templates(&variables, &file.hosts, &file.endpoints, file.api.as_ref());
        let pattern = "a host name, or `*.` before one of at least two labels";
        let account_hosts = self.hosts(&file.account_hosts, address::is_host_pattern, pattern);
        let hosts = self.hosts(&file.hosts, address::is_host_name, "a host name");
        let upload_hosts = self.hosts(&file.upload_hosts, address::is_host_pattern, pattern);
        let open = discover && hosts.is_empty();
        let endpoints = self.endpoints(&file.endpoints, &hosts, open);
        let credential = self.credential(&file);
        let entered = matches!(credential, CredentialKind::ApiKey(_));
        let headers = self.headers(file.headers);
        if !discover && !entered {
            for (name, endpoint) in
                [("authorization", &endpoints.authorization), ("token", &endpoints.token)]
            {
                if endpoint.is_none() {
                    self.faults.push(format!(
                        "line 1: `endpoints.{name}` is missing and nothing is discovered"
                    ));
                }
            }
        }
        let api = file.api.as_ref().and_then(|api| self.address("api", api, &hosts, open));
        let mut apis = Vec::new();
        for (name, text) in &file.apis {
            if self.values.keys().any(|name| text.get_ref().contains(&format!("{{{name}}}"))) {
                self.fault(text.span(), "only `api` itself has variables");
            }
            apis.extend(self.address(name, text, &hosts, open).map(|url| (name.clone(), url)));
        }
        let mut refresh = self.refresh(file.refresh);
        if entered {
            refresh.class = RefreshClass::Static;
        }
        let revoke = self.revoke(file.revoke, &endpoints, discover);
        let has_issuer = file.issuer.is_some();
        let identity =
            self.identity(file.identity, &endpoints, (discover, has_issuer), &file.token);
        let authorization = self.authorization(file.authorization, &client);
        let scopes = self.scopes(file.scopes, file.catalogue);
        let pkce = self.pkce(file.pkce);
        let rate_limit = self.rate_limit(file.rate_limit);
        for pointer in &file.error_at {
            if !pointer.get_ref().starts_with('/') {
                self.fault(pointer.span(), "`error_at` lists pointers into a document (`/code`)");
            }
        }
        let signals = self.signals(file.signals, &identity.id_kind, (&hosts, open));
        let terms = self.terms(file.terms);
        SpecFacts {
            id: file.id,
            title: file.title.into_inner(),
            checked: file.checked.into_inner(),
            pages: file.pages,
            hosts,
            upload_hosts,
            account_hosts,
            headers,
            variables,
            templates,
            issuer: file.issuer.map(Spanned::into_inner),
            discover,
            iss_in_callback: file.iss_in_callback,
            endpoints,
            api,
            apis,
            credential,
            authorization,
            client,
            scopes,
            pkce,
            token: TokenFacts::new(file.token, entered),
            refresh,
            revoke,
            identity,
            rate_limit,
            signals,
            withdrawal: Withdrawal { steps: file.withdrawal.steps, page: file.withdrawal.page },
            terms,
            eligibility: Eligibility {
                plain: file.eligibility.plain,
                account_types: file.eligibility.account_types,
            },
            statements: file.statements,
            error_at: file.error_at.into_iter().map(Spanned::into_inner).collect(),
            errors_in_success: file.errors_in_success,
            errors: codes::with_standard(
                file.error
                    .into_iter()
                    .map(|row| ErrorRow {
                        code: row.code.into(),
                        kind: row.kind,
                        wait: row.wait_seconds.map(seconds),
                        scope: row.scope,
                    })
                    .collect(),
            ),
        }
    }

    fn headers(&mut self, file: BTreeMap<Text, String>) -> Vec<(String, String)> {
        for (name, value) in &file {
            let good = http::HeaderName::from_bytes(name.get_ref().as_bytes()).is_ok()
                && http::HeaderValue::from_str(value).is_ok();
            let managed = ["authorization", "content-type", "cookie", "host"];
            let own = managed.iter().any(|managed| name.get_ref().eq_ignore_ascii_case(managed));
            if !good || own {
                let name = name.clone();
                self.fault(name.span(), format_args!("`{}` is no header to set", name.get_ref()));
            }
        }
        file.into_iter().map(|(name, value)| (name.into_inner(), value)).collect()
    }
}

pub(super) fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

/// Whether a text has the form of a date, `2026-11-21` or `2026-11`.
pub(super) fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes.len(), 7 | 10)
        && bytes.iter().enumerate().all(|(n, byte)| match n {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
