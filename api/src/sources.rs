//! The system's clock and randomness, which the domain takes as arguments.

use domain::clock::{Clock, Instant};
use domain::id::{Id, IdSource};
use rand::RngCore;
use time::OffsetDateTime;

/// The system's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        let nanoseconds = OffsetDateTime::now_utc().unix_timestamp_nanos();
        Instant(i64::try_from(nanoseconds / 1000).unwrap_or(i64::MAX))
    }
}

/// UUIDv7 and the operating system's randomness.
pub(crate) struct RandomIds;

impl IdSource for RandomIds {
    fn resource_id(&self) -> Id {
        Id::from(uuid::Uuid::now_v7())
    }

    fn secret(&self) -> [u8; 32] {
        random()
    }
}

/// 32 random bytes.
pub(crate) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
