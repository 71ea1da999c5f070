//! The JWK Sets of clients that are registered by address: fetched when an assertion needs them, kept no longer than
//! their `Cache-Control` says (SMART App Launch 2.2 client-confidential-asymmetric, `RFC 7517`).

use crate::egress::Egress;
use domain::authorization::remote_keys::{RemoteKeys, Wanted, usable};
use jsonwebtoken::jwk::JwkSet;
use moka::sync::Cache;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// For how long a set is kept whose answer does not say.
const UNSTATED: Duration = Duration::from_secs(300);

/// For how long a set is kept at most, whatever its answer says: a key that is taken back must stop counting.
const LONGEST: Duration = Duration::from_secs(3600);

/// For how long a set is kept at least: it serves the requests that waited for it.
const LEAST: Duration = Duration::from_secs(1);

/// Between two fetches for a `kid` that was not in the set, and after one that failed: anybody can write any `kid`.
const PAUSE: Duration = Duration::from_secs(5);

/// Addresses remembered. Only registered ones are ever asked for.
const MOST: u64 = 10_000;

/// The sets, by address.
pub(super) struct RemoteKeySets {
    slots: Cache<String, Arc<Slot>>,
}

/// What is known of one address.
#[derive(Default)]
struct Slot {
    held: RwLock<Held>,
    /// Held while fetching: who comes meanwhile waits and finds the set.
    fetching: Mutex<()>,
}

#[derive(Default, Clone)]
struct Held {
    set: Option<(Arc<JwkSet>, Instant)>,
    tried: Option<Instant>,
}

impl Held {
    fn fresh(&self) -> Option<&Arc<JwkSet>> {
        self.set.as_ref().filter(|(_, until)| Instant::now() < *until).map(|(set, _)| set)
    }

    /// Whether there is no use in fetching: the key is here, or there was a try just now.
    fn suffices(&self, kid: &str) -> bool {
        let fresh = self.fresh();
        let has = |set: &Arc<JwkSet>| set.keys.iter().any(|key| key.common.key_id.as_deref() == Some(kid));
        if fresh.is_some_and(has) {
            return true;
        }
        // A set that ended is fetched at once, unless fetching it failed.
        let failed_or_lacks = fresh.is_some() || self.set.is_none();
        failed_or_lacks && self.tried.is_some_and(|tried| tried.elapsed() < PAUSE)
    }
}

impl Slot {
    fn held(&self) -> Held {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RemoteKeySets {
    /// No sets yet.
    pub(super) fn new() -> RemoteKeySets {
        RemoteKeySets { slots: Cache::builder().max_capacity(MOST).build() }
    }

    /// Fetches the set at the wanted address, unless it is here, fresh, with the wanted key. What goes wrong is
    /// logged: without the set the assertion is not valid.
    pub(super) async fn fetch(&self, egress: &Egress, wanted: &Wanted) {
        let slot = self.slots.get_with_by_ref(&wanted.address, Arc::default);
        if slot.held().suffices(&wanted.kid) {
            return;
        }
        let _alone = slot.fetching.lock().await;
        if slot.held().suffices(&wanted.kid) {
            return;
        }
        let fetched = egress.get(&wanted.address).await;
        let found = fetched.and_then(|fetched| Ok((usable(&fetched.body)?, fetched.fresh)));
        let now = Instant::now();
        let set = match found {
            Ok((set, fresh)) => {
                let life = fresh.unwrap_or(UNSTATED).clamp(LEAST, LONGEST);
                Some((Arc::new(set), now + life))
            }
            Err(reason) => {
                tracing::warn!(client = wanted.client, reason, "the keys of a client could not be fetched");
                // A set that is still fresh stays.
                slot.held().set.filter(|(_, until)| now < *until)
            }
        };
        *slot.held.write().unwrap_or_else(PoisonError::into_inner) = Held { set, tried: Some(now) };
    }
}

impl RemoteKeys for RemoteKeySets {
    fn keys(&self, address: &str) -> Option<Arc<JwkSet>> {
        self.slots.get(address)?.held().fresh().cloned()
    }
}
