//! The cases, one function each.

use std::time::Duration;

use bailee::{
    BeginOptions, ConnectionRef, ConnectionState, ErrorKind, ReconnectReason, RefusalReason,
    Remedy,
    providers::spec::{RefreshClass, RevokeStyle},
};
use bailee_emulator::{Endpoint, Fault, Gate};

use super::{Case, Stage};

pub(super) async fn play(stage: &Stage, case: Case) {
    match case {
        Case::Happy => happy(stage).await,
        Case::RotatedRefresh => rotated_refresh(stage).await,
        Case::InvalidGrant => invalid_grant(stage).await,
        Case::TooManyRequests => too_many_requests(stage).await,
        Case::ServerError => server_error(stage).await,
        Case::Slow => slow(stage).await,
        Case::CutOff => cut_off(stage).await,
        Case::WrongContentType => wrong_content_type(stage).await,
        Case::OkWithError => ok_with_error(stage).await,
        Case::SecretsEchoed => secrets_echoed(stage).await,
        Case::ScopeShrink => scope_shrink(stage).await,
        Case::SecondAccount => second_account(stage).await,
        Case::OtherAccountOnReconnect => other_account(stage).await,
        Case::Revoke => revoke(stage).await,
        Case::Liveness => liveness(stage).await,
    }
}

async fn state(stage: &Stage, connection: &ConnectionRef) -> ConnectionState {
    match stage.bailee().connections().status(&stage.visitor(), connection).await {
        Ok(status) => status.state,
        Err(error) => stage.fail(&format!("no status: {error:?}")),
    }
}

fn class(stage: &Stage) -> RefreshClass {
    stage.contender.provider().spec().refresh.class
}

/// Makes the access token run out, as the provider's tokens do.
async fn run_out(stage: &Stage) {
    if class(stage) == RefreshClass::SelfExtending {
        // Such a token is renewed in time or not at all.
        stage.world.advance(Duration::from_secs(21 * 86_400));
        stage.world.settle().await;
    } else {
        let ended = stage.site().expire_access("ada");
        stage.demand(ended > 0, "no access token was there to run out");
    }
}

fn reconnecting(stage: &Stage, connection: &ConnectionRef) -> BeginOptions {
    let mut options = stage.contender.options();
    options.reconnect = Some(connection.clone());
    options
}

async fn nothing_connected(stage: &Stage) {
    match stage.bailee().connections().of_visitor(&stage.visitor()).await {
        Ok(all) => stage.demand(all.is_empty(), "something is connected all the same"),
        Err(error) => stage.fail(&format!("no list: {error:?}")),
    }
}

async fn happy(stage: &Stage) {
    let connection = stage.connect("ada").await;
    stage.works(&connection).await;
    stage.demand(state(stage, &connection).await == ConnectionState::Active, "it is not active");
    match stage.bailee().connections().disconnect(&stage.visitor(), &connection).await {
        Ok(receipt) => stage.demand(!receipt.steps.is_empty(), "the receipt has no steps"),
        Err(error) => stage.fail(&format!("not disconnected: {error:?}")),
    }
    nothing_connected(stage).await;
}

async fn rotated_refresh(stage: &Stage) {
    let connection = stage.connect("ada").await;
    for round in 1..=2 {
        run_out(stage).await;
        stage.works(&connection).await;
        let count = stage.site().count(Endpoint::Refresh);
        stage.demand(count == round, &format!("{count} renewals in round {round}"));
    }
    stage.demand(stage.site().reuse_alarms().is_empty(), "a replaced token was presented");
}

async fn invalid_grant(stage: &Stage) {
    let connection = stage.connect("ada").await;
    stage.withdraw("ada");
    match stage.probe(&connection).await {
        Ok(()) => stage.fail("the probe worked with a grant that is over"),
        Err(error) => {
            stage.demand(
                error.kind() == ErrorKind::NeedsReconnect && error.remedy() == Remedy::Reconnect,
                &format!("the person is not asked to reconnect: {error:?}"),
            );
        }
    }
    let after = state(stage, &connection).await;
    stage.demand(
        matches!(after, ConnectionState::NeedsReconnect(reason) if reason != ReconnectReason::LostAfterRotation),
        &format!("the connection is {after:?}"),
    );
    // And the person can.
    let again = reconnecting(stage, &connection);
    match stage.flow(again, "ada").await {
        Ok(completed) => {
            stage.demand(completed.connection == connection, "it is another connection");
        }
        Err(refusal) => stage.fail(&format!("not reconnected: {refusal:?}")),
    }
    stage.works(&connection).await;
}

async fn too_many_requests(stage: &Stage) {
    let connection = stage.connect("ada").await;
    let endpoint = stage.contender.probed();
    let limited = Fault::RateLimited { retry_after: Some("30".into()) };
    stage.site().fault(endpoint, limited.always());
    let wait = match stage.probe(&connection).await {
        Err(error) if error.kind() == ErrorKind::RateLimited => error.remedy(),
        other => stage.fail(&format!("not told to wait: {other:?}")),
    };
    let Remedy::Wait(wait) = wait else { stage.fail("not told how long to wait") };
    let asked = stage.site().count(endpoint);
    match stage.probe(&connection).await {
        Err(error) => stage.demand(error.kind() == ErrorKind::RateLimited, "it was tried again"),
        Ok(()) => stage.fail("it was tried again"),
    }
    stage.demand(stage.site().count(endpoint) == asked, "a request left during the wait");
    stage.site().clear_faults();
    stage.world.advance(wait + Duration::from_secs(1));
    stage.works(&connection).await;
    stage.demand(state(stage, &connection).await == ConnectionState::Active, "it is not active");
}

async fn server_error(stage: &Stage) {
    let connection = stage.connect("ada").await;
    stage.site().fault(stage.contender.probed(), Fault::Status(503).always());
    match stage.probe(&connection).await {
        Err(error) if error.kind() == ErrorKind::ProviderUnavailable => {}
        other => stage.fail(&format!("a fault of the provider's own is {other:?}")),
    }
    stage.site().clear_faults();
    stage.world.advance(Duration::from_secs(120));
    stage.works(&connection).await;
    if matches!(class(stage), RefreshClass::Static | RefreshClass::SelfExtending) {
        return;
    }
    stage.site().fault(Endpoint::Refresh, Fault::Status(503).always());
    run_out(stage).await;
    if stage.probe(&connection).await.is_ok() {
        stage.fail("the probe worked without a token");
    }
    let during = state(stage, &connection).await;
    stage.demand(
        matches!(during, ConnectionState::Active | ConnectionState::Degraded),
        &format!("an outage makes it {during:?}"),
    );
    stage.site().clear_faults();
    stage.world.advance(Duration::from_secs(1800));
    stage.world.settle().await;
    stage.works(&connection).await;
}

async fn slow(stage: &Stage) {
    let connection = stage.connect("ada").await;
    let gate = Gate::new();
    stage.site().fault(stage.contender.probed(), Fault::Held(gate.clone()).once());
    let meanwhile = async {
        gate.until_arrived(1).await;
        // Somebody else's call goes by the one that waits.
        stage.works(&connection).await;
        gate.open();
    };
    let (slow, ()) = tokio::join!(stage.probe(&connection), meanwhile);
    if let Err(error) = slow {
        stage.fail(&format!("a slow answer was not waited for: {error:?}"));
    }
}

async fn cut_off(stage: &Stage) {
    stage.spoil(Fault::CutOff);
    if let Ok(completed) = stage.flow(stage.contender.options(), "ada").await {
        stage.fail(&format!("connected by half an answer: {completed:?}"));
    }
    stage.mend();
    nothing_connected(stage).await;
    let connection = stage.connect("ada").await;
    let endpoint = stage.contender.probed();
    let before = stage.site().count(endpoint);
    stage.site().fault(endpoint, Fault::CutOff.once());
    stage.works(&connection).await;
    stage.demand(stage.site().count(endpoint) == before + 2, "a read was not repeated once");
    if matches!(class(stage), RefreshClass::Static | RefreshClass::SelfExtending) {
        return;
    }
    stage.site().fault(Endpoint::Refresh, Fault::CutOff.once());
    run_out(stage).await;
    let _ = stage.probe(&connection).await;
    for _ in 0..3 {
        stage.world.advance(Duration::from_secs(100));
        stage.world.settle().await;
    }
    match state(stage, &connection).await {
        ConnectionState::Active | ConnectionState::Degraded => stage.works(&connection).await,
        ConnectionState::NeedsReconnect(ReconnectReason::LostAfterRotation) => stage.demand(
            class(stage) == RefreshClass::Strict,
            "a lost answer cost a grant that can be renewed with the old token",
        ),
        other => stage.fail(&format!("a lost answer makes it {other:?}")),
    }
}

async fn wrong_content_type(stage: &Stage) {
    stage.spoil(Fault::WrongContentType);
    match stage.flow(stage.contender.options(), "ada").await {
        Ok(completed) => stage.fail(&format!("connected by a page: {completed:?}")),
        Err(refusal) => {
            stage.demand(refusal.is(RefusalReason::ExchangeFailed), "another reason");
        }
    }
    stage.mend();
    nothing_connected(stage).await;
    let connection = stage.connect("ada").await;
    stage.site().fault(stage.contender.probed(), Fault::Html.always());
    if stage.probe(&connection).await.is_ok() {
        stage.fail("a page was taken for an answer");
    }
    stage.site().clear_faults();
    stage.world.advance(Duration::from_secs(120));
    stage.works(&connection).await;
}

async fn ok_with_error(stage: &Stage) {
    let fault = || Fault::OkWithError("access_denied".into());
    stage.spoil(fault());
    if let Ok(completed) = stage.flow(stage.contender.options(), "ada").await {
        stage.fail(&format!("connected by an error: {completed:?}"));
    }
    stage.mend();
    nothing_connected(stage).await;
    let connection = stage.connect("ada").await;
    stage.site().fault(stage.contender.probed(), fault().always());
    if stage.probe(&connection).await.is_ok() {
        stage.fail("an error was taken for an answer");
    }
    stage.site().clear_faults();
}

async fn secrets_echoed(stage: &Stage) {
    let clean = |what: &str, text: String| {
        stage.world.assert_no_canary(&format!("{}: {what}", stage.provider), text.as_bytes());
    };
    stage.spoil(Fault::EchoSecrets);
    match stage.flow(stage.contender.options(), "ada").await {
        Ok(_) => stage.fail("connected by an echo"),
        Err(refusal) => clean("the refusal", refusal.told()),
    }
    stage.mend();
    let connection = stage.connect("ada").await;
    stage.site().fault(stage.contender.probed(), Fault::EchoSecrets.once());
    match stage.probe(&connection).await {
        Ok(()) => stage.fail("an echo was taken for an answer"),
        Err(error) => clean("the error of a call", format!("{error} {error:?}")),
    }
    if !matches!(class(stage), RefreshClass::Static | RefreshClass::SelfExtending) {
        stage.site().fault(Endpoint::Refresh, Fault::EchoSecrets.once());
        run_out(stage).await;
        if let Err(error) = stage.probe(&connection).await {
            clean("the error of a renewal", format!("{error} {error:?}"));
        }
    }
    stage.site().fault(Endpoint::Revoke, Fault::EchoSecrets.always());
    match stage.bailee().connections().disconnect(&stage.visitor(), &connection).await {
        Ok(receipt) => clean("the receipt", format!("{receipt:?}")),
        Err(error) => clean("the error of a disconnect", format!("{error} {error:?}")),
    }
}

async fn scope_shrink(stage: &Stage) {
    let fault = match stage.contender.left_out() {
        Some(scope) => Fault::ScopeLost(scope.as_str().to_owned()),
        None => Fault::ScopeShrink,
    };
    stage.site().fault(Endpoint::Exchange, fault.once());
    let completed = match stage.flow(stage.contender.options(), "ada").await {
        Ok(completed) => completed,
        Err(refusal) => stage.fail(&format!("not connected: {refusal:?}")),
    };
    stage.demand(!completed.missing.is_empty(), "nothing is told to be missing");
    let operation = stage.contender.operation();
    let lacks = operation.scopes.iter().any(|scope| completed.missing.contains(scope));
    match stage.probe(&completed.connection).await {
        Err(error) => stage.demand(
            lacks && error.remedy() == Remedy::AskConsent,
            &format!("the probe failed: {error:?}"),
        ),
        Ok(()) => stage.demand(!lacks, "a call went through without its scope"),
    }
}

async fn second_account(stage: &Stage) {
    let first = stage.connect("ada").await;
    let second = stage.connect("grace").await;
    stage.demand(first != second, "two accounts share a connection");
    let again = stage.connect("grace").await;
    stage.demand(again == second, "the same account is connected twice");
    stage.works(&first).await;
    stage.works(&second).await;
    if let Err(error) = stage.bailee().connections().disconnect(&stage.visitor(), &first).await {
        stage.fail(&format!("not disconnected: {error:?}"));
    }
    stage.works(&second).await;
}

async fn other_account(stage: &Stage) {
    let connection = stage.connect("ada").await;
    let again = reconnecting(stage, &connection);
    match stage.flow(again.clone(), "grace").await {
        Ok(_) => stage.fail("another account took the connection over"),
        Err(refusal) => stage.demand(
            refusal.is(RefusalReason::AccountMismatch),
            &format!("refused for another reason: {refusal:?}"),
        ),
    }
    stage.works(&connection).await;
    let mut meant = again;
    meant.other_account = true;
    match stage.flow(meant, "grace").await {
        Ok(completed) => stage.works(&completed.connection).await,
        Err(refusal) => stage.fail(&format!("not connected: {refusal:?}")),
    }
}

async fn revoke(stage: &Stage) {
    let connection = stage.connect("ada").await;
    let spec = stage.contender.provider().spec().clone();
    let receipt = match stage.bailee().connections().disconnect(&stage.visitor(), &connection).await
    {
        Ok(receipt) => receipt,
        Err(error) => stage.fail(&format!("not disconnected: {error:?}")),
    };
    let asked = stage.site().count(Endpoint::Revoke);
    if receipt.confirmed {
        stage.demand(asked > 0, "it is confirmed and nobody was asked");
        let living = stage.site().live_tokens();
        let refresh = living.iter().any(|token| token.kind == bailee_emulator::TokenKind::Refresh);
        stage.demand(!refresh, "a refresh token lives on after a confirmed revocation");
        stage.demand(
            living.is_empty() || !receipt.remains.is_empty(),
            "an access token lives on and nobody is told",
        );
    } else {
        let impossible = spec.revoke.style == RevokeStyle::None && asked == 0;
        stage.demand(impossible, "the provider revokes and it was not confirmed");
        stage.demand(!receipt.steps.is_empty(), "the person is not told what they can do");
        return;
    }
    // A provider that fails cannot keep a connection alive.
    let connection = stage.connect("ada").await;
    stage.site().fault(Endpoint::Revoke, Fault::Status(503).always());
    match stage.bailee().connections().disconnect(&stage.visitor(), &connection).await {
        Ok(receipt) => stage.demand(!receipt.confirmed, "a failure is taken for a confirmation"),
        Err(error) => stage.fail(&format!("not disconnected: {error:?}")),
    }
    nothing_connected(stage).await;
}

async fn liveness(stage: &Stage) {
    let connection = stage.connect("ada").await;
    let connections = stage.bailee().connections();
    match connections.check(&stage.visitor(), &connection).await {
        Ok(found) => stage.demand(found == ConnectionState::Active, "a living grant is not active"),
        Err(error) => stage.fail(&format!("not checked: {error:?}")),
    }
    stage.withdraw("ada");
    match connections.check(&stage.visitor(), &connection).await {
        Ok(ConnectionState::NeedsReconnect(_)) => {}
        other => stage.fail(&format!("a grant that is over is {other:?}")),
    }
}
