//! IP addresses, of both versions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{
    finding::{FindingKind, Hits},
    fold::Folded,
};

pub(super) fn scan(text: &Folded, hits: &mut Hits) {
    let mut place = 0;
    while place < text.len() {
        let c = text.at(place);
        if !(c.is_ascii_hexdigit() || c == ':') {
            place += 1;
            continue;
        }
        let end = text.run(place, |c| c.is_ascii_hexdigit() || matches!(c, ':' | '.'));
        let inside = text.is_inside_word(place) || text.is_inside_word(end);
        if !inside
            && text.before(place) != '.'
            && let Some(length) = address(text, place, end)
        {
            hits.add(FindingKind::IpAddress, place, place + length);
        }
        // Letters that are no digits belong to the same word.
        place = text.run(end, |c| c.is_ascii_alphanumeric()).max(place + 1);
    }
}

/// How long the address is that begins here.
fn address(text: &Folded, start: usize, end: usize) -> Option<usize> {
    // With a port after it, 21 characters of one version and 45 of the other.
    if end - start > 48 {
        return None;
    }
    let run = text.piece(start, end);
    let run = run.trim_end_matches('.');
    let run = if run.ends_with("::") { run } else { run.trim_end_matches(':') };
    let bare = run.split_once(':').map_or(run, |(address, port)| {
        if port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()) { address } else { run }
    });
    if let Ok(four) = bare.parse::<Ipv4Addr>() {
        return (!is_own(four.into()) && !is_version(text, start)).then_some(bare.len());
    }
    let six: Ipv6Addr = run.parse().ok()?;
    // `a::b` is a name in several languages of programs.
    let groups = run.split(':').filter(|group| !group.is_empty()).count();
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    (!is_own(six.into()) && groups >= 3 && digits >= 2).then_some(run.len())
}

/// Addresses of nobody and of oneself, and masks of networks.
fn is_own(address: IpAddr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || matches!(address, IpAddr::V4(four) if four.octets()[0] == 255)
}

/// Four numbers with dots are also versions, chapters and netmasks.
fn is_version(text: &Folded, start: usize) -> bool {
    let before = text.lower(start.saturating_sub(14), start);
    let before = before.trim_end_matches([' ', ':', '.', '=', '(']);
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    VERSIONS.contains(&word)
}

const VERSIONS: [&str; 19] = [
    "build",
    "chapter",
    "chapitre",
    "capítulo",
    "driver",
    "firmware",
    "kapitel",
    "release",
    "rev",
    "section",
    "v",
    "ver",
    "version",
    "versión",
    "abschnitt",
    "bios",
    "update",
    "sdk",
    "clause",
];
