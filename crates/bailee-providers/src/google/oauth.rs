//! The steps at which Google differs: what an answer of its APIs means, and following an upload.
//! The rest is facts in `spec.toml` and the defaults.

use super::{errors, operations::UPLOAD_FILE, publication::followed};
use crate::{
    answer::Answer, context::Context, failure::Failure, grant::Alive, provider::Provider,
    publish::Publish, rfc, spec::Spec, step::Step,
};

/// Google. It holds nothing but its facts.
#[derive(Clone, Debug)]
pub struct Google {
    spec: Spec,
}

impl Google {
    /// The adapter with the facts that it was built with.
    pub fn new() -> Self {
        let spec = Spec::parse(include_str!("spec.toml"))
            .expect("the embedded file is a constant, and a test parses it");
        Self { spec: spec.with_errors(errors::CODES) }
    }
}

impl Default for Google {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Google {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn liveness(&self, cx: &Context<'_>) -> Box<dyn Step<Alive>> {
        rfc::liveness::judged(cx, errors::classify)
    }

    fn classify(&self, cx: &Context<'_>, answer: &Answer) -> Option<Failure> {
        errors::classify(cx.spec, answer)
    }

    fn follow(&self, operation: &str) -> Option<Box<dyn Publish>> {
        (operation == UPLOAD_FILE.name).then(|| Box::new(followed()) as Box<dyn Publish>)
    }
}
