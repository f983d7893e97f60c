use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use url::Url;

use super::post::{PostKind, PostStatus, Transfer, Upload, Work};
use super::{Caller, DAY, TikTokDesk, api_error, api_success};
use crate::desk::Desk;
use crate::message::{Answer, Incoming, with_query};
use crate::mint::random;
use crate::registration::Account;

/// Sliding windows of a minute, by grant and operation.
#[derive(Debug, Default)]
pub(super) struct Windows(BTreeMap<(String, &'static str), Vec<i64>>);

impl TikTokDesk {
    /// The Content Posting API.
    pub(super) fn publish(&mut self, desk: &mut Desk, request: &Incoming, now: i64) -> Answer {
        match self.try_publish(desk, request, now) {
            Ok(answer) | Err(answer) => answer,
        }
    }

    fn try_publish(
        &mut self,
        desk: &mut Desk,
        request: &Incoming,
        now: i64,
    ) -> Result<Answer, Answer> {
        let path = request.path.strip_suffix('/').unwrap_or(&request.path);
        let operation = path.strip_prefix("/v2/post/publish/").unwrap_or_default();
        let known = ["content/init", "creator_info/query", "inbox/video/init", "status/fetch"];
        if operation != "video/init" && !known.contains(&operation) {
            return Err(api_error(404, "not_found", "there is nothing at this address"));
        }
        let caller = Self::caller(desk, request, now)?;
        if request.media_type() != "application/json" {
            return Err(invalid("the body must be application/json"));
        }
        let body: Value = match request.body.as_slice() {
            b"" => json!({}),
            body => serde_json::from_slice(body).map_err(|_| invalid("the body is not JSON"))?,
        };
        let body = body.as_object().ok_or_else(|| invalid("the body is not an object"))?;
        match operation {
            "creator_info/query" => self.creator_info(desk, &caller, now),
            "status/fetch" => self.status(&caller, body, now),
            "video/init" => {
                need(&caller, "video.publish")?;
                let post = self.video_post(desk, &caller, body)?;
                self.begin(desk, &caller, post, now)
            }
            "inbox/video/init" => {
                need(&caller, "video.upload")?;
                let source = object(body, "source_info")?;
                let transfer = self.video_source(source)?;
                let post = Draft {
                    kind: PostKind::Draft,
                    privacy_level: None,
                    title: String::new(),
                    transfer,
                };
                self.begin(desk, &caller, post, now)
            }
            _ => {
                let post = self.photo_post(desk, &caller, body)?;
                self.begin(desk, &caller, post, now)
            }
        }
    }

    /// What the creator may do (`content-posting-api-reference-query-creator-info`).
    fn creator_info(
        &mut self,
        desk: &mut Desk,
        caller: &Caller,
        now: i64,
    ) -> Result<Answer, Answer> {
        need(caller, "video.publish")?;
        self.limit(caller, "creator", now).map_or(Ok(()), Err)?;
        let account = account(desk, caller)?;
        Ok(api_success(&json!({
            "creator_avatar_url": format!("https://p16-sign.tiktokcdn.example/{}/a.jpeg", account.id),
            "creator_username": account.username,
            "creator_nickname": account.display_name,
            "privacy_level_options": account.privacy_levels,
            "comment_disabled": false,
            "duet_disabled": account.private,
            "stitch_disabled": account.private,
            "max_video_post_duration_sec": 600,
        })))
    }

    /// How far a post is (`content-posting-api-reference-get-video-status`).
    fn status(
        &mut self,
        caller: &Caller,
        body: &Map<String, Value>,
        now: i64,
    ) -> Result<Answer, Answer> {
        if !caller.may("video.publish") {
            need(caller, "video.upload")?;
        }
        self.limit(caller, "status", now).map_or(Ok(()), Err)?;
        let publish_id = body
            .get("publish_id")
            .and_then(Value::as_str)
            .ok_or_else(|| invalid("publish_id is required"))?;
        let switches = &self.switches;
        let work = self.works.iter_mut().find(|work| work.publish_id == publish_id);
        let work = work
            .ok_or_else(|| api_error(400, "invalid_publish_id", "the publish_id does not exist"))?;
        if work.account != caller.account || work.client != caller.client {
            let code = "token_not_authorized_for_specified_publish_id";
            return Err(api_error(401, code, "the post is not one of this token's"));
        }
        let status = work.status(switches, now);
        let ready = match &work.transfer {
            Transfer::Pull => true,
            Transfer::Upload(upload) => upload.completed_at.is_some(),
        };
        let mut data = Map::new();
        let word = match &status {
            PostStatus::Failed(reason) => {
                data.insert("fail_reason".into(), json!(reason));
                "FAILED"
            }
            PostStatus::ProcessingDownload => "PROCESSING_DOWNLOAD",
            PostStatus::ProcessingUpload => "PROCESSING_UPLOAD",
            PostStatus::PublishComplete => "PUBLISH_COMPLETE",
            PostStatus::SendToUserInbox => "SEND_TO_USER_INBOX",
        };
        data.insert("status".into(), json!(word));
        if let Some(post_id) = work.post_id(switches, now) {
            // Spelt as in the API.
            data.insert("publicaly_available_post_id".into(), json!([post_id]));
        }
        match work.transfer {
            Transfer::Pull => data.insert("downloaded_bytes".into(), json!(0)),
            Transfer::Upload(_) => data.insert("uploaded_bytes".into(), json!(work.received())),
        };
        if ready {
            work.polls = work.polls.saturating_add(1);
        }
        Ok(api_success(&Value::Object(data)))
    }

    /// A direct video post (`content-posting-api-reference-direct-post`).
    fn video_post(
        &self,
        desk: &Desk,
        caller: &Caller,
        body: &Map<String, Value>,
    ) -> Result<Draft, Answer> {
        let info = object(body, "post_info")?;
        let title = text(info, "title", 2200)?;
        for toggle in [
            "brand_content_toggle",
            "brand_organic_toggle",
            "disable_comment",
            "disable_duet",
            "disable_stitch",
            "is_aigc",
        ] {
            boolean(info, toggle)?;
        }
        if info.get("video_cover_timestamp_ms").is_some_and(|value| value.as_u64().is_none()) {
            return Err(invalid("video_cover_timestamp_ms is not a number"));
        }
        let privacy_level = privacy_level(info, account(desk, caller)?)?;
        let transfer = self.video_source(object(body, "source_info")?)?;
        Ok(Draft { kind: PostKind::Video, privacy_level: Some(privacy_level), title, transfer })
    }

    /// Photos (`content-posting-api-reference-photo-post`).
    fn photo_post(
        &self,
        desk: &Desk,
        caller: &Caller,
        body: &Map<String, Value>,
    ) -> Result<Draft, Answer> {
        if body.get("media_type").and_then(Value::as_str) != Some("PHOTO") {
            return Err(invalid("media_type must be PHOTO"));
        }
        let kind = match body.get("post_mode").and_then(Value::as_str) {
            Some("DIRECT_POST") => PostKind::Photo,
            Some("MEDIA_UPLOAD") => PostKind::PhotoDraft,
            _ => return Err(invalid("post_mode must be DIRECT_POST or MEDIA_UPLOAD")),
        };
        need(caller, if kind.is_direct() { "video.publish" } else { "video.upload" })?;
        let info = object(body, "post_info")?;
        let title = text(info, "title", 90)?;
        text(info, "description", 4000)?;
        for toggle in
            ["auto_add_music", "brand_content_toggle", "brand_organic_toggle", "disable_comment"]
        {
            boolean(info, toggle)?;
        }
        let privacy_level = match kind {
            PostKind::Photo => Some(privacy_level(info, account(desk, caller)?)?),
            _ => None,
        };
        let source = object(body, "source_info")?;
        if source.get("source").and_then(Value::as_str) != Some("PULL_FROM_URL") {
            return Err(invalid("photos are pulled from URLs only"));
        }
        let images = source.get("photo_images").and_then(Value::as_array);
        let images = images.ok_or_else(|| invalid("photo_images is required"))?;
        if !(1..=35).contains(&images.len()) {
            return Err(invalid("there must be 1 to 35 photo_images"));
        }
        for image in images {
            self.pull(image.as_str().ok_or_else(|| invalid("a photo is not a URL"))?)?;
        }
        let cover = source.get("photo_cover_index").map(Value::as_u64);
        if cover.is_some_and(|cover| cover.is_none_or(|at| at >= images.len() as u64)) {
            return Err(invalid("photo_cover_index is out of range"));
        }
        Ok(Draft { kind, privacy_level, title, transfer: Transfer::Pull })
    }

    fn video_source(&self, source: &Map<String, Value>) -> Result<Transfer, Answer> {
        match source.get("source").and_then(Value::as_str) {
            Some("PULL_FROM_URL") => {
                let url = source.get("video_url").and_then(Value::as_str);
                self.pull(url.ok_or_else(|| invalid("video_url is required"))?)?;
                Ok(Transfer::Pull)
            }
            Some("FILE_UPLOAD") => {
                let number = |name: &str| {
                    let value = source.get(name).and_then(Value::as_u64);
                    value.ok_or_else(|| {
                        invalid("video_size, chunk_size, total_chunk_count are required")
                    })
                };
                let (size, chunk) = (number("video_size")?, number("chunk_size")?);
                let chunks = number("total_chunk_count")?;
                check_chunks(size, chunk, chunks)?;
                Ok(Transfer::Upload(Box::new(Upload::new(size, chunk, chunks))))
            }
            _ => Err(invalid("source must be PULL_FROM_URL or FILE_UPLOAD")),
        }
    }

    /// Whether a file may be pulled from this URL. Nothing is fetched.
    fn pull(&self, url: &str) -> Result<(), Answer> {
        let parsed = Url::parse(url).map_err(|_| invalid("a URL cannot be read"))?;
        if parsed.scheme() != "https" {
            return Err(invalid("a URL is not https"));
        }
        let host = parsed.host_str().unwrap_or_default();
        let verified = self.switches.verified_urls.iter().any(|own| {
            if own.contains("://") {
                parsed.as_str().starts_with(own.as_str())
            } else {
                host == own || host.strip_suffix(own.as_str()).is_some_and(|sub| sub.ends_with('.'))
            }
        });
        if verified && parsed.username().is_empty() && parsed.port().is_none() {
            return Ok(());
        }
        Err(api_error(403, "url_ownership_unverified", "the URL's ownership is not verified"))
    }

    /// Opens a post after the checks that need a person, a client and a clock.
    fn begin(
        &mut self,
        desk: &mut Desk,
        caller: &Caller,
        draft: Draft,
        now: i64,
    ) -> Result<Answer, Answer> {
        self.limit(caller, "init", now).map_or(Ok(()), Err)?;
        self.check_caps(caller, draft.kind, now)?;
        if draft.kind.is_direct() {
            self.check_audit(account(desk, caller)?, caller, &draft, now)?;
        }
        let prefix = match (draft.kind, &draft.transfer) {
            (kind, Transfer::Pull) if kind.is_direct() => "v_pub_url~v2-1.",
            (_, Transfer::Pull) => "v_inbox_url~v2.",
            (kind, Transfer::Upload(_)) if kind.is_direct() => "v_pub_file~v2-1.",
            (_, Transfer::Upload(_)) => "v_inbox_file~v2.",
        };
        let publish_id = format!("{prefix}{}", random::<16>());
        let mut data = json!({"publish_id": publish_id});
        let mut transfer = draft.transfer;
        if let Transfer::Upload(upload) = &mut transfer {
            upload.id = random::<12>();
            upload.token = desk.issue("");
            upload.expires_at = now + UPLOAD_LIFETIME;
            let address = format!("https://{}/video/", self.switches.upload_host);
            let pairs =
                [("upload_id", upload.id.as_str()), ("upload_token", upload.token.as_str())];
            let address = with_query(&address, &pairs);
            desk.issued(&address);
            data["upload_url"] = json!(address);
        }
        self.works.push(Work {
            account: caller.account.clone(),
            begun_at: now,
            client: caller.client.clone(),
            fail_reason: self.switches.fail_posts_with.clone(),
            kind: draft.kind,
            number: i64::try_from(self.works.len()).unwrap_or_default(),
            polls: 0,
            privacy_level: draft.privacy_level,
            publish_id,
            title: draft.title,
            transfer,
        });
        Ok(api_success(&data))
    }

    fn check_caps(&self, caller: &Caller, kind: PostKind, now: i64) -> Result<(), Answer> {
        if !self.switches.daily_caps {
            return Ok(());
        }
        let today = self.works.iter().filter(|work| {
            work.account == caller.account
                && work.kind.is_direct() == kind.is_direct()
                && now - work.begun_at < DAY
        });
        match (kind.is_direct(), today.count()) {
            (true, 15..) => {
                let text = "the person reached the daily post cap";
                Err(api_error(403, "spam_risk_too_many_posts", text))
            }
            (false, 5..) => {
                let text = "the person has too many pending drafts";
                Err(api_error(403, "spam_risk_too_many_pending_share", text))
            }
            _ => Ok(()),
        }
    }

    /// What a client that has not been audited may do (`content-sharing-guidelines`).
    fn check_audit(
        &self,
        account: &Account,
        caller: &Caller,
        draft: &Draft,
        now: i64,
    ) -> Result<(), Answer> {
        if self.switches.audited {
            return Ok(());
        }
        if !account.private || draft.privacy_level.as_deref() != Some("SELF_ONLY") {
            let code = "unaudited_client_can_only_post_to_private_accounts";
            return Err(api_error(403, code, "the client has not been audited"));
        }
        let today = self.works.iter().filter(|work| {
            work.client == caller.client && work.kind.is_direct() && now - work.begun_at < DAY
        });
        let people: BTreeSet<_> = today.map(|work| &work.account).collect();
        if people.len() >= 5 && !people.contains(&caller.account) {
            let text = "the client reached its number of people for today";
            return Err(api_error(403, "reached_active_user_cap", text));
        }
        Ok(())
    }

    /// The limits per minute and token (`tiktok-api-v2-rate-limit`).
    pub(super) fn limit(
        &mut self,
        caller: &Caller,
        what: &'static str,
        now: i64,
    ) -> Option<Answer> {
        if !self.switches.rate_limits {
            return None;
        }
        let most = match what {
            "creator" => 20,
            "init" => 6,
            "status" => 30,
            _ => 600,
        };
        let key = (format!("{:?}", caller.grant), what);
        let window = self.windows.0.entry(key).or_default();
        window.retain(|at| now - at < 60);
        if window.len() >= most {
            let text = "The API rate limit was exceeded. Please try again later.";
            return Some(api_error(429, "rate_limit_exceeded", text));
        }
        window.push(now);
        None
    }
}

/// A post that was asked for.
struct Draft {
    kind: PostKind,
    privacy_level: Option<String>,
    title: String,
    transfer: Transfer,
}

/// The arithmetic of chunks (`content-posting-api-media-transfer-guide`).
fn check_chunks(size: u64, chunk: u64, chunks: u64) -> Result<(), Answer> {
    let whole = chunk == size && chunks == 1 && size <= LARGEST_CHUNK;
    let fits = if size < SMALLEST_CHUNK {
        size > 0 && whole
    } else {
        (SMALLEST_CHUNK..=LARGEST_CHUNK).contains(&chunk)
            && size >= chunk
            && size / chunk == chunks
            && (1..=1000).contains(&chunks)
    };
    if fits {
        return Ok(());
    }
    Err(invalid("The chunk size or the total chunk count is invalid"))
}

fn privacy_level(info: &Map<String, Value>, account: &Account) -> Result<String, Answer> {
    let level = info.get("privacy_level").and_then(Value::as_str);
    let level = level.ok_or_else(|| invalid("privacy_level is required"))?;
    let levels =
        ["FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "PUBLIC_TO_EVERYONE", "SELF_ONLY"];
    if !levels.contains(&level) {
        return Err(invalid("privacy_level is unknown"));
    }
    if account.privacy_levels.iter().any(|offered| offered == level) {
        return Ok(level.to_owned());
    }
    let text = "privacy_level is not one of the creator's options";
    Err(api_error(403, "privacy_level_option_mismatch", text))
}

fn need(caller: &Caller, scope: &str) -> Result<(), Answer> {
    if caller.may(scope) {
        return Ok(());
    }
    let text = "The user did not authorize the scope required for completing this request.";
    Err(api_error(401, "scope_not_authorized", text))
}

fn account<'a>(desk: &'a Desk, caller: &Caller) -> Result<&'a Account, Answer> {
    let gone = || api_error(500, "internal_error", "the account is gone");
    desk.account(&caller.account).ok_or_else(gone)
}

fn object<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a Map<String, Value>, Answer> {
    let value = body.get(name).and_then(Value::as_object);
    value.ok_or_else(|| invalid(&format!("{name} is required")))
}

/// A text whose length is counted in UTF-16 code units.
fn text(info: &Map<String, Value>, name: &str, most: usize) -> Result<String, Answer> {
    match info.get(name) {
        None => Ok(String::new()),
        Some(Value::String(text)) if text.encode_utf16().count() <= most => Ok(text.clone()),
        Some(_) => Err(invalid(&format!("{name} is too long or not a text"))),
    }
}

fn boolean(info: &Map<String, Value>, name: &str) -> Result<(), Answer> {
    match info.get(name) {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(_) => Err(invalid(&format!("{name} is not true or false"))),
    }
}

fn invalid(text: &str) -> Answer {
    api_error(400, "invalid_params", text)
}

const UPLOAD_LIFETIME: i64 = 3600;
/// 5 MB and 64 MB; that they are binary ones is a reading of the guide.
const SMALLEST_CHUNK: u64 = 5 * 1024 * 1024;
const LARGEST_CHUNK: u64 = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_follow_the_guide() {
        const MIB: u64 = 1024 * 1024;
        for (size, chunk, chunks) in
            [(1, 1, 1), (4 * MIB, 4 * MIB, 1), (50_000_123, 10_000_000, 5), (20 * MIB, 20 * MIB, 1)]
        {
            assert!(check_chunks(size, chunk, chunks).is_ok(), "{size} {chunk} {chunks}");
        }
        for (size, chunk, chunks) in [
            (0, 0, 0),
            (0, 0, 1),
            (4 * MIB, MIB, 4),
            (50_000_123, 10_000_000, 6),
            (50_000_123, 4_000_000, 12),
            (100 * MIB, 100 * MIB, 1),
            (6 * MIB, 7 * MIB, 0),
            (6000 * MIB, 5 * MIB, 1200),
            (u64::MAX, 1, u64::MAX),
        ] {
            assert!(check_chunks(size, chunk, chunks).is_err(), "{size} {chunk} {chunks}");
        }
    }
}
