//! Declarations that were in force, kept sealed with the text that was published: what a later one
//! is compared with, and what people were told when they agreed.

use std::sync::Arc;

use bailee_core::{Error, ErrorKind, Id, Result, Sha256, TenantId};
use bailee_registry::Declaration;
use bailee_store::{Key, Op};
use bailee_vault::{Draft, Holder};
use serde::{Deserialize, Serialize};

use crate::{body, engine::Engine, kind};

/// So many bytes of a text stand in one record: a sealed part has 64 KiB at the most, and a JSON
/// string may have twice the bytes of the text it holds.
const PIECE: usize = 24 * 1024;

/// `declaration`: the beginning of a text, or a later piece of it.
#[derive(Serialize, Deserialize)]
struct DeclarationBody {
    version: [u8; 32],
    /// How many records the whole text stands in.
    pieces: u32,
    text: String,
}

impl Engine {
    /// The writes that keep a declaration, where they are not made yet.
    pub(crate) async fn keep_declaration(&self, declaration: &Declaration) -> Result<Vec<Op>> {
        let version = declaration.version();
        let vault = &self.0.vault;
        let first = key(version, 0);
        let view =
            vault.read(&TenantId::SYSTEM, Holder::Tenant, std::slice::from_ref(&first)).await?;
        if view.record(0).is_some() {
            return Ok(Vec::new());
        }
        let pieces = pieces(declaration.source());
        let count = u32::try_from(pieces.len()).map_err(|_| Error::new(ErrorKind::TooLarge))?;
        let mut ops = Vec::with_capacity(pieces.len());
        for (n, text) in (0_u32..).zip(pieces) {
            let body = DeclarationBody { version, pieces: count, text: text.to_owned() };
            let draft = Draft::new(key(version, n), Holder::Tenant)
                .facts(body::SCHEMA, body::encode(&body)?);
            ops.push(vault.put(&TenantId::SYSTEM, draft, None).await?);
        }
        Ok(ops)
    }

    /// Whether a version was ever in force here.
    pub(crate) async fn was_in_force(&self, version: [u8; 32]) -> Result<bool> {
        let key = key(version, 0);
        let read = self.0.vault.store().read(&TenantId::SYSTEM, std::slice::from_ref(&key)).await?;
        Ok(read.records.first().is_some_and(Option::is_some))
    }

    /// A declaration that was in force; none where its text is not kept, or is not one to this
    /// release.
    pub(crate) async fn stored_declaration(
        &self,
        version: [u8; 32],
    ) -> Result<Option<Arc<Declaration>>> {
        if version == self.0.declaration.version() {
            return Ok(Some(self.0.declaration.clone()));
        }
        let mut text = String::new();
        let Some(first) = self.piece(version, 0).await? else { return Ok(None) };
        text.push_str(&first.text);
        for n in 1..first.pieces {
            // All were written in one commit, and nothing deletes them.
            let Some(next) = self.piece(version, n).await? else { return Ok(None) };
            text.push_str(&next.text);
        }
        match Declaration::parse(&text) {
            Ok(declaration) if declaration.version() == version => Ok(Some(Arc::new(declaration))),
            _ => {
                tracing::error!("a declaration that was in force cannot be read by this release");
                Ok(None)
            }
        }
    }

    async fn piece(&self, version: [u8; 32], n: u32) -> Result<Option<DeclarationBody>> {
        let key = key(version, n);
        let keys = std::slice::from_ref(&key);
        let view = self.0.vault.read(&TenantId::SYSTEM, Holder::Tenant, keys).await?;
        let body: Option<DeclarationBody> =
            view.facts(0)?.map(|facts| body::decode(&facts)).transpose()?;
        // Two versions may begin with the same sixteen bytes once in the life of a universe.
        Ok(body.filter(|body| body.version == version))
    }
}

/// Under which id a piece lies: the first under the beginning of the version itself.
fn key(version: [u8; 32], n: u32) -> Key {
    let digest = match n {
        0 => version,
        n => {
            let mut hash = Sha256::default();
            hash.update(b"bailee declaration piece 1\n");
            hash.update(&version);
            hash.update(&n.to_be_bytes());
            hash.finish()
        }
    };
    Key::new(kind::DECLARATION, Id::from_digest(&digest))
}

/// A text in pieces of at most [`PIECE`] bytes; an empty one is one piece.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > PIECE {
        let end = (0..=PIECE).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(0);
        let (piece, left) = rest.split_at(end);
        pieces.push(piece);
        rest = left;
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_length_is_cut_between_characters_and_nothing_of_it_is_lost() {
        for text in [String::new(), "a".into(), "é€🦀".repeat(9_000), "a".repeat(PIECE * 3)] {
            let pieces = pieces(&text);
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
            assert_eq!(pieces.concat(), text);
        }
        let keys: std::collections::BTreeSet<_> = (0..50).map(|n| key([7; 32], n)).collect();
        assert_eq!(keys.len(), 50);
    }
}
