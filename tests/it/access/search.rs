//! Search in a patient's compartment (139–145): exact sets on every path, whatever is asked for.

use super::record::{TAG, World};
use crate::http::{ids, link, set};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const NONE: [&str; 0] = [];

guarded! {
    fn every_type_shows_ones_own_and_what_is_shared(server: &Server) {
        let world = World::new(server);
        let kinds: BTreeSet<&str> =
            world.bob.ids.iter().chain(&world.joint).filter_map(|id| Some(id.split_once('/')?.0)).collect();
        for kind in kinds {
            let tagged = format!("{kind}?_tag={TAG}|{}", world.tag);
            assert_eq!(world.finds(&tagged), world.visible(kind), "{kind}");
            if !world.shared.iter().any(|id| id.starts_with(&format!("{kind}/"))) {
                assert_eq!(world.finds(kind), world.visible(kind), "{kind}");
                assert_eq!(world.finds(&format!("{kind}?_count=1")), world.visible(kind), "{kind} by pages");
            }
        }
        for kind in ["Practitioner", "Organization", "Location", "Medication", "PractitionerRole", "Questionnaire"] {
            assert_eq!(world.finds(&format!("{kind}?_tag={}", world.tag)), world.visible(kind), "{kind}");
        }
        let everything = world.finds(&format!("/FHIR/R4?_tag={}&_count=20", world.tag));
        assert_eq!(everything, world.ann.ids.union(&world.shared).cloned().collect());
        let two = world.finds("/FHIR/R4?_type=Observation,Condition");
        assert_eq!(two, set(&[&world.ann.of("Observation"), &world.ann.of("Condition")]));
    }

    fn others_are_not_found_by_anything_they_have(server: &Server) {
        let world = World::new(server);
        let bob = &world.bob;
        let (id, patient) = (&bob.id, bob.patient());
        let base = world.app.base();
        for query in [
            format!("Patient?_id={id}"),
            format!("Patient?identifier=https://example.org/mrn|nhs-{id}"),
            format!("Patient?identifier=nhs-{id}"),
            format!("Patient?name=Family{id}"),
            format!("Patient?family:exact=Family{id}"),
            format!("Patient?name:contains={id}"),
            format!("Observation?identifier=weight-{id}"),
            format!("Encounter?identifier=https://example.org/mrn|visit-{id}"),
            format!("Observation?subject={patient}"),
            format!("Observation?subject={id}"),
            format!("Observation?patient={id}"),
            format!("Observation?subject:Patient={id}"),
            format!("Observation?subject={base}/{patient}"),
            format!("Observation?subject={patient}/_history/1"),
            format!("Observation?performer={patient}"),
            format!("Observation?_id={}", bob.id_of("Observation")),
            format!("Observation?encounter={}", bob.of("Encounter")),
            format!("Condition?subject={patient}&_sort=-_lastUpdated"),
            format!("Appointment?actor={patient}"),
            format!("Group?member={patient}"),
            format!("List?item={}", bob.of("Observation")),
            format!("Provenance?target={}", bob.of("Observation")),
            format!("Provenance?target={patient}"),
            format!("RelatedPerson?name=Kin{id}"),
            format!("Coverage?beneficiary={patient}"),
            format!("DiagnosticReport?result={}", bob.of("Observation")),
            format!("/FHIR/R4?_id={id}"),
            format!("/FHIR/R4?_type=Patient&_id={id}"),
        ] {
            assert_eq!(world.finds(&query), set(&NONE), "{query}");
            let count = world.get(&format!("{query}&_summary=count")).expect(200).json();
            assert_eq!(count["total"], 0, "{query}");
        }
    }

    fn lists_of_ids_and_negations_stay_inside(server: &Server) {
        let world = World::new(server);
        let (ann, bob) = (&world.ann, &world.bob);
        for (query, expected) in [
            (format!("Patient?_id={},{}", ann.id, bob.id), ann.patient()),
            (format!("Observation?subject={},{}", ann.patient(), bob.patient()), ann.of("Observation")),
            (format!("Observation?_id={},{}", ann.id_of("Observation"), bob.id_of("Observation")), ann.of("Observation")),
            ("Patient?gender:not=male".into(), ann.patient()),
            ("Patient?death-date:missing=true".into(), ann.patient()),
            ("Patient?name:missing=false".into(), ann.patient()),
            ("Observation?code:not=nothing".into(), ann.of("Observation")),
            ("Observation?status:not=amended&_sort=-date".into(), ann.of("Observation")),
            ("Observation?date=ne1970".into(), ann.of("Observation")),
            ("Observation?code=29463-7".into(), ann.of("Observation")),
            ("Observation?code=http://loinc.org|&_sort=date".into(), ann.of("Observation")),
            ("Observation?value-quantity=gt1".into(), ann.of("Observation")),
            ("Encounter?class=AMB".into(), ann.of("Encounter")),
            ("Patient?birthdate=1980".into(), ann.patient()),
            ("Patient?given=sam".into(), ann.patient()),
        ] {
            assert_eq!(world.finds(&query), set(&[&expected]), "{query}");
            for counted in ["_summary=count", "_total=accurate", "_total=accurate&_count=1", "_total=estimate", "_count=0"] {
                let total = world.get(&format!("{query}&{counted}")).expect(200).json()["total"].clone();
                assert_eq!(total, Value::from(1), "{query}&{counted}");
            }
        }
    }

    fn chains_and_has_look_at_ones_own_alone(server: &Server) {
        let world = World::new(server);
        let (ann, bob) = (&world.ann, &world.bob);
        for (query, expected) in [
            ("Observation?subject:Patient.name=Family".into(), vec![ann.of("Observation")]),
            (format!("Observation?subject:Patient.name=Family{}", bob.id), vec![]),
            (format!("Observation?patient.identifier=nhs-{}", bob.id), vec![]),
            (format!("Observation?patient.identifier=nhs-{}", ann.id), vec![ann.of("Observation")]),
            (format!("Observation?encounter.identifier=visit-{}", bob.id), vec![]),
            (format!("DiagnosticReport?result.identifier=weight-{}", bob.id), vec![]),
            (format!("Practitioner?_has:Observation:performer:identifier=weight-{}", bob.id), vec![]),
            (format!("Practitioner?_has:Observation:performer:subject={}", bob.patient()), vec![]),
            (format!("Practitioner?_has:Encounter:practitioner:subject={}", bob.patient()), vec![]),
            (
                format!("Practitioner?_has:Observation:performer:subject={}", ann.patient()),
                vec![format!("Practitioner/gp-{}", world.tag)],
            ),
            (format!("Organization?_has:Patient:organization:name=Family{}", bob.id), vec![]),
            (
                format!("Organization?_has:Patient:organization:name=Family{}", ann.id),
                vec![format!("Organization/practice-{}", world.tag)],
            ),
            (format!("Location?_has:Encounter:location:identifier=visit-{}", bob.id), vec![]),
            (format!("Medication?_has:MedicationRequest:medication:subject={}", bob.patient()), vec![]),
            (format!("Patient?_has:Observation:patient:identifier=weight-{}", bob.id), vec![]),
            (format!("Patient?_has:Observation:patient:identifier=weight-{}", ann.id), vec![ann.patient()]),
            (format!("Patient?_has:Group:member:_id={}", ann.id_of("List")), vec![]),
            (format!("Patient?general-practitioner:Practitioner._id=gp-{}", world.tag), vec![ann.patient()]),
            (format!("Practitioner?_has:Patient:general-practitioner:_has:Observation:patient:identifier=weight-{}", bob.id), vec![]),
        ] {
            let names: Vec<&str> = expected.iter().map(String::as_str).collect();
            assert_eq!(world.finds(&query), set(&names), "{query}");
        }
    }

    /// Links that lead from what Ann sees to what she does not: her own list of Bob's rows, a surgeon whom Bob alone has.
    fn nothing_is_learnt_at_the_other_end_of_a_link(server: &Server) {
        let world = World::new(server);
        let bob = &world.bob;
        let surgeon = format!("Practitioner/surgeon-{}", world.tag);
        for name in ["Observation", "Encounter"] {
            let mut row = world.system.get(&bob.of(name)).expect(200).json();
            match name {
                "Observation" => row["performer"] = json!([{ "reference": surgeon }]),
                _ => row["participant"] = json!([{ "individual": { "reference": surgeon } }]),
            }
            world.system.put(&bob.of(name), &row).expect(200);
        }
        let items: Vec<Value> = bob.ids.iter().map(|id| json!({ "item": { "reference": id } })).collect();
        let ladder = json!({
            "resourceType": "List", "status": "current", "mode": "working", "title": "Ladder",
            "subject": { "reference": world.ann.patient() }, "entry": items
        });
        let ladder = crate::http::reference(&world.app.post("List", &ladder).expect(201).json());
        let id = ladder.trim_start_matches("List/");
        let one = format!("Practitioner?_id=surgeon-{}", world.tag);
        for query in [
            format!("List?_id={id}&item:Observation.identifier=weight-{}", bob.id),
            format!("List?_id={id}&item:Observation.date=gt1990"),
            format!("List?_id={id}&item:Observation.status:not=amended"),
            format!("List?_id={id}&item:Observation.value-string:missing=true"),
            format!("List?_id={id}&item:Patient.name:contains=Family"),
            format!("List?_id={id}&item:Patient._id={}", bob.id),
            format!("List?_id={id}&item:Observation.subject:Patient.birthdate=gt1900"),
            "List?item:Patient.gender=female".into(),
            format!("List?item:Encounter.identifier=visit-{}", bob.id),
            format!("{one}&_has:Observation:performer:date=gt1990"),
            format!("{one}&_has:Observation:performer:status:not=amended"),
            format!("{one}&_has:Observation:performer:value-string:missing=true"),
            format!("{one}&_has:Encounter:practitioner:class=AMB"),
            format!("{one}&_has:Observation:performer:subject:Patient.birthdate=gt1900"),
            "Practitioner?_has:Observation:performer:identifier=weight-nobody".into(),
            format!("Observation?_has:List:item:_id={id}&_id={}", bob.id_of("Observation")),
            format!("Patient?_has:List:item:_id={id}&_id={}", bob.id),
        ] {
            assert_eq!(world.finds(&query), set(&NONE), "{query}");
            assert_eq!(world.get(&format!("{query}&_summary=count")).expect(200).json()["total"], 0, "{query}");
        }
        for query in [
            format!("List?_id={id}&_include=List:item"),
            format!("List?_id={id}&_include=*&_include:iterate=Observation:performer&_revinclude:iterate=Provenance:target"),
        ] {
            let found = world.app.get(&query).expect(200).json();
            let (patient, provenance) = (world.ann.patient(), world.ann.of("Provenance"));
            let own = if query.contains('*') { set(&[&ladder, &patient, &provenance]) } else { set(&[&ladder]) };
            assert_eq!(ids(&found), own, "{query}");
        }
        for include in ["_revinclude=Observation:performer", "_revinclude=Encounter:practitioner"] {
            assert_eq!(world.finds(&format!("{one}&{include}")), set(&[&surgeon]), "{include}");
        }
    }

    fn includes_bring_ones_own_and_what_is_shared(server: &Server) {
        let world = World::new(server);
        let tag = &world.tag;
        let of = |kinds: &[&str]| -> BTreeSet<String> { kinds.iter().map(|kind| world.ann.of(kind)).collect() };
        let with = |mut own: BTreeSet<String>, shared: &[&str]| {
            own.extend(shared.iter().map(|name| format!("{name}-{tag}")));
            own
        };
        let practitioner = format!("Practitioner?_id=gp-{tag}");
        for (query, expected) in [
            ("Observation?_include=Observation:subject".into(), of(&["Observation", "Patient"])),
            ("Observation?_include=*".into(), with(of(&["Observation", "Patient", "Encounter"]), &["Practitioner/gp"])),
            ("List?_include=List:item".into(), of(&["List", "Observation"])),
            ("Provenance?_include=Provenance:target".into(), of(&["Provenance", "Patient", "Observation"])),
            ("Encounter?_include=Encounter:location&_include=Encounter:practitioner".into(),
                with(of(&["Encounter"]), &["Location/room", "Practitioner/gp"])),
            ("Patient?_revinclude=Observation:subject&_revinclude=Condition:patient".into(), of(&["Patient", "Observation", "Condition"])),
            ("Patient?_revinclude=Group:member&_revinclude=Provenance:target".into(), of(&["Patient", "Provenance"])),
            ("Patient?_revinclude=Patient:link".into(), of(&["Patient"])),
            ("Patient?_revinclude=Appointment:actor&_revinclude=List:item".into(), of(&["Patient", "Appointment"])),
            (format!("{practitioner}&_revinclude=Observation:performer"), with(of(&["Observation"]), &["Practitioner/gp"])),
            (format!("{practitioner}&_revinclude=Patient:general-practitioner&_revinclude=Encounter:practitioner"),
                with(of(&["Patient", "Encounter"]), &["Practitioner/gp"])),
            (format!("{practitioner}&_revinclude=Provenance:agent"), with(of(&["Provenance"]), &["Practitioner/gp"])),
            (format!("Organization?_id=practice-{tag}&_revinclude=Patient:organization"), with(of(&["Patient"]), &["Organization/practice"])),
            (format!("Medication?_id=drug-{tag}&_revinclude=MedicationRequest:medication"), with(of(&["MedicationRequest"]), &["Medication/drug"])),
            (format!("Location?_id=room-{tag}&_revinclude=Encounter:location"), with(of(&["Encounter"]), &["Location/room"])),
        ] {
            assert_eq!(world.finds(&query), expected, "{query}");
        }
        for query in [
            "Observation?_include:iterate=Observation:subject&_revinclude:iterate=Provenance:target".to_owned(),
            format!("{practitioner}&_revinclude=Observation:performer&_include:iterate=Observation:subject&_revinclude:iterate=Group:member"),
            "Observation?_include:recurse=*".to_owned(),
            format!("{practitioner}&_revinclude=*"),
        ] {
            let answer = world.get(&query);
            assert!([200, 400].contains(&answer.status), "{answer}");
        }
    }

    fn a_search_by_form_is_held_to_the_same(server: &Server) {
        let world = World::new(server);
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        for (path, body, expected) in [
            ("Patient/_search", format!("_id={}", world.bob.id), vec![]),
            ("Observation/_search", format!("subject={}", world.bob.patient()), vec![]),
            ("Observation/_search", String::new(), vec![world.ann.of("Observation")]),
            ("Observation/_search", format!("subject={},{}", world.ann.patient(), world.bob.patient()), vec![world.ann.of("Observation")]),
            ("Patient/_search", format!("_has:Observation:patient:identifier=weight-{}", world.bob.id), vec![]),
            ("Observation/_search", "_include=Observation:subject".into(), vec![world.ann.of("Observation"), world.ann.patient()]),
        ] {
            let answer = world.app.send(Method::POST, path, &form, Some(body.as_bytes())).expect(200);
            world.assert_clean(&answer, &body);
            let names: Vec<&str> = expected.iter().map(String::as_str).collect();
            assert_eq!(ids(&answer.json()), set(&names), "{path} {body}");
        }
        // The query asks for one's own, the body for another's: both must hold (140).
        let path = format!("Observation/_search?subject={}", world.ann.patient());
        let body = format!("subject={}", world.bob.patient());
        let answer = world.app.send(Method::POST, &path, &form, Some(body.as_bytes())).expect(200);
        assert_eq!(ids(&answer.json()), set(&NONE));
    }

    fn a_page_of_another_caller_is_no_way_in(server: &Server) {
        let world = World::new(server);
        let bobs = crate::token::patient_token(server, &world.bob.id, "patient/*.rs");
        for first in [format!("/FHIR/R4?_tag={}&_count=2", world.tag), "Observation/_history?_count=1".into(), "_history?_count=2".into()] {
            for http in [&bobs, &world.system] {
                let page = http.get(&first).expect(200).json();
                if let Some(next) = link(&page, "next") {
                    http.get(next).expect(200);
                    let answer = world.app.get(next);
                    world.assert_clean(&answer, next);
                    answer.expect_error(400);
                    server.http().get(next).expect_error(401);
                }
            }
        }
    }
}
