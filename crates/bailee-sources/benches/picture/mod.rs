//! A picture of memory and time against rows, as plain SVG.

use std::fmt::Write as _;

/// What one copy took.
pub(crate) struct Point {
    pub(crate) rows: f64,
    /// The peak of resident memory above what was before.
    pub(crate) mebibytes: f64,
    pub(crate) seconds: f64,
    /// The seconds of a bare cursor.
    pub(crate) bare: f64,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 520.0;
/// Where the two panels begin and end from left to right, and how high each is.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 690.0;
const PANEL: f64 = 170.0;
const MEMORY: f64 = 50.0;
const TIME: f64 = 290.0;
/// What the memory may be at most.
const AIM: f64 = 32.0;

/// Two panels over one axis of rows: memory above, time below.
pub(crate) fn draw(points: &[Point]) -> String {
    let most = |of: fn(&Point) -> f64| points.iter().map(of).fold(0.0, f64::max);
    let across = Axis::to(most(|point| point.rows));
    let memory = Axis::to(most(|point| point.mebibytes).max(AIM));
    let time = Axis::to(most(|point| point.seconds.max(point.bare)));
    let mut svg = String::new();
    line(
        &mut svg,
        format_args!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12" fill="#222">
<title>Memory and time of an access request against its rows</title>
<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>"##
        ),
    );
    let mut panel = Panel { svg: &mut svg, across: &across, up: &memory, top: MEMORY };
    panel.frame("Peak of resident memory above idle, MiB");
    panel.aim(AIM, "aim: at most 32 MiB");
    panel.curve(points, |point| point.mebibytes, "#0b6e4f", "a request whole");
    let mut panel = Panel { svg: &mut svg, across: &across, up: &time, top: TIME };
    panel.frame("Time, seconds");
    panel.curve(points, |point| point.seconds, "#0b6e4f", "a request whole");
    panel.curve(points, |point| point.bare, "#b3541e", "a bare cursor");
    text(
        &mut svg,
        (LEFT + RIGHT) / 2.0,
        HEIGHT - 15.0,
        "middle",
        "rows of the person in eight tables",
    );
    svg.push_str("</svg>\n");
    svg
}

/// An axis from nought on, with round steps.
struct Axis {
    step: f64,
    end: f64,
}

impl Axis {
    fn to(most: f64) -> Self {
        let about = most.max(f64::MIN_POSITIVE) / 5.0;
        let power = 10_f64.powf(about.log10().floor());
        let round = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        let step = round.into_iter().find(|step| *step >= about).unwrap_or(about);
        Self { step, end: (most / step).ceil() * step }
    }

    fn marks(&self) -> impl Iterator<Item = f64> {
        let (count, step) = ((self.end / self.step).round() as u32, self.step);
        (0..=count).map(move |n| f64::from(n) * step)
    }
}

struct Panel<'a> {
    svg: &'a mut String,
    across: &'a Axis,
    up: &'a Axis,
    top: f64,
}

impl Panel<'_> {
    fn x(&self, rows: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * rows / self.across.end
    }

    fn y(&self, value: f64) -> f64 {
        self.top + PANEL * (1.0 - value / self.up.end)
    }

    fn frame(&mut self, title: &str) {
        let (top, bottom) = (self.top, self.top + PANEL);
        text(self.svg, LEFT, top - 12.0, "start", title);
        for mark in self.up.marks() {
            let y = self.y(mark);
            let grid =
                format_args!(r##"<path d="M{LEFT} {y:.1}H{RIGHT}" stroke="#ddd" fill="none"/>"##);
            line(self.svg, grid);
            text(self.svg, LEFT - 8.0, y + 4.0, "end", &number(mark));
        }
        for mark in self.across.marks() {
            let x = self.x(mark);
            let tick =
                format_args!(r##"<path d="M{x:.1} {bottom}v5" stroke="#222" fill="none"/>"##);
            line(self.svg, tick);
            text(self.svg, x, bottom + 19.0, "middle", &number(mark));
        }
        let axes = format_args!(
            r##"<path d="M{LEFT} {top}V{bottom}H{RIGHT}" stroke="#222" fill="none"/>"##
        );
        line(self.svg, axes);
    }

    fn aim(&mut self, value: f64, said: &str) {
        let y = self.y(value);
        let aim = format_args!(
            r##"<path d="M{LEFT} {y:.1}H{RIGHT}" stroke="#888" stroke-dasharray="6 4" fill="none"/>"##
        );
        line(self.svg, aim);
        text(self.svg, RIGHT, y - 6.0, "end", said);
    }

    fn curve(&mut self, points: &[Point], of: fn(&Point) -> f64, colour: &str, name: &str) {
        let places: Vec<(f64, f64)> =
            points.iter().map(|point| (self.x(point.rows), self.y(of(point)))).collect();
        let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let path = path.join(" ");
        let curve = format_args!(
            r##"<polyline points="{path}" stroke="{colour}" stroke-width="2" fill="none"/>"##
        );
        line(self.svg, curve);
        for (x, y) in &places {
            let dot = format_args!(r##"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"##);
            line(self.svg, dot);
        }
        if let Some((x, y)) = places.last() {
            text(self.svg, x - 8.0, y - 9.0, "end", name);
        }
    }
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, said: &str) {
    line(svg, format_args!(r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{said}</text>"#));
}

fn line(svg: &mut String, said: std::fmt::Arguments<'_>) {
    writeln!(svg, "{said}").expect("a text grows");
}

/// A number as people read it: thousands apart, no more digits behind the point than it has.
fn number(value: f64) -> String {
    if value.fract().abs() > 1e-9 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut said = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            said.push(',');
        }
        said.push(digit);
    }
    said
}
