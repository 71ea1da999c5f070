//! How often one client, one user and one network address may ask in a minute; more is answered 429 (`RFC 6585 §4`).

use crate::settings::Settings;
use domain::access::actor::Actor;
use domain::{Error, ErrorCode};
use governor::clock::{Clock, MonotonicClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Callers of one kind that are told apart at once.
const MOST: usize = 100_000;

/// Shares that callers get when there are more than [`MOST`].
const CROWD: u64 = 1024;

/// Requests between two looks at how many callers are remembered.
const LOOK: u32 = 1024;

/// The limits of this server.
pub(crate) struct Rates {
    client: Option<Limit>,
    user: Option<Limit>,
    address: Option<Limit>,
    /// Callers are remembered by a hash that nobody outside can compute.
    hasher: RandomState,
}

/// The limit of one kind of caller.
struct Limit {
    limiter: RateLimiter<u64, DashMapStateStore<u64>, MonotonicClock>,
    /// How the refusal begins.
    whose: &'static str,
    seen: AtomicU32,
    crowded: AtomicBool,
}

impl Rates {
    /// The limits that the operator set; 0 is none.
    pub(crate) fn new(settings: &Settings) -> Rates {
        Rates {
            client: Limit::new("This client", settings.rate_limit_client),
            user: Limit::new("This user", settings.rate_limit_user),
            address: Limit::new("This network address", settings.rate_limit_address),
            hasher: RandomState::new(),
        }
    }

    /// Counts a request of a client and its user. With `serve --open` there is neither.
    ///
    /// Errors: [`ErrorCode::Throttled`] with the seconds to wait.
    pub(crate) fn check_actor(&self, actor: &Actor) -> Result<(), Error> {
        for (limit, name) in [(&self.client, &actor.client), (&self.user, &actor.fhir_user)] {
            if let (Some(limit), Some(name)) = (limit, name) {
                limit.check(self.hasher.hash_one(name))?;
            }
        }
        Ok(())
    }

    /// Counts a request from an address. Whoever has one IPv6 address has a /64 of them.
    ///
    /// Errors: [`ErrorCode::Throttled`] with the seconds to wait.
    pub(crate) fn check_address(&self, address: Option<IpAddr>) -> Result<(), Error> {
        let (Some(limit), Some(address)) = (&self.address, address) else { return Ok(()) };
        let key = match address.to_canonical() {
            IpAddr::V4(address) => self.hasher.hash_one(address),
            IpAddr::V6(address) => self.hasher.hash_one(address.to_bits() >> 64),
        };
        limit.check(key)
    }
}

impl Limit {
    fn new(whose: &'static str, per_minute: u32) -> Option<Limit> {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute)?);
        Some(Limit {
            limiter: RateLimiter::new(quota, DashMapStateStore::default(), MonotonicClock),
            whose,
            seen: AtomicU32::new(0),
            crowded: AtomicBool::new(false),
        })
    }

    fn check(&self, key: u64) -> Result<(), Error> {
        if self.seen.fetch_add(1, Ordering::Relaxed) % LOOK == LOOK - 1 {
            self.forget(MOST);
        }
        // More callers than can be told apart share what there is, so that memory stays bounded.
        let key = if self.crowded.load(Ordering::Relaxed) { key % CROWD } else { key };
        self.limiter.check_key(&key).map_err(|wait| {
            let seconds = wait.wait_time_from(self.limiter.clock().now()).as_secs() + 1;
            let message = format!("{} sends more requests a minute than it may.", self.whose);
            let mut error = Error::new(ErrorCode::Throttled, message);
            error.retry_after = Some(u32::try_from(seconds).unwrap_or(60));
            error
        })
    }

    /// Forgets callers that have been quiet long enough to begin anew.
    fn forget(&self, most: usize) {
        if self.limiter.len() > most {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.crowded.store(self.limiter.len() > most, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(client: u32, user: u32, address: u32) -> Rates {
        Rates::new(&Settings {
            rate_limit_client: client,
            rate_limit_user: user,
            rate_limit_address: address,
            ..Settings::default()
        })
    }

    fn actor(client: &str, user: Option<&str>) -> Actor {
        Actor { client: Some(client.into()), fhir_user: user.map(Into::into), open: false, ..Actor::open() }
    }

    #[test]
    fn each_client_and_each_user_has_its_own_limit() {
        let rates = rates(3, 2, 0);
        assert!((0..3).all(|_| rates.check_actor(&actor("a", None)).is_ok()));
        let refused = rates.check_actor(&actor("a", None)).unwrap_err();
        assert_eq!((refused.code(), refused.status()), (ErrorCode::Throttled, 429));
        assert!(refused.retry_after.is_some_and(|seconds| (1..=60).contains(&seconds)));
        assert!(rates.check_actor(&actor("b", Some("Patient/1"))).is_ok());
        assert!(rates.check_actor(&actor("c", Some("Patient/1"))).is_ok());
        assert!(rates.check_actor(&actor("d", Some("Patient/1"))).is_err());
    }

    #[test]
    fn no_limit_is_no_limit() {
        let rates = rates(0, 0, 0);
        assert!((0..10_000).all(|_| rates.check_actor(&actor("a", Some("b"))).is_ok()));
        assert!((0..10_000).all(|_| rates.check_address("10.0.0.1".parse().ok()).is_ok()));
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one_caller() {
        let rates = rates(0, 0, 1);
        let check = |address: &str| rates.check_address(address.parse().ok()).is_ok();
        assert!(check("2001:db8:0:1::1") && !check("2001:db8:0:1::2") && check("2001:db8:0:2::1"));
        assert!(check("192.0.2.1") && !check("::ffff:192.0.2.1") && check("192.0.2.2"));
    }

    #[test]
    fn a_crowd_is_not_remembered_one_by_one() {
        let limit = Limit::new("", 2).unwrap();
        for key in 0..5000 {
            let _ = limit.check(key << 20);
        }
        limit.forget(100);
        let before = limit.limiter.len();
        for key in 5000..15_000 {
            let _ = limit.limiter.check_key(&(key % CROWD));
        }
        assert!(limit.crowded.load(Ordering::Relaxed) && limit.limiter.len() <= before + 1024);
    }
}
