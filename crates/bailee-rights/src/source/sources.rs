//! All sources of a host, checked against its declaration.

use std::{collections::BTreeSet, fmt, sync::Arc};

use bailee_core::{Error, ErrorKind, Result};
use bailee_registry::Declaration;

use super::{
    DataSource, SecondLook, Whose,
    look::{SourceAnswer, whole},
};

/// The sources of a host. Together they answer for every set of data that its declaration names.
#[derive(Clone)]
pub struct Sources(Vec<Arc<dyn DataSource>>);

impl Sources {
    /// Takes a host's sources.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for two sources of one name, facts that do not fit the
    /// declaration, and a declared set for which no source answers: a request could never be
    /// complete without it.
    pub fn new(declaration: &Declaration, sources: Vec<Arc<dyn DataSource>>) -> Result<Self> {
        let wrong = |what: String| Err(Error::new(ErrorKind::Configuration).with_detail(what));
        let mut names = BTreeSet::new();
        let mut answered = BTreeSet::new();
        for source in &sources {
            let facts = source.facts();
            if !names.insert(facts.name.as_str()) {
                return wrong(format!("two sources are called `{}`", facts.name));
            }
            facts.check(declaration)?;
            answered.extend(facts.data_sets());
        }
        let missing = declaration.data_sets().find(|set| !answered.contains(set.id.as_str()));
        if let Some(set) = missing {
            return wrong(format!("no source answers for the data set `{}`", set.id));
        }
        Ok(Self(sources))
    }

    /// The sources, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn DataSource>> {
        self.0.iter()
    }

    /// A source by its name.
    pub fn source(&self, name: &str) -> Option<&Arc<dyn DataSource>> {
        self.0.iter().find(|source| source.facts().name == name)
    }

    /// Asks every source what is left of a person, one after the other.
    ///
    /// One that fails does not keep the others from answering. A source that never answers keeps this
    /// from ending: whoever waits limits the time, and a look that was given up is none.
    pub async fn second_look(&self, whose: &Whose) -> SecondLook {
        let mut answers = Vec::with_capacity(self.0.len());
        for source in &self.0 {
            let facts = source.facts();
            let found = source.remaining(whose).await.and_then(|found| whole(facts, whose, found));
            answers.push(SourceAnswer { source: facts.name.clone(), found });
        }
        SecondLook::new(answers)
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|source| &source.facts().name)).finish()
    }
}
