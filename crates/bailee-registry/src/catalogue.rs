//! The sentences of texts, by language: a TOML file each, with the same keys and places.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, LazyLock},
};

use bailee_core::{Error, ErrorKind, Locale, Result};
use toml::de::DeTable;

use crate::{
    Country, Problems,
    problem::Report,
    read::{quoted, read_text},
};

/// The sentences of one language. English is built in, and a key that another catalogue leaves out is
/// read there.
#[derive(Clone, PartialEq, Eq)]
pub struct Catalogue(Arc<Inner>);

#[derive(PartialEq, Eq)]
struct Inner {
    locale: Locale,
    sentences: BTreeMap<String, String>,
}

/// English sentences that another crate brings for texts of its own, in the form of this crate's: a
/// translation has them in the same file, with the same keys and places, and a host replaces them the
/// same way.
#[derive(Clone, PartialEq, Eq)]
pub struct Sentences(BTreeMap<String, String>);

impl Sentences {
    /// Reads a table of English sentences. No section of it is one of this crate's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] with everything that is wrong, each with its line.
    pub fn parse(english: &str) -> Result<Self> {
        let sentences = read(english, None).map_err(wrong)?;
        let section = |key: &str| key.split('.').next().unwrap_or_default().to_owned();
        let taken: BTreeSet<String> = ENGLISH.0.sentences.keys().map(|key| section(key)).collect();
        match sentences.keys().map(|key| section(key)).find(|section| taken.contains(section)) {
            Some(section) => Err(Error::new(ErrorKind::Configuration)
                .with_detail(format!("the section {} is taken", quoted(&section)))),
            None => Ok(Self(sentences)),
        }
    }
}

impl fmt::Debug for Sentences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentences").field("count", &self.0.len()).finish()
    }
}

static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| {
    let sentences = read(include_str!("../texts/en.toml"), None);
    let sentences = sentences.expect("the built-in catalogue is read by the tests");
    Catalogue(Arc::new(Inner { locale: Locale::default(), sentences }))
});

impl Catalogue {
    /// The one that is built in.
    pub fn english() -> Self {
        ENGLISH.clone()
    }

    /// Reads a catalogue: a translation, or other English sentences. What it leaves out is read in
    /// English.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] with every key that no text has and every sentence whose places
    /// are not those of the English one, each with its line.
    pub fn parse(locale: Locale, text: &str) -> Result<Self> {
        Self::parse_with(locale, text, &[])
    }

    /// As [`Catalogue::parse`], for a file that also has the sentences of other crates' texts.
    ///
    /// # Errors
    ///
    /// As [`Catalogue::parse`].
    pub fn parse_with(locale: Locale, text: &str, tables: &[&Sentences]) -> Result<Self> {
        let mut known = ENGLISH.0.sentences.clone();
        for table in tables {
            known.extend(table.0.iter().map(|(key, english)| (key.clone(), english.clone())));
        }
        let mut sentences = read(text, Some(&known)).map_err(wrong)?;
        for (key, english) in known {
            sentences.entry(key).or_insert(english);
        }
        Ok(Self(Arc::new(Inner { locale, sentences })))
    }

    /// The one of these that a reader understands best: in their locale, in their language, or the
    /// English one.
    pub fn of(catalogues: &[Self], reader: &Locale) -> Self {
        let exact = catalogues.iter().find(|one| one.locale() == reader);
        let language = || {
            let own = |one: &&Self| one.locale().language() == reader.language();
            catalogues.iter().find(own)
        };
        exact.or_else(language).cloned().unwrap_or_else(Self::english)
    }

    /// Its language.
    pub fn locale(&self) -> &Locale {
        &self.0.locale
    }

    /// A sentence of another crate's table with its places filled, in English where this catalogue was
    /// read without that table. A key that the table has not gives nothing.
    pub fn sentence(&self, table: &Sentences, key: &str, places: &[(&str, &str)]) -> String {
        let english = table.0.get(key).map_or("", String::as_str);
        fill(self.0.sentences.get(key).map_or(english, String::as_str), places)
    }

    /// A day in words.
    pub fn date(&self, date: time::Date) -> String {
        let month = self.say(&format!("date.m{}", u8::from(date.month())));
        let (day, year) = (date.day().to_string(), date.year().to_string());
        self.fill("date.day", &[("day", &day), ("month", &month), ("year", &year)])
    }

    /// A sentence without places.
    pub(crate) fn say(&self, key: &str) -> String {
        self.fill(key, &[])
    }

    /// A sentence with its places filled. What fills a place is not looked into again.
    pub(crate) fn fill(&self, key: &str, places: &[(&str, &str)]) -> String {
        fill(self.0.sentences.get(key).map_or("", String::as_str), places)
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue").field("locale", &self.0.locale).finish_non_exhaustive()
    }
}

enum Piece<'a> {
    Place(&'a str),
    Text(&'a str),
}

fn fill(sentence: &str, places: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(sentence.len() + 64);
    for piece in pieces(sentence) {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Place(name) => {
                let filled = places.iter().find(|(known, _)| *known == name);
                text.push_str(filled.map_or("", |(_, value)| value));
            }
        }
    }
    text
}

fn wrong(problems: Problems) -> Error {
    Error::new(ErrorKind::Configuration)
        .with_detail("the catalogue of sentences is wrong")
        .with_source(problems)
}

fn pieces(mut sentence: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some((before, rest)) = sentence.split_once('{') {
        pieces.push(Piece::Text(before));
        let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
        pieces.push(Piece::Place(name));
        sentence = after;
    }
    pieces.push(Piece::Text(sentence));
    pieces
}

fn places(sentence: &str) -> BTreeSet<&str> {
    let places = pieces(sentence).into_iter().filter_map(|piece| match piece {
        Piece::Place(name) => Some(name),
        Piece::Text(_) => None,
    });
    places.collect()
}

/// The sentences of a file under `section.key`, held to those that are known.
fn read(
    text: &str,
    known: Option<&BTreeMap<String, String>>,
) -> Result<BTreeMap<String, String>, Problems> {
    let mut report = Report::on(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let what = format!("this is not TOML: {}", error.message().replace('\n', ", "));
        report.add(&error.span().unwrap_or(0..0), what, "mend the syntax");
    }
    let mut sentences = BTreeMap::new();
    for (section, entries) in table.get_ref() {
        let Some(entries) = entries.get_ref().as_table() else {
            let what = format!("{} is no section of sentences", quoted(section.get_ref()));
            report.add(&section.span(), what, "write each sentence below its section");
            continue;
        };
        for (key, value) in entries {
            let name = format!("{}.{}", section.get_ref(), key.get_ref());
            let mend = "write a sentence";
            let Some(sentence) = read_sentence(&mut report, &name, value, mend) else { continue };
            if let Some(known) = known {
                // Countries that English has no name for may have one.
                let more = (section.get_ref() == "country")
                    .then(|| Country::parse(key.get_ref()))
                    .flatten()
                    .map(|_| "");
                let Some(english) = known.get(&name).map(String::as_str).or(more) else {
                    let what = format!("no text has the sentence {}", quoted(&name));
                    report.add(&key.span(), what, "remove it, or correct its key");
                    continue;
                };
                if places(english) != places(&sentence) {
                    let wanted: Vec<String> =
                        places(english).into_iter().map(|name| format!("{{{name}}}")).collect();
                    let what = format!("the sentence {} has other places", quoted(&name));
                    let mend = match wanted.as_slice() {
                        [] => "it has none".to_owned(),
                        wanted => format!("it has {}", wanted.join(", ")),
                    };
                    report.add(&value.span(), what, mend);
                }
            }
            sentences.insert(name, sentence);
        }
    }
    report.finish(Some(sentences))
}

/// A text whose space at the end stays: something may follow it.
fn read_sentence(
    report: &mut Report,
    name: &str,
    value: &toml::Spanned<toml::de::DeValue<'_>>,
    mend: &str,
) -> Option<String> {
    let ends_with_space = value.get_ref().as_str().is_some_and(|text| text.ends_with(' '));
    let text = read_text(report, &format!("the sentence {}", quoted(name)), value, mend)?.text;
    Some(if ends_with_space { format!("{text} ") } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_translation_has_the_same_places_and_falls_back_to_english() {
        let german =
            "[policy]\ntitle = \"Datenschutzerklärung\"\neffective = \"Gilt ab {date}.\"\n";
        let german = Catalogue::parse(Locale::new("de").unwrap(), german).unwrap();
        assert_eq!(german.say("policy.title"), "Datenschutzerklärung");
        let day = [("date", "{controller}")];
        assert_eq!(german.fill("policy.effective", &day), "Gilt ab {controller}.");
        assert_eq!(german.say("rights.heading"), "Your rights");
        assert_eq!(german.say("rights.how"), "Write to us: ");
    }

    #[test]
    fn a_reader_is_shown_their_locale_or_their_language_or_english() {
        let read = |tag: &str, title: &str| {
            let text = format!("[policy]\ntitle = \"{title}\"\n[country]\nQQ = \"Quux\"\n");
            Catalogue::parse(Locale::new(tag).unwrap(), &text).unwrap()
        };
        let ours =
            [read("de", "Datenschutz"), read("de-CH", "Daten"), read("pt-BR", "Privacidade")];
        for (tag, title) in [
            ("de", "Datenschutz"),
            ("de-CH", "Daten"),
            ("de-AT", "Datenschutz"),
            ("pt", "Privacidade"),
            ("en-GB", "Privacy policy"),
            ("fr", "Privacy policy"),
        ] {
            let found = Catalogue::of(&ours, &Locale::new(tag).unwrap());
            assert_eq!(found.say("policy.title"), title, "{tag}");
        }
        assert_eq!(ours[0].country(Country::parse("QQ").unwrap()), "Quux");
    }

    #[test]
    fn another_crate_brings_its_own_sentences_and_they_are_translated_in_the_same_file() {
        let table = Sentences::parse("[gift]\nthanks = \"Thank you, {name}.\"\n").unwrap();
        let german = "[gift]\nthanks = \"Danke, {name}.\"\n[policy]\ntitle = \"Datenschutz\"\n";
        let locale = || Locale::new("de").unwrap();
        let read = Catalogue::parse_with(locale(), german, &[&table]).unwrap();
        let places = [("name", "Ada")];
        assert_eq!(read.sentence(&table, "gift.thanks", &places), "Danke, Ada.");
        assert_eq!(read.say("policy.title"), "Datenschutz");
        let english = Catalogue::english();
        assert_eq!(english.sentence(&table, "gift.thanks", &places), "Thank you, Ada.");
        assert_eq!(english.sentence(&table, "gift.none", &places), "");
        // Without the table its keys are unknown, and places are checked with it.
        assert!(Catalogue::parse(locale(), german).is_err());
        let other = "[gift]\nthanks = \"Danke.\"\n";
        assert!(Catalogue::parse_with(locale(), other, &[&table]).is_err());
        let taken = Sentences::parse("[policy]\nother = \"x\"\n").unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::Configuration);
        assert_eq!(english.date(time::macros::date!(2026 - 05 - 01)), "1 May 2026");
    }

    #[test]
    fn what_fills_a_place_is_not_filled_again() {
        let places = [("provider", "{controller}"), ("controller", "Ada")];
        let text = Catalogue::english().fill("disclosure.request", &places);
        assert_eq!(text, "Ada asks for access to your {controller} account.");
    }

    #[test]
    fn what_is_wrong_with_a_catalogue_is_said_at_its_place() {
        let text = "[policy]\ntitle = \"{who}\"\neffective = \"Gilt.\"\ncolour = \"blue\"\n[rights]\naccess = 3\n";
        let error = Catalogue::parse(Locale::default(), text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let source = std::error::Error::source(&error).unwrap().to_string();
        let lines: Vec<&str> = source.lines().collect();
        assert_eq!(lines.len(), 4, "{source}");
        assert!(lines[0].starts_with("line 2, column 9: the sentence `policy.title` has other"));
        assert!(lines[1].contains("line 3") && lines[1].ends_with("it has {date}"), "{source}");
        assert!(lines[2].contains("line 4, column 1: no text has the sentence `policy.colour`"));
        assert!(lines[3].contains("is a number, not a text"), "{source}");
    }
}
