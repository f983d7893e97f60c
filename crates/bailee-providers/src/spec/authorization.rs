//! What the authorization request needs beside the standard.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    ClientFacts,
    check::Check,
    file::{FileAuthorization, Text},
};
use crate::rfc::codes;

/// What the authorization request needs beside the standard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthorizationFacts {
    /// Parameters that are always sent.
    pub parameters: Vec<(String, String)>,
    /// Parameters that are sent where the person has to be asked anew, because the provider gives a
    /// refresh token to no one whom it need not ask
    /// ([`AuthorizeAsk::ask_anew`](crate::AuthorizeAsk::ask_anew)).
    pub ask_anew: Vec<(String, String)>,
    /// The parameter for the person's language (`ui_locales`).
    pub locale_parameter: Option<String>,
    /// How the answer comes back to the redirect URI.
    pub response_mode: ResponseMode,
}

/// How an authorization server answers at the redirect URI. Fragments, which a browser does not
/// send, are no mode here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResponseMode {
    /// As a form that the browser posts from the server's page (OAuth 2.0 Form Post Response Mode
    /// §2). It is asked for by name.
    FormPost,
    /// In the query, which is the default of the code flow and not asked for (OAuth 2.0 Multiple
    /// Response Types §2.1).
    #[default]
    Query,
}

impl ResponseMode {
    /// Its name in requests and in metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FormPost => "form_post",
            Self::Query => "query",
        }
    }
}

impl Check<'_> {
    pub(super) fn authorization(
        &mut self,
        file: FileAuthorization,
        client: &ClientFacts,
    ) -> AuthorizationFacts {
        for name in file.parameters.keys().chain(file.ask_anew.keys()) {
            let managed = codes::MANAGED_PARAMETERS.contains(&name.get_ref().as_str())
                || client.id_parameter == *name.get_ref();
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
            response_mode: file.response_mode,
        }
    }
}
