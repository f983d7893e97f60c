use super::TikTokDesk;
use super::post::{Transfer, Upload};
use crate::message::{Answer, Incoming};

impl TikTokDesk {
    /// A chunk (`content-posting-api-media-transfer-guide`): in order, of the announced size. The
    /// address is the only credential.
    pub(super) fn upload(&mut self, request: &Incoming, now: i64) -> Answer {
        if request.host != self.switches.upload_host {
            return Answer::empty(404);
        }
        let query = request.query();
        let id = query.one("upload_id").unwrap_or_default();
        let mut uploads = self.works.iter_mut().filter_map(|work| match &mut work.transfer {
            Transfer::Pull => None,
            Transfer::Upload(upload) => Some(upload),
        });
        let Some(upload) = uploads.find(|upload| upload.id == id) else {
            return Answer::empty(404);
        };
        if query.one("upload_token") != Some(&upload.token) || now >= upload.expires_at {
            return Answer::empty(403);
        }
        Answer::empty(take(upload, request, now))
    }
}

/// Takes a chunk and says with which status.
fn take(upload: &mut Upload, request: &Incoming, now: i64) -> u16 {
    let media = request.media_type();
    let length = request.body.len() as u64;
    let announced = request.header("content-length").and_then(|text| text.parse().ok());
    if !["video/mp4", "video/quicktime", "video/webm"].contains(&media.as_str())
        || announced != Some(length)
    {
        return 400;
    }
    let Some(range) = request.header("content-range").and_then(Range::parse) else { return 400 };
    if range.last - range.first + 1 != length {
        return 400;
    }
    let expected = Range {
        first: upload.received,
        last: upload.received + upload.next_length().saturating_sub(1),
        total: upload.size,
    };
    if upload.completed_at.is_some() || range != expected {
        return 416;
    }
    upload.received += length;
    upload.digest.update(&request.body);
    if upload.received < upload.size {
        return 206;
    }
    upload.completed_at = Some(now);
    201
}

/// `bytes first-last/total` (RFC 9110 §14.4).
#[derive(Debug, PartialEq, Eq)]
struct Range {
    first: u64,
    last: u64,
    total: u64,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        let range = Self { first: number(first)?, last: number(last)?, total: number(total)? };
        (range.first <= range.last && range.last < range.total).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_ranges_are_read() {
        assert_eq!(Range::parse("bytes 0-9/10"), Some(Range { first: 0, last: 9, total: 10 }));
        for text in [
            "bytes=0-9/10",
            "bytes 9-0/10",
            "bytes 0-10/10",
            "bytes +0-9/10",
            "bytes 0-9/*",
            "bytes 0-99999999999999999999/10",
            "",
        ] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }
}
