use serde_json::json;

use super::user;
use crate::message::Answer;
use crate::oauth::{Caller, Problem};

/// The spaces of a workspace (`GET /team/{id}/space`).
pub(super) fn spaces(caller: &Caller, workspace: &str) -> Result<Answer, Problem> {
    user::needs(caller, workspace)?;
    let space = json!({
        "id": format!("{workspace}{ONE}"),
        "name": "Space",
        "private": false,
        "statuses": [{"status": "to do", "type": "open", "orderindex": 0, "color": "#d3d3d3"}],
    });
    Ok(Answer::json(200, &json!({"spaces": [space]})))
}

/// The lists of a space that are in no folder (`GET /space/{id}/list`).
pub(super) fn lists(caller: &Caller, space: &str) -> Result<Answer, Problem> {
    user::needs(caller, space.strip_suffix(ONE).unwrap_or_default())?;
    let list = json!({"id": format!("{space}{ONE}"), "name": "List", "task_count": 0});
    Ok(Answer::json(200, &json!({"lists": [list]})))
}

/// The folders of a space (`GET /space/{id}/folder`): none.
pub(super) fn folders(caller: &Caller, space: &str) -> Result<Answer, Problem> {
    user::needs(caller, space.strip_suffix(ONE).unwrap_or_default())?;
    Ok(Answer::json(200, &json!({"folders": []})))
}

/// The space and the workspace of a list, as far as its id is one.
pub(super) fn above(list: &str) -> Option<(&str, &str)> {
    let space = list.strip_suffix(ONE)?;
    Some((space, space.strip_suffix(ONE)?))
}

const ONE: &str = "01";
