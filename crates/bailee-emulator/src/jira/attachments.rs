use serde_json::{Value, json};

use super::{GATEWAY, Jira, MEDIA, colleague};
use crate::desk::Desk;
use crate::message::{Answer, Incoming};
use crate::oauth::Problem;

/// The bytes of every attachment: so many, counting up.
const SIZE: usize = 100_000;

/// The attachment of an issue, as it stands in its fields.
pub(super) fn metadata(number: usize) -> Value {
    let id = (30_000 + number).to_string();
    json!({
        "self": format!("https://{GATEWAY}/ex/jira/x/rest/api/3/attachment/{id}"),
        "id": id,
        "filename": format!("report-{number}.pdf"),
        "author": colleague("uploader"),
        "created": "2026-01-02T03:04:05.000+0000",
        "size": SIZE,
        "mimeType": "application/pdf",
        // The site's own host, where a token is not accepted.
        "content": format!("https://site.atlassian.net/rest/api/3/attachment/content/{id}"),
    })
}

/// `GET /attachment/content/{id}`: away to the media host, or the bytes.
pub(super) fn content(
    jira: &Jira,
    desk: &mut Desk,
    request: &Incoming,
    id: &str,
) -> Result<Answer, Problem> {
    let number = id.parse::<usize>().ok().and_then(|id| id.checked_sub(30_000));
    number.filter(|number| (1..=jira.issues).contains(number)).ok_or(Problem::NotFound)?;
    if request.query().one("redirect") != Some("false") {
        // Whoever has this address has the file.
        let token = desk.issue("media-");
        let away = format!("https://{MEDIA}/file/{id}/binary?token={token}");
        return Ok(Answer::redirect(303, &away));
    }
    Ok(bytes(request))
}

/// The media host, which takes the token of the address and no other.
pub(super) fn from_media(desk: &Desk, request: &Incoming) -> Result<Answer, Problem> {
    let query = request.query();
    let known = query.one("token").is_some_and(|token| desk.issued.contains(token));
    if !known || request.has_header("authorization") {
        return Ok(Answer::json(401, &json!({"error": {"code": "Unauthorized"}})));
    }
    Ok(bytes(request))
}

/// All bytes, or those from a place on (RFC 9110 §14.2).
fn bytes(request: &Incoming) -> Answer {
    let all = |start: usize| (start..SIZE).map(|n| (n % 251) as u8).collect::<Vec<u8>>();
    let start = request
        .header("range")
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let answer = match start {
        Some(start) if start >= SIZE => {
            return Answer::empty(416).with("content-range", &format!("bytes */{SIZE}"));
        }
        Some(start) => Answer::new(206, "application/pdf", all(start))
            .with("content-range", &format!("bytes {start}-{}/{SIZE}", SIZE - 1)),
        None => Answer::new(200, "application/pdf", all(0)),
    };
    answer.with("accept-ranges", "bytes").with("etag", "\"fake-attachment\"")
}
