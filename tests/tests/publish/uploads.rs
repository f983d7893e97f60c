//! Faults while a film is uploaded: of the server, of its answers, of the host's media.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bailee::{ErrorKind, Happened, HostError};
use bailee_testkit::emulator::{Endpoint, Fault};
use bailee_tests::drill::{hours, told};

use super::*;

/// The ranges of the chunks that were sent.
fn ranges(w: &World) -> Vec<String> {
    let requests = site(w).requests();
    let uploads = requests.iter().filter(|request| request.endpoint == Endpoint::Upload);
    uploads
        .filter_map(|request| {
            let range = request.headers.iter().find(|(name, _)| name == "content-range");
            range.map(|(_, value)| value.clone())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_upload_server_brings_the_same_chunk_again() {
    for fault in [
        Fault::Status(500),
        Fault::Status(503),
        Fault::RateLimited { retry_after: Some("2".into()) },
        Fault::DropBeforeEffect,
    ] {
        let (w, ada, tiktok) = connected(studio()).await;
        site(&w).fault(Endpoint::Upload, fault.clone().times(2));
        let bytes = film(11 * MIB);
        let outcome = upload(&w.bailee, &ada, &tiktok, file(&bytes), media(&bytes)).await.unwrap();
        assert_eq!(outcome.state, PublicationState::Processing, "{fault:?}");
        let ranges = ranges(&w);
        assert_eq!(ranges.len(), 4, "{fault:?}: {ranges:?}");
        assert!(ranges[0] == ranges[1] && ranges[1] == ranges[2], "{fault:?}: {ranges:?}");
        follow(&w, seconds(60)).await;
        assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Published, "{fault:?}");
        assert_eq!((inits(&w), out(&w)), (1, 1), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_whose_answer_was_lost_is_not_counted_twice() {
    for fault in [Fault::DropAfterEffect, Fault::CutOff] {
        for chunk in 0..3 {
            let (w, ada, tiktok) = connected(studio()).await;
            // The faults of one class come in the order in which they were planned.
            for _ in 0..chunk {
                site(&w).fault(Endpoint::Upload, Fault::Slow(Duration::ZERO));
            }
            site(&w).fault(Endpoint::Upload, fault.clone());
            let bytes = film(16 * MIB);
            let what = format!("{fault:?} at chunk {chunk}");
            upload(&w.bailee, &ada, &tiktok, file(&bytes), media(&bytes))
                .await
                .unwrap_or_else(|error| panic!("{what}: {error:?}"));
            follow(&w, seconds(600)).await;
            let outcome = found(&w, &ada, &tiktok).await;
            assert_eq!(outcome.state, PublicationState::Published, "{what}");
            assert_eq!((inits(&w), out(&w)), (1, 1), "{what}");
            assert_eq!(site(&w).posts()[0].received, bytes.len() as u64, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_server_that_stays_down_is_told_and_the_same_key_goes_on() {
    let (w, ada, tiktok) = connected(studio()).await;
    site(&w).fault(Endpoint::Upload, Fault::Status(503).always());
    let bytes = film(11 * MIB);
    let publish = || upload(&w.bailee, &ada, &tiktok, file(&bytes), media(&bytes));
    let error = publish().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable, "the caller has the media");
    assert_eq!(found(&w, &ada, &tiktok).await.state, PublicationState::Processing);
    site(&w).clear_faults();
    w.advance(seconds(60));
    w.settle().await;
    publish().await.unwrap();
    comes_out(&w, &ada, &tiktok).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_finishes_fails_when_its_address_runs_out() {
    let (w, ada, tiktok) = connected(studio()).await;
    site(&w).fault(Endpoint::Upload, Fault::Status(503).always());
    let bytes = film(11 * MIB);
    assert!(upload(&w.bailee, &ada, &tiktok, file(&bytes), media(&bytes)).await.is_err());
    follow(&w, hours(3)).await;
    let over = found(&w, &ada, &tiktok).await;
    assert_eq!(over.state, PublicationState::Failed);
    let publication = over.id;
    let failed = Happened::PublicationFailed { publication };
    assert_eq!(told(&w, &tiktok), [Happened::Connected, failed]);
    assert_eq!(out(&w), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_go_only_to_an_upload_host_of_the_provider() {
    for (host, reached) in [
        ("open-upload-sg.tiktokapis.com", true),
        ("evil.example", false),
        ("tiktokapis.com.evil.example", false),
        ("evil-tiktokapis.com", false),
    ] {
        let (w, ada, tiktok) =
            connected(studio().tiktok(|tiktok| tiktok.upload_host = host.into())).await;
        let bytes = film(100);
        let outcome = upload(&w.bailee, &ada, &tiktok, file(&bytes), media(&bytes)).await.unwrap();
        let uploads = site(&w).count(Endpoint::Upload);
        if reached {
            assert_eq!(outcome.state, PublicationState::Processing, "{host}");
            assert_eq!(uploads, 1, "{host}");
        } else {
            assert_eq!(outcome.state, PublicationState::Failed, "{host}");
            assert_eq!(uploads, 0, "{host}: nothing went there");
        }
    }
}

/// Media that fails, or gives less than it was asked for.
#[derive(Debug)]
struct Broken {
    bytes: Vec<u8>,
    fails: AtomicBool,
    short: bool,
}

#[async_trait]
impl MediaSource for Broken {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    async fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, HostError> {
        if offset > 0 && self.fails.load(Ordering::SeqCst) {
            if self.short {
                return Ok(vec![0; length as usize - 1]);
            }
            return Err("the host's disk is gone".into());
        }
        Ok(self.bytes[offset as usize..(offset + length) as usize].to_vec())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn media_that_fails_in_the_middle_can_be_gone_on_with() {
    for short in [false, true] {
        let (w, ada, tiktok) = connected(studio()).await;
        let bytes = film(16 * MIB);
        let broken = Arc::new(Broken { bytes: bytes.clone(), fails: AtomicBool::new(true), short });
        let error = upload(&w.bailee, &ada, &tiktok, file(&bytes), broken.clone()).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::HostFailed);
        assert_eq!(site(&w).posts()[0].received, 5 * MIB as u64);
        broken.fails.store(false, Ordering::SeqCst);
        upload(&w.bailee, &ada, &tiktok, file(&bytes), broken).await.unwrap();
        comes_out(&w, &ada, &tiktok).await;
        let ranges = ranges(&w);
        assert_eq!(ranges.len(), 3, "{ranges:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn media_of_another_size_is_refused_before_anything_is_written() {
    let (w, ada, tiktok) = connected(studio()).await;
    let acting = w.bailee.acting(&ada, &PUBLISH);
    let bytes = film(100);
    for other in [film(99), film(101), Vec::new()] {
        let error = upload(&w.bailee, &ada, &tiktok, file(&bytes), media(&other)).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let none = acting.publish(&tiktok, &key("post-1"), file(&bytes)).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::InvalidInput);
    let much = upload(&w.bailee, &ada, &tiktok, video("A"), media(&bytes)).await;
    assert_eq!(much.unwrap_err().kind(), ErrorKind::InvalidInput);
    let error = acting.publication(&tiktok, &key("post-1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(site(&w).count(Endpoint::Api), 0);
}
