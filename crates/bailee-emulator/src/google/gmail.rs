use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::json;

use super::{GMAIL_SEND, refused};
use crate::call::Call;
use crate::desk::Desk;
use crate::message::Answer;
use crate::mint::random;
use crate::oauth::{Caller, Problem};

/// `users.messages.send` with the message in JSON. Tests see it as `message`, decoded.
pub(super) fn send(desk: &mut Desk, call: &Call<'_>, caller: &Caller) -> Result<Answer, Problem> {
    caller.needs(GMAIL_SEND)?;
    let body = call.request.json().ok_or_else(|| refused(400, "badRequest"))?;
    let raw = body["raw"].as_str().ok_or_else(|| refused(400, "invalidArgument"))?;
    // Padding is tolerated.
    let decoded = URL_SAFE_NO_PAD.decode(raw).or_else(|_| URL_SAFE.decode(raw));
    let message = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let message = message.ok_or_else(|| refused(400, "invalidArgument"))?;
    let (headers, _) = message.split_once("\r\n\r\n").ok_or_else(|| refused(400, "badRequest"))?;
    let sends_to = |name: &str| headers.split("\r\n").any(|line| line.starts_with(name));
    if !["To: ", "Cc: ", "Bcc: "].into_iter().any(sends_to) {
        return Err(refused(400, "invalidArgument"));
    }
    let id = random::<8>();
    let thread = body["threadId"].as_str().map_or_else(|| id.clone(), str::to_owned);
    desk.write(caller, "message", json!({"id": id, "threadId": thread, "raw": message}));
    Ok(Answer::json(200, &json!({"id": id, "threadId": thread, "labelIds": ["SENT"]})))
}
