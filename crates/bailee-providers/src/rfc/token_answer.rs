//! Token answers (RFC 6749 §5.1), read without a copy of a token that is not wiped.

use std::time::Duration;

use bailee_core::{AccessToken, CredentialName, IdToken, Plaintext, RefreshToken, ScopeName};
use url::Url;
use zeroize::Zeroizing;

use super::{malformed, oauth_error, scope_list};
use crate::{
    answer::Answer,
    callback::form_decode,
    failure::{Failure, FailureKind},
    grant::{AccountId, Grant, IssuedCredential, TokenType},
    scan::{Object, Value},
    spec::{IdentitySource, SpecFacts, TokenFacts},
};

/// The longest token that is taken (TOK-03).
const LONGEST_TOKEN: usize = 64 * 1024;

/// The longest life that is believed: ten years (TOK-04).
const LONGEST_LIFE: Duration = Duration::from_secs(315_360_000);

/// The members that decide what a grant is. None of them may stand twice (TOK-10).
const DECISIVE: [&str; 6] =
    ["access_token", "error", "expires_in", "id_token", "refresh_token", "token_type"];

/// Reads the answer to an exchange: status, content type, errors, tokens, in this order.
pub(crate) fn read(spec: &SpecFacts, answer: &Answer) -> Result<Grant, Failure> {
    read_with(spec, answer, true)
}

/// Reads the answer to a renewal, which need not name the account again.
pub(crate) fn read_renewed(spec: &SpecFacts, answer: &Answer) -> Result<Grant, Failure> {
    read_with(spec, answer, false)
}

fn read_with(spec: &SpecFacts, answer: &Answer, first: bool) -> Result<Grant, Failure> {
    if spec.token.form_encoded && answer.is_form() {
        return match oauth_error::judge(spec, answer) {
            Some(failure) => Err(failure),
            None => read_form(spec, &answer.body, first),
        };
    }
    grant(spec, &Json(&document(spec, answer)?), first)
}

/// The object in the answer of a token endpoint, once it is seen to state no error.
pub(crate) fn document<'a>(spec: &SpecFacts, answer: &'a Answer) -> Result<Object<'a>, Failure> {
    if let Some(failure) = oauth_error::judge(spec, answer) {
        return Err(failure);
    }
    if !answer.is_json() {
        return Err(malformed());
    }
    let object = Object::parse(&answer.body).map_err(|_| malformed())?;
    states_no_error(spec, &object)?;
    Ok(object)
}

/// Sees that nothing decisive stands twice in an object, and that it states no error.
fn states_no_error(spec: &SpecFacts, object: &Object<'_>) -> Result<(), Failure> {
    for name in DECISIVE.into_iter().chain([spec.scopes.answer_member.as_str()]) {
        object.get(name).map_err(|_| malformed())?;
    }
    oauth_error::in_body(spec, object).map_or(Ok(()), Err)
}

/// The token set in an object, under a name, where an answer holds several of them.
#[cfg(feature = "slack")]
pub(crate) fn issued(
    spec: &SpecFacts,
    name: CredentialName,
    object: &Object<'_>,
) -> Result<IssuedCredential, Failure> {
    credential(spec, name, &Json(object))
}

/// The grant in an object, where an answer was judged and wraps it in another.
#[cfg(feature = "instagram")]
pub(crate) fn read_object(spec: &SpecFacts, object: &Object<'_>) -> Result<Grant, Failure> {
    states_no_error(spec, object)?;
    grant(spec, &Json(object), true)
}

/// The members of a token answer, whatever its form.
trait Members {
    fn secret(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failure>;
    fn number(&self, name: &str) -> Result<Option<f64>, Failure>;
    fn scopes(&self, name: &str, separators: &[char]) -> Result<Option<Vec<ScopeName>>, Failure>;
    /// A text or a whole number under a name, or at a pointer.
    fn id(&self, place: &str) -> Result<Option<String>, Failure>;
}

fn grant(spec: &SpecFacts, members: &dyn Members, first: bool) -> Result<Grant, Failure> {
    let facts = &spec.token;
    let credential = credential(spec, facts.credential.clone(), members)?;
    let account_id = if facts.account_members.is_empty() {
        None
    } else {
        let parts: Option<Vec<String>> = facts
            .account_members
            .iter()
            .map(|place| members.id(place))
            .collect::<Result<_, _>>()?;
        match parts {
            None if !first => None,
            None => return Err(malformed()),
            Some(parts) => {
                let id = AccountId::new(spec.identity.id_kind.clone(), parts.join(":"));
                Some(id.ok_or_else(malformed)?)
            }
        }
    };
    let stated = match &facts.api_member {
        Some(place) => members.id(place)?,
        None => None,
    };
    let api = match stated {
        None if first && facts.api_member.is_some() && !facts.api_optional => {
            return Err(malformed());
        }
        None => None,
        Some(text) => {
            let url = Url::parse(&text).map_err(|_| malformed())?;
            spec.check_account_api(&url)?;
            Some(url)
        }
    };
    let mut display = None;
    if spec.identity.source == IdentitySource::TokenAnswer {
        for place in &spec.identity.display {
            display = display.or(members.id(place)?);
        }
    }
    let id_token = members
        .secret("id_token")?
        .map(|token| usable(token, false))
        .transpose()?
        .map(IdToken::new);
    Ok(Grant { account_id, display, api, id_token, ..Grant::new(vec![credential]) })
}

fn credential(
    spec: &SpecFacts,
    name: CredentialName,
    members: &dyn Members,
) -> Result<IssuedCredential, Failure> {
    let facts = &spec.token;
    let access = members.secret("access_token")?.ok_or_else(malformed)?;
    let token_type = token_type(members.secret("token_type")?, facts)?;
    let refresh = match members.secret("refresh_token")? {
        // Some servers send an empty one where there is none.
        Some(token) if token.is_empty() => None,
        other => other.map(|token| usable(token, true)).transpose()?,
    };
    let refresh_expires_in = match members.number("refresh_expires_in")? {
        Some(number) => Some(number),
        None => members.number("refresh_token_expires_in")?,
    };
    let mut credential = IssuedCredential::new(name, AccessToken::new(usable(access, false)?));
    credential.token_type = token_type;
    credential.expires_in = members.number("expires_in")?.map(life).or(facts.access_lifetime);
    credential.refresh_expires_in =
        refresh_expires_in.map(life).or(facts.refresh_lifetime).filter(|_| refresh.is_some());
    credential.refresh = refresh.map(RefreshToken::new);
    credential.scopes = members
        .scopes(&spec.scopes.answer_member, spec.scopes.answer_separators())?
        .filter(|_| !spec.scopes.fixed)
        .map(|scopes| spec.scopes.settle(scopes));
    Ok(credential)
}

/// A token that can be used: of 1 byte to 64 KiB, and fit for a header (TOK-03). What it is made of
/// is nobody's business beyond that; a refresh token travels in a body and may have spaces.
fn usable(token: Zeroizing<Vec<u8>>, spaces: bool) -> Result<Plaintext, Failure> {
    let fits = (1..=LONGEST_TOKEN).contains(&token.len())
        && token.iter().all(|b| match b {
            b' ' => spaces,
            0x00..=0x1f | 0x7f => false,
            _ => true,
        });
    if fits { Ok(Plaintext::new(token)) } else { Err(malformed()) }
}

/// RFC 6749 §7.1: a client does not use a token of a type that it does not know. The case does not
/// count (§5.1).
fn token_type(given: Option<Zeroizing<Vec<u8>>>, facts: &TokenFacts) -> Result<TokenType, Failure> {
    match given {
        Some(word) if word.eq_ignore_ascii_case(b"bearer") => Ok(TokenType::Bearer),
        Some(word) if word.eq_ignore_ascii_case(b"dpop") => Err(FailureKind::Unsupported.into()),
        Some(word)
            if facts.types.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes())) =>
        {
            Ok(TokenType::Bearer)
        }
        None if facts.type_optional => Ok(TokenType::Bearer),
        _ => Err(malformed()),
    }
}

/// A life in seconds, clamped: negative is over, and nothing lives longer than ten years.
fn life(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0).min(LONGEST_LIFE.as_secs_f64()))
        .unwrap_or(LONGEST_LIFE)
}

/// A number that is not one is as good as missing (TOK-04).
fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| !number.is_nan())
}

struct Json<'a>(&'a Object<'a>);

impl Members for Json<'_> {
    fn secret(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        self.0.string(name).map_err(|_| malformed())
    }

    fn number(&self, name: &str) -> Result<Option<f64>, Failure> {
        Ok(match self.0.get(name).map_err(|_| malformed())? {
            Some(Value::Number(text)) => number(text),
            Some(Value::String(_)) => self
                .0
                .string(name)
                .ok()
                .flatten()
                .and_then(|text| std::str::from_utf8(&text).ok().and_then(number)),
            _ => None,
        })
    }

    fn scopes(&self, name: &str, separators: &[char]) -> Result<Option<Vec<ScopeName>>, Failure> {
        match self.0.get(name).map_err(|_| malformed())? {
            None | Some(Value::Null) => Ok(None),
            Some(value @ Value::Array(_)) => {
                let elements = value.elements().ok_or_else(malformed)?;
                let texts: Option<Vec<String>> = elements.iter().map(Value::text).collect();
                scope_list::collect(texts.ok_or_else(malformed)?.iter().map(String::as_str))
                    .map(Some)
                    .ok_or_else(malformed)
            }
            Some(value) => {
                let text = value.string().ok_or_else(malformed)?;
                scope_list::split(&text, separators).map(Some).ok_or_else(malformed)
            }
        }
    }

    fn id(&self, place: &str) -> Result<Option<String>, Failure> {
        let value = if place.starts_with('/') { self.0.pointer(place) } else { self.0.get(place) };
        Ok(value.map_err(|_| malformed())?.and_then(|value| value.id_text()))
    }
}

/// A form-encoded answer, for the providers that still give one.
fn read_form(spec: &SpecFacts, body: &[u8], first: bool) -> Result<Grant, Failure> {
    let form = Form(std::str::from_utf8(body).map_err(|_| malformed())?);
    for name in DECISIVE.into_iter().chain([spec.scopes.answer_member.as_str()]) {
        form.secret(name)?;
    }
    if let Some(code) = form.secret("error")?.filter(|code| !code.is_empty()) {
        return Err(crate::failure::ErrorRow::find(&spec.errors, &code)
            .map_or_else(malformed, crate::failure::ErrorRow::failure));
    }
    grant(spec, &form, first)
}

struct Form<'a>(&'a str);

impl Members for Form<'_> {
    fn secret(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let mut found = self
            .0
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .filter(|(key, _)| form_decode(key).as_slice() == name.as_bytes());
        let first = found.next().map(|(_, value)| form_decode(value));
        if found.next().is_some() { Err(malformed()) } else { Ok(first) }
    }

    fn number(&self, name: &str) -> Result<Option<f64>, Failure> {
        Ok(self.secret(name)?.and_then(|text| std::str::from_utf8(&text).ok().and_then(number)))
    }

    fn scopes(&self, name: &str, separators: &[char]) -> Result<Option<Vec<ScopeName>>, Failure> {
        self.secret(name)?
            .map(|text| scope_list::split(&text, separators).ok_or_else(malformed))
            .transpose()
    }

    fn id(&self, place: &str) -> Result<Option<String>, Failure> {
        Ok(self
            .secret(place.trim_start_matches('/'))?
            .and_then(|text| std::str::from_utf8(&text).ok().map(ToOwned::to_owned)))
    }
}
