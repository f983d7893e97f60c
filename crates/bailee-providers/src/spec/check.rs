//! Reading a spec's file and checking it as a whole.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use bailee_core::{CredentialName, Error, ErrorKind, Result, ScopeEntry};
use toml::Spanned;
use url::Url;

use super::{
    AssertionAudience, AuthorizationFacts, Ceiling, ClientFacts, CredentialKind, Eligibility,
    Endpoints, IdentityFacts, IdentitySource, Pkce, PkceFacts, RateLimitFacts, RefreshClass,
    RefreshFacts, RevokeEnds, RevokeFacts, RevokePresentation, RevokeStyle, ScopeFacts, SpecFacts,
    Templates, TokenFacts, Variable, Withdrawal, address,
    file::{
        File, FileAuthorization, FileClass, FileClient, FileEndpoints, FileIdentity, FileRateLimit,
        FileRefresh, FileRevoke, FileScopes, FileToken, OneOrMore, Text,
    },
    variable::{PLACEHOLDER, Slot, substitute},
};
use crate::{failure::ErrorRow, request::Json, rfc::codes};

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
    values: BTreeMap<String, String>,
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
        let audience = file.client.assertion_audience.as_ref();
        let assertion_audience = audience.map_or_else(AssertionAudience::default, |audience| {
            if *audience.get_ref() == AssertionAudience::TokenEndpoint && file.issuer.is_some() {
                self.fault(audience.span(), "assertions are for the issuer where there is one");
            }
            *audience.get_ref()
        });
        let variables = self.variables(&file.variables);
        let templates = self.templates(&variables, &file.hosts, &file.endpoints, file.api.as_ref());
        let account_hosts = self.hosts(
            &file.account_hosts,
            address::is_host_pattern,
            "a host name, or `*.` before one of at least two labels",
        );
        let hosts = self.hosts(&file.hosts, address::is_host_name, "a host name");
        let upload_hosts = self.hosts(
            &file.upload_hosts,
            address::is_host_pattern,
            "a host name, or `*.` before one of at least two labels",
        );
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
        let authorization = self.authorization(file.authorization, &file.client);
        let scopes = self.scopes(file.scopes, file.catalogue);
        if file.pkce.desktop.as_ref().is_some_and(|pkce| *pkce.get_ref() == Pkce::None) {
            let span = file.pkce.desktop.as_ref().map_or(0..0, Spanned::span);
            self.fault(span, "a program on a person's machine cannot do without PKCE");
        }
        let rate_limit = self.rate_limit(file.rate_limit);
        for pointer in &file.error_at {
            if !pointer.get_ref().starts_with('/') {
                self.fault(pointer.span(), "`error_at` lists pointers into a document (`/code`)");
            }
        }
        let terms = file
            .terms
            .into_iter()
            .map(|terms| {
                if terms.get_ref().url.scheme() != "https" {
                    self.fault(terms.span(), "the address of the terms is not https");
                }
                terms.into_inner()
            })
            .collect();
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
            client: ClientFacts {
                authentication: file.client.authentication,
                assertion_audience,
                id_parameter: file.client.id_parameter.unwrap_or_else(|| "client_id".into()),
                secret_parameter: file
                    .client
                    .secret_parameter
                    .unwrap_or_else(|| "client_secret".into()),
                secrets_in_query: file.client.secrets_in_query,
            },
            scopes,
            pkce: PkceFacts {
                web: file.pkce.web,
                desktop: file.pkce.desktop.map_or(Pkce::S256, Spanned::into_inner),
                advertised: None,
            },
            token: TokenFacts {
                credential: file
                    .token
                    .credential
                    .unwrap_or(CredentialName::from_static(if entered { "key" } else { "user" })),
                request: file.token.request,
                bare: file.token.bare,
                parameters: file.token.parameters.into_iter().collect(),
                form_encoded: file.token.form_encoded,
                type_optional: file.token.type_optional,
                types: file.token.types,
                account_members: file.token.account_member.into_vec(),
                api_member: file.token.api_member,
                api_optional: file.token.api_optional,
                access_lifetime: file.token.access_seconds.map(seconds),
                refresh_lifetime: file.token.refresh_seconds.map(seconds),
            },
            refresh,
            revoke,
            identity,
            rate_limit,
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

    fn rate_limit(&mut self, file: FileRateLimit) -> RateLimitFacts {
        for header in file.remaining_header.iter().chain(&file.reset_header) {
            if http::HeaderName::from_bytes(header.get_ref().as_bytes()).is_err() {
                self.fault(
                    header.span(),
                    format_args!("`{}` is not the name of a header", header.get_ref()),
                );
            }
        }
        if let Some(header) = &file.remaining_header
            && file.reset_header.is_none()
        {
            self.fault(header.span(), "`remaining_header` needs a `reset_header`");
        }
        if let Some(format) = &file.reset_format
            && file.reset_header.is_none()
        {
            self.fault(format.span(), "`reset_format` needs a `reset_header`");
        }
        let ceiling = match (&file.requests, &file.seconds) {
            (Some(requests), Some(window)) => {
                for number in [requests, window].into_iter().filter(|n| *n.get_ref() == 0) {
                    self.fault(number.span(), "a ceiling of nothing lets nothing through");
                }
                Some(Ceiling { requests: *requests.get_ref(), window: seconds(*window.get_ref()) })
            }
            (None, None) => None,
            (Some(number), None) | (None, Some(number)) => {
                self.fault(number.span(), "a ceiling is `requests` in so many `seconds`");
                None
            }
        };
        RateLimitFacts {
            scope: file.scope,
            remaining_header: file.remaining_header.map(Spanned::into_inner),
            reset_header: file.reset_header.map(Spanned::into_inner),
            reset_format: file.reset_format.map(Spanned::into_inner),
            wait: file.wait_seconds.map(seconds),
            ceiling,
        }
    }

    fn variables(&mut self, file: &[Spanned<Variable>]) -> Vec<Variable> {
        for entry in file {
            let variable = entry.get_ref();
            let word = variable.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if variable.name.is_empty() || !word || variable.plain.trim().is_empty() {
                self.fault(entry.span(), "a variable needs a name in lower case and plain words");
            }
            let value = variable.default.as_deref().unwrap_or(PLACEHOLDER);
            if !variable.admits(value) {
                self.fault(entry.span(), "the variable's default cannot stand in an address");
            }
            if self.values.insert(variable.name.clone(), value.to_owned()).is_some() {
                self.fault(entry.span(), "the variable stands twice");
            }
        }
        file.iter().map(|entry| entry.get_ref().clone()).collect()
    }

    fn templates(
        &self,
        variables: &[Variable],
        hosts: &[Text],
        endpoints: &FileEndpoints,
        api: Option<&Text>,
    ) -> Templates {
        if variables.is_empty() {
            return Templates::default();
        }
        let slots = [
            (Slot::Api, api),
            (Slot::Authorization, endpoints.authorization.as_ref()),
            (Slot::Introspection, endpoints.introspection.as_ref()),
            (Slot::Jwks, endpoints.jwks.as_ref()),
            (Slot::LongLived, endpoints.long_lived.as_ref()),
            (Slot::Refresh, endpoints.refresh.as_ref()),
            (Slot::Revocation, endpoints.revocation.as_ref()),
            (Slot::Token, endpoints.token.as_ref()),
            (Slot::Userinfo, endpoints.userinfo.as_ref()),
        ];
        Templates {
            hosts: hosts.iter().map(|host| host.get_ref().clone()).collect(),
            addresses: slots
                .into_iter()
                .filter_map(|(slot, text)| Some((slot, text?.get_ref().clone())))
                .collect(),
            unfilled: variables.iter().any(|variable| variable.default.is_none()),
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

    fn issuer(&mut self, issuer: Option<&Text>) {
        // The text is what is compared, so it is kept as it stands; here it only has to be an
        // address (RFC 8414 §2).
        if let Some(issuer) = issuer {
            match address::parse(issuer.get_ref()) {
                Ok(url) if url.query().is_some() => {
                    self.fault(issuer.span(), "the issuer has a query");
                }
                Ok(_) => {}
                Err(why) => self.fault(issuer.span(), format_args!("the issuer {why}")),
            }
        }
    }

    fn hosts(&mut self, hosts: &[Text], good: fn(&str) -> bool, what: &str) -> Vec<String> {
        for host in hosts {
            if !good(&substitute(host.get_ref(), &self.values)) {
                self.fault(host.span(), format_args!("`{}` is not {what}", host.get_ref()));
            }
        }
        hosts.iter().map(|host| substitute(host.get_ref(), &self.values)).collect()
    }

    fn endpoints(&mut self, file: &FileEndpoints, hosts: &[String], open: bool) -> Endpoints {
        let mut one = |name: &str, text: &Option<Text>| {
            let text = text.as_ref()?;
            let url = self.address(name, text, hosts, open)?;
            if name != "authorization" && url.query().is_some() {
                let why = address::AddressFault::Query;
                self.fault(text.span(), format_args!("`{name}` {why}"));
            }
            Some(url)
        };
        Endpoints {
            authorization: one("authorization", &file.authorization),
            token: one("token", &file.token),
            long_lived: one("long_lived", &file.long_lived),
            refresh: one("refresh", &file.refresh),
            revocation: one("revocation", &file.revocation),
            introspection: one("introspection", &file.introspection),
            userinfo: one("userinfo", &file.userinfo),
            jwks: one("jwks", &file.jwks),
        }
    }

    fn address(&mut self, name: &str, text: &Text, hosts: &[String], open: bool) -> Option<Url> {
        let address = substitute(text.get_ref(), &self.values);
        if address.contains(['{', '}']) {
            self.fault(
                text.span(),
                format_args!("`{name}` names a variable that there is none of"),
            );
            return None;
        }
        match address::parse(&address) {
            Ok(url) => {
                let listed = url.host_str().is_some_and(|host| hosts.iter().any(|h| h == host));
                if !listed && !open {
                    let why = address::AddressFault::ForeignHost;
                    self.fault(text.span(), format_args!("`{name}` {why}"));
                }
                Some(url)
            }
            Err(why) => {
                self.fault(text.span(), format_args!("`{name}` {why}"));
                None
            }
        }
    }

    fn authorization(
        &mut self,
        file: FileAuthorization,
        client: &FileClient,
    ) -> AuthorizationFacts {
        for name in file.parameters.keys().chain(file.ask_anew.keys()) {
            let managed = codes::MANAGED_PARAMETERS.contains(&name.get_ref().as_str())
                || client.id_parameter.as_deref() == Some(name.get_ref());
            if managed {
                self.fault(
                    name.span(),
                    format_args!("the parameter `{}` is not for the spec to set", name.get_ref()),
                );
            }
        }
        for name in file.ask_anew.keys().filter(|name| file.parameters.contains_key(*name)) {
            self.fault(
                name.span(),
                format_args!("the parameter `{}` is sent always", name.get_ref()),
            );
        }
        let pairs = |parameters: BTreeMap<Text, String>| {
            parameters.into_iter().map(|(name, value)| (name.into_inner(), value)).collect()
        };
        AuthorizationFacts {
            parameters: pairs(file.parameters),
            ask_anew: pairs(file.ask_anew),
            locale_parameter: file.locale_parameter,
        }
    }

    fn scopes(&mut self, file: FileScopes, catalogue: Vec<Spanned<ScopeEntry>>) -> ScopeFacts {
        let mut separator = |given: Option<Spanned<char>>, default: char| match given {
            Some(given) if matches!(given.get_ref(), ' ' | ',') => given.into_inner(),
            Some(given) => {
                self.fault(given.span(), "scopes are separated by a space or a comma");
                default
            }
            None => default,
        };
        let request = separator(file.separator, ' ');
        let answer = separator(file.answer_separator, request);
        for (n, entry) in catalogue.iter().enumerate() {
            let scope = entry.get_ref();
            if catalogue[..n].iter().any(|known| known.get_ref().name == scope.name) {
                self.fault(entry.span(), format_args!("the scope `{}` stands twice", scope.name));
            }
            if scope.plain.trim().is_empty() || scope.category.as_str().trim().is_empty() {
                self.fault(
                    entry.span(),
                    format_args!("the scope `{}` lacks plain words or a category", scope.name),
                );
            }
            if scope.name.as_str().contains(request) && !scope.implied {
                self.fault(
                    entry.span(),
                    format_args!("the scope `{}` contains the separator", scope.name),
                );
            }
        }
        let mut aliases = Vec::new();
        for (alias, name) in file.aliases {
            match catalogue.iter().find(|known| known.get_ref().name.as_str() == name.get_ref()) {
                Some(known) => aliases.push((alias, known.get_ref().name.clone())),
                None => self.fault(
                    name.span(),
                    format_args!("the alias `{alias}` is of no scope of the catalogue"),
                ),
            }
        }
        let mut covers = Vec::new();
        for (wide, narrow) in file.covers {
            let entry = |name: &str| {
                catalogue.iter().map(Spanned::get_ref).find(|known| known.name.as_str() == name)
            };
            match entry(wide.get_ref()) {
                Some(known) if narrow.iter().all(|scope| entry(scope.as_str()).is_some()) => {
                    covers.push((known.name.clone(), narrow));
                }
                _ => self.fault(wide.span(), "`covers` names a scope that is not in the catalogue"),
            }
        }
        ScopeFacts {
            separator: request,
            answer_separator: answer,
            answer_mixed: file.answer_mixed,
            answer_member: file.answer_member.unwrap_or_else(|| "scope".into()),
            aliases,
            covers,
            fixed: file.fixed,
            callback_parameter: file.callback_parameter,
            catalogue: catalogue.into_iter().map(Spanned::into_inner).collect(),
        }
    }

    fn refresh(&mut self, file: Option<Spanned<FileRefresh>>) -> RefreshFacts {
        let Some(file) = file else {
            return RefreshFacts {
                class: RefreshClass::Strict,
                page: None,
                checked: None,
                idle_limit: None,
                absolute_limit: None,
                redirect_uri: false,
                bare: false,
                not_before: None,
            };
        };
        let span = file.span();
        let file = file.into_inner();
        // What is laxer than `strict` is a promise of the provider, and needs its page.
        if file.class != FileClass::Strict && (file.page.is_none() || file.checked.is_none()) {
            self.fault(
                span.clone(),
                "a refresh class needs its `page` and the date it was `checked`",
            );
        }
        if file.checked.as_deref().is_some_and(|date| !is_date(date)) {
            self.fault(span.clone(), "`refresh.checked` is no date (2026-11-21 or 2026-11)");
        }
        if (file.class == FileClass::Grace) != file.window_seconds.is_some() {
            self.fault(span, "`window_seconds` belongs to the class `grace`, and only to it");
        }
        RefreshFacts {
            class: match file.class {
                FileClass::Grace => RefreshClass::Grace(seconds(file.window_seconds.unwrap_or(0))),
                FileClass::Overlapping => RefreshClass::Overlapping,
                FileClass::SelfExtending => RefreshClass::SelfExtending,
                FileClass::Stable => RefreshClass::Stable,
                FileClass::Static => RefreshClass::Static,
                FileClass::Strict => RefreshClass::Strict,
                FileClass::UntilReplacementUsed => RefreshClass::UntilReplacementUsed,
            },
            page: file.page,
            checked: file.checked,
            idle_limit: file.idle_seconds.map(seconds),
            absolute_limit: file.absolute_seconds.map(seconds),
            redirect_uri: file.redirect_uri,
            bare: file.bare,
            not_before: file.not_before_seconds.map(seconds),
        }
    }

    fn revoke(
        &mut self,
        file: Option<Spanned<FileRevoke>>,
        endpoints: &Endpoints,
        discover: bool,
    ) -> RevokeFacts {
        let Some(file) = file else {
            let style = if discover || endpoints.revocation.is_some() {
                RevokeStyle::Rfc7009
            } else {
                RevokeStyle::None
            };
            return RevokeFacts {
                style,
                page: None,
                also_ends: Vec::new(),
                leaves: Vec::new(),
                ends: RevokeEnds::default(),
                present: RevokePresentation::default(),
                token_parameter: "token".into(),
                authenticated: true,
                hinted: true,
                dead: Vec::new(),
            };
        };
        let span = file.span();
        let file = file.into_inner();
        let has_endpoint = discover || endpoints.revocation.is_some();
        if (file.style != RevokeStyle::None) && !has_endpoint {
            self.fault(span.clone(), "a revoke style needs `endpoints.revocation`");
        }
        if file.ends == RevokeEnds::Account && file.also_ends.is_empty() {
            self.fault(span, "what else a revocation ends is to be told in `also_ends`");
        }
        RevokeFacts {
            style: file.style,
            page: file.page,
            also_ends: file.also_ends,
            leaves: file.leaves,
            ends: file.ends,
            // A token in `Authorization` proves itself.
            authenticated: file.authenticated.unwrap_or(file.present != RevokePresentation::Bearer),
            present: file.present,
            token_parameter: file.token_parameter.unwrap_or_else(|| "token".into()),
            hinted: file.hinted.unwrap_or(true),
            dead: file.dead,
        }
    }

    fn identity(
        &mut self,
        file: Spanned<FileIdentity>,
        endpoints: &Endpoints,
        (discover, has_issuer): (bool, bool),
        token: &FileToken,
    ) -> IdentityFacts {
        let span = file.span();
        let file = file.into_inner();
        let id = file.id.into_vec();
        let members = &token.account_member;
        match file.source {
            IdentitySource::Endpoint => {
                if endpoints.userinfo.is_none() && !discover {
                    self.fault(span.clone(), "identity by endpoint needs `endpoints.userinfo`");
                }
                if id.is_empty() || file.id_kind.is_none() {
                    self.fault(span.clone(), "identity by endpoint needs `id` and `id_kind`");
                }
            }
            IdentitySource::Fingerprint => {
                if endpoints.userinfo.is_none() {
                    let what = "`endpoints.userinfo` is missing, which says whether a key is good";
                    self.fault(span.clone(), what);
                }
            }
            IdentitySource::Openid => {
                if endpoints.jwks.is_none() && !discover {
                    self.fault(span.clone(), "identity by ID token needs `endpoints.jwks`");
                }
                if !has_issuer {
                    self.fault(span.clone(), "identity by ID token needs `issuer`");
                }
            }
            IdentitySource::TokenAnswer => {
                if matches!(members, OneOrMore::None) || file.id_kind.is_none() {
                    self.fault(
                        span.clone(),
                        "identity by token answer needs `token.account_member` and `id_kind`",
                    );
                }
            }
        }
        for pointer in id.iter().chain(&file.display).chain(&file.account_type) {
            if !pointer.starts_with('/') {
                self.fault(
                    span.clone(),
                    format_args!("`{pointer}` is no pointer into a document (`/data/id`)"),
                );
            }
        }
        for issuer in &file.issuers {
            let text = issuer.get_ref();
            let braces = text.matches('{').count() == text.matches('}').count();
            if file.source != IdentitySource::Openid || text.trim().is_empty() || !braces {
                self.fault(issuer.span(), "not a further issuer of ID tokens");
            }
        }
        let display = if file.display.is_empty() && file.source == IdentitySource::Openid {
            vec!["/preferred_username".into(), "/name".into()]
        } else {
            file.display
        };
        let body = file.body.and_then(|text| {
            let read = serde_json::from_str(text.get_ref()).map(Json::from_value);
            if read.is_err() {
                self.fault(text.span(), "the `body` of the question for the account is no JSON");
            }
            read.ok()
        });
        IdentityFacts {
            source: file.source,
            id_kind: file.id_kind.unwrap_or_else(|| {
                let key = file.source == IdentitySource::Fingerprint;
                if key { "fingerprint" } else { "sub" }.into()
            }),
            id: if id.is_empty() { vec!["/sub".into()] } else { id },
            issuers: file.issuers.into_iter().map(toml::Spanned::into_inner).collect(),
            display,
            account_type: file.account_type,
            post: file.post,
            body,
        }
    }
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

/// Whether a text has the form of a date, `2026-11-21` or `2026-11`.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes.len(), 7 | 10)
        && bytes.iter().enumerate().all(|(n, byte)| match n {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
