//! What the authorization request needs beside the standard.

use std::collections::BTreeMap;

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
        }
    }
}
