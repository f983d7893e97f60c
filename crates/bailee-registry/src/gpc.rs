//! Global Privacy Control: what a browser says on behalf of its person.

/// That a request carried the Global Privacy Control signal: the person does not want their data
/// sold or shared, nor to be shown advertising across contexts.
///
/// It is no request to delete anything and says nothing about what the service does for itself.
/// That a request carries no signal says nothing: it never ends what an earlier one began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct GlobalPrivacyControl(());

impl GlobalPrivacyControl {
    /// The name of the header.
    pub const HEADER: &'static str = "Sec-GPC";

    /// Reads the headers of a request, as the W3C's draft says: any field named `Sec-GPC`, in any
    /// case, whose value is exactly `1`. Other values are ignored, also beside a good one.
    ///
    /// Give it the headers alone: in a trailer the field means nothing.
    pub fn read<N: AsRef<str>, V: AsRef<[u8]>>(
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Option<Self> {
        headers
            .into_iter()
            .any(|(name, value)| {
                name.as_ref().eq_ignore_ascii_case(Self::HEADER) && value.as_ref() == b"1"
            })
            .then_some(Self(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &str)]) -> bool {
        GlobalPrivacyControl::read(headers.iter().copied()).is_some()
    }

    #[test]
    fn only_exactly_one_is_the_signal() {
        assert!(read(&[("Sec-GPC", "1")]));
        for value in
            ["", "0", "true", "1 ", " 1", "01", "1.0", "1, 1", "1;q=1", "\"1\"", "?1", "１"]
        {
            assert!(!read(&[("Sec-GPC", value)]), "{value:?}");
        }
        assert!(!read(&[]));
        assert!(!read(&[("DNT", "1"), ("Sec-GPC2", "1"), ("X-Sec-GPC", "1")]));
    }

    #[test]
    fn names_are_read_in_any_case_and_one_good_field_is_enough() {
        assert!(read(&[("sec-gpc", "1")]));
        assert!(read(&[("host", "a.example"), ("SEC-GPC", "0"), ("sec-gpc", "1")]));
        assert!(!read(&[("sec-gpc", "0"), ("sec-gpc", "")]));
    }
}
