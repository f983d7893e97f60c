//! Receipts of consents: for the person and for whoever has to prove them (Art. 7(1) GDPR), signed and
//! tied to the log.

mod gap;
mod iso27560;
mod kantara;
mod shown;

use bailee_audit::{Json, Receipt};
use bailee_core::{Error, ErrorKind, Id, Result, SubjectId, TenantId, Timestamp};
use bailee_store::Window;

use self::shown::Shown;
use crate::{AuditLog, EntryPlace, Ledger, Texts};

pub use self::gap::ReceiptGap;

/// Which form a receipt of a consent has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReceiptForm {
    /// Kantara's Consent Receipt 1.1.0, as the member `consentReceipt` of the content. What that form
    /// does not know stands beside it: `state` (`given`, `refused`, `withdrawn`, `expired`), its time,
    /// and the hashes of the declaration and of the text that was shown.
    Kantara,
    /// A receipt of ISO/IEC TS 27560:2023 for the GDPR, in the Data Privacy Vocabulary's mapping
    /// (JSON-LD).
    Receipt27560,
    /// A record of ISO/IEC TS 27560:2023 for the GDPR: the same as the receipt, for whoever has to keep
    /// it.
    Record27560,
}

impl ReceiptForm {
    /// The name under which the form stands in a receipt.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kantara => "KI-CR-v1.1.0",
            Self::Receipt27560 => "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr",
            Self::Record27560 => "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr",
        }
    }
}

impl Ledger {
    /// A signed receipt of a record of the ledger: of a consent that was given, refused, withdrawn or
    /// that ran out.
    ///
    /// `texts` are those of the declaration that was shown when the consent was given; a record names its
    /// version. The person is named by their pseudonym alone. The receipt holds the hash of the log's
    /// entry, and the proof that this is in the signed tree once it is: ask again after the next
    /// checkpoint.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a record that the person does not have, or an entry that the log does
    /// not have; [`ErrorKind::InvalidInput`] for a record that is no consent, and for texts of another
    /// declaration; [`ErrorKind::Configuration`] when the declaration does not say what the form needs:
    /// the source is a [`ReceiptGap`] then; and as [`Ledger::history`] and [`AuditLog::receipt`].
    pub async fn receipt_for(
        &self,
        log: &AuditLog,
        tenant: &TenantId,
        subject: SubjectId,
        record: Id,
        texts: &Texts,
        form: ReceiptForm,
    ) -> Result<Receipt> {
        let history = self.history(tenant, subject).await?;
        let found = history.iter().position(|one| one.id == record);
        let found = found.ok_or(ErrorKind::NotFound)?;
        let shown = Shown::of(&history, found, subject, texts)?;
        let content = match form {
            ReceiptForm::Kantara => kantara::receipt(&shown, log)?,
            ReceiptForm::Receipt27560 | ReceiptForm::Record27560 => {
                iso27560::record(&shown, form.name())?
            }
        };
        let place = log.place_of(tenant, &shown).await?;
        log.receipt(form.name(), content, Some(&place)).await
    }
}

impl AuditLog {
    /// Where the entry of a record of the ledger is: in the same commit, so with the same time.
    async fn place_of(&self, tenant: &TenantId, shown: &Shown<'_>) -> Result<EntryPlace> {
        let (at, wanted) = (shown.record.at, shown.record.entry(shown.subject));
        let until = Timestamp::from_micros(at.as_micros().saturating_add(1));
        let window = Window { from: at, until, ..Window::default() };
        let found = self.search(tenant, window, |logged| logged.entry == wanted).await?;
        found.as_ref().map(EntryPlace::from).ok_or_else(|| {
            Error::new(ErrorKind::NotFound).with_detail("the log has no entry of this consent")
        })
    }
}

/// A member with a text.
fn text(name: &'static str, text: impl Into<String>) -> (&'static str, Json) {
    (name, Json::Text(text.into()))
}
