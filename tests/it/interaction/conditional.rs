//! FHIR R4 `http.html#ccreate`, `#cond-update`, `#3.1.0.7.1` (conditional delete): a search in place of an id, with
//! none, one and several matches, alone and as an entry.

use super::patient;
use crate::http::{Answer, Http, ids, reference, set};
use crate::server::{Settings, unique};
use reqwest::Method;
use serde_json::{Value, json};

const SYSTEM: &str = "https://example.org/mrn";

/// A patient with an identifier of its own, and the query that finds it.
fn identified() -> (String, Value) {
    let value = unique("mrn");
    let (_, mut person) = patient();
    person["identifier"] = json!([{ "system": SYSTEM, "value": value }]);
    (format!("identifier={SYSTEM}|{value}"), person)
}

fn create_if_none(http: &Http, condition: &str, resource: &Value) -> Answer {
    let type_ = resource["resourceType"].as_str().unwrap();
    http.send(Method::POST, type_, &[("If-None-Exist", condition)], Some(resource.to_string().as_bytes()))
}

fn found(http: &Http, query: &str) -> std::collections::BTreeSet<String> {
    ids(&http.get(&format!("Patient?{query}")).expect(200).json())
}

fn total(http: &Http, path: &str) -> u64 {
    http.get(&format!("{path}/_history?_count=0")).expect(200).json()["total"].as_u64().unwrap()
}

on_both! {
    fn a_create_is_done_once(server: &Server) {
        let http = server.http();
        let (condition, person) = identified();
        let made = create_if_none(http, &condition, &person).expect(201);
        let path = reference(&made.json());
        assert_eq!(made.header("etag"), r#"W/"1""#);
        let mut other = person.clone();
        other["active"] = json!(false);
        for condition in [condition.clone(), format!("?{condition}"), format!("Patient?{condition}")] {
            let again = create_if_none(http, &condition, &other).expect(200);
            assert_eq!(again.json()["active"], true, "what is there stays as it is");
            assert_eq!(again.header("location"), format!("{}/{path}/_history/1", http.base()));
            assert_eq!(again.header("etag"), r#"W/"1""#);
        }
        assert_eq!(total(http, &path), 1);
        let minimal = http.send(Method::POST, "Patient", &[("If-None-Exist", &condition), ("Prefer", "return=minimal")],
            Some(person.to_string().as_bytes())).expect(200);
        assert!(minimal.body.is_empty());
        // A second one makes the condition ambiguous.
        http.post("Patient", &person).expect(201);
        let outcome = create_if_none(http, &condition, &person).expect_error(412);
        assert_eq!(outcome["issue"][0]["code"], "multiple-matches");
        assert_eq!(found(http, &condition).len(), 2);
        // What was deleted is not there.
        for path in found(http, &condition) {
            http.delete(&path).expect(204);
        }
        create_if_none(http, &condition, &person).expect(201);
    }
}

on_both! {
    fn a_condition_has_criteria_and_nothing_else(server: &Server) {
        let http = server.http();
        let (condition, person) = identified();
        for (wrong, status) in [
            ("", 412), ("_format=json", 412), ("nmae=x", 400), ("birthdate=yesterday", 400),
            ("name:fuzzy=x", 400), ("_sort=name", 400), ("_include=Patient:link", 400), ("_total=accurate", 400),
            ("_summary=count", 400), ("_elements=id", 400),
        ] {
            create_if_none(http, wrong, &person).expect_error(status);
            http.put(&format!("Patient?{wrong}"), &person).expect_error(status);
            http.delete(&format!("Patient?{wrong}")).expect_error(status);
            let lenient = [("Prefer", "handling=lenient")];
            http.send(Method::DELETE, &format!("Patient?{wrong}"), &lenient, None).expect_error(status);
        }
        http.put("Patient", &person).expect_error(412);
        http.delete("Patient").expect_error(412);
        create_if_none(http, &format!("{condition}&_count=1"), &person).expect_error(400);
        http.put(&format!("Patient?{condition}&_count=1"), &person).expect_error(400);
        assert_eq!(found(http, &condition), set(&[]));
    }
}

on_both! {
    fn an_update_is_of_the_one_match(server: &Server) {
        let http = server.http();
        let (condition, mut person) = identified();
        let url = format!("Patient?{condition}");
        // None, and no id: made under an id of the server's choosing.
        let made = http.put(&url, &person).expect(201);
        let path = reference(&made.json());
        assert_eq!(made.header("location"), format!("{}/{path}/_history/1", http.base()));
        // One.
        person["active"] = json!(false);
        let updated = http.put(&url, &person).expect(200);
        assert_eq!((reference(&updated.json()), updated.header("etag")), (path.clone(), r#"W/"2""#.to_owned()));
        assert!(!updated.headers.contains_key("location"));
        http.put(&url, &person).expect(200);
        assert_eq!(total(http, &path), 2, "the same content makes no version");
        // One, with its own id and with another.
        person["id"] = json!(path.strip_prefix("Patient/"));
        person["active"] = json!(true);
        assert_eq!(http.put(&url, &person).expect(200).header("etag"), r#"W/"3""#);
        person["id"] = json!(unique("other"));
        http.put(&url, &person).expect_error(400);
        // If-Match holds of the match.
        person.as_object_mut().unwrap().remove("id");
        person["gender"] = json!("other");
        http.put_with(&url, &[("If-Match", r#"W/"1""#)], &person).expect_error(412);
        http.put_with(&url, &[("If-None-Match", "*")], &person).expect_error(412);
        assert_eq!(http.put_with(&url, &[("If-Match", r#"W/"3""#)], &person).expect(200).header("etag"), r#"W/"4""#);
        // Several.
        http.post("Patient", &person).expect(201);
        let outcome = http.put(&url, &person).expect_error(412);
        assert_eq!(outcome["issue"][0]["code"], "multiple-matches");
    }
}

on_both! {
    fn an_update_without_a_match_may_name_a_free_id(server: &Server) {
        let http = server.http();
        let (condition, mut person) = identified();
        let url = format!("Patient?{condition}");
        let id = unique("named");
        person["id"] = json!(id);
        http.put_with(&url, &[("If-Match", r#"W/"1""#)], &person).expect_error(412);
        let made = http.put(&url, &person).expect(201).json();
        assert_eq!(made["id"], id.as_str());
        // The id is taken by a resource that the condition does not select.
        let (other, _) = identified();
        let outcome = http.put(&format!("Patient?{other}"), &person).expect_error(409);
        assert_eq!(outcome["issue"][0]["code"], "conflict");
        assert_eq!(total(http, &format!("Patient/{id}")), 1);
        // A deleted one is free.
        http.delete(&format!("Patient/{id}")).expect(204);
        assert_eq!(http.put(&url, &person).expect(201).header("etag"), r#"W/"3""#);
        person["id"] = json!("not an id");
        http.put(&format!("Patient?{other}"), &person).expect_error(400);
        // No match, no id, but a version is asked for.
        person.as_object_mut().unwrap().remove("id");
        http.put_with(&format!("Patient?{other}"), &[("If-Match", "*")], &person).expect_error(412);
        assert_eq!(found(http, &other), set(&[]));
    }
}

on_both! {
    fn a_delete_is_of_the_one_match(server: &Server) {
        let http = server.http();
        let (condition, person) = identified();
        let url = format!("Patient?{condition}");
        http.delete(&url).expect(204);
        let path = reference(&http.create(&person));
        http.send(Method::DELETE, &url, &[("If-Match", r#"W/"7""#)], None).expect_error(412);
        let answer = http.delete(&url).expect(204);
        assert_eq!(answer.header("etag"), r#"W/"2""#);
        http.get(&path).expect_error(410);
        http.delete(&url).expect(204);
        assert_eq!(total(http, &path), 2);
        let (one, two) = (reference(&http.create(&person)), reference(&http.create(&person)));
        for bound in ["", "&_count=1", "&_count=100"] {
            let outcome = http.delete(&format!("{url}{bound}")).expect_error(412);
            assert_eq!(outcome["issue"][0]["code"], "multiple-matches");
        }
        for bound in ["0", "-1", "x", "1&_count=2"] {
            http.delete(&format!("{url}&_count={bound}")).expect_error(400);
        }
        assert_eq!(found(http, &condition), set(&[&one, &two]));
    }
}

on_each! {
    fn several_are_deleted_where_that_is_allowed(database: Database) {
        let server = Settings::open(database).with("BINNACLE_CONDITIONAL_DELETE", "multiple").start();
        let http = server.http();
        let statement = http.get("metadata").expect(200).json();
        assert_eq!(statement["rest"][0]["resource"][0]["conditionalDelete"], "multiple");
        let (condition, person) = identified();
        let url = format!("Patient?{condition}");
        for _ in 0..5 {
            http.create(&person);
        }
        http.delete(&format!("{url}&_count=4")).expect_error(412);
        assert_eq!(found(http, &condition).len(), 5, "more than the bound: none");
        let told = http.send(Method::DELETE, &format!("{url}&_count=5"), &[("Prefer", "return=OperationOutcome")], None);
        assert_eq!(told.expect(200).json()["issue"][0]["diagnostics"], "5 resources were deleted.");
        assert_eq!(found(http, &condition), set(&[]));
        for _ in 0..3 {
            http.create(&person);
        }
        let entry = json!({ "request": { "method": "DELETE", "url": url } });
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] });
        let answer = http.bundle(&bundle).expect(200).json();
        assert_eq!(answer["entry"][0]["response"]["status"], "204 No Content");
        assert_eq!(found(http, &condition), set(&[]));
        http.delete(&url).expect(204);
    }
}

on_both! {
    fn the_statement_says_what_is_conditional(server: &Server) {
        let statement = server.http().get("metadata").expect(200).json();
        for resource in statement["rest"][0]["resource"].as_array().unwrap() {
            assert_eq!(resource["conditionalCreate"], true);
            assert_eq!(resource["conditionalUpdate"], true);
            assert_eq!(resource["conditionalRead"], "full-support");
            assert_eq!(resource["conditionalDelete"], "single");
        }
    }
}

on_both! {
    fn entries_are_conditional_too(server: &Server) {
        let http = server.http();
        for kind in ["batch", "transaction"] {
            let (condition, person) = identified();
            let url = format!("Patient?{condition}");
            let send = |entry: Value| {
                let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": [entry] });
                http.bundle(&bundle)
            };
            let status = |entry: Value| {
                let answer = send(entry);
                if answer.status != 200 {
                    return answer.status.to_string();
                }
                answer.json()["entry"][0]["response"]["status"].as_str().unwrap()[..3].to_owned()
            };
            let post = json!({ "resource": person, "request": { "method": "POST", "url": "Patient", "ifNoneExist": condition } });
            let put = json!({ "resource": person, "request": { "method": "PUT", "url": url } });
            let delete = json!({ "request": { "method": "DELETE", "url": url } });
            assert_eq!(status(delete.clone()), "204");
            assert_eq!(status(post.clone()), "201");
            let again = send(post.clone()).expect(200).json();
            let response = &again["entry"][0]["response"];
            let path = found(http, &condition).pop_first().unwrap();
            assert_eq!((&response["status"], &response["location"]), (&json!("200 OK"), &json!(format!("{path}/_history/1"))));
            assert_eq!(status(put.clone()), "200");
            let mut changed = put.clone();
            changed["resource"]["active"] = json!(false);
            changed["request"]["ifMatch"] = json!(r#"W/"9""#);
            assert_eq!(status(changed), "412");
            http.create(&person);
            for entry in [post, put, delete] {
                assert_eq!(status(entry), "412");
            }
        }
    }
}

on_both! {
    fn what_a_transaction_makes_its_conditions_see(server: &Server) {
        let http = server.http();
        let (condition, person) = identified();
        let url = format!("Patient?{condition}");
        let send = |entries: Value| http.bundle(&json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }));
        let post = json!({ "resource": person, "request": { "method": "POST", "url": "Patient", "ifNoneExist": condition } });
        let put = json!({ "resource": person, "request": { "method": "PUT", "url": url } });
        let delete = json!({ "request": { "method": "DELETE", "url": url } });
        // The same condition twice: one resource, two answers about it.
        let answer = send(json!([post, post])).expect(200).json();
        let path = found(http, &condition).pop_first().unwrap();
        let told: Vec<_> = answer["entry"].as_array().unwrap().iter().map(|entry| {
            (entry["response"]["status"].as_str().unwrap(), entry["response"]["location"].as_str().unwrap())
        }).collect();
        let location = format!("{path}/_history/1");
        assert_eq!(told, [("201 Created", location.as_str()), ("200 OK", location.as_str())]);
        // DELETE comes first, whatever the order of entries: then there is none.
        let answer = send(json!([post, delete])).expect(200).json();
        assert_eq!(answer["entry"][0]["response"]["status"], "201 Created");
        assert_eq!(answer["entry"][1]["response"]["status"], "204 No Content");
        http.get(&path).expect_error(410);
        let path = found(http, &condition).pop_first().unwrap();
        // Identities that overlap, resolved ones too (`#trules`).
        let mut named = put.clone();
        named["resource"]["id"] = json!(path.strip_prefix("Patient/"));
        named["request"]["url"] = json!(path);
        for overlap in [json!([put, delete]), json!([put, put]), json!([named, put]), json!([named, delete])] {
            let outcome = send(overlap).expect_error(400);
            assert_eq!(outcome["issue"][0]["code"], "duplicate", "{outcome}");
            assert_eq!(total(http, &path), 1);
        }
        let (other, mut fresh) = identified();
        let mut make = json!({ "resource": fresh, "request": { "method": "POST", "url": "Patient" } });
        let update = json!({ "resource": fresh, "request": { "method": "PUT", "url": format!("Patient?{other}") } });
        send(json!([make, update])).expect_error(400);
        assert_eq!(found(http, &other), set(&[]));
        fresh["active"] = json!(false);
        make["request"]["ifNoneExist"] = json!(other);
        send(json!([make])).expect(200);
        assert_eq!(found(http, &other).len(), 1);
    }
}

on_both! {
    fn links_lead_to_what_the_conditions_select(server: &Server) {
        let http = server.http();
        let (known, person) = identified();
        let stored = reference(&http.create(&person));
        let (unknown, stranger) = identified();
        let urn = |n: u8| format!("urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e0{n:02x}");
        let observation = |subject: String, performer: String| json!({
            "resourceType": "Observation", "status": "final", "code": { "text": "x" },
            "subject": { "reference": subject }, "performer": [{ "reference": performer }],
            "extension": [{ "url": "urn:v", "valueReference": { "reference": format!("{}/_history/7", urn(1)) } },
                { "url": "urn:u", "valueUuid": urn(2) }]
        });
        let mut changed = person.clone();
        changed["active"] = json!(false);
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
            { "fullUrl": urn(9), "resource": observation(urn(1), urn(2)), "request": { "method": "POST", "url": "Observation" } },
            { "fullUrl": urn(1), "resource": changed, "request": { "method": "PUT", "url": format!("Patient?{known}") } },
            { "fullUrl": urn(2), "resource": stranger,
                "request": { "method": "POST", "url": "Patient", "ifNoneExist": unknown } }
        ]});
        let check = |version: u8| {
            let answer = http.bundle(&bundle).expect(200).json();
            let location = answer["entry"][0]["response"]["location"].as_str().unwrap();
            let seen = http.get(location).expect(200).json();
            let made = found(http, &unknown).pop_first().unwrap();
            assert_eq!(seen["subject"]["reference"], stored.as_str());
            assert_eq!(seen["performer"][0]["reference"], made.as_str());
            assert_eq!(seen["extension"][0]["valueReference"]["reference"], format!("{stored}/_history/{version}"));
            assert_eq!(seen["extension"][1]["valueUuid"], made.as_str());
            let by_link = http.get(&format!("Observation?subject={stored}&performer={made}")).expect(200).json();
            assert!(ids(&by_link).contains(&reference(&seen)), "it is found by what it was linked to");
        };
        check(2);
        // Again: the same resources, and the update makes no new version.
        check(2);
        assert_eq!(found(http, &unknown).len(), 1);
    }
}

guarded! {
    /// What a caller may not see neither matches nor shows in an answer.
    fn a_condition_sees_what_its_caller_sees(server: &Server) {
        let world = crate::access::record::World::new(server);
        let (ann, bob) = (world.ann.patient(), world.bob.patient());
        let code = unique("code");
        let observation = |subject: &str| json!({
            "resourceType": "Observation", "status": "final", "code": { "text": "x" },
            "identifier": [{ "system": SYSTEM, "value": code }], "subject": { "reference": subject }
        });
        let condition = format!("identifier={SYSTEM}|{code}");
        let hidden = reference(&world.system.create(&observation(&bob)));
        let url = format!("Observation?{condition}");
        // Bob's is not deleted, updated or told of.
        world.app.delete(&url).expect(204);
        let made = create_if_none(&world.app, &condition, &observation(&ann)).expect(201).json();
        assert_eq!(world.app.put(&url, &observation(&ann)).expect(200).json()["id"], made["id"]);
        create_if_none(&world.app, &condition, &observation(&ann)).expect(200);
        world.app.delete(&url).expect(204);
        world.app.put(&url, &observation(&bob)).expect_error(403);
        assert_eq!(world.system.get(&hidden).expect(200).header("etag"), r#"W/"1""#);
        // An id that somebody else has looks like one that nobody has.
        let mut named = observation(&ann);
        named["id"] = json!(hidden.strip_prefix("Observation/"));
        let taken = world.app.put(&url, &named).expect_error(404);
        named["id"] = json!(unique("free"));
        let free = world.app.put(&url, &named).expect_error(404);
        assert_eq!(taken["issue"][0]["diagnostics"], free["issue"][0]["diagnostics"]);
        // A condition searches: the letters of the write are not enough.
        let writer = crate::token::client_credentials(server, "system/Observation.cud");
        create_if_none(&writer, &condition, &observation(&ann)).expect_error(403);
        writer.put(&url, &observation(&ann)).expect_error(403);
        writer.delete(&url).expect_error(403);
        // Nor may a chain look where its caller may not.
        let narrow = crate::token::client_credentials(server, "system/Observation.cruds");
        narrow.delete("Observation?subject:Patient.name=x").expect_error(403);
    }
}
