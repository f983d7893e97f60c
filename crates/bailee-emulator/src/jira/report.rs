//! The personal data report (`POST /app/report-accounts/`).

use serde_json::{Value, json};

use super::{Jira, said};
use crate::call::Call;
use crate::desk::Desk;
use crate::message::Answer;
use crate::oauth::{Caller, Problem};

/// Says which of the accounts were closed or changed: those of which the fact `report` says so, and
/// the one that the guide gives for trials.
pub(super) fn accounts(
    jira: &Jira,
    desk: &mut Desk,
    call: &Call<'_>,
    caller: &Caller,
) -> Result<Answer, Problem> {
    caller.needs("report:personal-data").map_err(|_| said(403, "Forbidden"))?;
    if let Some(seconds) = jira.reports_wait {
        let answer = Answer::json(429, &json!({"errorMessages": ["Rate limit exceeded."]}));
        return Err(Problem::Said(answer.with("retry-after", &seconds.to_string())));
    }
    let malformed = || said(400, "The report is malformed.");
    let asked = call.request.json().ok_or_else(malformed)?;
    let accounts = asked.get("accounts").and_then(Value::as_array).ok_or_else(malformed)?;
    if accounts.is_empty() || accounts.len() > MOST {
        return Err(malformed());
    }
    let mut found = Vec::new();
    for account in accounts {
        let text = |name: &str| account.get(name).and_then(Value::as_str);
        let (Some(id), Some(at)) = (text("accountId"), text("updatedAt")) else {
            return Err(malformed());
        };
        if id.is_empty() || id == "unknown" || !is_date(at) {
            return Err(malformed());
        }
        let known = desk.accounts.iter().find(|known| super::sites::account_id(known) == id);
        let status = known.and_then(|known| known.facts.get("report")?.as_str());
        let status = status.or((id == CLOSED).then_some("closed"));
        found.extend(status.map(|status| json!({"accountId": id, "status": status})));
    }
    desk.write(caller, "report", asked.clone());
    let answer = match found.is_empty() {
        true => Answer::empty(204),
        false => Answer::json(200, &json!({"accounts": found})),
    };
    Ok(match jira.cycle_period {
        Some(period) => answer.with("cycle-period", period),
        None => answer,
    })
}

/// Whether a text looks like RFC 3339.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20
        && bytes.get(10) == Some(&b'T')
        && (text.ends_with('Z') || text.contains('+') || text.rfind('-') > Some(10))
}

const MOST: usize = 90;
/// The account for trials that is closed.
const CLOSED: &str = "5be24ba3f91c106033269289";
