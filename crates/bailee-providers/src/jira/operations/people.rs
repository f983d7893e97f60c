//! Taking the people out of what Jira gives.
//!
//! Whoever stores account ids has to report them to Atlassian again and again, and an export is no
//! place for colleagues who were never asked. So nothing leaves this adapter before it went through
//! here.

use serde_json::{Map, Value, json};

/// Members that speak of people or of their pictures, wherever they stand. `self` links name people
/// by their account ids.
const OF_PEOPLE: [&str; 18] = [
    "actor",
    "assignee",
    "attributedTo",
    "author",
    "avatar",
    "avatarUrl",
    "avatarUrls",
    "creator",
    "emailAddress",
    "generator",
    "historyMetadata",
    "reporter",
    "self",
    "updateAuthor",
    "voters",
    "votes",
    "watchers",
    "watches",
];

/// Fields whose former and later values are known not to be people, in Jira's words for its own
/// fields. Of all others, those of custom fields among them, a history says that they changed.
const IMPERSONAL: [&str; 22] = [
    "attachment",
    "component",
    "description",
    "duedate",
    "environment",
    "epic link",
    "fix version",
    "issuetype",
    "key",
    "labels",
    "link",
    "parent",
    "priority",
    "project",
    "resolution",
    "status",
    "summary",
    "timeestimate",
    "timeoriginalestimate",
    "timespent",
    "version",
    "workflow",
];

/// What stands in the place of a person's name in a text.
const SOMEONE: &str = "@someone";

/// A document of Jira's without the people in it; none where the whole of it is a person.
///
/// Taken out are assignees, reporters, creators, authors of comments, worklogs, attachments and
/// changes, watchers and votes, every object that is a user (user pickers, approvers, project leads)
/// and lists of them, former and later values of changes that may be users, `self` links, addresses
/// of pictures, e-mail addresses of users, and account ids in links. A mention in a rich text becomes
/// `@someone`. What people wrote stays.
pub fn without_people(value: Value) -> Option<Value> {
    match value {
        Value::Object(members) => object(members),
        Value::Array(items) => {
            Some(Value::Array(items.into_iter().filter_map(without_people).collect()))
        }
        Value::String(text) => string(text).map(Value::String),
        other => Some(other),
    }
}

/// The fields of an issue without the people in them.
pub(super) fn fields_without_people(fields: Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in fields {
        if is_of_people(&name) {
            continue;
        }
        if let Some(value) = without_people(value) {
            kept.insert(name, value);
        }
    }
    kept
}

fn object(members: Map<String, Value>) -> Option<Value> {
    if is_person(&members) {
        return None;
    }
    if members.get("type").and_then(Value::as_str) == Some("mention") {
        return Some(json!({"type": "text", "text": SOMEONE}));
    }
    let hides_values = is_change(&members) && !is_impersonal(&members);
    let mut kept = fields_without_people(members);
    if hides_values {
        for name in ["from", "fromString", "to", "toString"] {
            kept.remove(name);
        }
    }
    Some(Value::Object(kept))
}

fn is_of_people(name: &str) -> bool {
    let id = name.to_ascii_lowercase();
    OF_PEOPLE.contains(&name) || id.ends_with("accountid") || id.ends_with("accountids")
}

/// A user, however little of it is shown.
fn is_person(members: &Map<String, Value>) -> bool {
    let has = |name: &str| members.contains_key(name);
    ["accountId", "accountType", "emailAddress"].into_iter().any(has)
        || (has("displayName") && ["active", "avatarUrls", "timeZone"].into_iter().any(has))
}

/// A line of an issue's history.
fn is_change(members: &Map<String, Value>) -> bool {
    let has = |name: &str| members.contains_key(name);
    members.get("field").is_some_and(Value::is_string)
        && ["from", "fromString", "to", "toString"].into_iter().any(has)
}

fn is_impersonal(change: &Map<String, Value>) -> bool {
    let word = |name: &str| change.get(name).and_then(Value::as_str).unwrap_or_default();
    let field = word("field").to_ascii_lowercase();
    word("fieldtype") != "custom" && IMPERSONAL.contains(&field.as_str())
}

/// A text without account ids in it; none where it is one.
fn string(text: String) -> Option<String> {
    if is_account_id(text.trim()) {
        return None;
    }
    // Every place that is looked for has one of these words in it.
    let lower = text.to_ascii_lowercase();
    let marks = ["accountid", "/people/", "identity::user/"];
    if !marks.iter().any(|mark| lower.contains(mark)) {
        return Some(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((start, end, instead)) = first_id(rest) {
        clean.push_str(&rest[..start]);
        clean.push_str(instead);
        rest = &rest[end..];
    }
    clean.push_str(rest);
    Some(clean)
}

/// Where the first account id in a text begins and ends, and what to put in its place: in a mention
/// of the old markup (`[~accountid:…]`), a parameter (`accountId=…`), a link to a person
/// (`/people/…`), a resource name (`ari:cloud:identity::user/…`).
fn first_id(text: &str) -> Option<(usize, usize, &'static str)> {
    // Lower case of ASCII alone, so that places are the same in both.
    let lower = text.to_ascii_lowercase();
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '%');
    let id_at = |start: usize| {
        let rest = &text[start..];
        start + rest.find(|c| !part(c)).unwrap_or(rest.len())
    };
    let mut found: Option<(usize, usize, &'static str)> = None;
    let mut note = |place: (usize, usize, &'static str)| {
        let empty = place.0 == place.1;
        if !empty && found.is_none_or(|(start, ..)| place.0 < start) {
            found = Some(place);
        }
    };
    for (start, mark) in lower.match_indices("[~accountid:") {
        let end = id_at(start + mark.len());
        let closed = end + usize::from(lower[end..].starts_with(']'));
        note((start, closed, SOMEONE));
    }
    for mark in ["accountid=", "accountid%3d", "identity::user/"] {
        for (at, mark) in lower.match_indices(mark) {
            let start = at + mark.len();
            note((start, id_at(start), ""));
        }
    }
    for (at, mark) in lower.match_indices("/people/") {
        let start = at + mark.len();
        let end = id_at(start);
        // A page of that name is no person.
        if is_account_id(&text[start..end].replace("%3A", ":").replace("%3a", ":")) {
            note((start, end, ""));
        }
    }
    found
}

/// The forms of account ids: 24 hexadecimal digits, or words and a UUID with colons between.
fn is_account_id(text: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    let uuid = |text: &str| {
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        lengths == [8, 4, 4, 4, 12] && text.split('-').all(hex)
    };
    if text.len() == 24 {
        return hex(text);
    }
    text.len() <= 128
        && text.rsplit_once(':').is_some_and(|(before, last)| {
            let word = |part: &str| {
                (1..=36).contains(&part.len())
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            };
            uuid(last) && before.split(':').all(word)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An account id that must not come out, in each of its forms.
    const IDS: [&str; 3] = [
        "5be24ad8b1653240376955d2",
        "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077",
        "qm:5b10ac8d-82e0-5b22-bcd7-3333333333fe:f58131cb-b67d-43c7-b30d-6b58d40bd077",
    ];

    fn person(id: &str) -> Value {
        json!({
            "self": format!("https://api.atlassian.com/ex/jira/x/rest/api/3/user?accountId={id}"),
            "accountId": id,
            "accountType": "atlassian",
            "displayName": "Grace Canary",
            "emailAddress": "grace@canary.example",
            "avatarUrls": {"48x48": "https://avatar.canary.example/grace"},
            "active": true,
            "timeZone": "Europe/Berlin",
        })
    }

    fn clean(value: Value) -> Value {
        let cleaned = without_people(value).unwrap();
        let text = cleaned.to_string().to_lowercase();
        for trace in IDS.iter().map(|id| id.to_lowercase()).chain(["canary".to_owned()]) {
            assert!(!text.contains(&trace), "{trace} in {text}");
        }
        cleaned
    }

    #[test]
    fn people_of_an_issue_are_taken_out_field_by_field() {
        for id in IDS {
            for field in
                ["assignee", "reporter", "creator", "watches", "votes", "customfield_10001"]
            {
                let kept = clean(json!({field: person(id), "summary": "Kept"}));
                assert_eq!(kept, json!({"summary": "Kept"}), "{field}");
            }
        }
        let watched = json!({"self": "x", "watchCount": 1, "isWatching": true, "watchers": []});
        assert_eq!(clean(json!({"watches": watched})), json!({}));
        assert_eq!(clean(json!({"assignee": null, "labels": ["a"]})), json!({"labels": ["a"]}));
    }

    #[test]
    fn user_pickers_go_whatever_their_shape() {
        let [one, other, _] = IDS.map(person);
        let picked = json!({
            "customfield_10001": one,
            "customfield_10002": [one, other],
            "customfield_10003": {"value": "kept", "child": {"approver": other}},
            "customfield_10004": [{"approver": one, "approverDecision": "approved"}],
            "customfield_10005": IDS[1],
            "customfield_10006": [IDS[0], "kept"],
            "customfield_10007": {"displayName": "Canary", "active": false},
            "customfield_10008": {"ownerAccountId": IDS[0], "name": "kept"},
            "customfield_10009": 5,
        });
        assert_eq!(
            clean(picked),
            json!({
                "customfield_10002": [],
                "customfield_10003": {"value": "kept", "child": {}},
                "customfield_10004": [{"approverDecision": "approved"}],
                "customfield_10006": ["kept"],
                "customfield_10008": {"name": "kept"},
                "customfield_10009": 5,
            })
        );
    }

    #[test]
    fn authors_of_comments_worklogs_and_attachments_go_and_what_they_wrote_stays() {
        let [id, ..] = IDS;
        let fields = json!({
            "comment": {"comments": [{
                "id": "1", "author": person(id), "updateAuthor": person(id), "body": "Kept",
                "self": format!("https://api.atlassian.com/comment/1?accountId={id}"),
            }], "total": 1},
            "worklog": {"worklogs": [{"author": person(id), "timeSpent": "1h"}]},
            "attachment": [{"id": "7", "filename": "kept.pdf", "author": person(id), "size": 3}],
        });
        assert_eq!(
            clean(fields),
            json!({
                "comment": {"comments": [{"id": "1", "body": "Kept"}], "total": 1},
                "worklog": {"worklogs": [{"timeSpent": "1h"}]},
                "attachment": [{"id": "7", "filename": "kept.pdf", "size": 3}],
            })
        );
    }

    #[test]
    fn a_history_keeps_what_changed_and_not_who() {
        let [id, ..] = IDS;
        let change = |field: &str, kind: &str| {
            json!({
                "field": field, "fieldtype": kind, "fieldId": "f",
                "from": null, "fromString": "Canary", "to": id, "toString": "Canary",
                "tmpToAccountId": id,
            })
        };
        let changelog = json!({"histories": [{
            "id": "9", "author": person(id), "historyMetadata": {"actor": {"id": id}},
            "created": "2026-01-02T03:04:05.000+0000",
            "items": [
                {"field": "status", "fieldtype": "jira", "fromString": "To Do", "toString": "Done"},
                change("assignee", "jira"),
                change("reporter", "jira"),
                change("Approver", "custom"),
                // A custom field may have the name of one of Jira's own.
                change("status", "custom"),
                change("something new", "jira"),
            ],
        }]});
        let kept = clean(changelog);
        let items = kept["histories"][0]["items"].as_array().unwrap();
        assert_eq!(
            (&items[0]["fromString"], &items[0]["toString"]),
            (&json!("To Do"), &json!("Done"))
        );
        for item in &items[1..] {
            assert_eq!(item.as_object().unwrap().len(), 3, "{item}");
        }
        assert!(kept["histories"][0].get("author").is_none());
    }

    #[test]
    fn a_mention_becomes_someone_and_the_text_around_it_stays() {
        for id in IDS {
            let text = json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [
                {"type": "text", "text": "Ask "},
                {"type": "mention", "attrs": {"id": id, "text": "@Grace Canary", "accessLevel": ""}},
                {"type": "text", "text": " soon"},
                {"type": "inlineCard", "attrs": {"url": format!("https://x.example/jira/people/{id}")}},
            ]}]});
            let kept = clean(json!({ "description": text }));
            let content = kept["description"]["content"][0]["content"].as_array().unwrap();
            assert_eq!(content[1], json!({"type": "text", "text": "@someone"}));
            assert_eq!(content[2]["text"], " soon");
            assert_eq!(content[3]["attrs"]["url"], "https://x.example/jira/people/");
        }
    }

    #[test]
    fn links_and_pictures_do_not_name_people() {
        for id in IDS {
            let encoded = id.replace(':', "%3A");
            let kept = clean(json!({
                "self": format!("https://api.atlassian.com/x?accountId={id}"),
                "link": format!("https://x.example/secure/ViewProfile?a=1&accountId={encoded}&b=2"),
                "wiki": format!("Ask [~accountid:{id}] soon, or [~accountId:{id}]"),
                "ari": format!("ari:cloud:identity::user/{id}"),
                "person": format!("https://x.example/o/1/people/{encoded}?cloudId=5"),
                "issuetype": {"name": "Bug", "iconUrl": "https://x.example/bug.png", "avatarId": 1},
                "project": {"key": "DEMO", "avatarUrls": {"48x48": "https://canary.example"}, "lead": person(id)},
            }));
            assert_eq!(kept["link"], "https://x.example/secure/ViewProfile?a=1&accountId=&b=2");
            assert_eq!(kept["wiki"], "Ask @someone soon, or @someone");
            assert_eq!(kept["ari"], "ari:cloud:identity::user/");
            assert_eq!(kept["person"], "https://x.example/o/1/people/?cloudId=5");
            assert_eq!(kept["issuetype"]["name"], "Bug");
            assert_eq!(kept["project"], json!({"key": "DEMO"}));
            assert!(kept.get("self").is_none());
        }
        assert_eq!(clean(json!("https://x.example/people/ops")), "https://x.example/people/ops");
        assert_eq!(clean(json!("the accountId= of nobody")), "the accountId= of nobody");
    }

    #[test]
    fn what_is_a_person_as_a_whole_is_nothing() {
        assert_eq!(without_people(person(IDS[0])), None);
        assert_eq!(without_people(json!(IDS[2])), None);
        assert_eq!(without_people(json!([person(IDS[1]), 1])), Some(json!([1])));
        // Hashes and other ids are none.
        for kept in ["deadbeef", "5be24ad8b1653240376955d25be24ad8b1653240", "10:30", "a:b"] {
            assert_eq!(without_people(json!(kept)), Some(json!(kept)));
        }
    }
}
