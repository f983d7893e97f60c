//! The table of adapters and cases is what the run says: written by it where
//! `BAILEE_WRITE_TABLE` is set, else held to it.

#![expect(clippy::unwrap_used, reason = "a file of the project that cannot be read fails the test")]

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use bailee::providers::Provider;
use bailee_testkit::{
    Declared, PURPOSE,
    conformance::{Contender, head, label, run},
    emulator::{Account, Decision},
};

use crate::stored::Stored;

const TABLE: &str = include_str!("../../../crates/bailee-providers/ADAPTERS.md");

/// Runs the cases of an adapter and holds its line of the table to what came of them.
pub(crate) async fn hold(contender: Arc<dyn Contender>) {
    let row = run(contender).await.row();
    #[expect(clippy::disallowed_methods, reason = "whoever runs it says whether it writes")]
    if std::env::var_os("BAILEE_WRITE_TABLE").is_some() {
        write(&row);
        return;
    }
    assert!(TABLE.lines().any(|line| line == row), "the table of adapters lacks this line:\n{row}");
}

/// Connects, calls and disconnects, and sees that no secret of it stands in the clear in what was
/// stored and audited.
pub(crate) async fn canary(contender: &dyn Contender) {
    let provider = contender.provider();
    let id = provider.spec().id.as_str().to_owned();
    let scopes: Vec<String> =
        contender.scopes().iter().map(|scope| scope.as_str().to_owned()).collect();
    let declared = Declared::of(provider.spec()).scopes(scopes).operation(&contender.operation());
    let stored = Stored::play(&declared, contender.played()).await;
    let w = &stored.world;
    w.site(&id).add_account(contender.account(Account::new("ada")));
    let ada = w.visitor("ada");
    let completed = w
        .connect_as(&ada, &id, &[PURPOSE], contender.options(), Decision::Allow, "ada")
        .await
        .unwrap()
        .unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    contender.probe(&acting, &completed.connection).await.unwrap();
    stored.assert_nothing_shows(&["ada@person.example"]).await;
    w.bailee.connections().disconnect(&ada, &completed.connection).await.unwrap();
    stored.assert_nothing_shows(&["ada@person.example"]).await;
}

/// Puts an adapter's line into the table, in the place of its former one.
fn write(row: &str) {
    // The tests of several adapters end at the same time.
    static WRITING: Mutex<()> = Mutex::new(());
    let _alone = WRITING.lock().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.parent().unwrap().join("crates/bailee-providers/ADAPTERS.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, table) = text.split_at(text.find("| |").unwrap());
    let end = table.find("\n\n").unwrap_or(table.len());
    let name = |row: &str| row.split('|').nth(1).unwrap().trim().to_lowercase();
    let mut rows: Vec<&str> =
        table[..end].lines().skip(2).filter(|known| name(known) != name(row)).collect();
    rows.push(row);
    rows.sort_by_key(|row| name(row));
    let table = format!("{}\n{}{}", head(), rows.join("\n"), &table[end..]);
    fs::write(&path, format!("{before}{table}")).unwrap();
}

/// An adapter that is compiled in.
pub(crate) fn adapter(id: &str) -> Arc<dyn Provider> {
    bailee::providers::compiled_in()
        .into_iter()
        .find(|adapter| adapter.spec().id.as_str() == id)
        .unwrap_or_else(|| panic!("there is no adapter {id}"))
}

#[test]
fn the_table_has_a_line_for_every_adapter_and_no_other() {
    let lines: Vec<&str> = TABLE.lines().skip_while(|line| !line.starts_with("| |")).collect();
    assert_eq!(lines[..2].join("\n"), head());
    let mut titles: Vec<&str> = lines[2..]
        .iter()
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .collect();
    assert!(titles.is_sorted_by_key(|title| title.to_lowercase()), "the lines are in order");
    let adapters = bailee::providers::compiled_in();
    let mut known: Vec<String> = adapters.iter().map(|adapter| label(adapter.spec())).collect();
    known.sort();
    titles.sort_unstable();
    assert_eq!(titles, known);
}
