//! The table of adapters and cases is what the run says.

use std::sync::Arc;

use bailee::providers::Provider;
use bailee_testkit::conformance::{Contender, head, label, run};

const TABLE: &str = include_str!("../../../crates/bailee-providers/ADAPTERS.md");

/// Runs the cases of an adapter and holds its line of the table to what came of them.
pub(crate) async fn hold(contender: Arc<dyn Contender>) {
    let row = run(contender).await.row();
    assert!(TABLE.lines().any(|line| line == row), "the table of adapters lacks this line:\n{row}");
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
