//! What an app of one patient finds is what anybody finds, as far as it is in that patient's record: told here once more,
//! plainly, from the JSON and R4's CompartmentDefinition, and held against every store.

use super::stores::Running;
use super::world::{BASE, Change};
use super::{QUESTIONS, in_many_worlds, question};
use domain::resource::json::Json;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Where R4's CompartmentDefinition looks for patients, for the types of the worlds.
const PLACES: &[(&str, &[&str])] = &[
    ("Observation", &["subject", "performer"]),
    ("RiskAssessment", &["subject"]),
    ("Provenance", &["target"]),
    ("CarePlan", &["subject", "activity.detail.performer"]),
    ("List", &["subject", "source"]),
    ("Group", &["member.entity"]),
];

/// The literal references at a path of members.
fn references(node: &Json<'_>, path: &str, found: &mut BTreeSet<String>) {
    let (member, rest) = path.split_once('.').map_or((path, None), |(member, rest)| (member, Some(rest)));
    for item in node.get(member).map(Json::each).unwrap_or_default() {
        match rest {
            Some(rest) => references(item, rest, found),
            None => found.extend(item.get("reference").and_then(Json::as_str).map(str::to_owned)),
        }
    }
}

/// Whether Patient/a's app may see a resource.
fn may_see(type_: &str, id: &str, body: &str) -> bool {
    match type_ {
        "Patient" => id == "a",
        "Organization" | "ValueSet" | "Location" | "PlanDefinition" => true,
        _ => {
            let tree = Json::parse(body.as_bytes()).unwrap();
            let mut found = BTreeSet::new();
            let (_, paths) = PLACES.iter().find(|(name, _)| *name == type_).unwrap();
            paths.iter().for_each(|path| references(&tree, path, &mut found));
            let local = |text: &String| {
                let text = text.strip_prefix(&format!("{BASE}/")).unwrap_or(text);
                let text = text.split("/_history/").next()?;
                text.strip_prefix("Patient/").map(str::to_owned)
            };
            found.iter().filter_map(local).collect::<BTreeSet<_>>() == BTreeSet::from(["a".to_owned()])
        }
    }
}

/// The names of all that Patient/a's app may see, after all changes.
fn visible(changes: &[Change]) -> BTreeSet<String> {
    let mut now: BTreeMap<(&str, &str), Option<&str>> = BTreeMap::new();
    for change in changes {
        now.insert((change.type_, &change.id), change.body.as_deref());
    }
    let living = now.into_iter().filter_map(|((type_, id), body)| Some((type_, id, body?)));
    living
        .filter(|(type_, id, body)| may_see(type_, id, body))
        .map(|(type_, id, _)| format!("{type_}/{id}"))
        .collect()
}

#[test]
fn a_patients_app_finds_what_anybody_finds_as_far_as_it_is_theirs() {
    in_many_worlds(prop::collection::vec(question::question(), QUESTIONS), |changes, questions, stores| {
        let memory = Running::memory();
        memory.apply(changes);
        let visible = visible(changes);
        for store in stores {
            store.apply(changes);
        }
        for question in questions.iter().filter(|question| !question.has_links()) {
            let [openly, by_token] = question.openly_and_by_token();
            if openly.query().count == 0 {
                continue;
            }
            let anybody = memory.ask(&openly);
            // What is contained belongs to whoever its container does.
            let is_theirs = |id: &&String| visible.contains(id.split('#').next().unwrap_or_default());
            let theirs: Vec<&String> = anybody.ids().into_iter().filter(is_theirs).collect();
            for store in stores.iter().chain([&memory]) {
                let found = store.ask(&by_token);
                let (mut theirs, mut ids) = (theirs.clone(), found.ids());
                // References are sorted by what the asker may see.
                if openly.sorts_by_reference() {
                    theirs.sort();
                    ids.sort();
                }
                prop_assert_eq!(&theirs, &ids, "{} on {:?}", store.name(), by_token);
                if let Some(total) = found.total() {
                    prop_assert_eq!(
                        usize::try_from(total).ok(),
                        Some(theirs.len()),
                        "{} on {:?}",
                        store.name(),
                        by_token
                    );
                }
                for included in found.included() {
                    let name = included.split(' ').next().unwrap_or_default();
                    prop_assert!(
                        visible.contains(name),
                        "{} brings {} on {:?}",
                        store.name(),
                        name,
                        by_token
                    );
                }
            }
        }
        Ok(())
    });
}
