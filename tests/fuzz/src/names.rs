//! Ids and names.

use std::{fmt::Display, str::FromStr};

use bailee_core::{
    BatchId, ConnectionId, ConnectionRef, CredentialName, HostId, Id, InstanceId, Locale,
    ProviderId, PurposeId, RecipientId, RegistrationId, ScopeName, SubjectId, TenantId,
};
use bailee_providers::{AccountId, HostileText, Place};
use bailee_store::Kind;

use crate::{quiet, quiet_error};

/// A text as each kind of name, and bytes as a host's id.
pub(crate) fn names(data: &[u8]) {
    host_id(data);
    let tamed = HostileText::tame(data);
    assert!(tamed.as_str().len() <= 256 && !tamed.as_str().contains(['"', '\\', '\n', '\0']));
    quiet("hostile text", &tamed);
    let Ok(text) = std::str::from_utf8(data) else { return };

    same_again::<Id>(text, |_| text.len() == 32);
    same_again::<BatchId>(text, |_| text.len() == 32);
    same_again::<ConnectionId>(text, |_| text.len() == 32);
    same_again::<SubjectId>(text, |_| text.len() == 32);
    same_again::<ConnectionRef>(text, |reference| {
        reference.tenant().is_system() == (reference.owner() == bailee_core::Owner::Instance)
    });
    same_again::<TenantId>(text, |_| fits(text, 64, |b| b.is_ascii_graphic()));
    same_again::<ProviderId>(text, |_| slug(text));
    same_again::<RegistrationId>(text, |_| slug(text));
    same_again::<RecipientId>(text, |_| slug(text));
    same_again::<CredentialName>(text, |_| slug(text));
    same_again::<InstanceId>(text, |_| slug(text));
    same_again::<PurposeId>(text, |_| {
        fits(text, 64, |b| b == b'.' || is_slug_byte(b)) && text.split('.').all(slug)
    });
    same_again::<ScopeName>(text, |_| {
        fits(text, 255, |b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\'))
    });
    match Kind::new(text) {
        Ok(kind) => assert!(kind.as_str() == text && fits(text, 64, |b| b.is_ascii_graphic())),
        Err(error) => quiet_error("kind", &error),
    }
    match Locale::new(text) {
        Ok(locale) => {
            assert!(locale.as_str() == text && fits(text, 35, |b| b.is_ascii_graphic()));
            assert!(locale.language().bytes().all(|b| b.is_ascii_lowercase()));
        }
        Err(error) => quiet("language tag", &error),
    }
    if let Some(id) = AccountId::new("sub", text) {
        assert!(fits(id.value(), 255, |b| b.is_ascii_graphic()));
        quiet("account id", &id);
    }
    if let Some(place) = Place::new(text, text) {
        assert!(fits(&place.id, 255, |b| b.is_ascii_graphic()) && place.name.len() <= 800);
        quiet("place", &place);
    }
}

fn host_id(data: &[u8]) {
    match HostId::from_bytes(data) {
        Ok(id) => {
            assert_eq!(id.to_bytes(), data);
            quiet("host id", &id);
        }
        Err(error) => quiet("host id", &error),
    }
}

/// What is taken is written as it was, satisfies its form, and goes through JSON; what is refused
/// is not repeated.
fn same_again<T>(text: &str, fits: impl FnOnce(&T) -> bool)
where
    T: FromStr<Err = bailee_core::InvalidName>
        + Display
        + PartialEq
        + std::fmt::Debug
        + serde_json_name::Name,
{
    match text.parse::<T>() {
        Ok(name) => {
            assert_eq!(name.to_string(), text);
            assert!(fits(&name), "a name of another form: {text:?}");
            assert_eq!(name.through_json().as_ref(), Some(&name));
        }
        Err(error) => {
            assert!(!error.to_string().contains(crate::CANARY));
            quiet("name", &error);
        }
    }
}

/// What goes into JSON and comes out of it.
mod serde_json_name {
    use serde_json::{from_value, to_value};

    pub(super) trait Name: Sized {
        fn through_json(&self) -> Option<Self>;
    }

    macro_rules! name {
        ($($name:ident),*) => { $(
            impl Name for super::$name {
                fn through_json(&self) -> Option<Self> {
                    from_value(to_value(self).ok()?).ok()
                }
            }
        )* };
    }

    name!(
        BatchId,
        ConnectionId,
        ConnectionRef,
        CredentialName,
        Id,
        InstanceId,
        ProviderId,
        PurposeId,
        RecipientId,
        RegistrationId,
        ScopeName,
        SubjectId,
        TenantId
    );
}

fn fits(text: &str, longest: usize, byte: impl Fn(u8) -> bool) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(byte)
}

fn slug(text: &str) -> bool {
    fits(text, 48, is_slug_byte) && text.as_bytes()[0].is_ascii_lowercase()
}

fn is_slug_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')
}
