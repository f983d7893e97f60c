//! Files, piece by piece.

use std::time::Duration;

use bailee::{
    DownloadOptions, ErrorKind, Freeze, IncomingFile, ResumePoint,
    providers::{Download, FileFacts, Transfer},
};
use bailee_testkit::emulator::{Fault, Gate};

use super::*;

/// A file of so many bytes.
pub(crate) struct Export {
    size: u64,
    known: FileFacts,
    parts: bool,
}

static EXPORT: OperationFacts = OperationFacts {
    name: "notes.export",
    provider: PROVIDER,
    scopes: READ,
    effect: Effect::Read,
    method: Method::GET,
    path: "/files/{size}",
    sends: &[],
    reads: &["content"],
    credential: USER,
};

impl Download for Export {
    fn facts(&self) -> &OperationFacts {
        &EXPORT
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Transfer>> {
        let call = JsonCall::new(cx, &EXPORT).part("size", &self.size.to_string());
        let known = self.known.clone();
        if self.parts { call.download_in_parts(known) } else { call.download(known) }
    }
}

pub(crate) fn export(size: u64) -> Export {
    Export { size, known: FileFacts::default(), parts: true }
}

pub(crate) fn bytes(range: std::ops::Range<u64>) -> Vec<u8> {
    range.map(|n| (n % 251) as u8).collect()
}

/// More than the connection takes at once.
const LARGE: u64 = 24 * 1024 * 1024;

async fn rest(file: &mut IncomingFile) -> bailee::Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(piece) = file.chunk().await? {
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_piece_by_piece_under_a_safe_name() {
    let scene = Scene::new().await;
    let disclosed = scene.disclosed().await;
    let mut file = scene.acting().download(&scene.connection, &export(LARGE)).await.unwrap();
    assert_eq!(file.name().as_str(), "Rechnungfdp.exe");
    assert_eq!(file.content_type(), Some("application/pdf"));
    assert_eq!(file.size(), Some(LARGE));
    assert!(!format!("{file:?}").contains("Rechnung"));
    let (mut at, mut pieces, mut longest) = (0, 0, 0);
    while let Some(piece) = file.chunk().await.unwrap() {
        let end = at + piece.len() as u64;
        assert!(*piece == bytes(at..end), "at {at}");
        (at, pieces, longest) = (end, pieces + 1, longest.max(piece.len()));
        assert_eq!(file.received(), at);
    }
    assert_eq!(at, LARGE);
    assert!(pieces >= 384 && longest <= 64 * 1024, "{pieces} pieces of at most {longest}");
    assert!(file.chunk().await.unwrap().is_none() && file.resume_point().is_none());
    assert_eq!(scene.disclosed().await, disclosed + 1);
    scene.w.assert_clean_audit(&["acme", "~"]).await;

    let empty = scene.acting().download(&scene.connection, &export(0)).await;
    assert_eq!(rest(&mut empty.unwrap()).await.unwrap(), [0; 0]);
    let known = FileFacts::named("../Liste:1.csv").of_type("text/csv").of_size(10);
    let operation = Export { known, ..export(10) };
    let mut file = scene.acting().download(&scene.connection, &operation).await.unwrap();
    assert_eq!(file.name().as_str(), "Liste_1.csv", "what the operation knows comes first");
    assert_eq!(rest(&mut file).await.unwrap(), bytes(0..10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_and_a_disconnect_stop_a_file_that_is_on_its_way() {
    let scene = Scene::new().await;
    let mut file = scene.acting().download(&scene.connection, &export(LARGE)).await.unwrap();
    file.chunk().await.unwrap().unwrap();
    let freeze = Freeze::Connection(scene.connection.clone());
    scene.w.bailee.freeze(freeze.clone()).await.unwrap();
    file.chunk().await.unwrap().expect("a pass is good for a second");
    scene.w.advance(Duration::from_secs(1));
    assert_eq!(file.chunk().await.unwrap_err().kind(), ErrorKind::Frozen);
    scene.w.bailee.thaw(&freeze).await.unwrap();
    let error = file.chunk().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable, "its connection is gone");

    let mut file = scene.acting().download(&scene.connection, &export(LARGE)).await.unwrap();
    file.chunk().await.unwrap().unwrap();
    for _ in 0..3 {
        scene.w.advance(Duration::from_secs(1));
        file.chunk().await.unwrap().expect("the gate is asked anew and says yes");
    }
    scene.w.bailee.connections().disconnect(&scene.ada, &scene.connection).await.unwrap();
    scene.w.advance(Duration::from_secs(1));
    assert_eq!(file.chunk().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_ends_early_is_an_error_and_can_be_resumed() {
    let scene = Scene::new().await;
    scene.site().fault(Address::Api, Fault::CutOff);
    let operation = export(1000);
    let mut file = scene.acting().download(&scene.connection, &operation).await.unwrap();
    let mut first = Vec::new();
    let error = loop {
        match file.chunk().await {
            Ok(piece) => first.extend_from_slice(&piece.expect("the file is not whole")),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
    assert_eq!(first, bytes(0..500));
    let point = file.resume_point().unwrap();
    assert_eq!(point.offset(), 500);

    let options = DownloadOptions::default().resume(point.clone());
    let acting = scene.acting();
    let file = acting.download_with(&scene.connection, &operation, options).await;
    let mut file = file.unwrap();
    assert_eq!((file.size(), file.received()), (Some(1000), 500));
    first.extend_from_slice(&rest(&mut file).await.unwrap());
    assert_eq!(first, bytes(0..1000));
    let asked = scene.site().requests().into_iter().next_back().unwrap();
    let header = |name: &str| {
        asked.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    };
    assert_eq!(header("range"), Some("bytes=500-"));
    assert_eq!(header("if-range"), Some("\"fake-file-1\""));

    // Another file by now, an operation that gives no parts, and more than there is.
    let resumed = async |operation: Export, point: &ResumePoint| {
        let options = DownloadOptions::default().resume(point.clone());
        acting.download_with(&scene.connection, &operation, options).await.unwrap_err().kind()
    };
    assert_eq!(resumed(export(2000), &point).await, ErrorKind::Conflict);
    assert_eq!(
        resumed(Export { parts: false, ..export(1000) }, &point).await,
        ErrorKind::Unsupported
    );
    assert_eq!(resumed(export(1000), &ResumePoint::at(1000)).await, ErrorKind::InvalidInput);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_s_limit_and_the_size_that_was_said_hold() {
    let scene = Scene::new().await;
    let acting = scene.acting();
    let with = async |operation: Export, limit| {
        let options = DownloadOptions::default().limit(limit);
        acting.download_with(&scene.connection, &operation, options).await
    };
    assert_eq!(with(export(11), 10).await.unwrap_err().kind(), ErrorKind::TooLarge);
    assert!(with(export(10), 10).await.is_ok());
    let lying = Export { known: FileFacts::default().of_size(9), ..export(10) };
    assert_eq!(with(lying, 100).await.unwrap_err().kind(), ErrorKind::ProviderRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_is_told_as_what_it_means() {
    let scene = Scene::new().await;
    let acting = scene.acting();
    for (fault, kind) in [
        (Fault::Status(404), ErrorKind::InvalidInput),
        (Fault::Status(403), ErrorKind::ProviderRefused),
        (Fault::Status(204), ErrorKind::ProviderRefused),
        (
            Fault::Redirect { status: 302, location: "https://evil.example/file".into() },
            ErrorKind::ProviderRefused,
        ),
    ] {
        scene.site().clear_faults();
        scene.site().fault(Address::Api, fault.clone().always());
        let error = acting.download(&scene.connection, &export(10)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}");
        assert!(!format!("{error:?}").contains("evil"));
    }
    scene.site().clear_faults();
    // The brake lets go again.
    scene.w.advance(Duration::from_secs(31));
    acting.download(&scene.connection, &export(10)).await.unwrap();
    // A fault that passes is tried again, and a token that is not taken is renewed once.
    scene.site().fault(Address::Api, Fault::Status(503).times(2));
    acting.download(&scene.connection, &export(10)).await.unwrap();
    scene.site().expire_access("ada");
    let refreshes = scene.site().count(Address::Refresh);
    acting.download(&scene.connection, &export(10)).await.unwrap();
    assert_eq!(scene.site().count(Address::Refresh), refreshes + 1);
    scene.site().fault(Address::Api, Fault::RateLimited { retry_after: Some("60".into()) });
    let error = acting.download(&scene.connection, &export(10)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_provider_is_left_after_the_limit_of_silence() {
    let scene = Scene::new().await;
    let gate = Gate::new();
    scene.site().fault(Address::Api, Fault::Held(gate.clone()).times(3));
    let options = DownloadOptions::default().idle(Duration::from_millis(100));
    let acting = scene.acting();
    let error = acting.download_with(&scene.connection, &export(10), options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
    gate.open();
}
