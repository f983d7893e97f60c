//! The bodies that Airtable takes and gives, as far as they are used.

use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
pub(super) struct BasesWire {
    pub(super) bases: Vec<BaseWire>,
    pub(super) offset: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BaseWire {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) permission_level: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RecordsWire<F> {
    pub(super) records: Vec<RecordWire<F>>,
    pub(super) offset: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordWire<F> {
    pub(super) id: String,
    pub(super) created_time: Option<String>,
    pub(super) fields: F,
}

#[derive(Deserialize)]
pub(super) struct CreatedWire {
    pub(super) records: Vec<IdWire>,
}

#[derive(Deserialize)]
pub(super) struct IdWire {
    pub(super) id: String,
}

#[derive(Serialize)]
pub(super) struct RecordsBody<'a> {
    pub(super) records: Vec<FieldsBody<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) typecast: bool,
}

#[derive(Serialize)]
pub(super) struct FieldsBody<'a> {
    pub(super) fields: &'a serde_json::Value,
}
