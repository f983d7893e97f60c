//! A text with headings, lists and tables, as Markdown and as HTML.

use std::fmt::Write as _;

use bailee_core::{Locale, Sha256};

/// A rendered text: a policy, a piece of information, a record.
///
/// The same declaration, catalogue and facts of providers give the same text, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// Its title.
    pub title: String,
    /// The language that it is written in.
    pub locale: Locale,
    /// Everything below the title.
    pub blocks: Vec<Block>,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Block {
    /// A heading of the second or third level.
    Heading {
        /// 2 or 3.
        level: u8,
        /// What it says.
        text: String,
    },
    /// A list.
    List(Vec<Line>),
    /// A paragraph.
    Paragraph(Line),
    /// A list whose order counts.
    Steps(Vec<Line>),
    /// A table. Each row has as many cells as there are columns.
    Table {
        /// The names of the columns.
        columns: Vec<String>,
        /// The rows.
        rows: Vec<Vec<Line>>,
    },
}

/// A line of text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(pub Vec<Span>);

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Span {
    /// A link: an address of the web or of mail.
    Link {
        /// What is shown.
        text: String,
        /// Where it leads: `https:` or `mailto:`.
        to: String,
    },
    /// Plain text.
    Text(String),
}

impl Line {
    /// A line of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self(vec![Span::Text(text.into())])
    }

    /// Adds a text after a space.
    pub(crate) fn and(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Text(format!(" {}", text.into())));
        self
    }

    /// Adds an e-mail address or an address of the web, as a link.
    #[must_use]
    pub fn contact(mut self, contact: &str) -> Self {
        let to = match contact.strip_prefix("https://") {
            Some(_) => contact.to_owned(),
            None => format!("mailto:{contact}"),
        };
        self.0.push(Span::Link { text: contact.to_owned(), to });
        self
    }

    /// Adds a link, if it leads to the web, and the text alone otherwise.
    pub(crate) fn link(mut self, text: &str, to: &str) -> Self {
        self.0.push(if to.starts_with("https://") {
            Span::Link { text: text.to_owned(), to: to.to_owned() }
        } else {
            Span::Text(to.to_owned())
        });
        self
    }
}

impl Document {
    /// A text that has nothing below its title yet.
    pub fn new(title: String, locale: Locale) -> Self {
        Self { title, locale, blocks: Vec::new() }
    }

    /// Adds a heading of the second level.
    pub fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading { level: 2, text: text.into() });
    }

    pub(crate) fn subheading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading { level: 3, text: text.into() });
    }

    /// Adds a paragraph.
    pub fn paragraph(&mut self, line: Line) {
        self.blocks.push(Block::Paragraph(line));
    }

    /// Adds a paragraph of plain text.
    pub fn say(&mut self, text: impl Into<String>) {
        self.paragraph(Line::text(text));
    }

    /// Adds a list, if it has entries.
    pub fn list(&mut self, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.blocks.push(Block::List(lines));
        }
    }

    /// Steps, if there are some.
    pub(crate) fn steps(&mut self, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.blocks.push(Block::Steps(lines));
        }
    }

    /// A table, if it has rows.
    pub(crate) fn table(&mut self, columns: Vec<String>, rows: Vec<Vec<Line>>) {
        if !rows.is_empty() {
            self.blocks.push(Block::Table { columns, rows });
        }
    }

    /// The SHA-256 of the text as Markdown: what a consent record notes of what was shown.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::default();
        hash.update(b"bailee document 1\n");
        hash.update(self.to_markdown().as_bytes());
        hash.finish()
    }

    /// The text as Markdown (CommonMark with tables).
    pub fn to_markdown(&self) -> String {
        let mut out = format!("# {}\n", markdown(&self.title));
        for block in &self.blocks {
            out.push('\n');
            match block {
                Block::Heading { level, text } => {
                    let marks = "#".repeat(usize::from(*level));
                    let _ = writeln!(out, "{marks} {}", markdown(text));
                }
                Block::Paragraph(line) => {
                    let _ = writeln!(out, "{}", line_in_markdown(line));
                }
                Block::List(lines) => {
                    for line in lines {
                        let _ = writeln!(out, "- {}", line_in_markdown(line));
                    }
                }
                Block::Steps(lines) => {
                    for (n, line) in lines.iter().enumerate() {
                        let _ = writeln!(out, "{}. {}", n + 1, line_in_markdown(line));
                    }
                }
                Block::Table { columns, rows } => {
                    let head: Vec<String> = columns.iter().map(|name| markdown(name)).collect();
                    let _ = writeln!(out, "| {} |", head.join(" | "));
                    let _ = writeln!(out, "|{}", "---|".repeat(columns.len()));
                    for row in rows {
                        let cells: Vec<String> = row.iter().map(line_in_markdown).collect();
                        let _ = writeln!(out, "| {} |", cells.join(" | "));
                    }
                }
            }
        }
        out
    }

    /// The text as a whole HTML page that needs nothing else: no script, no font and no picture from
    /// anywhere.
    pub fn to_html(&self) -> String {
        let (language, title) = (html(self.locale.as_str()), html(&self.title));
        let body = self.to_html_fragment();
        format!(
            "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\
             </main>\n</body>\n</html>\n"
        )
    }

    /// The text as HTML without a page around it, for a host's own.
    pub fn to_html_fragment(&self) -> String {
        let mut out = format!("<h1>{}</h1>\n", html(&self.title));
        for (n, block) in self.blocks.iter().enumerate() {
            match block {
                Block::Heading { level, text } => {
                    let level = if *level == 2 { 2 } else { 3 };
                    let _ = writeln!(out, "<h{level} id=\"s{n}\">{}</h{level}>", html(text));
                }
                Block::Paragraph(line) => {
                    let _ = writeln!(out, "<p>{}</p>", line_in_html(line));
                }
                Block::List(lines) => list(&mut out, "ul", lines),
                Block::Steps(lines) => list(&mut out, "ol", lines),
                Block::Table { columns, rows } => table(&mut out, columns, rows),
            }
        }
        out
    }
}

fn list(out: &mut String, tag: &str, lines: &[Line]) {
    let _ = writeln!(out, "<{tag}>");
    for line in lines {
        let _ = writeln!(out, "<li>{}</li>", line_in_html(line));
    }
    let _ = writeln!(out, "</{tag}>");
}

/// A table whose cells name their column, so that it can be read on a narrow screen.
fn table(out: &mut String, columns: &[String], rows: &[Vec<Line>]) {
    out.push_str("<table>\n<thead><tr>");
    for column in columns {
        let _ = write!(out, "<th scope=\"col\">{}</th>", html(column));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (cell, column) in row.iter().zip(columns) {
            let _ = write!(out, "<td data-column=\"{}\">{}</td>", html(column), line_in_html(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
}

fn line_in_markdown(line: &Line) -> String {
    let spans = line.0.iter().map(|span| match span {
        Span::Link { text, to } => format!("[{}]({})", markdown(text), address_in_markdown(to)),
        Span::Text(text) => markdown(text),
    });
    spans.collect()
}

fn line_in_html(line: &Line) -> String {
    let spans = line.0.iter().map(|span| match span {
        Span::Link { text, to } => {
            format!("<a href=\"{}\" rel=\"noopener noreferrer\">{}</a>", html(to), html(text))
        }
        Span::Text(text) => html(text),
    });
    spans.collect()
}

/// Text in which nothing is markup.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        let mark = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' => true,
            // Within a word an underscore is none in CommonMark, but some readers take it for one.
            '_' => true,
            '#' | '+' | '-' | '=' => at == 0,
            '&' => text[at..].contains(';'),
            '!' => text[at + 1..].starts_with('['),
            // `1.` at a beginning would be a list.
            '.' | ')' => at > 0 && text[..at].bytes().all(|b| b.is_ascii_digit()),
            _ => false,
        };
        if mark {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// An address in which nothing ends the link that it stands in.
fn address_in_markdown(to: &str) -> String {
    let mut out = String::with_capacity(to.len());
    for c in to.chars() {
        match c {
            '(' => out.push_str("%28"),
            ')' => out.push_str("%29"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            '\\' => out.push_str("%5C"),
            '|' => out.push_str("%7C"),
            ' ' => out.push_str("%20"),
            _ => out.push(c),
        }
    }
    out
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1d2125; --soft: #5b6670; --line: #d6dbe0; --band: #f4f6f8; \
--paper: #fff; --link: #0b57b0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a3adb7; --line: #39424b; \
--band: #20262c; --paper: #14181c; --link: #8ab8f5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); \
font: 17px/1.6 system-ui, -apple-system, \"Segoe UI\", Roboto, sans-serif; }
main { max-width: 50rem; margin: 0 auto; padding: 3rem 1.25rem 5rem; }
h1 { font-size: 2.1rem; line-height: 1.2; letter-spacing: -.01em; margin: 0 0 1.5rem; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 3rem 0 .75rem; padding-top: 1.25rem; \
border-top: 1px solid var(--line); }
h3 { font-size: 1.06rem; line-height: 1.4; margin: 1.75rem 0 .5rem; }
p, ul, ol { margin: .6rem 0; max-width: 42rem; }
ul, ol { padding-left: 1.4rem; }
li { margin: .3rem 0; }
a { color: var(--link); overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 1.25rem; font-size: .92rem; line-height: 1.5; }
th, td { text-align: left; vertical-align: top; padding: .6rem .75rem; border-bottom: 1px solid var(--line); \
overflow-wrap: break-word; }
th { color: var(--soft); font-weight: 600; background: var(--band); }
td:first-child { font-weight: 550; }
@media (max-width: 40rem) {
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  tr { display: block; border: 1px solid var(--line); border-radius: .4rem; margin: .75rem 0; padding: .3rem 0; }
  td { display: block; border: 0; padding: .3rem .75rem; }
  td::before { content: attr(data-column); display: block; color: var(--soft); font-size: .82rem; font-weight: 400; }
}
@media print { main { max-width: none; padding: 0; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
";

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        let mut document = Document::new(text.to_owned(), Locale::default());
        document.heading(text);
        document.say(text);
        document.list(vec![Line::text(text)]);
        document.table(vec![text.to_owned()], vec![vec![Line::text(text).contact("a@b.example")]]);
        document
    }

    #[test]
    fn nothing_that_is_declared_is_markup() {
        let text = "<script>alert(\"x\")</script> & 'a' | b *c* _d_ [e](f) `g` ![h](i) &amp; #j";
        let page = document(text).to_html();
        assert!(!page.contains("<script"), "{page}");
        assert!(
            page.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;a&#39;")
        );
        let marked = document(text).to_markdown();
        assert!(marked.contains("\\<script\\>alert"), "{marked}");
        assert!(
            marked.contains("\\| b \\*c\\* \\_d\\_ \\[e\\](f) \\`g\\` \\!\\[h\\](i) \\&amp; #j")
        );
        // A table keeps its columns.
        let row = marked.lines().last().unwrap();
        assert_eq!(row.matches('|').count() - row.matches("\\|").count(), 2, "{row}");
    }

    #[test]
    fn a_line_does_not_become_a_list_or_a_heading() {
        for (text, expected) in
            [("# a", "\\# a"), ("- a", "\\- a"), ("1. a", "1\\. a"), ("+1", "\\+1"), ("a-b", "a-b")]
        {
            assert_eq!(markdown(text), expected);
        }
    }

    #[test]
    fn only_addresses_of_the_web_and_of_mail_are_links() {
        let line = Line::default().link("here", "javascript:alert(1)");
        assert_eq!(line_in_html(&line), "javascript:alert(1)");
        let line = Line::default().link("here", "https://a.example/(b)\"");
        assert!(line_in_html(&line).contains("href=\"https://a.example/(b)&quot;\""));
        assert_eq!(line_in_markdown(&line), "[here](https://a.example/%28b%29\")");
    }
}
