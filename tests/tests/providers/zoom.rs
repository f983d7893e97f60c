//! Zoom: the cases, and a whole life with meetings in the region of the account.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bailee::{
    Acting, ConnectionRef, ErrorKind, Remedy, Result,
    core::{ScopeName, Timestamp},
    providers::{
        Operation, OperationFacts, Paged, Provider,
        zoom::{CreateMeeting, ListMeetings, MeetingStart, Zoom},
    },
};
use bailee_testkit::{
    Declared, PURPOSE,
    conformance::Contender,
    emulator::{self, Endpoint, Fault, Played},
};

use crate::{held::hold, stored::Stored};

struct Contending;

#[async_trait]
impl Contender for Contending {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Zoom::new())
    }

    fn played(&self) -> Played {
        emulator::zoom::Zoom::new().into()
    }

    fn scopes(&self) -> Vec<ScopeName> {
        ["user:read:user", "meeting:read:list_meetings"].map(ScopeName::from_static).to_vec()
    }

    fn left_out(&self) -> Option<ScopeName> {
        Some(ScopeName::from_static("meeting:read:list_meetings"))
    }

    fn operation(&self) -> OperationFacts {
        ListMeetings::new().facts().clone()
    }

    async fn probe(&self, acting: &Acting, connection: &ConnectionRef) -> Result<()> {
        acting.call(connection, &ListMeetings::new()).await.map(|_| ())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zoom_passes_every_case() {
    hold(Arc::new(Contending)).await;
}

fn review() -> CreateMeeting {
    let start = MeetingStart::Utc(Timestamp::from_seconds(1_796_117_400));
    CreateMeeting::new("Review of the quarter", start).minutes(45)
}

fn declared() -> Declared {
    Declared::of(Zoom::new().spec())
        .scopes(["user:read:user"])
        .operation(review().facts())
        .operation(ListMeetings::new().facts())
}

#[tokio::test]
async fn meetings_are_made_and_listed_in_the_region_and_the_host_s_address_stays_at_zoom() {
    let mut played = emulator::zoom::Zoom::new();
    played.api_url = "https://api-eu.zoom.us".into();
    let stored = Stored::play(&declared(), played).await;
    let w = &stored.world;
    w.site("zoom").add_account(emulator::Account::new("ada"));
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "zoom", &[PURPOSE]).await.unwrap();
    let connections = w.bailee.connections();
    let status = connections.status(&ada, &connection).await.unwrap();
    assert_eq!(status.display.as_deref(), Some("Display ada"));

    let acting = w.bailee.acting(&ada, &PURPOSE);
    let meeting = acting.call(&connection, &review()).await.unwrap();
    assert!(meeting.id > u64::from(u32::MAX));
    assert_eq!(meeting.start_time.as_deref(), Some("2026-12-01T09:30:00Z"));
    acting.call(&connection, &review()).await.unwrap();
    assert_eq!(w.site("zoom").written("meeting").len(), 2);

    // A token that ran out is renewed on the way.
    w.advance(Duration::from_secs(3601));
    let list = ListMeetings::new().page_size(1);
    let first = acting.call(&connection, &list).await.unwrap();
    assert_eq!(first.items, [meeting]);
    let rest = acting.call(&connection, &list.after(first.next.unwrap())).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    assert_eq!(w.site("zoom").count(Endpoint::Refresh), 1);
    let calls = w.site("zoom").requests();
    let calls = calls.iter().filter(|request| request.endpoint == Endpoint::Api);
    assert!(calls.clone().count() == 4 && calls.clone().all(|call| call.host == "api-eu.zoom.us"));

    let receipt = connections.disconnect(&ada, &connection).await.unwrap();
    assert!(receipt.confirmed, "{receipt:?}");
    assert_eq!(receipt.also_ends, ["The application is removed from your installed apps at Zoom."]);
    assert!(receipt.steps.iter().any(|step| step.contains("marketplace.zoom.us")));
    assert!(w.site("zoom").live_tokens().is_empty());
    stored.assert_nothing_shows(&["Review of the quarter"]).await;
}

#[tokio::test]
async fn a_meeting_whose_answer_was_lost_is_not_made_again() {
    let stored = Stored::play(&declared(), emulator::zoom::Zoom::new()).await;
    let w = &stored.world;
    w.site("zoom").add_account(emulator::Account::new("ada"));
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "zoom", &[PURPOSE]).await.unwrap();
    let acting = w.bailee.acting(&ada, &PURPOSE);
    w.site("zoom").fault(Endpoint::Api, Fault::DropAfterEffect);
    let error = acting.call(&connection, &review()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert_eq!(w.site("zoom").written("meeting").len(), 1);
}

#[tokio::test]
async fn a_limit_of_a_day_is_one_of_the_account_and_told_by_a_date() {
    let mut played = emulator::zoom::Zoom::new();
    played.rate_limit = emulator::zoom::RateLimit::Daily;
    let stored = Stored::play(&declared(), played).await;
    let w = &stored.world;
    for name in ["ada", "grace"] {
        w.site("zoom").add_account(emulator::Account::new(name));
    }
    let (ada, grace) = (w.visitor("ada"), w.visitor("grace"));
    let hers = w.connect(&ada, "zoom", &[PURPOSE]).await.unwrap();
    let options = bailee::BeginOptions::default();
    let allow = emulator::Decision::Allow;
    let other = w.connect_as(&grace, "zoom", &[PURPOSE], options, allow, "grace").await.unwrap();
    let other = other.unwrap().connection;
    w.site("zoom").fault(Endpoint::Api, Fault::RateLimited { retry_after: None });
    let limited = w.bailee.acting(&ada, &PURPOSE).call(&hers, &ListMeetings::new()).await;
    let limited = limited.unwrap_err();
    // Midnight is far; an hour is the longest wait that is passed on.
    assert_eq!(limited.remedy(), Remedy::Wait(Duration::from_secs(3600)));
    w.bailee.acting(&grace, &PURPOSE).call(&other, &ListMeetings::new()).await.unwrap();
}

#[tokio::test]
async fn a_dead_refresh_token_under_another_code_still_asks_the_person() {
    let mut played = emulator::zoom::Zoom::new();
    played.dead_refresh = "invalid_request";
    played.says_region = false;
    let stored = Stored::play(&declared(), played).await;
    let w = &stored.world;
    w.site("zoom").add_account(emulator::Account::new("ada"));
    let ada = w.visitor("ada");
    let connection = w.connect(&ada, "zoom", &[PURPOSE]).await.unwrap();
    w.advance(Duration::from_secs(91 * 86_400));
    let acting = w.bailee.acting(&ada, &PURPOSE);
    let error = acting.call(&connection, &ListMeetings::new()).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Reconnect);
}
