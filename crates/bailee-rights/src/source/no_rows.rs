//! A source without tables.

use async_trait::async_trait;
use bailee_core::{ErrorKind, Result};

use super::{Correction, Count, DataSource, Remaining, RowSink, SourceFacts, Step, Whose};

/// A source that has no tables, and nothing of anybody.
#[derive(Clone, Debug)]
pub(crate) struct NoRows(SourceFacts);

impl NoRows {
    pub(crate) fn new(name: &str) -> Self {
        Self(SourceFacts::new(name, Vec::new()))
    }
}

#[async_trait]
impl DataSource for NoRows {
    fn facts(&self) -> &SourceFacts {
        &self.0
    }

    async fn count(&self, _: &Whose) -> Result<Count> {
        Ok(Count::default())
    }

    async fn collect(&self, _: &Whose, _: &mut dyn RowSink) -> Result<()> {
        Ok(())
    }

    async fn erase(&self, _: &Whose) -> Result<Step> {
        Ok(Step::default())
    }

    async fn correct(&self, _: &Whose, _: &Correction) -> Result<()> {
        Err(ErrorKind::NotFound.into())
    }

    async fn restrict(&self, _: &Whose, _: bool) -> Result<Step> {
        Ok(Step::default())
    }

    async fn remaining(&self, _: &Whose) -> Result<Remaining> {
        Ok(Remaining::default())
    }
}
