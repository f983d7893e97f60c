//! The source passes the suite that every source passes.

use bailee_rights::source::conformance;

use crate::application::full;

#[tokio::test]
async fn r3_the_tables_of_an_application_pass_the_suite() {
    for batch in [3, 1000] {
        conformance::all(async || full(batch, 3)).await;
    }
}
