//! The story: what was called, what was stored, what was audited.

#![expect(clippy::print_stdout, reason = "telling is what this program is for")]

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    path::Path,
    time::Duration,
};

use bailee::{
    TenantId, audit,
    core::Timestamp,
    store::{Kind, Store, Window},
};
use bailee_emulator::{Emulator, Endpoint};

/// A headline.
pub fn chapter(title: &str) {
    println!(
        "\n\u{2500}\u{2500} {title} {}",
        "\u{2500}".repeat(74_usize.saturating_sub(title.len()))
    );
}

/// A sentence.
pub fn say(text: &str) {
    println!("{text}");
}

/// A line behind a label.
pub fn line(label: &str, text: &str) {
    println!("   {label:<18}{text}");
}

/// What the person reads before the redirect.
pub fn quote(text: &str) {
    for line in text.lines() {
        println!("   \u{2502} {line}");
    }
}

/// Tells what is new since it was last asked.
#[derive(Debug, Default)]
pub struct Telling {
    requests: RefCell<BTreeMap<String, usize>>,
    until: Cell<Option<Timestamp>>,
}

impl Telling {
    /// What left for the providers, what was written to the log, what lies in the store.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn tell(
        &self,
        emulator: &Emulator,
        store: &dyn Store,
    ) -> Result<(), Box<dyn std::error::Error>> {
        for site in emulator.sites() {
            let requests = site.requests();
            let told = self.requests.borrow_mut().insert(site.name().into(), requests.len());
            for request in requests.iter().skip(told.unwrap_or_default()) {
                // The person's own browser goes to the consent page.
                if matches!(request.endpoint, Endpoint::Authorize | Endpoint::Consent) {
                    continue;
                }
                let answer = request.status.map_or("no answer".into(), |status| status.to_string());
                let address = format!("{}{}", request.host, request.path);
                line("called", &format!("{} {address} \u{2192} {answer}", request.method));
            }
        }
        let from = self.until.get().unwrap_or(Timestamp::from_micros(i64::MIN));
        let mut entries = Vec::new();
        for tenant in [TenantId::from_static("acme"), TenantId::SYSTEM] {
            entries.extend(store.entries(&tenant, Window { from, ..Window::default() }).await?);
        }
        entries.sort_by_key(|logged| (logged.entry.at(), logged.n));
        for logged in &entries {
            let told = audit::to_line(&logged.entry);
            line("audited", told.split_once("  ").map_or(told.as_str(), |(_, told)| told));
        }
        if let Some(last) = entries.last() {
            self.until.set(Some(last.entry.at().plus(Duration::from_micros(1))));
        }
        let mut stored = Vec::new();
        for kind in KINDS {
            let count: u64 =
                store.tally(None, &Kind::new(kind)?).await?.iter().map(|count| count.records).sum();
            if count > 0 {
                stored.push(format!("{count} {kind}"));
            }
        }
        line("stored, sealed", &stored.join(", "));
        Ok(())
    }
}

const KINDS: [&str; 11] = [
    "subject",
    "directory",
    "connection",
    "credential",
    "consent",
    "publication",
    "disclosure",
    "reservation",
    "route",
    "flow",
    "registration",
];

/// Counts in how many places of the files in a folder each of the texts stands.
///
/// # Errors
///
/// When a file cannot be read.
pub fn scan(folder: &Path, texts: &[String]) -> std::io::Result<(usize, u64, usize)> {
    let (mut files, mut bytes, mut hits) = (0, 0, 0);
    for entry in std::fs::read_dir(folder)? {
        let content = std::fs::read(entry?.path())?;
        files += 1;
        bytes += content.len() as u64;
        for text in texts.iter().filter(|text| text.len() > 3) {
            hits += content.windows(text.len()).filter(|window| *window == text.as_bytes()).count();
        }
    }
    Ok((files, bytes, hits))
}
