//! Date parameters (`FHIR R4 search.html#date`): every date, time and period is an interval; the prefixes compare
//! intervals. What has no time zone is taken as UTC.

use super::Values;
use crate::index::{Facet, IndexValue};
use crate::resource::json::Json;
use crate::search::query::{DateTest, Prefix};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The interval `[lo, hi)`, in microseconds since 1970, that a date, dateTime or instant of any precision covers;
/// `None` where the text is none.
pub fn interval(text: &str) -> Option<(i64, i64)> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut fields = date.split('-');
    let year = digits(fields.next()?, 4).filter(|year| *year > 0)?;
    let month = fields.next().map(|field| digits(field, 2).filter(|month| (1..=12).contains(month)));
    let day = fields.next().map(|field| digits(field, 2));
    if fields.next().is_some() {
        return None;
    }
    match (month, day, time) {
        (None, None, None) => Some((days(year, 1, 1) * DAY, days(year + 1, 1, 1) * DAY)),
        (Some(month), None, None) => {
            let month = month?;
            let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            Some((days(year, month, 1) * DAY, days(next_year, next_month, 1) * DAY))
        }
        (Some(month), Some(day), time) => {
            let (month, day) = (month?, day?);
            if day < 1 || day > days_in(year, month) {
                return None;
            }
            let start = days(year, month, day) * DAY;
            match time {
                None => Some((start, start + DAY)),
                Some(time) => clock(time).map(|(lo, hi)| (start + lo, start + hi)),
            }
        }
        _ => None,
    }
}

/// The interval of `hh:mm[:ss[.f]][zone]` within its day.
fn clock(text: &str) -> Option<(i64, i64)> {
    let zone_at = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at_checked(zone_at)?;
    let offset = match zone {
        "" | "Z" => 0,
        zone => {
            let (sign, zone) = if let Some(zone) = zone.strip_prefix('-') {
                (-1, zone)
            } else {
                (1, zone.strip_prefix('+')?)
            };
            let (hours, minutes) = zone.split_once(':')?;
            let hours = digits(hours, 2).filter(|hours| *hours <= 14)?;
            let minutes = digits(minutes, 2).filter(|minutes| *minutes < 60)?;
            sign * (hours * 3600 + minutes * 60) * SECOND
        }
    };
    let mut fields = clock.split(':');
    let hour = digits(fields.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = digits(fields.next()?, 2).filter(|minute| *minute < 60)?;
    let second = fields.next();
    if fields.next().is_some() {
        return None;
    }
    let start = (hour * 3600 + minute * 60) * SECOND - offset;
    let Some(second) = second else {
        return Some((start, start + 60 * SECOND));
    };
    let (whole, fraction) =
        second.split_once('.').map_or((second, None), |(whole, fraction)| (whole, Some(fraction)));
    // 60 is a leap second.
    let start = start + digits(whole, 2).filter(|second| *second <= 60)? * SECOND;
    match fraction {
        None => Some((start, start + SECOND)),
        Some(fraction) => {
            if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let mut unit = SECOND;
            let mut micros = 0;
            for digit in fraction.bytes().take(6) {
                unit /= 10;
                micros += i64::from(digit - b'0') * unit;
            }
            Some((start + micros, start + micros + unit.max(1)))
        }
    }
}

fn digits(text: &str, width: usize) -> Option<i64> {
    (text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Indexes an element: a date in any form, an instant, a Period with open ends, the outer limits of a Timing.
pub(crate) fn index(element: &Json<'_>, type_: &str, out: &mut Values) {
    let found = match type_ {
        "Period" => period(element),
        "Timing" => timing(element),
        // A point in time, however it is written (`FHIR R4 search.html#date`).
        "instant" => element.as_str().and_then(interval).map(|(lo, _)| (lo, lo + 1)),
        _ => element.as_str().and_then(interval),
    };
    if let Some((lo, hi)) = found {
        out.push((Facet::Value, IndexValue::Date { lo, hi }));
    }
}

fn period(element: &Json<'_>) -> Option<(i64, i64)> {
    let bound = |member: &str| element.get(member).and_then(Json::as_str).and_then(interval);
    let (start, end) = (bound("start"), bound("end"));
    if start.is_none() && end.is_none() {
        return None;
    }
    let lo = start.map_or(i64::MIN, |(lo, _)| lo);
    let hi = end.map_or(i64::MAX, |(_, hi)| hi);
    // A period that ends before it starts still is where it starts.
    Some((lo, hi.max(lo.saturating_add(1))))
}

/// `FHIR R4 search.html#date`: only the outer limits of a Timing matter.
fn timing(element: &Json<'_>) -> Option<(i64, i64)> {
    let events = element.get("event").map(Json::each).unwrap_or_default();
    let bounds = element.get("repeat").and_then(|repeat| repeat.get("boundsPeriod")).and_then(period);
    let intervals = events.iter().filter_map(Json::as_str).filter_map(interval).chain(bounds);
    intervals.reduce(|(lo, hi), (other_lo, other_hi)| (lo.min(other_lo), hi.max(other_hi)))
}

/// A searched date. `now` is the time of the request, from which `ap` measures its tenth.
///
/// Errors: why it is none.
pub(crate) fn parse(prefix: Prefix, text: &str, now: i64) -> Result<DateTest, String> {
    let (lo, hi) = interval(text).ok_or_else(|| {
        format!("'{text}' is not a date; write yyyy, yyyy-mm, yyyy-mm-dd or yyyy-mm-ddThh:mm:ss with 'Z' or an offset")
    })?;
    if prefix != Prefix::Ap {
        return Ok(DateTest { prefix, lo, hi });
    }
    let distance = now.saturating_sub(lo + (hi - lo) / 2).saturating_abs();
    let widen = distance / 10;
    Ok(DateTest { prefix, lo: lo.saturating_sub(widen), hi: hi.saturating_add(widen) })
}

/// Whether a stored interval passes. Both ends are exclusive above.
pub const fn matches(test: &DateTest, lo: i64, hi: i64) -> bool {
    let within = lo >= test.lo && hi <= test.hi;
    match test.prefix {
        Prefix::Eq => within,
        Prefix::Ne => !within,
        Prefix::Gt => hi > test.hi,
        Prefix::Lt => lo < test.lo,
        Prefix::Ge => hi > test.hi || within,
        Prefix::Le => lo < test.lo || within,
        Prefix::Sa => lo >= test.hi,
        Prefix::Eb => hi <= test.lo,
        Prefix::Ap => lo < test.hi && hi > test.lo,
        Prefix::Holds => lo <= test.lo && hi >= test.hi,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_precision_is_an_interval() {
        let cases = [
            ("1970", 0, 365 * DAY),
            ("1972-02", 31 * DAY + 2 * 365 * DAY, 60 * DAY + 2 * 365 * DAY),
            ("1970-01-02", DAY, 2 * DAY),
            ("1970-01-01T00:01", 60 * SECOND, 120 * SECOND),
            ("1970-01-01T00:00:01Z", SECOND, 2 * SECOND),
            ("1970-01-01T01:00:00+01:00", 0, SECOND),
            ("1969-12-31T19:00:00.25-05:00", 250_000, 260_000),
            ("1970-01-01T00:00:00.1234567Z", 123_456, 123_457),
        ];
        for (text, lo, hi) in cases {
            assert_eq!(interval(text), Some((lo, hi)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_date_is_none() {
        for text in [
            "",
            "19",
            "1970-13",
            "1970-02-30",
            "1900-02-29",
            "1970-1-1",
            "1970-01-01T24:00",
            "1970-01-01T",
            "0000",
            "1970T00:00",
            "1970-01-01T00:00:00.",
            "1970-01-01T00:00:00+15:00",
            "1970-01-01-01",
            "١٩٧٠",
            "1970-01-01T00:00Zé",
        ] {
            assert_eq!(interval(text), None, "{text}");
        }
    }

    #[test]
    fn days_agree_with_the_time_crate() {
        for year in (1..=9999).step_by(7) {
            for month in 1..=12 {
                let date =
                    time::Date::from_calendar_date(year, time::Month::try_from(month).unwrap(), 1).unwrap();
                let expected = i64::from(date.to_julian_day()) - 2_440_588;
                assert_eq!(days(i64::from(year), i64::from(month), 1), expected, "{year}-{month}");
            }
        }
    }

    #[test]
    fn open_periods_and_timings_have_their_outer_limits() {
        let index_of = |text: &str, type_: &str| {
            let mut out = Vec::new();
            index(&Json::parse(text.as_bytes()).unwrap(), type_, &mut out);
            out.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
        };
        let date = |lo, hi| vec![IndexValue::Date { lo, hi }];
        assert_eq!(index_of(r#"{"start":"1970"}"#, "Period"), date(0, i64::MAX));
        assert_eq!(index_of(r#"{"end":"1970-01-01"}"#, "Period"), date(i64::MIN, DAY));
        assert_eq!(index_of("{}", "Period"), vec![]);
        let timing = r#"{"event":["1970-01-03","1970-01-01"],"repeat":{"boundsPeriod":{"start":"1970-01-02","end":"1970-01-05"}}}"#;
        assert_eq!(index_of(timing, "Timing"), date(0, 5 * DAY));
    }

    #[test]
    fn prefixes_compare_intervals() {
        let (lo, hi) = (10, 20);
        let passes = |prefix, stored: (i64, i64)| matches(&DateTest { prefix, lo, hi }, stored.0, stored.1);
        assert!(passes(Prefix::Eq, (10, 20)) && !passes(Prefix::Eq, (10, 21)));
        assert!(passes(Prefix::Ne, (9, 20)) && !passes(Prefix::Ne, (12, 13)));
        assert!(passes(Prefix::Gt, (15, 21)) && !passes(Prefix::Gt, (15, 20)));
        assert!(passes(Prefix::Ge, (15, 20)) && !passes(Prefix::Ge, (5, 20)));
        assert!(passes(Prefix::Lt, (5, 12)) && !passes(Prefix::Lt, (10, 12)));
        assert!(passes(Prefix::Sa, (20, 21)) && !passes(Prefix::Sa, (19, 30)));
        assert!(passes(Prefix::Eb, (5, 10)) && !passes(Prefix::Eb, (5, 11)));
        assert!(passes(Prefix::Ap, (19, 30)) && !passes(Prefix::Ap, (20, 30)));
    }
}
