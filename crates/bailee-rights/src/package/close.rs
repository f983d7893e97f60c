//! The end of a package: what is said of the whole, and the directory.

use std::collections::BTreeSet;

use bailee_core::{Error, ErrorKind, Id, Result, TenantId, Timestamp};
use bailee_registry::{Catalogue, Declaration, Document};
use bailee_store::Fence;

use super::{
    ByteSink, Form, ObjectName, Order, Packages, Part, Piece, Segment, StoredPackage,
    index::{Line, Lines, Source},
    manifest::{self, Named},
    page::Page,
    path,
    piece::{Holding, PieceReader, PieceWriter},
    zip::{Directory, Ended, Entry, Strand},
};

/// What a package says beside the data.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Closing<'a> {
    /// The declaration under which the data is kept.
    pub declaration: &'a Declaration,
    /// The language of what people read.
    pub catalogue: &'a Catalogue,
    /// The information of Art. 15(1) GDPR: [`Texts::information`](bailee_registry::Texts::information).
    pub information: &'a Document,
    /// The regime under which the request is answered (`"eu"`).
    pub regime: &'a str,
    /// When the request was received.
    pub received: Timestamp,
}

impl<'a> Closing<'a> {
    /// What a package says, of a declaration and in a language.
    pub fn new(
        declaration: &'a Declaration,
        catalogue: &'a Catalogue,
        information: &'a Document,
        regime: &'a str,
        received: Timestamp,
    ) -> Self {
        Self { declaration, catalogue, information, regime, received }
    }
}

impl Packages {
    /// Ends a package: manifest, pages and directory over all segments, which stay where they are.
    ///
    /// The caller commits what it gives under the fence. After that the segments' indexes are needed no
    /// more and are swept as orphans.
    ///
    /// # Errors
    ///
    /// `Configuration` where two segments are of one source of one tenant; what the spool and the vault
    /// say. Nothing has to be undone, and it can be called again.
    pub async fn close(
        &self,
        order: &Order,
        closing: &Closing<'_>,
        segments: &[Segment],
        fence: Fence,
    ) -> Result<StoredPackage> {
        let object = ObjectName::of(order.request, &part_of_end(), fence, "end");
        let (vault, spool) = (self.vault(), self.spool());
        let mut end = PieceWriter::begin(vault, spool, order.holding(), object).await?;
        let laid: Vec<_> = segments.iter().map(|segment| Laid::of(order, segment)).collect();
        let entries = Close { order, closing, packages: Some(self) }.write(&laid, &mut end).await?;
        let end = end.finish().await?;

        let mut parts = Vec::new();
        for segment in segments {
            parts.extend(segment.strands.iter().map(|strand| Part {
                tenant: segment.tenant.clone(),
                subject: segment.subject,
                piece: strand.piece.clone(),
            }));
        }
        let tenant = order.tenant.clone();
        parts.push(Part { tenant, subject: order.subject, piece: end });
        Ok(StoredPackage::of(order.request, Form::Zip, parts, entries))
    }
}

/// A segment wherever it lies: lengths of its strands by their number, and its index.
pub(super) struct Laid<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) source: &'a str,
    pub(super) strands: Vec<(u8, u64)>,
    pub(super) index: Index<'a>,
}

/// Where the index of a segment is.
pub(super) enum Index<'a> {
    Memory(Vec<u8>),
    Spool(Holding, &'a Piece),
}

impl<'a> Laid<'a> {
    fn of(order: &Order, segment: &'a Segment) -> Self {
        let holding = Holding {
            tenant: segment.tenant.clone(),
            subject: segment.subject,
            request: order.request,
        };
        let strands = segment.strands.iter();
        Self {
            tenant: &segment.tenant,
            source: &segment.source,
            strands: strands.map(|strand| (strand.number, strand.piece.length)).collect(),
            index: Index::Spool(holding, &segment.index),
        }
    }
}

/// Writes the end of a package.
pub(super) struct Close<'a> {
    pub(super) order: &'a Order,
    pub(super) closing: &'a Closing<'a>,
    /// Where indexes lie that are not in memory.
    pub(super) packages: Option<&'a Packages>,
}

impl Close<'_> {
    /// Writes what follows on the segments; how many entries the file has.
    pub(super) async fn write(&self, laid: &[Laid<'_>], sink: &mut dyn ByteSink) -> Result<u64> {
        every_source_once(laid)?;
        let Self { order, closing, .. } = self;
        let mut strand = Strand::new(0, order.at);
        let mut page = Page::new(order, closing, laid);

        strand.begin("manifest.json".to_owned());
        manifest::begin(strand.plain(), order, closing, laid)?;
        for (n, segment) in laid.iter().enumerate() {
            let mut tables = Vec::new();
            let mut lines = self.lines(segment)?;
            while let Some(line) = lines.next().await? {
                if let Line::Table(table) = line {
                    tables.push(table);
                }
            }
            let named = Named { tenant: segment.tenant.as_str(), source: segment.source };
            manifest::source(strand.plain(), n, closing.declaration, &named, &tables)?;
            strand.advance(sink).await?;
            page.source(&named, &tables);
        }
        manifest::end(strand.plain());
        let mut own = vec![strand.end(sink).await?];
        let information = closing.information;
        for (path, text) in [
            ("information.md", information.to_markdown()),
            ("information.html", information.to_html()),
            ("index.html", page.finish().to_html()),
        ] {
            strand.begin(path.to_owned());
            strand.plain().extend_from_slice(text.as_bytes());
            own.push(strand.end(sink).await?);
        }
        strand.flush(sink).await?;

        let begins: u64 = laid.iter().flat_map(|it| &it.strands).map(|(_, length)| length).sum();
        let mut directory = Directory::new(begins + strand.length());
        // The page for people stands first where the file is opened.
        for Ended { entry, .. } in own.iter().rev() {
            directory.add(sink, entry, begins).await?;
        }
        let mut before = 0;
        for segment in laid {
            let mut lines = self.lines(segment)?;
            while let Some(line) = lines.next().await? {
                if let Line::Entry(entry) = line {
                    directory.add(sink, &entry, before + segment.begins(&entry)?).await?;
                }
            }
            before += segment.strands.iter().map(|(_, length)| length).sum::<u64>();
        }
        let (_, entries) = directory.end(sink).await?;
        Ok(entries)
    }

    fn lines<'a>(&'a self, segment: &'a Laid<'_>) -> Result<Lines<'a>> {
        Ok(Lines::new(match &segment.index {
            Index::Memory(bytes) => Source::Memory(bytes),
            Index::Spool(holding, piece) => {
                let packages = self.packages.ok_or(ErrorKind::Unsupported)?;
                let (vault, spool) = (packages.vault(), packages.spool());
                let whole = 0..piece.length;
                Source::Piece(PieceReader::new(vault, spool, holding.clone(), piece, whole))
            }
        }))
    }
}

impl Laid<'_> {
    /// Where the strand of an entry begins within the segment.
    fn begins(&self, entry: &Entry) -> Result<u64> {
        let mut begins = 0;
        for (number, length) in &self.strands {
            if *number == entry.strand {
                return Ok(begins);
            }
            begins += length;
        }
        Err(Error::new(ErrorKind::UnknownSchema).with_detail("a segment lacks a strand"))
    }
}

/// Two sources whose files would lie in one folder are refused.
fn every_source_once(laid: &[Laid<'_>]) -> Result<()> {
    let mut folders = BTreeSet::new();
    for segment in laid {
        let folder = path::folder(segment.tenant, segment.source).to_ascii_lowercase();
        if !folders.insert(folder) {
            return Err(Error::new(ErrorKind::Configuration)
                .with_detail("two sources of a package have one name"));
        }
    }
    Ok(())
}

/// The part of the names of objects that are no segment's.
pub(super) fn part_of_end() -> String {
    Id::ZERO.to_string()
}
