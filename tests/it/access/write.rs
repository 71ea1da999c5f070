//! Writing with a patient's token (148–153, 157–166): in one's own chart, never in another's, and no answer tells what another has.

use super::record::World;
use super::versions::shape;
use crate::http::reference;
use crate::server::unique;
use serde_json::{Value, json};

/// An Observation whose subject is `subject`, with `more` members.
pub(super) fn observation(subject: Value, more: Value) -> Value {
    let mut resource =
        json!({ "resourceType": "Observation", "status": "final", "code": { "text": "Mood" } });
    let object = resource.as_object_mut().unwrap();
    if !subject.is_null() {
        object.insert("subject".into(), subject);
    }
    object.extend(more.as_object().cloned().unwrap_or_default());
    resource
}

/// Everything of both records as it is now, to see that nothing changes.
fn state(world: &World) -> Vec<Value> {
    let names = world.ann.ids.iter().chain(&world.bob.ids).chain(&world.joint);
    names.map(|name| world.system.get(name).expect(200).json()).collect()
}

guarded! {
    fn ones_own_record_is_written(server: &Server) {
        let world = World::new(server);
        let me = json!({ "reference": world.ann.patient() });
        for subject in [me.clone(), json!({ "reference": format!("{}/{}", world.app.base(), world.ann.patient()) })] {
            let made = world.app.post("Observation", &observation(subject, json!({}))).expect(201).json();
            let name = reference(&made);
            assert!(world.finds("Observation").contains(&name));
            let mut changed = made.clone();
            changed["status"] = json!("amended");
            world.app.put(&name, &changed).expect(200);
            let patch = |value: &str| {
                let document = json!([{ "op": "add", "path": "/subject/reference", "value": value }]).to_string();
                let sent_as = [("Content-Type", "application/json-patch+json")];
                world.app.send(reqwest::Method::PATCH, &name, &sent_as, Some(document.as_bytes()))
            };
            patch(&world.ann.patient()).expect(200);
            // A patch moves nothing into another's chart.
            patch(&world.bob.patient()).expect_error(403);
            world.app.delete(&name).expect(204);
            world.get(&name).expect_error(410);
        }
        let mut patient = world.app.get(&world.ann.patient()).expect(200).json();
        patient["telecom"] = json!([{ "system": "phone", "value": "0113 496 0001" }]);
        world.app.put(&world.ann.patient(), &patient).expect(200);
        world.app.post("RelatedPerson", &json!({ "resourceType": "RelatedPerson", "patient": me })).expect(201);
    }

    fn nothing_is_planted_in_anothers_chart_nor_in_nobodys(server: &Server) {
        let world = World::new(server);
        let (ann, bob, base) = (world.ann.patient(), world.bob.patient(), world.app.base());
        let mine = json!({ "performer": [{ "reference": ann }] });
        let contained = |id: &str| json!({
            "performer": [{ "reference": ann }],
            "contained": [{ "resourceType": "Patient", "id": id, "identifier": [{ "value": format!("nhs-{}", world.bob.id) }] }]
        });
        let nhs = json!({ "system": "https://example.org/mrn", "value": format!("nhs-{}", world.bob.id) });
        let subjects = [
            (json!({ "reference": bob }), mine.clone()),
            (json!({ "reference": bob }), json!({})),
            (json!({ "reference": format!("{base}/{bob}") }), mine.clone()),
            (json!({ "reference": format!("{bob}/_history/1") }), mine.clone()),
            (json!({ "reference": format!("{base}/{bob}/_history/1") }), mine.clone()),
            (json!({ "reference": format!("{}/{bob}", base.to_uppercase()) }), mine.clone()),
            (json!({ "reference": format!("https://elsewhere.example/FHIR/R4/{bob}") }), mine.clone()),
            (json!({ "reference": bob.to_lowercase() }), mine.clone()),
            (json!({ "reference": format!("/{bob}") }), mine.clone()),
            (json!({ "reference": format!("./{bob}") }), mine.clone()),
            (json!({ "reference": format!("urn:uuid:{}", "00000000-0000-4000-8000-000000000001") }), mine.clone()),
            (json!({ "type": "Patient", "identifier": nhs }), mine.clone()),
            (json!({ "identifier": nhs }), mine.clone()),
            (json!({ "type": "Device", "identifier": nhs }), mine.clone()),
            (json!({ "reference": ann, "identifier": nhs }), json!({})),
            (json!({ "display": "Bob" }), mine.clone()),
            (json!({ "reference": "#p" }), contained("p")),
            (json!({ "reference": format!("#{}", world.bob.id) }), contained(&world.bob.id)),
            (json!({ "reference": ann }), json!({ "performer": [{ "reference": bob }] })),
            (json!({ "reference": ann }), json!({ "performer": [{ "type": "Patient", "identifier": nhs }] })),
            (Value::Null, json!({})),
            (Value::Null, json!({ "performer": [{ "reference": bob }] })),
            (json!({ "reference": format!("Group/{}", unique("g")) }), json!({})),
            (json!({ "reference": format!("Practitioner/gp-{}", world.tag) }), json!({})),
        ];
        let before = (state(&world), world.system.get(&format!("Observation?subject={bob}&_summary=count")).json());
        for (subject, more) in subjects {
            let resource = observation(subject, more);
            let answer = world.app.post("Observation", &resource);
            world.assert_clean(&answer, &resource.to_string());
            assert!([400, 403, 422].contains(&answer.status), "{resource:#}\n{answer}");
        }
        for resource in [
            json!({ "resourceType": "RelatedPerson", "patient": { "reference": bob } }),
            json!({ "resourceType": "Patient" }),
            json!({ "resourceType": "Patient", "link": [{ "other": { "reference": ann }, "type": "seealso" }] }),
            json!({ "resourceType": "Appointment", "status": "proposed", "participant": [
                { "status": "accepted", "actor": { "reference": ann } }, { "status": "accepted", "actor": { "reference": bob } }] }),
            json!({ "resourceType": "Group", "type": "person", "actual": true, "member": [
                { "entity": { "reference": ann } }, { "entity": { "reference": bob } }] }),
            json!({ "resourceType": "Provenance", "recorded": "2026-01-01T00:00:00Z", "agent": [{ "who": { "reference": ann } }],
                "target": [{ "reference": bob }] }),
            json!({ "resourceType": "Provenance", "recorded": "2026-01-01T00:00:00Z", "agent": [{ "who": { "reference": ann } }],
                "target": [{ "reference": world.bob.of("Observation") }] }),
            json!({ "resourceType": "Communication", "status": "completed", "subject": { "reference": bob }, "sender": { "reference": ann } }),
            json!({ "resourceType": "Practitioner" }),
            json!({ "resourceType": "Organization", "name": "Mine" }),
            json!({ "resourceType": "AuditEvent" }),
            json!({ "resourceType": "Task", "status": "requested", "intent": "order", "for": { "reference": ann } }),
        ] {
            let kind = resource["resourceType"].as_str().unwrap();
            let answer = world.app.post(kind, &resource);
            assert!([400, 403, 422].contains(&answer.status), "{resource:#}\n{answer}");
        }
        let after = (state(&world), world.system.get(&format!("Observation?subject={bob}&_summary=count")).json());
        assert_eq!(before.0, after.0);
        assert_eq!(before.1["total"], after.1["total"]);
    }

    fn ones_own_rows_do_not_move_to_another(server: &Server) {
        let world = World::new(server);
        let before = state(&world);
        for (name, at) in [("Observation", "/subject/reference"), ("AllergyIntolerance", "/patient/reference"), ("Coverage", "/beneficiary/reference")] {
            let name = world.ann.of(name);
            let mut resource = world.app.get(&name).expect(200).json();
            *resource.pointer_mut(at).unwrap() = json!(world.bob.patient());
            world.app.put(&name, &resource).expect_error(403);
            let (parent, member) = at.rsplit_once('/').unwrap();
            resource.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(member);
            let answer = world.app.put(&name, &resource);
            assert!([400, 403, 422].contains(&answer.status), "{answer}");
        }
        assert_eq!(before, state(&world));
    }

    fn anothers_rows_are_not_taken_over_and_look_like_nothing(server: &Server) {
        let world = World::new(server);
        let before = state(&world);
        for name in world.bob.ids.iter().chain(&world.joint) {
            let kind = name.split_once('/').unwrap().0;
            if world.shared.iter().any(|shared| shared.starts_with(&format!("{kind}/"))) {
                continue;
            }
            let nothing = format!("{kind}/{}", unique("nothing"));
            let stored = world.system.get(name).expect(200).json();
            // Bob's body as it is, and the same with Ann in his place (149).
            let mut theirs = vec![stored.clone()];
            theirs.push(serde_json::from_str(&stored.to_string().replace(&world.bob.patient(), &world.ann.patient())).unwrap());
            for mut body in theirs {
                for header in [None, Some(("If-Match", "W/\"1\"")), Some(("If-Match", "W/\"9\"")), Some(("Prefer", "return=OperationOutcome"))] {
                    let headers: Vec<(&str, &str)> = header.into_iter().collect();
                    let sent = body.to_string();
                    let taken = world.app.put_with(name, &headers, &body);
                    world.assert_clean(&taken, &sent);
                    body["id"] = json!(nothing.split_once('/').unwrap().1);
                    let none = world.app.put_with(&nothing, &headers, &body);
                    assert_eq!(shape(&taken), shape(&none), "PUT {name} {header:?}");
                    assert!([403, 404].contains(&taken.status), "{taken}");
                    body["id"] = json!(name.split_once('/').unwrap().1);
                }
            }
        }
        assert_eq!(before, state(&world));
    }

    fn a_patient_stays_who_they_are(server: &Server) {
        let world = World::new(server);
        let name = world.ann.patient();
        let patient = world.app.get(&name).expect(200).json();
        let bobs = world.system.get(&world.bob.patient()).expect(200).json();
        let link = json!([{ "other": { "reference": world.bob.patient() }, "type": "replaces" }]);
        for (member, value) in [("identifier", bobs["identifier"].clone()), ("identifier", Value::Null), ("link", link.clone())] {
            let mut changed = patient.clone();
            match value {
                Value::Null => drop(changed.as_object_mut().unwrap().remove(member)),
                value => changed[member] = value,
            }
            world.app.put(&name, &changed).expect_error(403);
        }
        for kind in ["replaced-by", "replaces", "refer", "seealso"] {
            // A link that the practice made shows nothing of whom it points to (158).
            let mut linked = world.system.get(&name).expect(200).json();
            linked["link"] = json!([{ "other": { "reference": world.bob.patient() }, "type": kind }]);
            world.system.put(&name, &linked).expect(200);
            let read = world.app.get(&name).expect(200);
            assert!(!String::from_utf8_lossy(&read.body).contains(&world.bob.canary), "{read}");
            world.get(&world.bob.patient()).expect_error(404);
            let found = world.app.get("Patient?_include=Patient:link&_revinclude=Patient:link").expect(200);
            assert_eq!(crate::http::ids(&found.json()), crate::http::set(&[&name]), "{kind}");
            assert!(world.finds("Observation").is_subset(&world.ann.ids));
        }
    }

    fn ones_own_patient_may_be_made_by_its_id_without_identifiers(server: &Server) {
        let id = unique("new");
        let app = crate::token::patient_token(server, &id, "patient/*.cruds");
        let mut patient = json!({ "resourceType": "Patient", "id": id, "identifier": [{ "value": "x" }] });
        app.put(&format!("Patient/{id}"), &patient).expect_error(403);
        patient.as_object_mut().unwrap().remove("identifier");
        app.put(&format!("Patient/{id}"), &patient).expect(201);
        app.get(&format!("Patient/{id}")).expect(200);
    }
}

/// `X-Provenance` with a patient's token (decision 0211).
fn attested(
    world: &World,
    method: reqwest::Method,
    path: &str,
    target: &str,
    body: &Value,
) -> crate::http::Answer {
    let provenance = json!({
        "resourceType": "Provenance", "recorded": "2026-11-25T12:00:00Z", "target": [{ "reference": target }],
        "agent": [{ "who": { "reference": world.ann.patient() } }]
    });
    world.app.send(
        method,
        path,
        &[("X-Provenance", &provenance.to_string())],
        Some(body.to_string().as_bytes()),
    )
}

guarded! {
    fn a_provenance_attests_ones_own_alone(server: &Server) {
        use reqwest::Method;
        let world = World::new(server);
        let (ann, bob) = (world.ann.patient(), world.bob.patient());
        let count = || world.system.get("Provenance?_summary=count").expect(200).json()["total"].clone();
        let mut me = world.app.get(&ann).expect(200).json();
        me["telecom"] = json!([{ "system": "phone", "value": "0113 496 0002" }]);
        // Whatever target the header names, it is what was written.
        let version = attested(&world, Method::PUT, &ann, &bob, &me).expect(200).json()["meta"]["versionId"].clone();
        let found = world.app.get(&format!("Provenance?target={ann}&recorded=2026-11-25T12:00:00Z")).expect(200).json();
        let targets: Vec<&Value> = found["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]["target"]).collect();
        let own = json!([{ "reference": format!("{ann}/_history/{}", version.as_str().unwrap()) }]);
        assert_eq!(targets, [&own]);
        assert_eq!(world.system.get(&format!("Provenance?target={bob}&recorded=2026-11-25T12:00:00Z")).expect(200).json()["entry"], Value::Null);
        // What is not in the Patient compartment by its target is refused, and so is the write that it came with.
        let before = (state(&world), count());
        let mine = observation(json!({ "reference": ann }), json!({ "identifier": [{ "value": unique("attested") }] }));
        let value = mine["identifier"][0]["value"].as_str().unwrap();
        attested(&world, Method::POST, "Observation", &ann, &mine).expect_error(403);
        let found = world.system.get(&format!("Observation?identifier={value}")).expect(200).json();
        assert_eq!(found["entry"], Value::Null, "neither is stored without the other");
        // Another's record is as it would be without the header.
        let mut them = world.system.get(&bob).expect(200).json();
        them["active"] = json!(false);
        attested(&world, Method::PUT, &bob, &ann, &them).expect_error(404);
        attested(&world, Method::POST, "Observation", &ann, &observation(json!({ "reference": bob }), json!({}))).expect_error(403);
        // It takes the right to create Provenances.
        let blind = crate::token::patient_token(server, &world.ann.id, "patient/Patient.cruds");
        let header = json!({ "resourceType": "Provenance", "recorded": "2026-11-25T12:00:00Z", "agent": [{ "who": { "display": "x" } }] }).to_string();
        me["active"] = json!(true);
        blind.send(Method::PUT, &ann, &[("X-Provenance", &header)], Some(me.to_string().as_bytes())).expect_error(403);
        assert_eq!((state(&world), count()), before);
    }
}
