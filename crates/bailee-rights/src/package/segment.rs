//! One source of one person, as a part of a package.

use bailee_core::{Id, Result, SubjectId, TenantId};
use bailee_registry::Declaration;
use bailee_store::Fence;
use serde::{Deserialize, Serialize};

use super::{
    ObjectName, Order, Packages, Piece,
    collect::{Collector, Lane, Out},
    index::{self, Line},
    piece::{Holding, PieceWriter},
};
use crate::source::{DataSource, Whose};

/// What one source had of a person, in the spool. It is small whatever it holds: what is in it stands
/// in an object of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Segment {
    /// The tenant.
    pub tenant: TenantId,
    /// Whose data it is; under their key it is sealed.
    pub subject: SubjectId,
    /// The source.
    pub source: String,
    /// The strands of the ZIP file: rows, then CSV and files, where there are any.
    pub strands: Vec<Strand>,
    /// What is in them.
    pub index: Piece,
    /// How many tables the source has.
    pub tables: u64,
    /// How many rows came.
    pub rows: u64,
    /// How many files are in it.
    pub entries: u64,
    /// How many fields were left out because they are not in the scope of the right
    /// ([`Reason::NotInScope`](crate::request::Reason::NotInScope)).
    pub not_in_scope: u64,
    /// Up to where the index names files; tables stand behind.
    pub(super) entries_end: u64,
}

/// A strand of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Strand {
    /// Its number among the segment's.
    pub number: u8,
    /// Where it lies.
    pub piece: Piece,
}

impl Segment {
    /// The objects of the spool that belong to it.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectName> {
        let strands = self.strands.iter().map(|strand| &strand.piece.object);
        strands.chain([&self.index.object])
    }

    /// Whether the source had nothing of the person.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

impl Packages {
    /// Collects what one source has of a person into the spool, in constant memory.
    ///
    /// Nothing is known of it until the caller commits the segment under the fence; what was written
    /// under a fence that committed nothing is an orphan ([`Packages::sweep_orphans`]). Called again
    /// under the same fence it replaces what it wrote.
    ///
    /// # Errors
    ///
    /// What the source, the spool and the vault say; `Configuration` for a source that breaks its
    /// contract (a table that comes twice, values that do not fit the fields). Nothing has to be undone.
    pub async fn collect_source(
        &self,
        order: &Order,
        declaration: &Declaration,
        source: &dyn DataSource,
        whose: &Whose,
        fence: Fence,
    ) -> Result<Segment> {
        let name = &source.facts().name;
        let part = Id::derive(&[whose.tenant().as_str().as_bytes(), name.as_bytes()]).to_string();
        let object = |ending: &str| ObjectName::of(order.request, &part, fence, ending);
        let holding = Holding {
            tenant: whose.tenant().clone(),
            subject: whose.subject(),
            request: order.request,
        };
        let begin = async |ending: &str| {
            let piece =
                PieceWriter::begin(self.vault(), self.spool(), holding.clone(), object(ending));
            piece.await.map(|piece| Out::Sealed(Box::new(piece)))
        };
        let mut lanes = vec![Lane::rows(begin("rows").await?, order)];
        if order.csv {
            lanes.push(Lane::csv(begin("csv").await?, order));
        }
        lanes.push(Lane::files(begin("files").await?, order));
        let mut index = begin("index").await?;
        let mut collector = Collector::new(order, declaration, source.facts(), whose.tenant());
        for lane in lanes {
            collector = collector.lane(lane);
        }
        let collected = collector.run(source, whose, &mut index).await?;
        let entries_end = index.length();
        for table in collected.tables {
            index::write(index.sink(), &Line::Table(table)).await?;
        }

        let mut strands = Vec::new();
        for (number, out) in collected.lanes {
            match out.finish_unless_empty().await? {
                Ok(piece) => strands.push(Strand { number, piece }),
                // An earlier call under the same fence may have finished it.
                Err(object) => self.spool().delete(&object).await?,
            }
        }
        Ok(Segment {
            tenant: whose.tenant().clone(),
            subject: whose.subject(),
            source: name.clone(),
            strands,
            index: index.finish().await?,
            tables: source.facts().tables.len() as u64,
            rows: collected.rows,
            entries: collected.entries,
            not_in_scope: collected.not_in_scope,
            entries_end,
        })
    }
}
