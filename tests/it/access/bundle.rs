//! Bundle entries of every method, in batch and transaction (126, 154): each is held to what the request alone would be.

use super::record::World;
use super::write::observation;
use crate::http::reference;
use crate::server::unique;
use serde_json::{Value, json};

/// A Bundle of entries `(method, url, resource)`.
pub(super) fn bundle(kind: &str, entries: &[(&str, &str, Value)]) -> Value {
    let entry = |(method, url, resource): &(&str, &str, Value)| {
        let mut entry = json!({ "request": { "method": method, "url": url } });
        if !resource.is_null() {
            entry["resource"] = resource.clone();
        }
        entry
    };
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries.iter().map(entry).collect::<Vec<_>>() })
}

/// The status of each entry of a batch's answer.
pub(super) fn statuses(answer: &Value) -> Vec<u16> {
    let entries = answer["entry"].as_array().unwrap();
    entries.iter().map(|entry| entry["response"]["status"].as_str().unwrap()[..3].parse().unwrap()).collect()
}

/// Entries that reach for another's record, and the status of the same request for nothing.
fn reaching(world: &World) -> Vec<(&'static str, String, Value, u16)> {
    let bob = &world.bob;
    let theirs = bob.of("Observation");
    let taken = |subject: &str| {
        let mut body = observation(json!({ "reference": subject }), json!({}));
        body["id"] = json!(theirs.split_once('/').unwrap().1);
        body
    };
    vec![
        ("GET", theirs.clone(), Value::Null, 404),
        ("GET", format!("{}/{theirs}", world.app.base()), Value::Null, 404),
        ("GET", format!("{theirs}/_history/1"), Value::Null, 404),
        ("GET", format!("{theirs}/_history"), Value::Null, 404),
        ("GET", bob.patient(), Value::Null, 404),
        ("HEAD", bob.patient(), Value::Null, 404),
        ("DELETE", theirs.clone(), Value::Null, 404),
        ("PUT", theirs.clone(), taken(&bob.patient()), 404),
        ("PUT", theirs.clone(), taken(&world.ann.patient()), 404),
        ("POST", "Observation".into(), observation(json!({ "reference": bob.patient() }), json!({})), 403),
        ("GET", world.unreachable.first().unwrap().clone(), Value::Null, 403),
    ]
}

guarded! {
    fn a_batch_reaches_no_further_than_its_entries_alone(server: &Server) {
        let world = World::new(server);
        let reaching = reaching(&world);
        let entries: Vec<(&str, &str, Value)> =
            reaching.iter().map(|(method, url, body, _)| (*method, url.as_str(), body.clone())).collect();
        let sent = bundle("batch", &entries);
        let answer = world.app.bundle(&sent).expect(200);
        world.assert_clean(&answer, &sent.to_string());
        let expected: Vec<u16> = reaching.iter().map(|(.., status)| *status).collect();
        assert_eq!(statuses(&answer.json()), expected, "{answer}");
        let nothing = format!("Observation/{}", unique("nothing"));
        let none = bundle("batch", &[("GET", &nothing, Value::Null), ("DELETE", &nothing, Value::Null)]);
        let none = world.app.bundle(&none).expect(200).json();
        let outcome = |answer: &Value, at: usize| {
            answer["entry"][at]["response"].to_string().replace(&format!("entry[{at}]"), "entry")
        };
        assert_eq!(outcome(&answer.json(), 0), outcome(&none, 0));
        assert_eq!(outcome(&answer.json(), 6).replace("[6]", ""), outcome(&none, 1).replace("[1]", ""));
        world.system.get(&world.bob.of("Observation")).expect(200);
    }

    fn a_transaction_reaches_no_further_and_leaves_nothing(server: &Server) {
        let world = World::new(server);
        for (method, url, body, status) in reaching(&world) {
            let own = observation(json!({ "reference": world.ann.patient() }), json!({}));
            let sent = bundle("transaction", &[("POST", "Observation", own), (method, &url, body)]);
            let answer = world.app.bundle(&sent);
            world.assert_clean(&answer, &sent.to_string());
            answer.expect_error(status);
        }
        assert_eq!(world.finds("Observation").len(), 1, "nothing of the transactions stays");
    }

    fn searches_and_histories_in_bundles_stay_inside(server: &Server) {
        let world = World::new(server);
        for kind in ["batch", "transaction"] {
            let queries = [
                format!("Observation?subject={}", world.bob.patient()),
                "Observation?_include=*&_revinclude=Provenance:target".into(),
                format!("Practitioner?_id=gp-{}&_revinclude=Observation:performer", world.tag),
                "Observation/_history".into(),
                "Patient?_summary=count".into(),
            ];
            let entries: Vec<(&str, &str, Value)> = queries.iter().map(|query| ("GET", query.as_str(), Value::Null)).collect();
            let sent = bundle(kind, &entries);
            let answer = world.app.bundle(&sent).expect(200);
            world.assert_clean(&answer, &sent.to_string());
            let answer = answer.json();
            assert_eq!(statuses(&answer), [200; 5]);
            assert_eq!(answer["entry"][0]["resource"].get("entry"), None);
            assert_eq!(answer["entry"][4]["resource"]["total"], 1);
        }
    }

    fn a_link_inside_a_bundle_does_not_hide_whom_it_means(server: &Server) {
        let world = World::new(server);
        let uuid = "urn:uuid:5c1a1c3e-30f5-4c8e-9a38-1f3d2b6f0a01";
        let hidden = json!({
            "resourceType": "Bundle", "type": "transaction",
            "entry": [
                { "fullUrl": uuid, "resource": { "resourceType": "Patient", "id": world.bob.id },
                  "request": { "method": "PUT", "url": world.bob.patient() } },
                { "resource": observation(json!({ "reference": uuid }), json!({})),
                  "request": { "method": "POST", "url": "Observation" } }
            ]
        });
        let answer = world.app.bundle(&hidden);
        assert!([403, 404].contains(&answer.status), "{answer}");
        // One's own by the same means is fine.
        let own = json!({
            "resourceType": "Bundle", "type": "transaction",
            "entry": [
                { "fullUrl": uuid, "resource": observation(json!({ "reference": world.ann.patient() }), json!({})),
                  "request": { "method": "POST", "url": "Observation" } },
                { "resource": { "resourceType": "List", "status": "current", "mode": "working",
                    "subject": { "reference": world.ann.patient() }, "entry": [{ "item": { "reference": uuid } }] },
                  "request": { "method": "POST", "url": "List" } }
            ]
        });
        let answer = world.app.bundle(&own).expect(200).json();
        assert_eq!(statuses(&answer), [201, 201]);
        assert_eq!(world.finds("List").len(), 2);
    }

    fn entries_are_judged_one_by_one(server: &Server) {
        let world = World::new(server);
        let reader = crate::token::client_credentials(server, "system/Observation.rs system/Patient.r");
        let own = world.ann.of("Observation");
        let sent = bundle("batch", &[
            ("GET", &own, Value::Null),
            ("GET", "Observation?_count=1", Value::Null),
            ("GET", &world.ann.patient(), Value::Null),
            ("GET", "Patient?_count=1", Value::Null),
            ("GET", &world.ann.of("Condition"), Value::Null),
            ("POST", "Observation", observation(Value::Null, json!({}))),
            ("PUT", &own, world.system.get(&own).expect(200).json()),
            ("DELETE", &own, Value::Null),
        ]);
        let answer = reader.bundle(&sent).expect(200).json();
        assert_eq!(statuses(&answer), [200, 200, 200, 403, 403, 403, 403, 403]);
        for at in [3, 4, 5, 6, 7] {
            assert!(answer["entry"][at].get("resource").is_none());
        }
        let refused = bundle("transaction", &[("GET", &own, Value::Null), ("DELETE", &own, Value::Null)]);
        reader.bundle(&refused).expect_error(403);
        assert_eq!(reference(&world.system.get(&own).expect(200).json()), own);
    }
}
