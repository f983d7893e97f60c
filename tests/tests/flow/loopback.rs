//! Connecting from a terminal (FLOW-06, RFC 8252 §7.3): a small client over TCP is the browser.

use bailee::{ErrorKind, Loopback, Origin, RefusalReason, core::sha256, registry::How};
use bailee_testkit::{
    World,
    emulator::{Decision, Endpoint},
};
use bailee_tests::{NOTES, PUBLISH, world};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use url::Url;

use crate::{
    begin::{exchanged, field, is_token, once},
    disclosure::{given, history},
};

async fn desktop() -> World {
    world().with_desktop().build().await.unwrap()
}

/// A flow of a terminal whose person allowed everything: the address to go back to, and the wait.
struct Terminal {
    back: Url,
    begun: Url,
    wait: JoinHandle<bailee::Result<bailee::Completed>>,
}

impl Terminal {
    async fn begin(w: &World) -> Self {
        let begun = begin(w).await;
        let back = w.emulator.consent(begun.url(), Decision::Allow, "ada").await.unwrap();
        let url = Url::parse(begun.url()).unwrap();
        Self { back: Url::parse(&back).unwrap(), begun: url, wait: tokio::spawn(begun.finish()) }
    }

    fn port(&self) -> u16 {
        self.back.port().unwrap()
    }

    fn target(&self) -> String {
        format!("{}?{}", self.back.path(), self.back.query().unwrap())
    }
}

async fn begin(w: &World) -> Loopback {
    let ada = w.visitor("ada");
    w.bailee.connections().begin_loopback(&ada, "tiktok-desktop", &[PUBLISH]).await.unwrap()
}

/// Sends a request line with a few headers and reads the whole answer.
async fn ask(port: u16, line: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("{line} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: a=b\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn rejections(w: &World) -> Vec<String> {
    let log = w.audit("~").await.into_iter().map(|logged| logged.entry);
    let refused = log.filter(|entry| entry.event() == "flow.rejected");
    refused.map(|entry| entry.field("reason").unwrap().to_string()).collect()
}

async fn refused(w: &World, terminal: Terminal, reason: RefusalReason) {
    let error = terminal.wait.await.unwrap().unwrap_err();
    assert_ne!(error.kind(), ErrorKind::Expired);
    assert_eq!(rejections(w).await, [reason.code()]);
    let ada = w.visitor("ada");
    assert!(w.bailee.connections().of_visitor(&ada).await.unwrap().is_empty());
    assert!(w.site("tiktok").live_tokens().is_empty());
}

#[tokio::test]
async fn flow_06_a_terminal_connects_through_one_request_to_its_own_port() {
    let w = desktop().await;
    let terminal = Terminal::begin(&w).await;
    let (port, target) = (terminal.port(), terminal.target());
    assert_eq!(terminal.back.host_str(), Some("127.0.0.1"));
    assert_eq!(terminal.back.path(), "/tiktok-desktop/callback");
    assert!(is_token(&once(&terminal.begun, "state").unwrap()));
    let challenge = once(&terminal.begun, "code_challenge").unwrap();

    // Whatever else comes is not the callback and does not end the wait.
    for line in [
        "GET /".to_owned(),
        "GET /favicon.ico".to_owned(),
        format!("GET /tiktok/callback?{}", terminal.back.query().unwrap()),
        format!("GET /tiktok-desktop/callback/?{}", terminal.back.query().unwrap()),
        format!("POST {target}"),
        format!("HEAD {target}"),
    ] {
        let answer = ask(port, &line).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 404 "), "{line}");
    }
    assert_eq!(w.site("tiktok").count(Endpoint::Exchange), 0);

    let page = ask(port, &format!("GET {target}")).await.unwrap();
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    for header in [
        "Cache-Control: no-store",
        "Referrer-Policy: no-referrer",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
    ] {
        assert!(page.contains(&format!("{header}\r\n")), "{header}");
    }
    assert!(!page.to_ascii_lowercase().contains("set-cookie"));
    assert!(!page.contains(terminal.back.query().unwrap()));
    let completed = terminal.wait.await.unwrap().unwrap();
    // It listens no longer.
    assert!(ask(port, &format!("GET {target}")).await.is_err());

    let ada = w.visitor("ada");
    let status = w.bailee.connections().status(&ada, &completed.connection).await.unwrap();
    assert_eq!(status.origin, Origin::Loopback);
    assert_eq!(status.registration.as_str(), "tiktok-desktop");
    let (.., how) = given(&history(&w, &ada).await[0]);
    assert_eq!(how, How::Terminal);

    // TikTok wants the digest of the verifier in hexadecimal from a desktop (FLOW-03).
    let form = exchanged(&w, "tiktok");
    let verifier = field(&form, "code_verifier").unwrap();
    assert!((43..=128).contains(&verifier.len()));
    let digest = sha256(verifier.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(challenge, hex);
    let redirect = format!("http://127.0.0.1:{port}/tiktok-desktop/callback");
    assert_eq!(field(&form, "redirect_uri"), Some(redirect.as_str()));
}

#[tokio::test]
async fn flow_06_of_two_requests_at_once_one_is_answered() {
    let w = desktop().await;
    let terminal = Terminal::begin(&w).await;
    let (port, line) = (terminal.port(), format!("GET {}", terminal.target()));
    let (first, second) = tokio::join!(ask(port, &line), ask(port, &line));
    terminal.wait.await.unwrap().unwrap();
    // The other one finds the door shut before or after it knocks.
    let shown = [first, second].into_iter().filter(|answer| {
        answer.as_ref().is_ok_and(|page| page.contains("The account is connected"))
    });
    assert_eq!(shown.count(), 1);
    assert_eq!(w.site("tiktok").count(Endpoint::Exchange), 1);
    assert_eq!(w.site("tiktok").code_replays(), 0);
}

#[tokio::test]
async fn flow_06_each_kind_of_registration_has_its_own_way() {
    let w = desktop().await;
    let ada = w.visitor("ada");
    let connections = w.bailee.connections();
    let web = connections.begin_loopback(&ada, "tiktok", &[PUBLISH]).await;
    assert_eq!(web.unwrap_err().kind(), ErrorKind::Configuration);
    let notes = connections.begin_loopback(&ada, "notes", &[NOTES]).await;
    assert_eq!(notes.unwrap_err().kind(), ErrorKind::Configuration);
    let desktop = connections.begin(&ada, "tiktok-desktop", &[PUBLISH]).await;
    assert_eq!(desktop.unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn flow_06_two_terminals_have_two_ports_and_neither_ends_the_others_flow() {
    let w = desktop().await;
    let (one, two) = (Terminal::begin(&w).await, Terminal::begin(&w).await);
    assert_ne!(one.port(), two.port());
    // The answer to the second flow comes to the first one's door.
    let target = two.target();
    let page = ask(one.port(), &format!("GET {target}")).await.unwrap();
    assert!(page.contains("The account was not connected"));
    one.wait.await.unwrap().unwrap_err();
    assert_eq!(rejections(&w).await, [RefusalReason::FlowUnknown.code()]);
    assert_eq!(w.site("tiktok").count(Endpoint::Exchange), 0);
    // The second one is untouched.
    let page = ask(two.port(), &format!("GET {target}")).await.unwrap();
    assert!(page.contains("The account is connected"));
    two.wait.await.unwrap().unwrap();
}

#[tokio::test]
async fn call_09_a_terminal_that_is_refused_says_so_in_the_log() {
    for (query, reason) in [
        ("", RefusalReason::Shape),
        ("state=a", RefusalReason::Shape),
        ("code=a&code=b&state=c", RefusalReason::Shape),
        ("code=a&state=unknown", RefusalReason::FlowUnknown),
    ] {
        let w = desktop().await;
        let terminal = Terminal::begin(&w).await;
        let line = format!("GET {}?{query}", terminal.back.path());
        let page = ask(terminal.port(), &line).await.unwrap();
        assert!(page.contains("The account was not connected"));
        refused(&w, terminal, reason).await;
    }
}

#[tokio::test]
async fn call_04_who_was_removed_meanwhile_connects_nothing_from_a_terminal() {
    let w = desktop().await;
    let terminal = Terminal::begin(&w).await;
    let ada = w.visitor("ada");
    w.access.remove(ada.person(), ada.tenant());
    let page = ask(terminal.port(), &format!("GET {}", terminal.target())).await.unwrap();
    assert!(page.contains("The account was not connected"));
    assert_eq!(w.site("tiktok").count(Endpoint::Exchange), 0);
    refused(&w, terminal, RefusalReason::NotAllowed).await;
}

#[tokio::test]
async fn call_03_an_error_ends_a_terminals_flow_as_well() {
    let w = desktop().await;
    let begun = begin(&w).await;
    let back = w.emulator.consent(begun.url(), Decision::Deny, "ada").await.unwrap();
    let back = Url::parse(&back).unwrap();
    let line = format!("GET {}?{}", back.path(), back.query().unwrap());
    let wait = tokio::spawn(begun.finish());
    ask(back.port().unwrap(), &line).await.unwrap();
    let error = wait.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(rejections(&w).await, [RefusalReason::PersonRefused.code()]);
    assert_eq!(crate::begin::open_flows(&w, &w.visitor("ada")).await, 0);
}

#[tokio::test]
async fn call_13_a_terminals_flow_prints_nothing_of_its_address() {
    let w = desktop().await;
    let begun = begin(&w).await;
    let shown = format!("{begun:?}");
    let state = once(&Url::parse(begun.url()).unwrap(), "state").unwrap();
    assert!(!shown.contains(&state) && !shown.contains("code_challenge"), "{shown}");
    w.assert_no_canary("what is printed", shown.as_bytes());
    assert!(begun.disclosure().to_text().contains("post to your profile"));
}
