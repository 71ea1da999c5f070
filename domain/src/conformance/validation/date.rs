//! Dates and times as FHIR R4 writes them (`datatypes.html#dateTime`): days that exist, zones up to 14 hours.

/// `date`: YYYY, YYYY-MM or YYYY-MM-DD.
pub(super) fn is_date(text: &str) -> bool {
    date(text.as_bytes()).is_some()
}

/// `dateTime`: a date, or a full date with a time and a zone.
pub(super) fn is_date_time(text: &str) -> bool {
    match text.split_once('T') {
        None => is_date(text),
        Some((day, time)) => day.len() == 10 && is_date(day) && is_zoned_time(time),
    }
}

/// `instant`: a full date with a time and a zone.
pub(super) fn is_instant(text: &str) -> bool {
    text.contains('T') && is_date_time(text)
}

/// `time`: hh:mm:ss with an optional fraction and no zone.
pub(super) fn is_time(text: &str) -> bool {
    let (clock, fraction) =
        text.split_once('.').map_or((text, None), |(clock, fraction)| (clock, Some(fraction)));
    let [h1, h2, b':', m1, m2, b':', s1, s2] = clock.as_bytes() else { return false };
    let in_range = |digits: [u8; 2], most: u32| number(&digits).is_some_and(|value| value <= most);
    // 60 is a leap second.
    in_range([*h1, *h2], 23)
        && in_range([*m1, *m2], 59)
        && in_range([*s1, *s2], 60)
        && fraction.is_none_or(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn is_zoned_time(text: &str) -> bool {
    if let Some(time) = text.strip_suffix('Z') {
        return is_time(time);
    }
    let Some(at) = text.rfind(['+', '-']) else { return false };
    let (time, zone) = text.split_at(at);
    let [_, h1, h2, b':', m1, m2] = zone.as_bytes() else { return false };
    let (Some(hours), Some(minutes)) = (number(&[*h1, *h2]), number(&[*m1, *m2])) else { return false };
    is_time(time) && minutes <= 59 && (hours <= 13 || (hours == 14 && minutes == 0))
}

fn date(text: &[u8]) -> Option<()> {
    let year = number(text.get(..4)?).filter(|year| *year > 0)?;
    if text.len() == 4 {
        return Some(());
    }
    let month = number(text.get(5..7)?).filter(|month| (1..=12).contains(month))?;
    if text.get(4) != Some(&b'-') {
        return None;
    }
    if text.len() == 7 {
        return Some(());
    }
    let day = number(text.get(8..10)?)?;
    let fits = text.len() == 10 && text.get(7) == Some(&b'-') && (1..=days(year, month)).contains(&day);
    fits.then_some(())
}

fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_exist_are_dates() {
        for good in ["2024", "2024-02", "2024-02-29", "2000-02-29", "1900-02-28", "0001-01-01", "9999-12-31"]
        {
            assert!(is_date(good), "{good}");
        }
        for bad in [
            "",
            "24",
            "0000",
            "2023-02-29",
            "1900-02-29",
            "2024-04-31",
            "2024-13",
            "2024-00",
            "2024-1-1",
            "2024-02-29T",
            "2024-02-2９",
            "20240229",
            "2024-02-290",
            "2024/02/29",
            " 2024",
            "2024-",
        ] {
            assert!(!is_date(bad), "{bad}");
        }
    }

    #[test]
    fn a_time_of_day_needs_seconds_and_a_zone() {
        for good in
            ["2024-02-29T23:59:60Z", "2024-02-29T00:00:00.123456789+14:00", "2024-02-29T00:00:00-13:59"]
        {
            assert!(is_date_time(good) && is_instant(good), "{good}");
        }
        for bad in [
            "2024-02-29T10:00Z",
            "2024-02-29T10:00:00",
            "2024-02-29T24:00:00Z",
            "2024-02T10:00:00Z",
            "2024-02-29T10:00:00+14:01",
            "2024-02-29T10:00:00.Z",
            "2024-02-29 10:00:00Z",
            "2024-02-29T10:00:00z",
            "2023-02-29T10:00:00Z",
            "2024-02-29T10:60:00Z",
        ] {
            assert!(!is_date_time(bad) && !is_instant(bad), "{bad}");
        }
        assert!(is_date_time("2024") && !is_instant("2024-02-29"));
        assert!(is_time("10:00:00.5") && !is_time("10:00") && !is_time("10:00:00Z") && !is_time("25:00:00"));
    }
}
