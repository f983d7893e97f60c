//! Providers that their facts describe wholly: each is a file in `specs/`.

use std::sync::Arc;

use crate::{Generic, Provider, Spec};

/// Those whose feature is on.
pub(crate) fn compiled_in() -> Vec<Arc<dyn Provider>> {
    let texts: &[&str] = &[
        #[cfg(feature = "discord")]
        include_str!("../specs/discord.toml"),
        #[cfg(feature = "dropbox")]
        include_str!("../specs/dropbox.toml"),
        #[cfg(feature = "figma")]
        include_str!("../specs/figma.toml"),
        #[cfg(feature = "gitlab")]
        include_str!("../specs/gitlab.toml"),
        #[cfg(feature = "linear")]
        include_str!("../specs/linear.toml"),
        #[cfg(feature = "notion")]
        include_str!("../specs/notion.toml"),
        #[cfg(feature = "salesforce")]
        include_str!("../specs/salesforce.toml"),
    ];
    texts
        .iter()
        .map(|text| {
            let spec = Spec::parse(text).expect("the file is a constant, and a test parses it");
            Arc::new(Generic::new(spec)) as Arc<dyn Provider>
        })
        .collect()
}
