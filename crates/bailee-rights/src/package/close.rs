//! The end of a package: what is said of the whole, and the directory.

use std::{collections::BTreeSet, ops::Range};

use bailee_core::{Error, ErrorKind, Id, Result, TenantId, Timestamp};
use bailee_registry::{Catalogue, Declaration, Document};
use bailee_store::Fence;
use serde::{Deserialize, Serialize};

use super::{
    ByteSink, ObjectName, Order, Packages, Part, Piece, Segment, StoredPackage,
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

/// How far the end of a package is: small enough for a record, and nothing personal in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartlyClosed {
    /// What was written so far, step by step.
    pieces: Vec<Piece>,
    directory: Directory,
    place: Place,
}

/// Which entry of which segment comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    segment: usize,
    /// Where in the segment's index.
    at: u64,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a package is closed or it is not")]
pub enum CloseStep {
    /// The package is whole.
    Closed(StoredPackage),
    /// There is more to write, from here on.
    Open(PartlyClosed),
}

impl Packages {
    /// Ends a package in one go: [`close_step`](Self::close_step) without an end to its time.
    ///
    /// # Errors
    ///
    /// As [`close_step`](Self::close_step).
    pub async fn close(
        &self,
        order: &Order,
        closing: &Closing<'_>,
        segments: &[Segment],
        fence: Fence,
    ) -> Result<StoredPackage> {
        match self.close_step(order, closing, segments, None, fence, &|| false).await? {
            CloseStep::Closed(stored) => Ok(stored),
            CloseStep::Open(_) => Err(ErrorKind::Unopenable.into()),
        }
    }

    /// Goes on with the end of a package: manifest, pages and directory over all segments, which stay
    /// where they are. Manifest and pages are as long as the declaration and the sources' tables make
    /// them and come with the first step; the directory has a line for each file, and a step ends when
    /// it was `enough`, after a thousand of them at the earliest.
    ///
    /// The caller commits what it gives under the fence, and takes the next step with it under a fence
    /// of its own and with the same segments. When the package is closed the segments' indexes are
    /// needed no more and are swept as orphans.
    ///
    /// # Errors
    ///
    /// `Configuration` where two segments are of one source of one tenant; what the spool and the vault
    /// say. Nothing has to be undone, and it can be called again.
    pub async fn close_step(
        &self,
        order: &Order,
        closing: &Closing<'_>,
        segments: &[Segment],
        so_far: Option<&PartlyClosed>,
        fence: Fence,
        enough: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<CloseStep> {
        let object = ObjectName::of(order.request, &part_of_end(), fence, "end");
        let (vault, spool) = (self.vault(), self.spool());
        let mut sink = PieceWriter::begin(vault, spool, order.holding(), object).await?;
        let laid: Vec<_> = segments.iter().map(|segment| Laid::of(order, segment)).collect();
        let close = Close { order, closing, packages: Some(self) };
        let (mut pieces, mut directory, mut place) = match so_far {
            Some(PartlyClosed { pieces, directory, place }) => {
                (pieces.clone(), directory.clone(), *place)
            }
            None => (Vec::new(), close.begin(&laid, &mut sink).await?, Place::default()),
        };
        let whole = close.go_on(&laid, &mut place, &mut directory, &mut sink, enough).await?;
        if !whole {
            directory.flush(&mut sink).await?;
            pieces.push(sink.finish().await?);
            return Ok(CloseStep::Open(PartlyClosed { pieces, directory, place }));
        }
        let (_, entries) = directory.end(&mut sink).await?;
        pieces.push(sink.finish().await?);

        let mut parts = Vec::new();
        for segment in segments {
            parts.extend(segment.strands.iter().map(|strand| Part {
                tenant: segment.tenant.clone(),
                subject: segment.subject,
                piece: strand.piece.clone(),
            }));
        }
        let (tenant, subject) = (&order.tenant, order.subject);
        let end = |piece| Part { tenant: tenant.clone(), subject, piece };
        parts.extend(pieces.into_iter().map(end));
        Ok(CloseStep::Closed(StoredPackage::of(order.request, parts, entries)))
    }
}

/// A segment wherever it lies: lengths of its strands by their number, and its index.
pub(super) struct Laid<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) source: &'a str,
    pub(super) strands: Vec<(u8, u64)>,
    pub(super) index: Index<'a>,
    /// Up to where entries stand in the index. Tables stand behind.
    pub(super) entries_end: u64,
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
            entries_end: segment.entries_end,
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
        let mut directory = self.begin(laid, sink).await?;
        self.go_on(laid, &mut Place::default(), &mut directory, sink, &|| false).await?;
        let (_, entries) = directory.end(sink).await?;
        Ok(entries)
    }

    /// Writes manifest and pages, and begins the directory with them.
    async fn begin(&self, laid: &[Laid<'_>], sink: &mut dyn ByteSink) -> Result<Directory> {
        every_source_once(laid)?;
        let Self { order, closing, .. } = self;
        let mut strand = Strand::new(0, order.at);
        let mut page = Page::new(order, closing, laid);

        strand.begin("manifest.json".to_owned());
        manifest::begin(strand.plain(), order, closing, laid)?;
        for (n, segment) in laid.iter().enumerate() {
            let mut tables = Vec::new();
            let mut lines = self.lines(segment, segment.entries_end..segment.index_end())?;
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
        Ok(directory)
    }

    /// Adds entries to the directory, from a place on; whether that was all of them.
    async fn go_on(
        &self,
        laid: &[Laid<'_>],
        place: &mut Place,
        directory: &mut Directory,
        sink: &mut dyn ByteSink,
        enough: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<bool> {
        let lengths = |segment: &Laid<'_>| segment.strands.iter().map(|(_, it)| it).sum::<u64>();
        let mut before: u64 = laid.iter().take(place.segment).map(lengths).sum();
        let mut added = 0_u64;
        while let Some(segment) = laid.get(place.segment) {
            let from = place.at;
            let mut lines = self.lines(segment, from..segment.entries_end)?;
            while let Some(line) = lines.next().await? {
                place.at = from + lines.passed();
                if let Line::Entry(entry) = line {
                    directory.add(sink, &entry, before + segment.begins(&entry)?).await?;
                    added += 1;
                    if added.is_multiple_of(BETWEEN_LOOKS) && enough() {
                        return Ok(false);
                    }
                }
            }
            before += lengths(segment);
            *place = Place { segment: place.segment + 1, at: 0 };
        }
        Ok(true)
    }

    fn lines<'a>(&'a self, segment: &'a Laid<'_>, range: Range<u64>) -> Result<Lines<'a>> {
        Ok(Lines::new(match &segment.index {
            Index::Memory(bytes) => {
                let bytes = bytes.get(range.start as usize..range.end as usize);
                Source::Memory(bytes.ok_or(ErrorKind::Unopenable)?)
            }
            Index::Spool(holding, piece) => {
                let packages = self.packages.ok_or(ErrorKind::Unsupported)?;
                let (vault, spool) = (packages.vault(), packages.spool());
                Source::Piece(PieceReader::new(vault, spool, holding.clone(), piece, range))
            }
        }))
    }
}

impl Laid<'_> {
    fn index_end(&self) -> u64 {
        match &self.index {
            Index::Memory(bytes) => bytes.len() as u64,
            Index::Spool(_, piece) => piece.length,
        }
    }

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

/// How many lines of the directory are written between two looks at the time.
const BETWEEN_LOOKS: u64 = 1000;
