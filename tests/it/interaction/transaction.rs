//! FHIR R4 `http.html#transaction`: all or nothing, the order of its methods, and links rewritten.

use super::patient;
use crate::http::{ids, reference, set};
use crate::server::unique;
use serde_json::{Value, json};

fn transaction(entries: &[Value]) -> Value {
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
}

fn observation(subject: &str) -> Value {
    json!({
        "resourceType": "Observation",
        "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "29463-7" }] },
        "subject": { "reference": subject },
        "effectiveDateTime": "2024-05-06T07:08:09Z"
    })
}

/// `Type/id` of the location of the entry at `index`.
fn located(answer: &Value, index: usize) -> String {
    let location = answer["entry"][index]["response"]["location"].as_str().expect("a location");
    let parts: Vec<&str> = location.rsplit('/').collect();
    assert_eq!(parts[1], "_history", "{location}");
    format!("{}/{}", parts[3], parts[2])
}

on_both! {
    fn rewrites_urn_uuid_wherever_it_may_stand(server: &Server) {
        let (_, mut person) = patient();
        let urn = "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059";
        person["extension"] = json!([{
            "url": "https://example.org/self", "valueReference": { "reference": urn }
        }, {
            "url": "https://example.org/self-uri", "valueUri": urn
        }]);
        person["contained"] = json!([{
            "resourceType": "RelatedPerson", "id": "kin", "patient": { "reference": urn }
        }]);
        person["contact"] = json!([{ "name": { "text": "Kin" }, "extension": [{
            "url": "https://example.org/kin", "valueReference": { "reference": "#kin" }
        }]}]);
        person["text"] = json!({
            "status": "generated",
            "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"{urn}\">Nia</a></div>")
        });
        let bundle = transaction(&[
            json!({ "fullUrl": "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e060", "resource": observation(urn),
                "request": { "method": "POST", "url": "Observation" } }),
            json!({ "fullUrl": urn, "resource": person, "request": { "method": "POST", "url": "Patient" } }),
        ]);
        let answer = server.http().bundle(&bundle).expect(200).json();
        assert_eq!(answer["type"], "transaction-response");
        let (observed, person) = (located(&answer, 0), located(&answer, 1));
        let stored = server.http().get(&observed).expect(200).json();
        assert_eq!(stored["subject"]["reference"], person);
        let stored = server.http().get(&person).expect(200).json();
        assert_eq!(stored["extension"][0]["valueReference"]["reference"], person);
        assert_eq!(stored["contained"][0]["patient"]["reference"], person);
        assert!(!stored.to_string().contains("urn:uuid:"), "every link is rewritten: {stored:#}");
        assert_eq!(stored["contact"][0]["extension"][0]["valueReference"]["reference"], "#kin");
    }
}

on_both! {
    fn works_in_the_order_delete_post_put_get(server: &Server) {
        let (mark, person) = patient();
        let old = server.http().create(&person);
        let mut changed = person.clone();
        let id = unique("put");
        changed["id"] = json!(id);
        let bundle = transaction(&[
            json!({ "request": { "method": "GET", "url": format!("Patient?family={mark}") } }),
            json!({ "resource": changed, "request": { "method": "PUT", "url": format!("Patient/{id}") } }),
            json!({ "resource": person, "request": { "method": "POST", "url": "Patient" } }),
            json!({ "request": { "method": "DELETE", "url": reference(&old) } }),
        ]);
        let answer = server.http().bundle(&bundle).expect(200).json();
        let created = located(&answer, 2);
        let statuses: Vec<&str> = answer["entry"].as_array().unwrap().iter()
            .map(|entry| &entry["response"]["status"].as_str().unwrap()[..3]).collect();
        assert_eq!(statuses, ["200", "201", "201", "204"]);
        assert_eq!(ids(&answer["entry"][0]["resource"]), set(&[&created, &format!("Patient/{id}")]));
    }
}

on_both! {
    fn is_all_or_nothing(server: &Server) {
        let (mark, person) = patient();
        let id = unique("half");
        let mut put = person.clone();
        put["id"] = json!(id);
        let bad = [
            json!({ "resource": { "resourceType": "Patient", "birthDate": "2024-02-30" },
                "request": { "method": "POST", "url": "Patient" } }),
            json!({ "request": { "method": "GET", "url": format!("Patient/{}", unique("nobody")) } }),
            json!({ "resource": observation("Patient/x"),
                "request": { "method": "PUT", "url": "Observation/without-id-in-the-body" } }),
        ];
        for entry in bad {
            let bundle = transaction(&[
                json!({ "resource": person, "request": { "method": "POST", "url": "Patient" } }),
                json!({ "resource": put, "request": { "method": "PUT", "url": format!("Patient/{id}") } }),
                entry,
            ]);
            let answer = server.http().bundle(&bundle);
            assert!((400..500).contains(&answer.status), "expected a refusal from {answer}");
            let status = answer.status;
            let outcome = answer.expect_error(status);
            assert!(outcome.to_string().contains("entry[2]"), "the refusal names the entry: {outcome:#}");
            let found = server.http().get(&format!("Patient?family={mark}")).expect(200).json();
            assert_eq!(ids(&found), set(&[]), "nothing of a refused transaction is stored");
            server.http().get(&format!("Patient/{id}")).expect_error(404);
        }
    }
}

on_both! {
    fn refuses_one_target_twice(server: &Server) {
        let (_, mut person) = patient();
        let id = unique("twice");
        person["id"] = json!(id);
        let put = json!({ "resource": person, "request": { "method": "PUT", "url": format!("Patient/{id}") } });
        let delete = json!({ "request": { "method": "DELETE", "url": format!("Patient/{id}") } });
        for bundle in [transaction(&[put.clone(), put.clone()]), transaction(&[put, delete])] {
            let answer = server.http().bundle(&bundle);
            assert!([400, 422].contains(&answer.status), "expected a refusal from {answer}");
            server.http().get(&format!("Patient/{id}")).expect_error(404);
        }
    }
}

on_both! {
    fn holds_ten_thousand_entries(server: &Server) {
        let mark = unique("tag");
        let entries: Vec<Value> = (0..10_000).map(|number| json!({
            "resource": {
                "resourceType": "Basic", "code": { "text": number.to_string() },
                "meta": { "tag": [{ "system": "https://example.org/test", "code": mark }] }
            },
            "request": { "method": "POST", "url": "Basic" }
        })).collect();
        let answer = server.http().bundle(&transaction(&entries)).expect(200).json();
        assert_eq!(answer["entry"].as_array().map(Vec::len), Some(10_000));
        let count = server.http().get(&format!("Basic?_tag={mark}&_summary=count")).expect(200).json();
        assert_eq!(count["total"], 10_000);
    }
}
