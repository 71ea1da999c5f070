//! The table check against fhirbolt's typed model: published resources, changed at random, that the typed model refuses
//! must be refused by the table check too. It is what lets the typed model stay out of the way of a write.
//!
//! `BINNACLE_MUTATIONS` sets how many are made, `BINNACLE_SEED` the first state of the random numbers.

use super::change::change;
use super::{corpora, instance, on_deep_stack};
use crate::conformance::Definitions;
use crate::conformance::validation::{NhsNumbers, ValidationSettings, typed_gate, validate};
use crate::error::{ErrorCode::Invariant, Issue};
use crate::resource::json::Json;
use std::collections::BTreeMap;
use tests::storm::Random;

/// Changed resources made unless `BINNACLE_MUTATIONS` says otherwise.
const MUTATIONS: u64 = 20_000;

/// Larger resources are left out: they hold nothing that smaller ones do not.
const LARGEST: usize = 40_000;

/// Resources of each type made from the tables, so that every element of every type is there.
const FROM_TABLES: usize = 40;

/// What became of the changed resources.
#[derive(Debug, Default)]
struct Tally {
    /// Refused by both.
    both: u64,
    /// Refused by the table check alone.
    table: u64,
    /// Accepted by both.
    neither: u64,
    /// Refused by the typed model alone: by its reason, how often and the first document.
    typed: BTreeMap<String, (u64, String)>,
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |text| text.parse().unwrap())
}

/// Every valid resource of the corpora, by type; a Bundle's resources too, each by itself.
fn resources() -> Option<BTreeMap<String, Vec<Vec<u8>>>> {
    let mut by_type: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut add = |resource: &Json<'_>| {
        let text = resource.to_vec();
        let type_ = resource.resource_type().map(str::to_owned);
        if let Some(type_) = type_.filter(|_| text.len() < LARGEST) {
            by_type.entry(type_).or_default().push(text);
        }
    };
    for text in corpora::files()?.values() {
        let Ok(tree) = Json::parse(text) else { continue };
        add(&tree);
        for entry in tree.get("entry").map(Json::each).unwrap_or_default() {
            entry.get("resource").into_iter().for_each(&mut add);
        }
    }
    Some(by_type)
}

/// Changes one resource and has both judge it.
fn judge(text: &[u8], random: &mut Random, tally: &mut Tally) {
    let mut tree = Json::parse(text).unwrap();
    for _ in 0..random.below(3) + 1 {
        change(&mut tree, random);
    }
    let changed = tree.to_vec();
    let settings = ValidationSettings { nhs_numbers: NhsNumbers::Warn, ..ValidationSettings::default() };
    let tree = Json::parse(&changed).unwrap();
    let refused = !validate(Definitions::r4(), &tree, None, &settings).faults.is_empty();
    match (refused, typed_gate(&changed)) {
        (true, Err(_)) => tally.both += 1,
        (true, Ok(())) => tally.table += 1,
        (false, Ok(())) => tally.neither += 1,
        (false, Err(error)) => {
            let first = || (0, String::from_utf8(changed).unwrap());
            tally.typed.entry(error.to_string()).or_insert_with(first).0 += 1;
        }
    }
}

#[test]
fn what_the_typed_model_refuses_the_table_check_refuses() {
    let seed = number("BINNACLE_SEED", 1);
    on_deep_stack(move || {
        let (mut random, mut tally) = (Random(seed), Tally::default());
        let Some(mut resources) = resources() else { return };
        for type_ in Definitions::r4().types() {
            let name = Definitions::r4().type_name(type_);
            let made = (0..FROM_TABLES).map(|_| instance::of(name, &mut random).to_vec());
            resources.entry(name.to_owned()).or_default().extend(made);
        }
        let types: Vec<&Vec<Vec<u8>>> = resources.values().collect();
        for _ in 0..number("BINNACLE_MUTATIONS", MUTATIONS) {
            let of_type = types[random.below(types.len())];
            judge(&of_type[random.below(of_type.len())], &mut random, &mut tally);
        }
        let Tally { both, table, neither, typed } = tally;
        println!("refused by both {both}, by the table check alone {table}, by neither {neither}");
        assert!(typed.is_empty(), "seed {seed}: refused by the typed model alone: {typed:#?}");
        assert!(both > 0 && neither > 0, "the changes are neither all harmless nor all gross");
    });
}

#[test]
fn the_tables_and_the_typed_model_know_the_same_elements() {
    on_deep_stack(|| {
        let mut random = Random(1);
        let mut accepted = 0;
        for type_ in Definitions::r4().types() {
            let name = Definitions::r4().type_name(type_);
            for _ in 0..FROM_TABLES {
                let resource = instance::of(name, &mut random);
                let faults =
                    validate(Definitions::r4(), &resource, None, &ValidationSettings::default()).faults;
                // What is made at random breaks rules (of Bundle, for one), but nothing else.
                let rule = |fault: &Issue| fault.code == Invariant || fault.diagnostics.starts_with("bdl-");
                let structural = faults.iter().find(|fault| !rule(fault));
                let text = resource.to_vec();
                assert_eq!(structural, None, "{}", String::from_utf8_lossy(&text));
                assert_eq!(typed_gate(&text), Ok(()), "{}", String::from_utf8_lossy(&text));
                accepted += usize::from(faults.is_empty());
            }
        }
        println!("{accepted} made from the tables break no rule");
    });
}
