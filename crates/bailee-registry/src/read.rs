//! Reads TOML tables key by key and collects every problem on the way.

use std::{
    collections::BTreeSet,
    ops::{Range, RangeInclusive},
};

use serde::Serializer;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::problem::Report;

/// The longest text that a declaration may hold in one place, in characters.
const MAX_TEXT: usize = 2000;

/// A table with the keys that were asked for; the rest is unknown.
pub(crate) struct Section<'a> {
    /// What messages call it (`[purposes.publish]`).
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) span: Range<usize>,
    table: Option<&'a DeTable<'a>>,
    asked: BTreeSet<&'static str>,
}

/// A key with its value, in a table whose keys are names.
pub(crate) struct Named<'a> {
    pub(crate) key: &'a str,
    pub(crate) span: Range<usize>,
    pub(crate) value: &'a Spanned<DeValue<'a>>,
}

/// A text with its place.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

impl<'a> Section<'a> {
    pub(crate) fn root(table: &'a Spanned<DeTable<'a>>) -> Self {
        Self::root_of(table, "the declaration")
    }

    /// The whole of a text, and what messages call it.
    pub(crate) fn root_of(table: &'a Spanned<DeTable<'a>>, name: &str) -> Self {
        Self {
            name: String::from(name),
            span: 0..0,
            table: Some(table.get_ref()),
            asked: BTreeSet::new(),
        }
    }

    /// One that nothing is read from any more.
    pub(crate) fn empty() -> Self {
        Self { name: String::new(), span: 0..0, table: None, asked: BTreeSet::new() }
    }

    /// Sees a value as a table. What is none is a problem and reads as an empty one.
    pub(crate) fn new(
        report: &mut Report,
        name: String,
        span: Range<usize>,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Self {
        let table = value.get_ref().as_table();
        if table.is_none() {
            report.add(
                &value.span(),
                format!("{name} is {}, not a table", article(value)),
                "write it as a table",
            );
        }
        Self { name, span, table, asked: BTreeSet::new() }
    }

    /// Whether there is something below a key, whatever it is.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Whether it was a table at all; of what was not, nothing is missing.
    pub(crate) fn is_table(&self) -> bool {
        self.table.is_some()
    }

    /// Whether it is a table without entries.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_some_and(|table| table.is_empty())
    }

    fn value(&mut self, key: &'static str) -> Option<Named<'a>> {
        self.asked.insert(key);
        let (key, value) = self.table?.get_key_value(key)?;
        Some(Named { key: key.get_ref(), span: key.span(), value })
    }

    /// A table below a key.
    pub(crate) fn section(&mut self, report: &mut Report, key: &'static str) -> Option<Self> {
        let named = self.value(key)?;
        let name = self.name_of(key);
        Some(Self::new(report, name, named.span, named.value))
    }

    fn name_of(&self, key: &str) -> String {
        match self.name.strip_suffix(']') {
            Some(open) => format!("{open}.{key}]"),
            None => format!("[{key}]"),
        }
    }

    /// A table below a key, without which there is no declaration.
    pub(crate) fn required_section(
        &mut self,
        report: &mut Report,
        key: &'static str,
        mend: &str,
    ) -> Option<Self> {
        let section = self.section(report, key);
        if section.is_none() {
            self.missing(report, &format!("[{key}]"), mend);
        }
        section
    }

    /// The tables or values of a table whose keys are names.
    pub(crate) fn entries(&self) -> Vec<Named<'a>> {
        let entries = self.table.into_iter().flatten();
        entries.map(|(key, value)| Named { key: key.get_ref(), span: key.span(), value }).collect()
    }

    /// The tables of an array of tables.
    pub(crate) fn tables(&mut self, report: &mut Report, key: &'static str) -> Vec<Self> {
        let Some(named) = self.value(key) else { return Vec::new() };
        let name = self.name_of(key);
        let Some(array) = named.value.get_ref().as_array() else {
            report.add(
                &named.span,
                format!("{name} is {}, not a list of tables", article(named.value)),
                format!("write each row under [{name}]"),
            );
            return Vec::new();
        };
        array
            .iter()
            .map(|value| Self::new(report, format!("[{name}]"), value.span(), value))
            .collect()
    }

    /// A text that must be there.
    pub(crate) fn text(
        &mut self,
        report: &mut Report,
        key: &'static str,
        mend: &str,
    ) -> Option<Text> {
        match self.value(key) {
            Some(named) => self.read_text(report, key, &named, mend),
            None => {
                self.missing(report, key, mend);
                None
            }
        }
    }

    /// A text that may be there.
    pub(crate) fn maybe_text(
        &mut self,
        report: &mut Report,
        key: &'static str,
        mend: &str,
    ) -> Option<Text> {
        let named = self.value(key)?;
        self.read_text(report, key, &named, mend)
    }

    fn read_text(
        &self,
        report: &mut Report,
        key: &str,
        named: &Named<'a>,
        mend: &str,
    ) -> Option<Text> {
        read_text(report, &format!("`{key}` of {}", self.name), named.value, mend)
    }

    /// A date without a time that may be there.
    pub(crate) fn maybe_date(
        &mut self,
        report: &mut Report,
        key: &'static str,
        mend: &str,
    ) -> Option<time::Date> {
        let named = self.value(key)?;
        let date = named.value.get_ref().as_datetime().and_then(|found| {
            let only = found.time.is_none() && found.offset.is_none();
            let date = found.date.filter(|_| only)?;
            let month = time::Month::try_from(date.month).ok()?;
            time::Date::from_calendar_date(i32::from(date.year), month, date.day).ok()
        });
        if date.is_none() {
            let what = format!("`{key}` of {} is {}, not a day", self.name, article(named.value));
            report.add(&named.value.span(), what.replace("a date, not a day", "no day"), mend);
        }
        date
    }

    /// A whole number within bounds that may be there.
    pub(crate) fn maybe_number(
        &mut self,
        report: &mut Report,
        key: &'static str,
        bounds: RangeInclusive<u16>,
        mend: &str,
    ) -> Option<u16> {
        let named = self.value(key)?;
        read_number(report, &format!("`{key}` of {}", self.name), named.value, bounds, mend)
    }

    /// A list of texts; absent is empty.
    pub(crate) fn texts(
        &mut self,
        report: &mut Report,
        key: &'static str,
        mend: &str,
    ) -> Option<Vec<Text>> {
        let named = self.value(key)?;
        Some(read_texts(report, &format!("`{key}` of {}", self.name), named.value, mend))
    }

    /// Reports that something is not there.
    pub(crate) fn missing(&self, report: &mut Report, what: &str, mend: &str) {
        if self.is_table() {
            report.add(&self.span, format!("{} has no `{what}`", self.name), mend);
        }
    }

    /// Reports every key that nobody asked for.
    pub(crate) fn finish(self, report: &mut Report) {
        let known: Vec<_> = self.asked.iter().map(|key| format!("`{key}`")).collect();
        for named in self.entries() {
            if !self.asked.contains(named.key) {
                let mend = if named.value.get_ref().is_table() && self.name.contains('.') {
                    "a name with a dot needs quotes; otherwise remove it".to_owned()
                } else {
                    format!("remove it, or write one of {}", known.join(", "))
                };
                let what = format!("{} has an unknown key {}", self.name, quoted(named.key));
                report.add(&named.span, what, mend);
            }
        }
    }
}

/// Reads a value as a text for people: white space is folded, invisible characters are refused.
pub(crate) fn read_text(
    report: &mut Report,
    what: &str,
    value: &Spanned<DeValue<'_>>,
    mend: &str,
) -> Option<Text> {
    let span = value.span();
    let Some(text) = value.get_ref().as_str() else {
        report.add(&span, format!("{what} is {}, not a text", article(value)), mend);
        return None;
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fault = if text.is_empty() {
        "is empty"
    } else if text.chars().count() > MAX_TEXT {
        "is longer than 2000 characters"
    } else if text.chars().any(is_deceptive) {
        "has an invisible or text-turning character"
    } else {
        return Some(Text { text, span });
    };
    report.add(&span, format!("{what} {fault}"), mend);
    None
}

/// Reads a value as a whole number within bounds.
pub(crate) fn read_number(
    report: &mut Report,
    what: &str,
    value: &Spanned<DeValue<'_>>,
    bounds: RangeInclusive<u16>,
    mend: &str,
) -> Option<u16> {
    let integer = value.get_ref().as_integer();
    let number = integer.and_then(|number| {
        let text = number.as_str();
        (number.radix() == 10).then(|| text.parse().ok()).flatten()
    });
    let number = number.filter(|number| bounds.contains(number));
    if number.is_none() {
        let fault = if integer.is_some() { "out of bounds" } else { article(value) };
        let (from, to) = (bounds.start(), bounds.end());
        let what = format!("{what} is {fault}; it is a whole number from {from} to {to}");
        report.add(&value.span(), what, mend);
    }
    number
}

/// Writes a day as ISO 8601 has it.
pub(crate) fn iso_date<S: Serializer>(date: &time::Date, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(date)
}

/// The same for one that may be missing.
pub(crate) fn maybe_iso_date<S: Serializer>(
    date: &Option<time::Date>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match date {
        Some(date) => iso_date(date, to),
        None => to.serialize_none(),
    }
}

/// Reads a value as a list of texts.
pub(crate) fn read_texts(
    report: &mut Report,
    what: &str,
    value: &Spanned<DeValue<'_>>,
    mend: &str,
) -> Vec<Text> {
    let Some(array) = value.get_ref().as_array() else {
        let fault = format!("{what} is {}, not a list of texts", article(value));
        // A dotted name without quotes reads as tables within tables.
        let mend = if value.get_ref().is_table() { "a name with a dot needs quotes" } else { mend };
        report.add(&value.span(), fault, mend);
        return Vec::new();
    };
    let texts: Vec<Text> = array
        .iter()
        .filter_map(|item| read_text(report, &format!("an entry of {what}"), item, mend))
        .collect();
    for (n, text) in texts.iter().enumerate() {
        if texts[..n].iter().any(|earlier| earlier.text == text.text) {
            let fault = format!("{what} says {} twice", quoted(&text.text));
            report.add(&text.span, fault, "remove one of the two");
        }
    }
    texts
}

/// Names something of the declaration in a message, where it is short and plain.
pub(crate) fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '`' | '"') || c == ' ';
    if (1..=80).contains(&name.len()) && name.chars().all(plain) {
        format!("`{name}`")
    } else {
        String::from("(a name that is not printed)")
    }
}

fn article(value: &Spanned<DeValue<'_>>) -> &'static str {
    match value.get_ref() {
        DeValue::Array(_) => "a list",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Float(_) | DeValue::Integer(_) => "a number",
        DeValue::String(_) => "a text",
        DeValue::Table(_) => "a table",
    }
}

/// Control characters, and those that hide or turn what a person reads.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
