//! Dates, dates with time and times of any precision: reading, writing, and three-valued comparison
//! (`FHIRPath N1 §Date/Time Comparison`).

use std::cmp::Ordering;
use std::fmt;
use time::Date;

/// Which of the three it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `@2015-02`
    Date,
    /// `@2015-02-04T14:34`
    DateTime,
    /// `@T14:34`
    Time,
}

/// How far down it is known. Seconds and their fraction are one precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// A date, a date with time, or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Temporal {
    pub(super) kind: Kind,
    pub(super) year: i32,
    pub(super) month: u8,
    pub(super) day: u8,
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    pub(super) nanos: u32,
    /// Digits of the second's fraction that are written.
    pub(super) digits: u8,
    pub(super) precision: Precision,
    /// Minutes east of UTC.
    pub(super) offset: Option<i16>,
}

/// Nanoseconds of a day.
const DAY: i128 = 86_400_000_000_000;

impl Temporal {
    fn new(kind: Kind) -> Temporal {
        let precision = if kind == Kind::Time { Precision::Hour } else { Precision::Year };
        let (year, month, day, hour, minute, second) = (1, 1, 1, 0, 0, 0);
        let (nanos, digits, offset) = (0, 0, None);
        Temporal { kind, year, month, day, hour, minute, second, nanos, digits, precision, offset }
    }

    /// What follows the `@` of a literal.
    pub(super) fn literal(text: &str) -> Option<Temporal> {
        match text.strip_prefix('T') {
            Some(time) => Temporal::time(time),
            None if text.contains('T') => Temporal::date_time(text),
            None => Temporal::date(text),
        }
    }

    /// `2015`, `2015-02`, `2015-02-04`
    pub fn date(text: &str) -> Option<Temporal> {
        let mut date = Temporal::new(Kind::Date);
        date.read_date(text)?;
        Some(date)
    }

    /// A date, with or without `T`, a time of any precision, and an offset from UTC.
    pub fn date_time(text: &str) -> Option<Temporal> {
        let mut found = Temporal::new(Kind::DateTime);
        let Some((date, time)) = text.split_once('T') else {
            found.read_date(text)?;
            return Some(found);
        };
        found.read_date(date)?;
        if time.is_empty() {
            return Some(found);
        }
        let at = time.find(['Z', '+', '-']).unwrap_or(time.len());
        let (time, offset) = time.split_at_checked(at)?;
        if found.precision != Precision::Day {
            return None;
        }
        found.read_time(time)?;
        found.offset = match offset {
            "" => None,
            "Z" => Some(0),
            text => Some(offset_of(text)?),
        };
        Some(found)
    }

    /// `14`, `14:30`, `14:30:28.123`
    pub fn time(text: &str) -> Option<Temporal> {
        let mut time = Temporal::new(Kind::Time);
        time.read_time(text)?;
        Some(time)
    }

    fn read_date(&mut self, text: &str) -> Option<()> {
        let mut parts = text.split('-');
        self.year = digits(parts.next()?, 4)?.try_into().ok().filter(|year| *year > 0)?;
        if let Some(month) = parts.next() {
            self.month = in_range(month, 1, 12)?;
            self.precision = Precision::Month;
        }
        if let Some(day) = parts.next() {
            self.day = in_range(day, 1, month_length(self.year, self.month))?;
            self.precision = Precision::Day;
        }
        parts.next().is_none().then_some(())
    }

    fn read_time(&mut self, text: &str) -> Option<()> {
        let mut parts = text.split(':');
        self.hour = in_range(parts.next()?, 0, 23)?;
        self.precision = Precision::Hour;
        if let Some(minute) = parts.next() {
            self.minute = in_range(minute, 0, 59)?;
            self.precision = Precision::Minute;
        }
        if let Some(second) = parts.next() {
            let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
            // A leap second is the last of its minute here.
            self.second = in_range(second, 0, 60)?.min(59);
            self.precision = Precision::Second;
            if !fraction.is_empty() {
                let kept: String = fraction.chars().chain("000000000".chars()).take(9).collect();
                self.nanos = u32::try_from(digits(&kept, 9)?).ok()?;
                self.digits = u8::try_from(fraction.len().min(9)).ok()?;
            }
        }
        parts.next().is_none().then_some(())
    }

    /// Days since an epoch.
    fn days(&self) -> i64 {
        let month = time::Month::try_from(self.month).unwrap_or(time::Month::January);
        Date::from_calendar_date(self.year, month, self.day).map_or(0, |date| i64::from(date.to_julian_day()))
    }

    fn nanos_of_day(&self) -> i128 {
        let seconds = i128::from(self.hour) * 3600 + i128::from(self.minute) * 60 + i128::from(self.second);
        seconds * 1_000_000_000 + i128::from(self.nanos)
    }

    /// Nanoseconds since an epoch, what is not known taken as its least.
    fn nanos_since_epoch(&self) -> i128 {
        i128::from(self.days()) * DAY + self.nanos_of_day()
    }

    /// The same precision at another moment; `None` outside the years 1 to 9999.
    fn at(mut self, nanos: i128) -> Option<Temporal> {
        let date = Date::from_julian_day(i32::try_from(nanos.div_euclid(DAY)).ok()?).ok()?;
        (self.year, self.month, self.day) = (date.year(), date.month().into(), date.day());
        if !(1..=9999).contains(&self.year) {
            return None;
        }
        let within = nanos.rem_euclid(DAY);
        let seconds = u32::try_from(within / 1_000_000_000).ok()?;
        self.nanos = u32::try_from(within % 1_000_000_000).ok()?;
        self.hour = u8::try_from(seconds / 3600).ok()?;
        self.minute = u8::try_from(seconds / 60 % 60).ok()?;
        self.second = u8::try_from(seconds % 60).ok()?;
        Some(self)
    }

    /// The same moment in UTC; itself when it has no time or offset.
    fn in_utc(self) -> Temporal {
        match self.offset.filter(|_| self.precision >= Precision::Hour) {
            Some(offset) => {
                self.at(self.nanos_since_epoch() - i128::from(offset) * 60_000_000_000).unwrap_or(self)
            }
            None => self,
        }
    }

    /// Which is earlier; `None` where their precision or a missing offset leaves it open.
    pub fn compare(self, other: Temporal) -> Option<Ordering> {
        let timed = |t: Temporal| t.precision >= Precision::Hour && t.kind != Kind::Time;
        let (one, two) = if self.offset.is_some() == other.offset.is_some() {
            (self.in_utc(), other.in_utc())
        } else {
            (self, other)
        };
        if timed(self) && timed(other) && self.offset.is_some() != other.offset.is_some() {
            // The one without an offset is up to 14 hours off either way, and the other up to 14 from UTC.
            let apart = one.nanos_since_epoch() - two.nanos_since_epoch();
            let decided = apart.abs() > 29 * 3_600_000_000_000;
            return decided.then(|| apart.cmp(&0));
        }
        let parts = [
            (Precision::Year, one.year, two.year),
            (Precision::Month, one.month.into(), two.month.into()),
            (Precision::Day, one.day.into(), two.day.into()),
            (Precision::Hour, one.hour.into(), two.hour.into()),
            (Precision::Minute, one.minute.into(), two.minute.into()),
            (Precision::Second, one.second.into(), two.second.into()),
        ];
        for (precision, left, right) in parts {
            if one.kind == Kind::Time && precision < Precision::Hour {
                continue;
            }
            match (one.precision >= precision, two.precision >= precision) {
                (true, true) if left != right => return Some(left.cmp(&right)),
                (true, true) => {}
                (false, false) => return Some(Ordering::Equal),
                _ => return None,
            }
        }
        Some(one.nanos.cmp(&two.nanos))
    }

    /// The same, `months` later, the day cut to the month's length.
    pub(super) fn plus_months(mut self, months: i64) -> Option<Temporal> {
        let total = i64::from(self.year) * 12 + i64::from(self.month) - 1;
        let total = total.checked_add(months)?;
        self.year = i32::try_from(total.div_euclid(12)).ok().filter(|year| (1..=9999).contains(year))?;
        self.month = u8::try_from(total.rem_euclid(12) + 1).ok()?;
        self.day = self.day.min(month_length(self.year, self.month));
        Some(self)
    }

    /// The same, `nanos` later; a time goes round at midnight.
    pub(super) fn plus_nanos(self, nanos: i128) -> Option<Temporal> {
        let moved = self.nanos_since_epoch().checked_add(nanos)?;
        if self.kind == Kind::Time {
            return self.at(i128::from(self.days()) * DAY + moved.rem_euclid(DAY));
        }
        self.at(moved)
    }

    /// How many digits are known, as `precision()` counts them: `@2014-01` has 6, `@T10:30` has 4.
    pub(super) fn known_digits(&self) -> i32 {
        let of_date = if self.kind == Kind::Time { -8 } else { 0 };
        of_date
            + match self.precision {
                Precision::Year => 4,
                Precision::Month => 6,
                Precision::Day => 8,
                Precision::Hour => 10,
                Precision::Minute => 12,
                Precision::Second if self.digits == 0 => 14,
                Precision::Second => 17,
            }
    }

    /// The earliest or latest moment it may be, told to `digits` digits; `None` for a precision there is not.
    pub(super) fn boundary(mut self, digits: i32, high: bool) -> Option<Temporal> {
        let scale = digits + if self.kind == Kind::Time { 8 } else { 0 };
        let most = if self.kind == Kind::Date { 8 } else { 17 };
        let precision = match scale {
            4 => Precision::Year,
            6 => Precision::Month,
            8 => Precision::Day,
            10 => Precision::Hour,
            12 => Precision::Minute,
            14 | 17 => Precision::Second,
            _ => return None,
        };
        if scale > most || (self.kind == Kind::Time && scale < 10) {
            return None;
        }
        let known = self.precision;
        if known < Precision::Month && self.kind != Kind::Time {
            self.month = if high { 12 } else { 1 };
        }
        if known < Precision::Day && self.kind != Kind::Time {
            self.day = if high { month_length(self.year, self.month) } else { 1 };
        }
        if known < Precision::Hour {
            self.hour = if high { 23 } else { 0 };
        }
        if known < Precision::Minute {
            self.minute = if high { 59 } else { 0 };
        }
        if known < Precision::Second {
            self.second = if high { 59 } else { 0 };
        }
        if known < Precision::Second || self.digits == 0 {
            self.nanos = if high { 999_000_000 } else { 0 };
        }
        self.precision = precision;
        self.digits = if scale == 17 { 3 } else { 0 };
        if precision < Precision::Hour {
            self.offset = None;
        } else if self.kind == Kind::DateTime && self.offset.is_none() {
            self.offset = Some(if high { -12 * 60 } else { 14 * 60 });
        }
        Some(self)
    }
}

/// As FHIR writes it, without the sign of a literal.
impl fmt::Display for Temporal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind != Kind::Time {
            write!(f, "{:04}", self.year)?;
            if self.precision >= Precision::Month {
                write!(f, "-{:02}", self.month)?;
            }
            if self.precision >= Precision::Day {
                write!(f, "-{:02}", self.day)?;
            }
            if self.precision >= Precision::Hour {
                f.write_str("T")?;
            }
        }
        if self.precision >= Precision::Hour {
            write!(f, "{:02}", self.hour)?;
        }
        if self.precision >= Precision::Minute {
            write!(f, ":{:02}", self.minute)?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", self.second)?;
            if self.digits > 0 {
                let fraction = format!("{:09}", self.nanos);
                write!(f, ".{}", fraction.get(..usize::from(self.digits)).unwrap_or_default())?;
            }
        }
        match self.offset.filter(|_| self.precision >= Precision::Hour) {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }
}

fn digits(text: &str, length: usize) -> Option<u64> {
    (text.len() == length && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn in_range(text: &str, least: u8, most: u8) -> Option<u8> {
    u8::try_from(digits(text, 2)?).ok().filter(|value| (least..=most).contains(value))
}

/// `+10:00`
fn offset_of(text: &str) -> Option<i16> {
    let (sign, rest) = text.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let minutes = i16::from(in_range(hours, 0, 14)?) * 60 + i16::from(in_range(minutes, 0, 59)?);
    Some(if sign == "-" { -minutes } else { minutes })
}

fn month_length(year: i32, month: u8) -> u8 {
    time::Month::try_from(month).map_or(31, |month| month.length(year))
}
