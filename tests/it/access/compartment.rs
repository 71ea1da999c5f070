//! Compartments by address, asked by those who may see a part: exact sets, and the same answer for hidden and absent.

use super::record::World;
use crate::http::{Http, ids, set};
use crate::token;
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeSet;

/// What an answer says without what is of this moment: id, time and addresses.
fn plain(mut bundle: Value) -> Value {
    for member in ["id", "meta", "link"] {
        bundle.as_object_mut().unwrap().remove(member);
    }
    bundle
}

fn of(names: &BTreeSet<String>, types: &[&str]) -> BTreeSet<String> {
    names
        .iter()
        .filter(|name| types.iter().any(|type_| name.starts_with(&format!("{type_}/"))))
        .cloned()
        .collect()
}

fn found(http: &Http, path: &str) -> BTreeSet<String> {
    ids(&http.get(path).expect(200).json())
}

guarded! {
    fn a_patients_app_sees_its_own_in_every_compartment(server: &Server) {
        let world = World::new(server);
        let (ann, bob) = (&world.ann, &world.bob);
        let own = world.finds(&format!("{}/*?_count=7", ann.patient()));
        assert_eq!(own, ann.ids, "one's own compartment is one's record");
        for type_ in ["Observation", "Condition", "Encounter", "CarePlan", "Patient"] {
            assert_eq!(world.finds(&format!("{}/{type_}", ann.patient())), of(&ann.ids, &[type_]), "{type_}");
        }
        let count = world.get(&format!("{}/*?_summary=count", ann.patient())).expect(200).json();
        assert_eq!(count["total"], ann.ids.len());
        // A practitioner's compartment holds what both have; each app finds its own part.
        let practitioner = format!("Practitioner/gp-{}", world.tag);
        let theirs = world.finds(&format!("{practitioner}/Observation"));
        assert_eq!(theirs, set(&[&ann.of("Observation")]));
        let everyone = found(&world.system, &format!("{practitioner}/Observation"));
        assert!(everyone.contains(&bob.of("Observation")) && everyone.contains(&ann.of("Observation")));
        let encounter = world.finds(&format!("{}/*?_type=Observation,Encounter", ann.of("Encounter")));
        assert!(encounter.contains(&ann.of("Encounter")), "{encounter:?}");
        for (kind, id) in bob.ids.iter().filter_map(|name| name.split_once('/')) {
            if ["Patient", "Encounter", "RelatedPerson", "Device"].contains(&kind) {
                let form = [("Content-Type", "application/x-www-form-urlencoded")];
                for path in [format!("{kind}/{id}/Observation"), format!("{kind}/{id}/*")] {
                    assert_eq!(world.finds(&path), set(&[]), "{path}");
                    let posted = format!("{}/_search", path.trim_end_matches("/*"));
                    let answer = world.app.send(Method::POST, &posted, &form, Some(b"_total=accurate")).expect(200);
                    world.assert_clean(&answer, &posted);
                    assert_eq!(answer.json()["total"], 0, "{posted}");
                }
            }
        }
    }

    fn hidden_and_absent_are_answered_alike(server: &Server) {
        let world = World::new(server);
        for rest in ["Observation", "*", "Observation?code=29463-7&_total=accurate", "*?_type=Encounter,Condition", "Patient?_summary=count"] {
            let hidden = world.get(&format!("{}/{rest}", world.bob.patient())).expect(200).json();
            let absent = world.get(&format!("Patient/nobody-at-all/{rest}")).expect(200).json();
            assert_eq!(plain(hidden), plain(absent), "{rest}");
        }
    }

    fn scopes_narrow_a_compartment(server: &Server) {
        let world = World::new(server);
        let ann = &world.ann;
        let app = token::patient_token(server, &ann.id, "patient/Observation.rs patient/Condition.s");
        assert_eq!(found(&app, &format!("{}/*", ann.patient())), of(&ann.ids, &["Observation", "Condition"]));
        assert_eq!(found(&app, &format!("{}/Condition", ann.patient())), of(&ann.ids, &["Condition"]));
        app.get(&format!("{}/Encounter", ann.patient())).expect_error(403);
        app.get(&format!("{}/*?_type=Encounter", ann.patient())).expect_error(403);
        app.get(&format!("{}/*?_type=Observation,Encounter", ann.patient())).expect_error(403);
        let narrow = token::patient_token(server, &ann.id, "patient/Observation.rs?code=nothing");
        assert_eq!(found(&narrow, &format!("{}/*", ann.patient())), set(&[]));
        let without = token::patient_token(server, &ann.id, "patient/Organization.rs patient/Observation.r");
        without.get(&format!("{}/*", ann.patient())).expect_error(403);
        without.get(&format!("{}/Observation", ann.patient())).expect_error(403);
        server.http().get(&format!("{}/Observation", ann.patient())).expect_error(401);
        server.http().get(&format!("{}/*", ann.patient())).expect_error(401);
    }
}
