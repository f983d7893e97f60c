//! What a person is told at the moment when something is asked of them that no provider is asked for.

use bailee_core::{Error, ErrorKind, PurposeId, Result};

use crate::{DataItem, Declaration, LegalBasis, Purpose};

use super::{
    Texts,
    document::{Document, Line},
};

impl Texts {
    /// What a person is told where the host is about to process data of theirs for purposes of its
    /// own: what for, on which basis, which data, who receives it, how long it is kept, and how to
    /// take an agreement back. Short enough for the page on which it is asked.
    ///
    /// [`Document::hash`] is what a consent to it notes ([`crate::Given::text`]). For a provider there
    /// is [`crate::Disclosure`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for no purpose; [`ErrorKind::Configuration`] for one that is not
    /// declared.
    pub fn just_in_time(&self, purposes: &[PurposeId]) -> Result<Document> {
        let purposes = named(&self.declaration, purposes)?;
        let asks = purposes.iter().any(|purpose| purpose.basis == LegalBasis::Consent);
        let title = if asks { "moment.title_consent" } else { "moment.title" };
        let mut document = Document::new(self.say(title), self.catalogue.locale().clone());
        let controller = self.declaration.controller();
        document.say(self.fill("moment.intro", &[("controller", &controller.name)]));
        for purpose in &purposes {
            document.subheading(&purpose.title);
            document.say(&purpose.plain);
            document.paragraph(self.basis(purpose));
            if let Some(automated) = &purpose.automated {
                document.say(
                    self.fill("why.automated", &[("title", &purpose.title), ("logic", automated)]),
                );
            }
            self.data_for(&mut document, purpose);
            self.recipients_for(&mut document, purpose);
        }
        if asks {
            document.heading(self.say("moment.back_heading"));
            document.say(self.say("moment.back"));
        }
        document.heading(self.say("moment.more_heading"));
        let contact = Line::text(self.say("who.contact")).contact(&controller.contact);
        document.paragraph(contact);
        if let Some(policy) = self.declaration.policy() {
            document.paragraph(Line::text(self.say("moment.policy")).contact(&policy.url));
        }
        document.say(self.say("rights.complaint"));
        let version = crate::hex::text(&self.declaration.version());
        document.say(self.fill("moment.version", &[("version", &version)]));
        Ok(document)
    }

    fn data_for(&self, document: &mut Document, purpose: &Purpose) {
        let of = |item: &&DataItem| item.purpose == purpose.id;
        let items = self.declaration.data_sets().flat_map(|set| &set.data).filter(of);
        let columns = ["data.data", "data.category", "data.kept"];
        let rows = items.map(|item| {
            vec![
                Line::text(&item.name),
                Line::text(self.category(&item.category)),
                Line::text(self.kept(item, "")),
            ]
        });
        document.table(self.columns(&columns), rows.collect());
    }

    /// Whoever receives data for it, providers of accounts aside: nothing goes to them from here.
    fn recipients_for(&self, document: &mut Document, purpose: &Purpose) {
        let provider = |recipient: &crate::Recipient| {
            self.declaration.integrations().any(|one| one.recipient == recipient.id)
        };
        let receive = self
            .declaration
            .recipients()
            .filter(|recipient| recipient.purposes.contains(&purpose.id) && !provider(recipient));
        let columns = ["recipients.name", "recipients.data", "recipients.place"];
        let rows = receive.map(|recipient| {
            let country = self.catalogue.country(recipient.country);
            let place = match recipient.safeguard {
                Some(_) if !recipient.country.is_in_eea() => {
                    let mut place = Line::text(format!("{country}: "));
                    place.0.extend(self.safeguard(recipient).0);
                    place
                }
                _ => Line::text(country),
            };
            let mut data = Line::text(self.categories(&recipient.categories));
            if !recipient.fields.is_empty() {
                let fields: Vec<&str> = recipient.fields.iter().map(String::as_str).collect();
                let fields = self.fill("recipients.fields", &[("fields", &fields.join(", "))]);
                data = data.and(format!("— {fields}"));
            }
            vec![Line::text(&recipient.name), data, place]
        });
        document.table(self.columns(&columns), rows.collect());
    }
}

/// The purposes, each once, in the order in which they were named.
fn named<'d>(declaration: &'d Declaration, purposes: &[PurposeId]) -> Result<Vec<&'d Purpose>> {
    if purposes.is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput).with_detail("no purpose was named"));
    }
    let mut named: Vec<&Purpose> = Vec::with_capacity(purposes.len());
    for id in purposes {
        let purpose = declaration.purpose(id).ok_or_else(|| {
            Error::new(ErrorKind::Configuration)
                .with_detail(format!("the purpose {id} is not declared"))
        })?;
        if !named.iter().any(|known| known.id == purpose.id) {
            named.push(purpose);
        }
    }
    Ok(named)
}
