//! Reading calendars and regimes from TOML, with the line of what is wrong.

use std::{ops::Range, sync::RwLock};

use bailee_core::{Error, ErrorKind, Result};
use serde::{Deserialize, de::DeserializeOwned};
use time::{Date, Weekday, macros::format_description};
use toml::Spanned;

use super::{
    calendar::Rules,
    holiday::{Holiday, MonthDay, Substitute, When},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCalendar {
    area: String,
    name: String,
    since: i32,
    source: String,
    unconfirmed: Option<String>,
    days: Vec<Spanned<WrittenDay>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDay {
    name: String,
    date: Option<String>,
    easter: Option<i16>,
    orthodox: Option<i16>,
    weekday: Option<WrittenWeekday>,
    on_or_after: Option<String>,
    on_or_before: Option<String>,
    #[serde(default)]
    these: Vec<String>,
    from: Option<i32>,
    until: Option<i32>,
    #[serde(default)]
    except: Vec<i32>,
    substitute: Option<WrittenSubstitute>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenSubstitute {
    MondayAfterSunday,
    NextWorkingDay,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenWeekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Reads the rules of a calendar.
pub(super) fn calendar(text: &str) -> Result<Rules> {
    let written: WrittenCalendar = read(text, "calendar")?;
    let holidays = written.days.into_iter().map(|day| {
        let span = day.span();
        holiday(day.into_inner()).map_err(|what| wrong(text, "calendar", Some(span), what))
    });
    Ok(Rules {
        area: written.area,
        name: written.name,
        since: written.since,
        source: written.source,
        unconfirmed: written.unconfirmed,
        holidays: holidays.collect::<Result<_>>()?,
        years: RwLock::default(),
    })
}

/// Reads a file of data whose fields say what is wrong themselves.
pub(super) fn read<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| wrong(text, what, error.span(), error.message()))
}

fn holiday(day: WrittenDay) -> Result<Holiday, &'static str> {
    let month_day =
        |text: &str| MonthDay::parse(text).ok_or("a date of every year is written `12-25`");
    let weekday = day.weekday.map(|weekday| match weekday {
        WrittenWeekday::Monday => Weekday::Monday,
        WrittenWeekday::Tuesday => Weekday::Tuesday,
        WrittenWeekday::Wednesday => Weekday::Wednesday,
        WrittenWeekday::Thursday => Weekday::Thursday,
        WrittenWeekday::Friday => Weekday::Friday,
        WrittenWeekday::Saturday => Weekday::Saturday,
        WrittenWeekday::Sunday => Weekday::Sunday,
    });
    let rule = (day.date, day.easter, day.orthodox, weekday, day.on_or_after, day.on_or_before);
    let when = match rule {
        (Some(date), None, None, None, None, None) => When::Date(month_day(&date)?),
        (None, Some(days), None, None, None, None) => When::Easter(days),
        (None, None, Some(days), None, None, None) => When::Orthodox(days),
        (None, None, None, Some(weekday), Some(date), None) => {
            When::OnOrAfter(weekday, month_day(&date)?)
        }
        (None, None, None, Some(weekday), None, Some(date)) => {
            When::OnOrBefore(weekday, month_day(&date)?)
        }
        (None, None, None, None, None, None) if !day.these.is_empty() => {
            let form = format_description!("[year]-[month]-[day]");
            let dates = day.these.iter().map(|date| Date::parse(date, form));
            When::These(
                dates.collect::<Result<_, _>>().map_err(|_| "a day is written `2022-09-19`")?,
            )
        }
        _ => {
            return Err(
                "a day has one rule: `date`, `easter`, `orthodox`, `these`, or `weekday` with \
                        `on_or_after` or `on_or_before`",
            );
        }
    };
    if !matches!(when, When::These(_)) && !day.these.is_empty() {
        return Err("a day has one rule, and `these` is another");
    }
    let (from, until) = (day.from.unwrap_or(i32::MIN), day.until.unwrap_or(i32::MAX));
    if until < from {
        return Err("the last year of a day is before its first");
    }
    Ok(Holiday {
        name: day.name,
        when,
        from,
        until,
        except: day.except,
        substitute: match day.substitute {
            Some(WrittenSubstitute::MondayAfterSunday) => Substitute::MondayAfterSunday,
            Some(WrittenSubstitute::NextWorkingDay) => Substitute::NextWorkingDay,
            None => Substitute::None,
        },
    })
}

fn wrong(text: &str, what: &str, span: Option<Range<usize>>, problem: &str) -> Error {
    let line =
        span.and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
    let problem = problem.replace('\n', ", ");
    Error::new(ErrorKind::Configuration).with_detail(match line {
        Some(line) => format!("the {what}, line {line}: {problem}"),
        None => format!("the {what}: {problem}"),
    })
}
