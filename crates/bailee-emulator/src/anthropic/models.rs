use serde_json::{Value, json};

use super::Anthropic;
use crate::call::Call;
use crate::message::Answer;
use crate::oauth::Problem;

/// The models (`GET /v1/models`), page by page.
pub(super) fn list(anthropic: &Anthropic, call: &Call<'_>) -> Result<Answer, Problem> {
    let query = call.request.query();
    let limit = query.one("limit").map_or(Some(20), |limit| limit.parse().ok());
    let limit = limit.filter(|limit| (1..=1000).contains(limit)).ok_or(Problem::Value("limit"))?;
    let all = &anthropic.models;
    let start = match query.one("after_id") {
        None => 0,
        Some(id) => {
            let at = all.iter().position(|model| model == id);
            at.ok_or(Problem::Value("after_id"))? + 1
        }
    };
    let models: Vec<Value> = all
        .iter()
        .skip(start)
        .take(limit)
        .map(|id| {
            json!({
                "type": "model",
                "id": id,
                "display_name": id.replace('-', " "),
                "created_at": "2026-05-01T00:00:00Z",
                "max_input_tokens": 200_000,
                "max_tokens": 64_000,
                "capabilities": {},
            })
        })
        .collect();
    let ids = |model: Option<&Value>| model.map_or(Value::Null, |model| model["id"].clone());
    Ok(Answer::json(
        200,
        &json!({
            "data": models,
            "has_more": start + models.len() < all.len(),
            "first_id": ids(models.first()),
            "last_id": ids(models.last()),
        }),
    ))
}
