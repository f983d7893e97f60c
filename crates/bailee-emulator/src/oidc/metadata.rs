use serde_json::{Map, Value, json};

use super::{ClientAuth, IssuerDesk, MetadataAt, Pkce, Revocation};
use crate::message::{Answer, Incoming};

impl IssuerDesk {
    /// Which metadata address a path is, if metadata is served there.
    pub(super) fn metadata_address(&self, path: &str) -> Option<MetadataAt> {
        let base = &self.base;
        self.switches.metadata_at.iter().copied().find(|at| {
            let address = match at {
                MetadataAt::OauthInserted => {
                    format!("/.well-known/oauth-authorization-server{base}")
                }
                MetadataAt::OidcAppended => format!("{base}/.well-known/openid-configuration"),
                MetadataAt::OidcInserted => format!("/.well-known/openid-configuration{base}"),
            };
            path == address
        })
    }

    pub(super) fn discovery(&self, request: &Incoming) -> Answer {
        match self.metadata_address(&request.path) {
            Some(at) => Answer::json(200, &Value::Object(self.metadata(at))),
            None => Answer::empty(404),
        }
    }

    fn metadata(&self, at: MetadataAt) -> Map<String, Value> {
        let switches = &self.switches;
        let methods: Vec<&str> = {
            let mut methods: Vec<_> = switches.client_auth.iter().map(|way| way.name()).collect();
            methods.dedup();
            methods
        };
        let mut fields = Map::new();
        let mut add = |key: &str, value: Value| {
            fields.insert(key.to_owned(), value);
        };
        add("issuer", json!(switches.issuer));
        add("authorization_endpoint", json!(self.address("/authorize")));
        add("token_endpoint", json!(self.address("/token")));
        add("scopes_supported", json!(switches.scopes));
        add("response_types_supported", json!(["code"]));
        let modes = switches.response_modes.iter().map(|mode| mode.name());
        add("response_modes_supported", json!(modes.collect::<Vec<_>>()));
        add("grant_types_supported", json!(["authorization_code", "refresh_token"]));
        add("token_endpoint_auth_methods_supported", json!(methods));
        if switches.pkce != Pkce::Ignored {
            add("code_challenge_methods_supported", json!(["S256"]));
        }
        if switches.advertises_iss {
            add("authorization_response_iss_parameter_supported", json!(true));
        }
        if switches.revocation != Revocation::Absent {
            add("revocation_endpoint", json!(self.address("/revoke")));
            add("revocation_endpoint_auth_methods_supported", json!(methods));
        }
        if switches.introspection {
            add("introspection_endpoint", json!(self.address("/introspect")));
            add("introspection_endpoint_auth_methods_supported", json!(methods));
        }
        if at != MetadataAt::OauthInserted {
            add("userinfo_endpoint", json!(self.address("/userinfo")));
            add("subject_types_supported", json!(["public"]));
            add("id_token_signing_alg_values_supported", json!([switches.signing.name()]));
            let claims = ["sub", "name", "preferred_username", "email", "email_verified"];
            add("claims_supported", json!(claims));
            add("request_uri_parameter_supported", json!(false));
        }
        add("jwks_uri", json!(self.address("/jwks")));
        for (field, raw) in &switches.metadata {
            match raw {
                Some(raw) => {
                    let value = serde_json::from_str(raw).unwrap_or_else(|_| json!(raw));
                    fields.insert(field.clone(), value);
                }
                None => {
                    fields.remove(field);
                }
            }
        }
        fields
    }
}

impl ClientAuth {
    fn name(self) -> &'static str {
        match self {
            Self::Basic | Self::BasicRaw => "client_secret_basic",
            Self::None => "none",
            Self::Post => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}
