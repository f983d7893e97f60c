//! Telephone numbers: E.164, and the ways in which countries write their own.
//!
//! Numbers are everywhere, so a run of digits is one only where its grouping is that of a plan, a
//! `+` or a trunk `0` stands before it, or a word says so. Dates, prices, times, versions and what
//! comes after `order no.` are left alone.

use super::{
    finding::{FindingKind, Hits},
    fold::Folded,
};

/// E.164 §6.1, and `00` or `(0)` on top.
const MAX_DIGITS: usize = 18;
/// A number with all that may stand between its digits.
const MAX_RUN: usize = 48;

pub(super) fn scan(text: &Folded, hits: &mut Hits) {
    let mut place = 0;
    while place < text.len() {
        let c = text.at(place);
        let digit = text.at(place + 1).is_ascii_digit();
        let starts = c.is_ascii_digit()
            || c == '(' && (digit || text.at(place + 1) == '+')
            || c == '+' && (digit || text.at(place + 1) == '(');
        if !starts {
            place += 1;
            continue;
        }
        let run = Run::read(text, place);
        if let Some(end) = run.as_ref().and_then(|run| phone(text, run)) {
            hits.add(FindingKind::Phone, place, end);
            place = end;
            continue;
        }
        // Past what was read, or past the digits that were too many.
        place = match run {
            Some(run) => run.next_start(text),
            None => text.run(place + 1, |c| c.is_ascii_digit()),
        };
    }
}

/// Groups of digits and what stands between them.
struct Run {
    start: usize,
    end: usize,
    plus: bool,
    digits: Vec<u8>,
    groups: Vec<Group>,
}

struct Group {
    start: usize,
    end: usize,
    /// What stands before it: blanks count less than a sign.
    between: char,
    wide: bool,
}

impl Run {
    fn read(text: &Folded, start: usize) -> Option<Self> {
        let mut run =
            Self { start, end: start, plus: false, digits: Vec::new(), groups: Vec::new() };
        let mut place = start;
        let mut open = false;
        loop {
            // What stands between two groups: at most three characters.
            let (from, mut between) = (place, ' ');
            while place - from < 3 {
                let c = text.at(place);
                match c {
                    '+' if run.groups.is_empty() => run.plus = true,
                    '(' if !open => open = true,
                    ')' if open => open = false,
                    ' ' | '-' | '.' | '/' if !run.groups.is_empty() => {
                        between = if c == ' ' { between } else { c };
                    }
                    _ => break,
                }
                place += 1;
            }
            let end = text.run_within(place, MAX_DIGITS + 1, |c| c.is_ascii_digit());
            if end == place || place == from && !run.groups.is_empty() {
                break;
            }
            // A second number follows, or something that is none.
            if run.digits.len() + (end - place) > MAX_DIGITS || end - start > MAX_RUN {
                return (!run.groups.is_empty()).then_some(run);
            }
            run.digits
                .extend((place..end).filter_map(|at| text.at(at).to_digit(10)).map(|d| d as u8));
            let wide = place - from >= 3;
            run.groups.push(Group { start: place, end, between, wide });
            run.end = end;
            place = end;
            if text.at(place) == ')' && open {
                continue;
            }
        }
        (!run.groups.is_empty()).then_some(run)
    }

    /// Where another number may begin.
    fn next_start(&self, text: &Folded) -> usize {
        // After a blank, or after what cannot be inside of a number.
        let next = self.groups.get(1).filter(|group| group.wide || group.between == ' ');
        match next {
            Some(group) if text.before(group.start) == '(' => group.start - 1,
            Some(group) => group.start,
            None => self.end.max(self.start + 1),
        }
    }

    /// The part up to a group.
    fn upto(&self, text: &Folded, count: usize) -> Self {
        let groups: Vec<Group> = self.groups[..count]
            .iter()
            .map(|g| Group { start: g.start, end: g.end, between: g.between, wide: g.wide })
            .collect();
        let end = groups.last().map_or(self.start, |group| group.end);
        let digits = groups
            .iter()
            .flat_map(|group| (group.start..group.end).filter_map(|at| text.at(at).to_digit(10)))
            .map(|digit| digit as u8)
            .collect();
        Self { start: self.start, end, plus: self.plus, digits, groups }
    }

    fn lengths(&self) -> Vec<usize> {
        self.groups.iter().map(|group| group.end - group.start).collect()
    }

    fn number(&self, group: usize) -> usize {
        let before: usize = self.lengths()[..group].iter().sum();
        let length = self.groups[group].end - self.groups[group].start;
        self.digits[before..before + length]
            .iter()
            .fold(0, |n, digit| (n * 10 + usize::from(*digit)) % 100_000_000)
    }

    /// Whether three groups in a row may be a day.
    fn has_date(&self) -> bool {
        let lengths = self.lengths();
        (0..lengths.len().saturating_sub(2)).any(|at| {
            let (a, b, c) = (self.number(at), self.number(at + 1), self.number(at + 2));
            let day = |n: usize| (1..=31).contains(&n);
            let year = |n: usize| (1800..2100).contains(&n);
            match lengths[at..at + 3] {
                [1 | 2, 1 | 2, 4] => day(a) && day(b) && (a <= 12 || b <= 12) && year(c),
                [4, 1 | 2, 1 | 2] => year(a) && day(b) && day(c),
                _ => false,
            }
        })
    }

    fn has_between(&self, sign: char) -> bool {
        self.groups[1..].iter().any(|group| group.between == sign)
    }

    /// Digits in threes after the first group: how large numbers are written.
    fn is_thousands(&self) -> bool {
        let lengths = self.lengths();
        lengths.len() > 1
            && lengths[0] <= 3
            && lengths[1..].iter().all(|length| *length == 3)
            && !self.has_between('-')
            && !self.has_between('/')
    }
}

/// The end of the number that begins where the run does.
fn phone(text: &Folded, run: &Run) -> Option<usize> {
    if !may_begin(text, run) {
        return None;
    }
    let said = is_said(text, run.start);
    let vetoed = !said && is_other(text, run.start);
    // The longest part that is a number, cut where a blank stands.
    (1..=run.groups.len()).rev().find_map(|count| {
        let whole = count == run.groups.len();
        if !whole {
            let cut = &run.groups[count];
            if !(cut.wide || cut.between == ' ') {
                return None;
            }
        }
        let part = run.upto(text, count);
        let ends = if whole { may_end(text, part.end) } else { true };
        (ends && is_number(text, &part, said, vetoed)).then_some(part.end)
    })
}

fn may_begin(text: &Folded, run: &Run) -> bool {
    let before = text.before(run.start);
    let second = run.start.checked_sub(2).map_or('\0', |place| text.at(place));
    if text.is_inside_word(run.start) || text.before(run.groups[0].start) == '#' {
        return false;
    }
    match before {
        '#' | '$' | '€' | '£' | '¥' | '₹' | '@' | '_' | '&' | '%' => false,
        '-' | '/' | '\\' | '+' | '*' | '^' | '~' => !second.is_alphanumeric(),
        '.' | ',' | ':' => !second.is_ascii_digit(),
        _ => !is_money_before(text, run.start),
    }
}

fn is_money_before(text: &Folded, start: usize) -> bool {
    text.before(start) == ' ' && matches!(text.before(start - 1), '$' | '€' | '£' | '¥' | '₹')
}

fn may_end(text: &Folded, end: usize) -> bool {
    let (next, second) = (text.at(end), text.at(end + 1));
    if text.is_inside_word(end) {
        return false;
    }
    match next {
        '-' | '_' | '/' | '.' | '@' | '=' => !second.is_alphanumeric(),
        ',' | ':' => !second.is_ascii_digit(),
        '%' | '°' | '€' | '$' | '£' | '¥' | '₹' | '′' | '″' => false,
        '円' | '回' | '人' | '件' | '個' | '年' | '点' | '名' => false,
        _ => true,
    }
}

fn is_number(text: &Folded, run: &Run, said: bool, vetoed: bool) -> bool {
    let (digits, lengths) = (&run.digits, run.lengths());
    let count = digits.len();
    let grouped = lengths.len() > 1;
    // No plan ends in so many zeros; large round numbers do.
    if count > 6 && digits[count - 6..].iter().all(|digit| *digit == 0) || is_same(digits) {
        return false;
    }
    if run.plus {
        let trunk = digits.iter().skip(1).take(3).any(|digit| *digit == 0);
        return (8..=15 + usize::from(trunk)).contains(&count)
            && has_country(digits)
            && !(run.is_thousands() && is_counted(text, run.end));
    }
    if run.has_date() || is_counted(text, run.end) {
        return false;
    }
    if said && (7..=15).contains(&count) && !(run.has_between('.') && lengths.len() == 2) {
        return true;
    }
    if vetoed {
        return false;
    }
    if digits[0] == 0 && digits.get(1) == Some(&0) {
        return grouped && (11..=17).contains(&count) && has_country(&digits[2..]);
    }
    if digits[0] == 0 {
        return has_trunk(run, &lengths, grouped);
    }
    is_plan(text, run, &lengths)
}

/// A number of a country whose numbers begin with `0`.
fn has_trunk(run: &Run, lengths: &[usize], grouped: bool) -> bool {
    let count = run.digits.len();
    if !grouped {
        return (10..=11).contains(&count);
    }
    let decimal = lengths.len() == 2 && run.has_between('.');
    let longest = lengths.iter().max().copied().unwrap_or_default();
    lengths[0] >= 2 && (9..=12).contains(&count) && !decimal && longest <= 8
}

/// A grouping that is that of a plan without a leading `0`.
fn is_plan(text: &Folded, run: &Run, lengths: &[usize]) -> bool {
    let first = run.digits[0];
    let slashed = run.has_between('/');
    match lengths {
        // North America; Greece.
        [3, 3, 4] => first >= 2 && !slashed,
        [1, 3, 3, 4] => first == 1 && run.digits[1] >= 2 && !slashed,
        // India.
        [5, 5] => first >= 6 && !run.has_between('.') && !slashed,
        // Spain.
        [2, 3, 2, 2] | [3, 2, 2, 2] => first >= 6 && !slashed,
        [3, 3, 3] => {
            let signed = ['.', '-', '/'].iter().any(|sign| run.has_between(*sign));
            first >= 6 && !signed && !is_word_next(text, run.end)
        }
        _ => false,
    }
}

fn is_same(digits: &[u8]) -> bool {
    digits.iter().all(|digit| *digit == digits[0])
}

/// E.164's country codes, and what North America's plan asks of what follows its `1`.
fn has_country(digits: &[u8]) -> bool {
    let at = |n: usize| digits.get(n).copied().unwrap_or_default();
    match (at(0), at(1)) {
        (1, area) => digits.len() == 11 && area >= 2 && at(4) >= 2,
        (7, _) => digits.len() == 11,
        (2, 0 | 7) | (3, 0..=4 | 6 | 9) | (4, 0 | 1 | 3..=9) | (5, 1..=8) | (6, 0..=6) => true,
        (8, 1 | 2 | 4 | 6) | (9, 0..=5 | 8) => true,
        (2, 1..=6 | 9) | (3, 5 | 7 | 8) | (4, 2) | (5, 0 | 9) | (6, 7..=9) => true,
        (8, 0 | 5 | 7 | 8) | (9, 6 | 7 | 9) => true,
        _ => false,
    }
}

/// Whether something is counted: a unit or a currency follows.
fn is_counted(text: &Folded, end: usize) -> bool {
    let start = end + usize::from(text.at(end) == ' ');
    if matches!(text.at(start), '€' | '$' | '£' | '¥' | '₹' | '%' | '°' | '円' | '回' | '人')
    {
        return true;
    }
    let word = text.lower(start, text.run_within(start, 16, char::is_alphanumeric));
    COUNTED.contains(&word.as_str())
}

fn is_word_next(text: &Folded, end: usize) -> bool {
    text.at(end) == ' ' && text.at(end + 1).is_lowercase() && text.at(end + 2).is_lowercase()
}

/// The words before a place, in small letters, up to the number or the mark before them: `[phone]`
/// says nothing of what follows it.
fn words_before(text: &Folded, start: usize) -> String {
    let from = start.saturating_sub(28);
    let words = text.lower(from, start);
    words
        .rsplit(|c: char| c.is_ascii_digit() || matches!(c, '\n' | ']'))
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn holds_word(words: &str, list: &[&str]) -> bool {
    list.iter().any(|word| {
        words.match_indices(word).any(|(at, _)| {
            let joins = |c: char| c.is_alphabetic() && !super::fold::is_unspaced(c);
            let open = !words[..at].chars().next_back().is_some_and(joins);
            let shut = !words[at + word.len()..].chars().next().is_some_and(joins);
            open && shut
        })
    })
}

fn is_said(text: &Folded, start: usize) -> bool {
    holds_word(&words_before(text, start), SAID)
}

fn is_other(text: &Folded, start: usize) -> bool {
    holds_word(&words_before(text, start), OTHER)
}

const SAID: &[&str] = &[
    "call",
    "cell",
    "dial",
    "fax",
    "fon",
    "handy",
    "hotline",
    "mob",
    "mobil",
    "mobile",
    "mobilnummer",
    "móvil",
    "numéro de téléphone",
    "phone",
    "portable",
    "ring",
    "rufnummer",
    "sms",
    "signal",
    "tel",
    "telefon",
    "telefono",
    "telefonnummer",
    "teléfono",
    "telephone",
    "telegram",
    "text",
    "text me",
    "tél",
    "téléphone",
    "viber",
    "whatsapp",
    "☎",
    "☏",
    "✆",
    "📞",
    "📱",
    "📲",
    "τηλ",
    "τηλέφωνο",
    "κιν",
    "κινητό",
    "電話",
    "携帯",
    "電話番号",
    "هاتف",
    "جوال",
    "واتساب",
    "للتواصل",
    "للحجز",
    "الهاتف",
    "फोन",
    "फ़ोन",
    "मोबाइल",
    "व्हाट्सएप",
    "कॉल",
    "संपर्क",
    "llama",
    "llámanos",
    "anruf",
    "ruf",
    "appelez",
    "тел",
    "телефон",
];

const OTHER: &[&str] = &[
    "article",
    "artikel",
    "artikelnummer",
    "artikelnr",
    "bestellnummer",
    "bestellung",
    "commande",
    "code",
    "confirmation",
    "doi",
    "ean",
    "factura",
    "facture",
    "gtin",
    "id",
    "invoice",
    "isbn",
    "issn",
    "item",
    "lottery",
    "lotto",
    "lottozahlen",
    "winning numbers",
    "loto",
    "lotería",
    "model",
    "no",
    "nr",
    "nummer",
    "num",
    "order",
    "parcel",
    "part",
    "pedido",
    "ref",
    "reference",
    "receipt",
    "rechnung",
    "rechnungsnummer",
    "referencia",
    "sendung",
    "sendungsnummer",
    "serial",
    "sku",
    "suivi",
    "ticket",
    "tracking",
    "upc",
    "ust",
    "vat",
    "№",
    "κωδικός",
    "παραγγελία",
    "注文番号",
    "追跡番号",
    "商品番号",
    "ऑर्डर",
    "الطلب",
];

const COUNTED: &[&str] = &[
    "aufrufe",
    "bytes",
    "copies",
    "customers",
    "dollars",
    "einwohner",
    "eur",
    "euro",
    "euros",
    "exemplaires",
    "fans",
    "followers",
    "habitantes",
    "habitants",
    "inhabitants",
    "kg",
    "km",
    "likes",
    "members",
    "people",
    "pesetas",
    "points",
    "points.",
    "puntos",
    "punkte",
    "streams",
    "subscribers",
    "usd",
    "users",
    "views",
    "visitas",
    "votes",
    "vues",
    "yen",
    "ευρώ",
    "व्यूज़",
    "مشاهدة",
    "ريال",
    "m",
    "years",
    "tons",
    "units",
];
