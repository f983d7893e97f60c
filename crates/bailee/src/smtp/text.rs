//! A document as plain text, for the part of a mail that every reader shows.

use bailee_registry::{Block, Document, Line, Span};

/// The text without markup. Links stand behind what they are shown as.
pub(super) fn plain(document: &Document) -> String {
    let mut out = format!("{}\n", document.title);
    for block in &document.blocks {
        out.push('\n');
        match block {
            Block::Heading { text, .. } => {
                out.push_str(text);
                out.push('\n');
                out.push_str(&"-".repeat(text.chars().count()));
                out.push('\n');
            }
            Block::Paragraph(line) => {
                out.push_str(&line_of(line));
                out.push('\n');
            }
            Block::List(lines) => {
                for line in lines {
                    out.push_str(&format!("* {}\n", line_of(line)));
                }
            }
            Block::Steps(lines) => {
                for (n, line) in lines.iter().enumerate() {
                    out.push_str(&format!("{}. {}\n", n + 1, line_of(line)));
                }
            }
            Block::Table { columns, rows } => {
                for row in rows {
                    for (column, cell) in columns.iter().zip(row) {
                        out.push_str(&format!("{column}: {}\n", line_of(cell)));
                    }
                    out.push('\n');
                }
            }
            // A block of a newer release is in the other part.
            _ => {}
        }
    }
    out
}

fn line_of(line: &Line) -> String {
    let spans = line.0.iter().map(|span| match span {
        Span::Link { text, to } => {
            let same = to == text || to.strip_prefix("mailto:") == Some(text);
            if same { text.clone() } else { format!("{text} ({to})") }
        }
        Span::Text(text) => text.clone(),
        _ => String::new(),
    });
    spans.collect()
}

#[cfg(test)]
mod tests {
    use bailee_core::Locale;

    use super::*;

    #[test]
    fn the_text_is_without_markup_and_links_are_readable() {
        let mut document = Document::new("A *title*".into(), Locale::default());
        document.say("First_line");
        document.heading("More");
        document.list(vec![Line::text("Write to: ").contact("a@b.example")]);
        document.paragraph(Line::text("See ").contact("https://b.example/x"));
        assert_eq!(
            plain(&document),
            "A *title*\n\nFirst_line\n\nMore\n----\n\n* Write to: a@b.example\n\n\
             See https://b.example/x\n"
        );
    }
}
