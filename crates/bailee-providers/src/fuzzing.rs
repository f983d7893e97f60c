//! A door to private parsers, for this project's own fuzz targets.

use serde_json::{Map, Number, Value as Tree};

use crate::scan::Value;

/// A document as the strict reader takes it apart; none where it refuses it. Of members with one
/// name the last counts here, and a number that no float holds is `null`.
pub fn json(document: &[u8]) -> Option<Tree> {
    Value::parse(document).ok().and_then(tree)
}

fn tree(value: Value<'_>) -> Option<Tree> {
    Some(match value {
        Value::Array(_) => {
            let elements = value.elements()?.into_iter();
            Tree::Array(elements.map(tree).collect::<Option<_>>()?)
        }
        Value::Bool(value) => Tree::Bool(value),
        Value::Null => Tree::Null,
        Value::Number(text) => {
            serde_json::from_str::<Number>(text).map_or(Tree::Null, Tree::Number)
        }
        Value::Object(_) => {
            let mut members = Map::new();
            for (name, value) in value.object()?.into_members() {
                members.insert(String::from_utf8(name.to_vec()).ok()?, tree(value)?);
            }
            Tree::Object(members)
        }
        Value::String(_) => Tree::String(value.text()?),
    })
}
