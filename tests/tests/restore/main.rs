//! A whole database is put back from a real backup: it is not served before everybody who was erased
//! since is erased again.

#![expect(clippy::unwrap_used, reason = "what the tests share fails the test that uses it")]

mod postgres;
mod sqlite;

use std::{path::Path, sync::Arc, time::Duration};

use bailee::{
    Bailee, Builder, ConnectionRef, ErrorKind, HostId, Result, RightsSetup, SubjectId, TenantId,
    Visitor,
    core::{Clock, Id},
    rights::{
        clock::Establishment,
        erased::{Checked, FileAnchor},
        request::{Ask, State},
    },
    store::Store,
    vault::Holder,
};
use bailee_testkit::World;
use bailee_tests::{NOTES, declaration, drill::call};

const ACME: TenantId = TenantId::from_static("acme");
const OPERATOR: Id = Id::from_bytes([8; 16]);
const BACKUPS: Duration = Duration::from_secs(90 * 86_400);

/// Ada and Bob have connected their notes; the process knows an anchor.
struct Service {
    w: World,
    anchor: std::path::PathBuf,
    ada: (Visitor, ConnectionRef),
    bob: (Visitor, ConnectionRef),
}

impl Service {
    async fn begin(w: World, folder: &Path) -> Self {
        let mut people = Vec::new();
        for name in ["ada", "bob"] {
            let visitor = w.visitor(name);
            let connection = w.connect(&visitor, "notes", &[NOTES]).await.unwrap();
            call(&w.bailee, &visitor, &connection, "notes").await.unwrap();
            people.push((visitor, connection));
        }
        w.settle().await;
        let (bob, ada) = (people.remove(1), people.remove(0));
        Self { w, anchor: folder.join("erasures"), ada, bob }
    }

    /// A process with the anchor over a database.
    fn process(&self, store: Arc<dyn Store>) -> Builder {
        let anchor = FileAnchor::open(&self.anchor).unwrap();
        let ireland = Establishment::in_europe("IE").unwrap();
        let rights = RightsSetup::new(ireland).grace(Duration::ZERO);
        self.w.process(declaration(), store).unwrap().erasures(anchor, BACKUPS).rights(rights)
    }

    /// Ada asks for her erasure, and the worker does it.
    async fn erase_ada(&self, bailee: &Bailee) -> SubjectId {
        let person: &HostId = self.ada.0.person();
        let subject = bailee.vault().subject(&ACME, person).await.unwrap().unwrap();
        let rights = bailee.rights().unwrap();
        let now = self.w.clock.now();
        let taken = rights.ask(&self.ada.0, now, Ask::Erasure).await.unwrap();
        bailee.worker().settle().await.unwrap();
        let request = rights.operator(OPERATOR).request(&ACME, taken.id).await.unwrap();
        assert_eq!(request.state, State::Closed, "{request:?}");
        assert_eq!(bailee.vault().subject(&ACME, person).await.unwrap(), None);
        let erasures = bailee.erasures().unwrap();
        assert_eq!(erasures.unanchored(&ACME).await.unwrap(), 0);
        subject
    }

    /// The backup was put back: what holds then, and from when on there is a service again.
    async fn is_put_back(&self, store: Arc<dyn Store>, ada: SubjectId) {
        let (visitor, connection) = &self.ada;
        let sent = self.w.emulator.requests().len();
        let bailee = self.process(store.clone()).build().await.unwrap();
        // She lives in it, with her tokens.
        assert_eq!(
            bailee.vault().subject(&ACME, visitor.person()).await.unwrap(),
            Some(ada),
            "the backup brought her back"
        );
        assert!(bailee.erasures().unwrap().is_behind());
        let before = self.audited(&store).await;
        refused(call(&bailee, visitor, connection, "notes").await);
        refused(call(&bailee, &self.bob.0, &self.bob.1, "notes").await);
        refused(bailee.connections().begin(visitor, "notes", &[NOTES]).await);
        refused(bailee.connections().disconnect(visitor, connection).await);
        refused(bailee.worker().settle().await);
        refused(bailee.worker().run().await);
        assert_eq!(self.audited(&store).await, before, "nothing is written");

        // Another process is no way around it.
        let other = self.process(store.clone()).build().await.unwrap();
        refused(call(&other, &self.bob.0, &self.bob.1, "notes").await);

        let replayed = bailee.replay_erasures().await.unwrap();
        assert_eq!((replayed.done, replayed.erased, replayed.left), (1, 1, 0));
        assert_eq!(self.w.emulator.requests().len(), sent, "nobody was asked for anything");
        let read = bailee.vault().read(&ACME, Holder::Subject(ada), &[]).await;
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Shredded);
        assert!(call(&bailee, visitor, connection, "notes").await.is_err());
        call(&bailee, &self.bob.0, &self.bob.1, "notes").await.unwrap();
        bailee.worker().settle().await.unwrap();
        let people = [visitor.person().clone(), self.bob.0.person().clone()];
        let erased = bailee.erasures().unwrap().was_erased(&ACME, &people).await.unwrap();
        assert_eq!(erased, people[..1]);

        // The others are started again, or look again.
        refused(call(&other, &self.bob.0, &self.bob.1, "notes").await);
        assert_eq!(other.erasures().unwrap().check().await.unwrap(), Checked::Whole);
        call(&other, &self.bob.0, &self.bob.1, "notes").await.unwrap();
        let next = self.process(store).build().await.unwrap();
        call(&next, &self.bob.0, &self.bob.1, "notes").await.unwrap();
    }

    async fn audited(&self, store: &Arc<dyn Store>) -> usize {
        let mut entries = 0;
        for tenant in [&ACME, &TenantId::SYSTEM] {
            let mut window = bailee::store::Window::default();
            loop {
                let page = store.entries(tenant, window).await.unwrap();
                let Some(last) = page.last() else { break };
                window.after = Some((last.entry.at(), last.batch, last.n));
                entries += page.len();
            }
        }
        entries
    }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T>) {
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Quarantined);
}
