//! The process's own time and randomness, which the domain takes as arguments.

use domain::clock::{Clock, Instant};
use domain::id::{Id, IdSource};
use std::time::{SystemTime, UNIX_EPOCH};

/// The operating system's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Instant(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// UUIDv7 ids and the operating system's randomness.
pub(crate) struct SystemIds;

impl IdSource for SystemIds {
    fn resource_id(&self) -> Id {
        // A UUID's text is an id; should it ever not be, the next one is taken.
        loop {
            let mut buffer = uuid::Uuid::encode_buffer();
            if let Ok(id) = Id::parse(uuid::Uuid::now_v7().as_hyphenated().encode_lower(&mut buffer)) {
                return id;
            }
        }
    }

    fn secret(&self) -> [u8; 32] {
        rand::random()
    }
}
