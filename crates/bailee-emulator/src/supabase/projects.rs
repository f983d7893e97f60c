use serde_json::{Value, json};

use crate::message::Answer;
use crate::mint::sha256;
use crate::oauth::Caller;
use crate::registration::Account;

/// The organisations of the person (`GET /v1/organizations`).
pub(super) fn organizations(caller: &Caller) -> Answer {
    let all: Vec<Value> = slugs(&caller.account)
        .iter()
        .map(|slug| json!({"id": slug, "slug": slug, "name": format!("Organisation {slug}")}))
        .collect();
    Answer::json(200, &json!(all))
}

/// Their projects, one for each organisation (`GET /v1/projects`).
pub(super) fn list(caller: &Caller) -> Answer {
    let all: Vec<Value> = slugs(&caller.account)
        .iter()
        .map(|slug| {
            let reference = letters(&format!("project of {slug}"));
            json!({
                "id": reference,
                "ref": reference,
                "organization_id": slug,
                "organization_slug": slug,
                "name": format!("Project of {slug}"),
                "region": "eu-central-1",
                "created_at": "2026-01-01T00:00:00Z",
                "status": "ACTIVE_HEALTHY",
                "database": {
                    "host": format!("db.{reference}.supabase.co"),
                    "version": "17.4.1.074",
                    "postgres_engine": "17",
                    "release_channel": "ga",
                },
            })
        })
        .collect();
    Answer::json(200, &json!(all))
}

fn slugs(account: &Account) -> Vec<String> {
    let stated = account.facts.get("organizations").and_then(Value::as_array);
    match stated {
        Some(slugs) => slugs.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        None => vec![letters(&format!("organisation of {}", account.id))],
    }
}

/// Twenty lower-case letters.
fn letters(text: &str) -> String {
    sha256(text.as_bytes()).iter().take(20).map(|byte| char::from(b'a' + byte % 26)).collect()
}
