use serde_json::{Map, Value, json};

use super::{Anthropic, Outcome, personal};
use crate::call::Call;
use crate::desk::Desk;
use crate::message::Answer;
use crate::mint::{base64url, sha256};
use crate::oauth::{Caller, Problem};

/// Makes a message (`POST /v1/messages`).
pub(super) fn create(
    anthropic: &Anthropic,
    desk: &mut Desk,
    call: &Call<'_>,
    caller: &Caller,
) -> Result<Answer, Problem> {
    let Some(Value::Object(asked)) = call.request.json() else { return Err(Problem::BodyType) };
    let prompt = check(&asked)?;
    let model = asked.get("model").and_then(Value::as_str).ok_or(Problem::Missing("model"))?;
    if !anthropic.models.iter().any(|known| known == model) {
        let text = format!("model: {model}");
        return Err(Problem::Said(anthropic.fail(call, 404, "not_found_error", &text)));
    }
    if let Some(what) = asked.iter().find_map(|(name, value)| {
        // Ids of models have dates in them.
        (name != "model").then(|| personal::found(value)).flatten()
    }) {
        desk.write(caller, "forbidden", json!({"what": what}));
        let text = format!("there is {what} in the request");
        return Err(Problem::Said(anthropic.fail(call, 400, "invalid_request_error", &text)));
    }
    if !anthropic.paid {
        let poor = "Your credit balance is too low to access the Anthropic API.";
        return Err(Problem::Said(match anthropic.poor_is_400 {
            true => anthropic.fail(call, 400, "invalid_request_error", poor),
            false => anthropic.fail(call, 402, "billing_error", poor),
        }));
    }
    let digest = sha256(prompt.as_bytes());
    let word = |at: usize| WORDS[usize::from(digest[at]) % WORDS.len()];
    let text = |text: &str| json!({"type": "text", "text": text});
    let said = format!("A {} {} {}", word(0), word(1), word(2));
    let (content, stop) = match &anthropic.outcome {
        Outcome::EndTurn => (vec![text(&said)], "end_turn"),
        Outcome::Empty => (Vec::new(), "end_turn"),
        Outcome::MaxTokens => (vec![text(&said)], "max_tokens"),
        Outcome::Refusal => (vec![text("I would rather not.")], "refusal"),
        Outcome::Text(own) => (vec![text(own)], "end_turn"),
        Outcome::UnknownBlocks => {
            let strange = json!({"type": "strange", "text": 7, "content": [{"type": "text"}]});
            (vec![strange.clone(), text(&said), strange], "end_turn")
        }
    };
    let message = json!({
        "id": format!("msg_{}", base64url(&digest[..15])),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": null,
        "usage": {
            "input_tokens": prompt.len() / 4,
            "output_tokens": 12,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "service_tier": "standard",
        },
    });
    // Each one is billed, also one that was made before.
    desk.write(caller, "message", json!({"asked": asked, "said": message}));
    Ok(Answer::json(200, &message))
}

/// The prompt, if the request is one that can be.
fn check(asked: &Map<String, Value>) -> Result<String, Problem> {
    if let Some(name) = asked.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        let _ = name;
        return Err(Problem::Value("a member that is not permitted"));
    }
    if asked.get("stream").is_some_and(|stream| *stream != json!(false)) {
        // What streams is not played.
        return Err(Problem::Value("stream"));
    }
    let most = asked.get("max_tokens").ok_or(Problem::Missing("max_tokens"))?;
    most.as_u64().filter(|most| *most >= 1).ok_or(Problem::Value("max_tokens"))?;
    if let Some(temperature) = asked.get("temperature") {
        let fits = temperature.as_f64().is_some_and(|number| (0.0..=1.0).contains(&number));
        if !fits {
            return Err(Problem::Value("temperature"));
        }
    }
    let system = asked.get("system").map_or(Some(""), Value::as_str);
    let mut prompt = system.ok_or(Problem::Value("system"))?.to_owned();
    let messages = asked.get("messages").and_then(Value::as_array);
    let messages = messages.filter(|all| !all.is_empty()).ok_or(Problem::Value("messages"))?;
    for message in messages {
        if !matches!(message["role"].as_str(), Some("user" | "assistant")) {
            return Err(Problem::Value("role"));
        }
        let content = message["content"].as_str().filter(|text| !text.trim().is_empty());
        prompt.push_str(content.ok_or(Problem::Value("content"))?);
    }
    Ok(prompt)
}

/// The members that are read here.
const KNOWN: &[&str] = &[
    "inference_geo",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "top_k",
    "top_p",
];

const WORDS: [&str; 8] = ["bright", "calm", "clear", "fine", "good", "new", "quiet", "warm"];
