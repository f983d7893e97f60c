//! Other processes: what one of them stops holds in the others at their next read.

use bailee::{
    Bailee, ErrorKind, Freeze,
    core::{BatchId, SystemRandom, audit::Entry},
    providers::tiktok::CreatorInfo,
    store::{Batch, Op, Sealed},
};
use bailee_testkit::emulator::{Endpoint, Fault, Gate};
use bailee_tests::{NOTES, PUBLISH, declaration};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn dis_04_a_freeze_holds_in_every_other_process_at_its_next_read() {
    for place in places().await {
        let w = &place.w;
        let ada = w.visitor("ada");
        let connection = w.connect(&ada, "tiktok", &[PUBLISH]).await.unwrap();
        let mut processes = Vec::new();
        for _ in 0..4 {
            processes.push(w.another_process(declaration()).await.unwrap());
        }
        let call = async |process: &Bailee| {
            process.acting(&ada, &PUBLISH).call(&connection, &CreatorInfo).await
        };
        for process in &processes {
            call(process).await.unwrap();
        }
        for freeze in [
            Freeze::All,
            Freeze::Connection(connection.clone()),
            Freeze::Provider(ProviderId::from_static("tiktok")),
            Freeze::Tenant(ACME),
        ] {
            // The clock stands: no cache may help itself to a second.
            w.bailee.freeze(freeze.clone()).await.unwrap();
            let sent = requests(w);
            for process in &processes {
                let error = call(process).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Frozen, "{}: {freeze:?}", place.name);
            }
            assert_eq!(requests(w), sent, "{}", place.name);
            // Any process lets it go again.
            processes[0].thaw(&freeze).await.unwrap();
            for process in &processes {
                call(process).await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dis_03_a_disconnect_holds_in_every_other_process_at_its_next_read() {
    for place in places().await {
        let w = &place.w;
        let ada = w.visitor("ada");
        let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        let other = w.another_process(declaration()).await.unwrap();
        let acting = other.acting(&ada, &NOTES);
        acting.call(&connection, &WriteNote("before")).await.unwrap();

        // Unusable from the first commit on, while the provider is still being asked.
        let gate = Gate::new();
        notes(w).fault(Endpoint::Revoke, Fault::Held(gate.clone()));
        let (bailee, who, which) = (w.bailee.clone(), ada.clone(), connection.clone());
        let ending =
            tokio::spawn(async move { bailee.connections().disconnect(&who, &which).await });
        gate.until_arrived(1).await;
        let calls = notes(w).count(Endpoint::Api);
        let error = acting.call(&connection, &WriteNote("late")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{}", place.name);
        gate.open();
        ending.await.unwrap().unwrap();
        let error = acting.call(&connection, &WriteNote("later")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{}", place.name);
        assert_eq!(notes(w).count(Endpoint::Api), calls, "{}", place.name);
        assert_eq!(other.connections().of_visitor(&ada).await.unwrap().len(), 0);
    }
}

const UNREADABLE: [ErrorKind; 3] =
    [ErrorKind::KeyMissing, ErrorKind::Unopenable, ErrorKind::UnknownSchema];

#[tokio::test(flavor = "multi_thread")]
async fn dis_04_a_process_that_cannot_read_the_control_row_hands_out_nothing() {
    for place in places().await {
        let w = &place.w;
        let ada = w.visitor("ada");
        let connection = w.connect(&ada, "notes", &[NOTES]).await.unwrap();
        let acting = w.bailee.acting(&ada, &NOTES);
        acting.call(&connection, &WriteNote("before")).await.unwrap();
        let control = place.store.dump().await.control;
        let sent = requests(w);
        // The row as it was, under another version; then nonsense.
        let bodies = [control.body.as_bytes().to_vec(), vec![1; 200], vec![1]];
        for (version, body) in (control.version.0..).zip(bodies) {
            let op =
                Op::Control { body: Sealed::new(body), expect: bailee::store::Version(version) };
            let id = BatchId::generate(&SystemRandom).unwrap();
            let entry = Entry::new("control.changed", w.clock.now());
            let batch = Batch::builder(id).op(op).audit(entry).build().unwrap();
            w.store().commit(&TenantId::SYSTEM, &batch).await.unwrap();
            let outcomes = [
                acting.call(&connection, &WriteNote("x")).await,
                w.bailee.connections().disconnect(&ada, &connection).await.map(|_| ()),
                w.bailee.connections().begin(&ada, "notes", &[NOTES]).await.map(|_| ()),
                w.bailee.worker().settle().await.map(|_| ()),
            ];
            for outcome in outcomes {
                let kind = outcome.unwrap_err().kind();
                assert!(UNREADABLE.contains(&kind), "{}: {kind:?}", place.name);
            }
            // Nor does a process start over it.
            let error = w.another_process(declaration()).await.unwrap_err();
            assert!(UNREADABLE.contains(&error.kind()), "{error}");
        }
        assert_eq!(requests(w), sent, "{}: nothing left", place.name);
    }
}
