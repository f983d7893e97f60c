//! The source passes the suite that every source passes, with each driver.

use bailee_rights::source::conformance;

use crate::application::{Driver, full};

#[tokio::test]
async fn r3_the_tables_of_an_application_pass_the_suite() {
    for batch in [3, 1000] {
        conformance::all(async || full(Driver::TokioPostgres, batch, 3).await).await;
    }
}

#[tokio::test]
async fn r3_the_same_tables_pass_the_suite_over_a_pool_of_sqlx() {
    conformance::all(async || full(Driver::Sqlx, 7, 3).await).await;
}
