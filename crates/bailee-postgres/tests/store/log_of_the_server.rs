//! What a failed statement leaves in the server's own log.

use bailee_core::{Clock, ErrorKind, Id, TenantId, audit::Entry};
use bailee_store::{Expect, Facet, Op, Record, Sealed, Store};

use crate::{batch, fresh, key, note};

const CANARY: &str = "canary-5d1f";

#[tokio::test]
async fn sec_08_a_failed_statement_leaves_no_value_in_the_servers_log() {
    let (database, clock, store) = fresh().await;
    let superuser = database.superuser().await.unwrap();
    superuser
        .batch_execute(
            "ALTER TABLE bailee.record ADD CONSTRAINT log_of_the_server CHECK (facet <> 7)",
        )
        .await
        .unwrap();
    let tenant = TenantId::new(CANARY).unwrap();
    let put = Op::Put {
        record: Record {
            facet: Facet(7),
            body: Sealed::new(CANARY.as_bytes().to_vec()),
            ..note(key(1), &clock)
        },
        expect: Expect::Absent,
        lookups: Some(vec![Id::from_bytes(*b"canary-canary-ca")]),
    };
    let secret = Entry::new("x", clock.now()).with_sealed(CANARY.as_bytes().to_vec());
    let both = batch(&clock).op(put).audit(secret).build().unwrap();
    let error = store.commit(&tenant, &both).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);

    let log = database.cluster().log();
    assert!(log.contains("log_of_the_server"), "the failure is logged");
    let hexadecimal: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    for (name, form) in
        [("text", CANARY), ("hexadecimal", &hexadecimal), ("uuid", "63616e61-7279-2d63")]
    {
        assert!(!log.contains(form), "{name}");
    }
    let said = format!("{error} {error:?}");
    assert!(!said.contains(CANARY) && !said.contains("log_of_the_server"), "{said}");
}
