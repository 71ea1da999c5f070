//! Time as an argument: [`Instant`], and the [`Clock`] that gives it.

use std::fmt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// A point in time, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

impl Instant {
    /// The same moment, `seconds` later (or earlier).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Instant {
        Instant(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Whole seconds since 1970, as JWT's NumericDate (`RFC 7519 §2`).
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// As an HTTP date (`RFC 9110 §5.6.7`), for `Last-Modified`. Sub-second digits are lost.
    pub fn http_date(self) -> String {
        let text = self.date_time().format(&Rfc2822).unwrap_or_default();
        text.replace("+0000", "GMT")
    }
}

/// A FHIR instant in UTC with six digits, `2026-11-25T06:31:00.123456Z`.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.date_time();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.microsecond()
        )
    }
}

/// Where the time comes from. The domain has no clock of its own.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Instant;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_as_fhir_and_http_want_it() {
        let t = Instant(1_764_052_260_000_042);
        assert_eq!(t.to_string(), "2025-11-25T06:31:00.000042Z");
        assert_eq!(t.http_date(), "Tue, 25 Nov 2025 06:31:00 GMT");
    }
}
