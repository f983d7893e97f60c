//! Ids in the forms in which they lie in columns.

use std::fmt::Write as _;

#[cfg(any(feature = "postgres", feature = "sqlite", feature = "sqlx"))]
pub(crate) use self::columns::{person_in, tenant_in};

/// Sixteen bytes as 36 lower-case characters.
pub(crate) fn hyphenated(bytes: &[u8; 16]) -> String {
    bytes.iter().enumerate().fold(String::with_capacity(36), |mut text, (n, byte)| {
        let hyphen = if matches!(n, 4 | 6 | 8 | 10) { "-" } else { "" };
        let _ = write!(text, "{hyphen}{byte:02x}");
        text
    })
}

/// Ids in columns of tables.
#[cfg(any(feature = "postgres", feature = "sqlite", feature = "sqlx"))]
mod columns {
    use bailee_core::{Error, ErrorKind, HostId, Result, TenantId};

    use super::hyphenated;
    use crate::{mapping::Form, statement::Bound};

    pub(crate) fn person_in(id: &HostId, form: Form) -> Result<Bound> {
        Ok(match (id, form) {
            (HostId::Int(number), Form::Integer) => Bound::Integer(*number),
            (HostId::Text(text), Form::Text) => Bound::Text(text.clone()),
            (HostId::Uuid(bytes), Form::Bytes) => Bound::Bytes(bytes.to_vec()),
            (HostId::Uuid(bytes), Form::Uuid) => Bound::Text(hyphenated(bytes)),
            _ => {
                return Err(Error::new(ErrorKind::InvalidInput)
                    .with_detail("an id of the person does not have the form of its column"));
            }
        })
    }

    pub(crate) fn tenant_in(tenant: &TenantId, form: Form) -> Result<Bound> {
        let text = tenant.as_str();
        let found = match form {
            Form::Text => Some(Bound::Text(text.to_owned())),
            Form::Integer => text
                .parse::<i64>()
                .ok()
                // One number has one text, or two tenants would share rows.
                .filter(|number| number.to_string() == text)
                .map(Bound::Integer),
            Form::Bytes => uuid(text).map(|bytes| Bound::Bytes(bytes.to_vec())),
            Form::Uuid => uuid(text).map(|bytes| Bound::Text(hyphenated(&bytes))),
        };
        found.ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput)
                .with_detail("the tenant's id does not have the form of its column")
        })
    }

    /// The bytes of a UUID that is written as [`hyphenated`] writes it.
    fn uuid(text: &str) -> Option<[u8; 16]> {
        let digits: Vec<u8> = text
            .bytes()
            .filter(|byte| *byte != b'-')
            .map(|byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()?;
        let mut bytes = [0; 16];
        if digits.len() != 32 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        (hyphenated(&bytes) == text).then_some(bytes)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_id_has_one_text() {
            let text = "01234567-89ab-cdef-0123-456789abcdef";
            assert_eq!(hyphenated(&uuid(text).unwrap()), text);
            for other in [
                "0123456789abcdef0123456789abcdef",
                "01234567-89AB-cdef-0123-456789abcdef",
                "01234567-89ab-cdef-0123-456789abcde",
                "0-1234567-89ab-cdef-0123-456789abcdef",
                "",
            ] {
                assert_eq!(uuid(other), None, "{other}");
            }
            let tenant = |text: &str| tenant_in(&TenantId::new(text).unwrap(), Form::Integer);
            assert!(tenant("7").is_ok() && tenant("07").is_err() && tenant("seven").is_err());
        }

        #[test]
        fn an_id_of_another_form_is_refused_and_not_turned_into_one_that_fits() {
            for (id, form) in [
                (HostId::Int(1), Form::Text),
                (HostId::text("1"), Form::Integer),
                (HostId::text("01234567-89ab-cdef-0123-456789abcdef"), Form::Uuid),
                (HostId::Uuid([1; 16]), Form::Text),
            ] {
                let error = person_in(&id, form).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
            }
        }
    }
}
