//! The oracle: resources and queries made at random, and memory, SQLite and PostgreSQL held to the same answers.
//!
//! `PROPTEST_CASES` sets how many worlds are made. PostgreSQL comes from `BINNACLE_TEST_POSTGRES` (`make test`).
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod compartment;
mod control;
mod corpus;
mod fragment;
mod own;
mod question;
mod stores;
mod world;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{TestCaseError, TestRunner};
use question::Question;
use stores::Running;
use world::Change;

/// Worlds that each test makes unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 10;

/// Questions asked in each world.
const QUESTIONS: usize = 60;

/// Odd values asked for in each world.
const ODD_QUESTIONS: usize = 40;

/// Runs `check` on worlds and questions made at random, with the stores that are held against memory.
fn in_many_worlds(
    questions: impl Strategy<Value = Vec<Question>>,
    check: impl Fn(&[Change], &[Question], &[Running]) -> Result<(), TestCaseError>,
) {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES);
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 100,
        ..ProptestConfig::default()
    };
    let stores = [Running::sqlite(), Running::postgres()];
    let made = (world::changes(), questions);
    let outcome = TestRunner::new(config).run(&made, |(changes, questions)| {
        stores.iter().for_each(Running::clear);
        check(&changes, &questions, &stores)
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn versions_and_histories_agree() {
    in_many_worlds(Just(Vec::new()), |changes, _, stores| {
        let memory = Running::memory();
        memory.apply(changes);
        let expected = memory.versions();
        for store in stores {
            store.apply(changes);
            for (expected, found) in expected.iter().zip(&store.versions()) {
                prop_assert_eq!(expected, found, "{}", store.name());
            }
            prop_assert_eq!(store.faults(), Vec::new(), "{}", store.name());
        }
        Ok(())
    });
}

#[test]
fn searches_agree() {
    in_many_worlds(prop::collection::vec(question::question(), QUESTIONS), |changes, questions, stores| {
        let memory = Running::memory();
        memory.apply(changes);
        let expected: Vec<_> = questions.iter().map(|question| memory.ask(question)).collect();
        for store in stores {
            store.apply(changes);
            for (question, expected) in questions.iter().zip(&expected) {
                let found = store.ask(question);
                prop_assert_eq!(expected, &found, "{} on {:?}", store.name(), question);
            }
        }
        for (question, expected) in questions.iter().zip(&expected) {
            pages_are_the_whole(question, expected, &memory)?;
        }
        Ok(())
    });
}

/// Whatever a value is, it is refused when it is read or answered by all stores alike, and never a fault of theirs.
#[test]
fn odd_values_agree() {
    in_many_worlds(prop::collection::vec(question::odd(), ODD_QUESTIONS), |changes, questions, stores| {
        let memory = Running::memory();
        memory.apply(changes);
        stores.iter().for_each(|store| store.apply(changes));
        for question in questions.iter().filter(|question| question.parse().is_ok()) {
            let expected = memory.ask(question);
            prop_assert_eq!(expected.fault(), None, "{:?}", question);
            for store in stores {
                prop_assert_eq!(&expected, &store.ask(question), "{} on {:?}", store.name(), question);
            }
        }
        Ok(())
    });
}

/// The pages of a search together are the search on one page, each resource once, and as many as the total says.
fn pages_are_the_whole(
    question: &Question,
    answer: &stores::Answer,
    store: &Running,
) -> Result<(), TestCaseError> {
    if question.query().count == 0 {
        return Ok(());
    }
    let whole = store.ask(&question.on_one_page());
    prop_assert_eq!(whole.ids(), answer.ids(), "{:?}", question);
    let distinct: std::collections::BTreeSet<&String> = answer.ids().into_iter().collect();
    prop_assert_eq!(distinct.len(), answer.ids().len(), "{:?}", question);
    prop_assert_eq!(answer.ids(), answer.ids_by_the_way_back(), "{:?}", question);
    if let Some(total) = answer.total() {
        prop_assert_eq!(usize::try_from(total).ok(), Some(distinct.len()), "{:?}", question);
    }
    Ok(())
}

/// The questions are worth asking: over many worlds, every one of them finds something and leaves something out.
#[test]
fn every_fragment_of_a_question_tells_resources_apart() {
    let mut runner = TestRunner::deterministic();
    let mut useless: Vec<(&str, &str)> = fragment::FRAGMENTS.to_vec();
    for _ in 0..200 {
        let changes = world::changes().new_tree(&mut runner).unwrap().current();
        let memory = Running::memory();
        memory.apply(&changes);
        let all = |type_: &str| memory.ask(&Question::plain(type_, "")).ids().len();
        useless.retain(|(type_, fragment)| {
            let found = memory.ask(&Question::plain(type_, fragment)).ids().len();
            found == 0 || found == all(type_)
        });
    }
    assert!(useless.is_empty(), "{useless:?}");
}
