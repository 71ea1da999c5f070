//! The oracle over published data: searches made at random from what HL7's examples and Synthea's records hold, by every
//! parameter, modifier, prefix, chain, sort, include and place, asked by several callers, on memory, SQLite and PostgreSQL.
//!
//! `BINNACLE_ORACLE_QUERIES` sets how many searches are made, `BINNACLE_ORACLE_SEED` where the generator begins.

mod ask;
mod criterion;
mod dress;
mod filter;
mod links;
mod pick;
mod value;
mod ward;

use super::stores::{self, Answer, Running};
use ask::Ask;
use pick::Pick;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use ward::Ward;

/// Searches when nobody says how many.
const QUERIES: u64 = 400;

/// Searches asked of one ward.
const OF_ONE_WARD: u64 = 200;

/// Wrong answers after which a run stops.
const MOST_WRONG: usize = 20;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// How often a form was asked, and how often the search then found something.
type Forms = BTreeMap<String, (u64, u64)>;

/// Where the time of a run goes.
#[derive(Default)]
struct Times(BTreeMap<&'static str, Duration>);

impl Times {
    fn of<T>(&mut self, what: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        *self.0.entry(what).or_default() += start.elapsed();
        done
    }
}

#[test]
fn searches_drawn_from_published_data_agree() {
    let Some(published) = ward::published() else { return };
    let (queries, seed) = (setting("BINNACLE_ORACLE_QUERIES", QUERIES), setting("BINNACLE_ORACLE_SEED", 1));
    let stores = [Running::sqlite(), Running::postgres()];
    let (mut asked, mut found, mut number) = (0, 0, 0);
    let (mut forms, mut times) = (Forms::new(), Times::default());
    let mut wrong = Vec::new();
    while asked < queries {
        let mut pick = Pick::new(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let ward = times.of("making wards", || Ward::of(&published, &mut pick));
        let versions = times.of("extraction", || stores::new_versions(&ward.resources()));
        let memory = Running::memory();
        memory.load(&versions);
        for store in &stores {
            times.of("loading", || {
                store.clear();
                store.load(&versions);
            });
        }
        for _ in 0..OF_ONE_WARD.min(queries - asked) {
            let ask = times.of("making searches", || Ask::any(&ward, &mut pick));
            let (access, query) = (ask.access(), ask.query());
            let expected = times.of(memory.name(), || memory.pages(&access, &query));
            // That a ValueSet is not there or lists no codes is told by all alike.
            for store in &stores {
                let answer = times.of(store.name(), || store.pages(&access, &query));
                if answer != expected {
                    let place = format!("{} on ward {number} of seed {seed}", store.name());
                    wrong.push(format!("{place}: {ask:?}\n{}", difference(&expected, &answer)));
                }
            }
            let ids = expected.ids();
            let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
            assert_eq!(distinct.len(), ids.len(), "a resource stands twice: {ask:?}");
            let finds = u64::from(!ids.is_empty() || expected.total() > Some(0));
            found += finds;
            asked += 1;
            let refused = expected.fault().map(|_| "(refused when asked)".to_owned());
            for form in ask.forms().into_iter().chain(refused) {
                let (times, finding) = forms.entry(form).or_default();
                (*times, *finding) = (*times + 1, *finding + finds);
            }
        }
        number += 1;
        assert!(wrong.len() < MOST_WRONG, "{} of {asked}:\n{}", wrong.len(), wrong.join("\n\n"));
    }
    eprintln!("{asked} searches over {number} wards of seed {seed}, {found} of which found something");
    for (form, (times, finding)) in &forms {
        eprintln!("{times:8} {:3} % {form}", finding * 100 / times);
    }
    for (what, time) in &times.0 {
        eprintln!("{:8.1} s {what}", time.as_secs_f64());
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(found * 5 > asked * 2, "{found} of {asked} searches find something");
}

/// What one answer has and the other has not, as short as may be.
fn difference(expected: &Answer, answer: &Answer) -> String {
    let (left, right) = (format!("{expected:?}"), format!("{answer:?}"));
    let same = left.chars().zip(right.chars()).take_while(|(left, right)| left == right).count();
    let from = same.saturating_sub(200);
    let part = |text: &str| text.chars().skip(from).take(600).collect::<String>();
    format!("expected …{}\nfound    …{}", part(&left), part(&right))
}
