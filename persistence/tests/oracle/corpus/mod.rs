//! The oracle over published data: searches made at random from what HL7's examples and Synthea's records hold, by every
//! parameter, modifier, prefix, chain, sort, include and place, asked by several callers, on memory, SQLite and PostgreSQL.
//!
//! `BINNACLE_ORACLE_QUERIES` sets how many searches are made, `BINNACLE_ORACLE_SEED` where the generator begins.

mod ask;
mod pick;
mod value;
mod ward;

use super::stores::Running;
use ask::Ask;
use pick::Pick;
use std::collections::BTreeMap;
use ward::Ward;

/// Searches when nobody says how many.
const QUERIES: u64 = 400;

/// Searches asked of one ward.
const OF_ONE_WARD: u64 = 200;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn searches_drawn_from_published_data_agree() {
    let Some(published) = ward::published() else { return };
    let (queries, seed) = (setting("BINNACLE_ORACLE_QUERIES", QUERIES), setting("BINNACLE_ORACLE_SEED", 1));
    let stores = [Running::sqlite(), Running::postgres()];
    let (mut asked, mut found, mut number) = (0, 0, 0);
    let mut forms: BTreeMap<String, u64> = BTreeMap::new();
    while asked < queries {
        let mut pick = Pick::new(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let ward = Ward::of(&published, &mut pick);
        let memory = Running::memory();
        memory.load(&ward.resources());
        for store in &stores {
            store.clear();
            store.load(&ward.resources());
        }
        for _ in 0..OF_ONE_WARD.min(queries - asked) {
            let ask = Ask::any(&ward, &mut pick);
            let (access, query) = (ask.access(), ask.query());
            let expected = memory.pages(&access, &query);
            assert_eq!(expected.fault(), None, "ward {number}: {ask:?}");
            for store in &stores {
                let answer = store.pages(&access, &query);
                assert_eq!(expected, answer, "{} on ward {number} of seed {seed}: {ask:?}", store.name());
            }
            let ids = expected.ids();
            let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
            assert_eq!(distinct.len(), ids.len(), "a resource stands twice: {ask:?}");
            found += u64::from(!ids.is_empty());
            asked += 1;
            for form in ask.forms() {
                *forms.entry(form).or_default() += 1;
            }
        }
        number += 1;
    }
    eprintln!("{asked} searches over {number} wards of seed {seed}, {found} of which found something");
    for (form, times) in &forms {
        eprintln!("{times:8} {form}");
    }
    assert!(found * 5 > asked, "{found} of {asked} searches find something");
}
