use bailee_core::{Effect, ScopeName};
use http::Method;

use super::{KEY, PROVIDER};
use crate::{
    anthropic::{errors, wire::ModelsWire},
    context::Context,
    json_call::JsonCall,
    operation::{Operation, OperationFacts},
    page::{Cursor, Page, Paged},
    step::Step,
};

static LIST_MODELS: OperationFacts = OperationFacts {
    name: "anthropic.list_models",
    provider: PROVIDER,
    scopes: &[ScopeName::from_static("models.read")],
    effect: Effect::Read,
    method: Method::GET,
    path: "/v1/models",
    sends: &[],
    reads: &[],
    credential: KEY,
};

/// Lists the models that the key may use, page by page, the newest first: a start-up check that the
/// model which is configured is still there.
#[derive(Clone, Debug, Default)]
pub struct ListModels {
    size: Option<u16>,
    cursor: Option<Cursor>,
}

impl ListModels {
    /// All models.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many stand on a page, from 1 to 1000; Anthropic gives 20 where it is not set.
    #[must_use]
    pub fn page_size(mut self, models: u16) -> Self {
        self.size = Some(models);
        self
    }
}

impl Operation for ListModels {
    type Output = Page<Model>;

    fn facts(&self) -> &OperationFacts {
        &LIST_MODELS
    }

    fn start(&self, cx: &Context<'_>) -> Box<dyn Step<Page<Model>>> {
        let fits = self.size.is_none_or(|size| (1..=1000).contains(&size));
        let mut call = JsonCall::new(cx, &LIST_MODELS).demand(fits).classify(errors::classify);
        if let Some(size) = self.size {
            call = call.query("limit", size.to_string());
        }
        if let Some(cursor) = &self.cursor {
            call = call.query("after_id", cursor.as_str());
        }
        call.read(|page: ModelsWire| {
            let next = page.last_id.filter(|_| page.has_more);
            let models = page.data.into_iter();
            let models = models.map(|wire| Model { id: wire.id, name: wire.display_name });
            Ok(Page::new(models.collect(), next))
        })
    }
}

impl Paged for ListModels {
    type Item = Model;

    fn after(&self, cursor: Cursor) -> Self {
        Self { size: self.size, cursor: Some(cursor) }
    }
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Model {
    /// Its id, as [`WriteCaption::model`](super::WriteCaption::model) takes it.
    pub id: String,
    /// A name to show.
    pub name: Option<String>,
}
