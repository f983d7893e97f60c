//! `[controller]`, `[[joint_controllers]]`, `[[authorities]]`: organisations.

use crate::{
    Controller, Party, ProtectionOfficer, Role,
    problem::Report,
    read::{Section, Text},
};

use super::{COUNTRY, country};

const CONTACT: &str = "write where privacy requests go: an e-mail address or an https address";

const PHONE: &str =
    "write the number with the code of its country (+353 1 234 5678), or leave it out";

pub(super) fn controller(report: &mut Report, root: &mut Section<'_>) -> Option<Controller> {
    let mut section = root.required_section(
        report,
        "controller",
        "say who answers for the service: [controller] with name and contact",
    )?;
    let website = section.maybe_text(report, "website", "write an https address, or leave it out");
    let website = website.filter(|website| is_web(report, &section, website));
    let phone = section.maybe_text(report, "phone", PHONE);
    let phone = phone.filter(|phone| is_phone(report, &section, phone));
    let representative = section
        .section(report, "representative")
        .map(|section| party(report, section, "write the representative's name (Art. 27 GDPR)"));
    let officer = section.section(report, "protection_officer").map(|mut section| {
        let name = section.maybe_text(report, "name", "write a name, or leave it out");
        let contact = contact(report, &mut section);
        section.finish(report);
        Some(ProtectionOfficer { name: name.map(|name| name.text), contact: contact?.text })
    });
    let own = party(report, section, "write the controller's name (Art. 13(1)(a) GDPR)")?;
    Some(Controller {
        name: own.name,
        contact: own.contact,
        phone: phone.map(|phone| phone.text),
        address: own.address,
        country: own.country,
        website: website.map(|website| website.text),
        representative: maybe(representative)?,
        protection_officer: maybe(officer)?,
    })
}

/// Something that may be missing and, where it is there, has to be good.
fn maybe<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        Some(read) => read.map(Some),
        None => Some(None),
    }
}

/// Those who decide with the controller: as many as its role says.
pub(super) fn joint_controllers(
    report: &mut Report,
    root: &mut Section<'_>,
    role: Option<Role>,
) -> Vec<Party> {
    let rows = root.tables(report, "joint_controllers");
    let joint = role == Some(Role::JointController);
    if joint && rows.is_empty() {
        let mend = "name the others that decide with it: [[joint_controllers]] with name and contact \
                    (Art. 26 GDPR)";
        root.missing(report, "joint_controllers", mend);
    }
    if let Some(row) = rows.first().filter(|_| role.is_some() && !joint) {
        let what = "there are [[joint_controllers]], and `role` is another";
        report.add(&row.span, what, "write role = \"joint_controller\", or remove them");
    }
    rows.into_iter()
        .filter_map(|row| party(report, row, "write the joint controller's name"))
        .collect()
}

/// The authorities to which people can complain.
pub(super) fn authorities(report: &mut Report, root: &mut Section<'_>) -> Vec<Party> {
    root.tables(report, "authorities")
        .into_iter()
        .filter_map(|row| party(report, row, "write the authority's name (Art. 77 GDPR)"))
        .collect()
}

fn party(report: &mut Report, mut section: Section<'_>, name: &str) -> Option<Party> {
    let name = section.text(report, "name", name);
    let contact = contact(report, &mut section);
    let address =
        section.maybe_text(report, "address", "write the postal address, or leave it out");
    let country =
        section.maybe_text(report, "country", COUNTRY).and_then(|text| country(report, &text));
    section.finish(report);
    Some(Party {
        name: name?.text,
        contact: contact?.text,
        address: address.map(|address| address.text),
        country,
    })
}

fn contact(report: &mut Report, section: &mut Section<'_>) -> Option<Text> {
    let contact = section.text(report, "contact", CONTACT)?;
    if is_contact(&contact.text) {
        return Some(contact);
    }
    let what = format!("`contact` of {} is neither an e-mail nor an https address", section.name);
    report.add(&contact.span, what, CONTACT);
    None
}

/// Whether a text is an address of the web, and says so where it is none.
pub(super) fn is_web(report: &mut Report, section: &Section<'_>, text: &Text) -> bool {
    let good = is_https(&text.text);
    if !good {
        let what = format!("an address of {} is no https address", section.name);
        report.add(&text.span, what, "write it as https://…");
    }
    good
}

/// Whether a text is a telephone number that can be called from anywhere (ITU-T E.164: at most fifteen
/// digits), and says so where it is none.
fn is_phone(report: &mut Report, section: &Section<'_>, text: &Text) -> bool {
    let rest = text.text.strip_prefix('+').unwrap_or("");
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    let plain = rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-'));
    let good = plain && (5..=15).contains(&digits);
    if !good {
        let what = format!("`phone` of {} is no telephone number", section.name);
        report.add(&text.span, what, PHONE);
    }
    good
}

fn is_https(text: &str) -> bool {
    let rest = text.strip_prefix("https://");
    rest.is_some_and(|rest| !rest.is_empty()) && !text.contains(char::is_whitespace)
}

fn is_contact(text: &str) -> bool {
    let plain = !text.contains(char::is_whitespace);
    let mail = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !host.ends_with('.')
    });
    (plain && mail) || is_https(text)
}
