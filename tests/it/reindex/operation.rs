//! `$reindex`: what it takes and refuses, what it does, and what is told about it meanwhile (`FHIR R4 async.html`).

use super::{check, until, until_idle};
use crate::database::{execute, texts};
use crate::http::{Answer, Http, ids, set};
use crate::server::{Server, Settings, unique};
use crate::token::{client_credentials, patient_token, user_token};
use reqwest::Method;
use serde_json::{Value, json};

/// A resource that is found by its text alone.
fn organization(id: &str, name: &str) -> Value {
    json!({ "resourceType": "Organization", "id": id, "name": name })
}

fn patient(id: &str, family: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "name": [{ "family": family }] })
}

/// A server with 130 patients and two organizations.
fn filled(database: crate::database::Database) -> Server {
    let server = Settings::open(database).start();
    for number in 0..130 {
        let (id, family) = (format!("p{number}"), if number % 60 == 7 { "Ostler" } else { "Smith" });
        server.http().put(&format!("Patient/{id}"), &patient(&id, family)).expect(201);
    }
    for (id, name) in [("o1", "Armley"), ("o2", "Leeds")] {
        server.http().put(&format!("Organization/{id}"), &organization(id, name)).expect(201);
    }
    server
}

const OSTLERS: &[&str] = &["Patient/p7", "Patient/p67", "Patient/p127"];

/// Takes the strings of all resources out of the index, behind the server's back.
fn forget(server: &Server) {
    execute(server.database_url(), "DELETE FROM ix_string");
}

#[track_caller]
fn finds(server: &Server, search: &str, expected: &[&str]) {
    assert_eq!(ids(&server.http().get(search).expect(200).json()), set(expected), "{search}");
}

fn parameters(all: &[(&str, &str, &str)]) -> Value {
    let parameter = |(name, value, text): &(&str, &str, &str)| match *value {
        "valueReference" => json!({ "name": name, "valueReference": { "reference": text } }),
        value => json!({ "name": name, value: text }),
    };
    let all: Vec<Value> = all.iter().map(parameter).collect();
    if all.is_empty() {
        json!({ "resourceType": "Parameters" })
    } else {
        json!({ "resourceType": "Parameters", "parameter": all })
    }
}

/// Asks for it, waits until it was done, and answers what is told then.
#[track_caller]
fn reindex(http: &Http, address: &str, body: &Value) -> Value {
    let accepted = http.post(address, body).expect(202);
    assert_eq!(accepted.json()["resourceType"], "OperationOutcome");
    done(http, &accepted.header("content-location"))
}

/// Waits until a job is done, and answers what is told then.
#[track_caller]
fn done(http: &Http, status: &str) -> Value {
    let mut last = None::<Answer>;
    until("the job", || {
        let answer = http.get(status);
        if answer.status == 202 {
            let progress = answer.header("x-progress");
            assert!(!progress.is_empty() && progress.len() <= 100, "{answer}");
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=30).contains(&wait), "{answer}");
        }
        let over = answer.status != 202;
        last = Some(answer);
        over
    });
    let told = last.unwrap().expect(200);
    assert!(!told.header("expires").is_empty(), "{told}");
    let told = told.json();
    assert_eq!(
        (&told["resourceType"], &told["issue"][0]["severity"]),
        (&json!("OperationOutcome"), &json!("information"))
    );
    told
}

on_each! {
    fn resources_are_indexed_anew_and_it_is_told_how_far(database: Database) {
        let server = filled(database);
        let http = server.http();
        forget(&server);
        finds(&server, "Patient?family=Ostler", &[]);
        let accepted = http.send(Method::POST, "$reindex", &[("Prefer", "respond-async")], None).expect(202);
        let status = accepted.header("content-location");
        assert!(status.starts_with(&http.base()), "{status}");
        // It takes some seconds at least: until no process can commit what it prepared before.
        let first = http.get(&status).expect(202);
        assert!(!first.header("x-progress").is_empty());
        let head = http.send(Method::HEAD, &status, &[], None).expect(202);
        assert!(head.body.is_empty() && !head.header("x-progress").is_empty());
        let told = done(http, &status);
        assert!(told.to_string().contains("132 resources of 145 types"), "{told}");
        finds(&server, "Patient?family=Ostler", OSTLERS);
        finds(&server, "Organization?name=leeds", &["Organization/o2"]);
        check(&server);
        // What is over cannot be cancelled, and is told of later too.
        http.delete(&status).expect(202);
        http.get(&status).expect(200);
    }
}

on_each! {
    fn it_is_held_to_types_and_parameters(database: Database) {
        let server = filled(database);
        let http = server.http();
        let own = json!({ "resourceType": "SearchParameter", "id": "own", "url": "https://example.org/fhir/own", "name": "Own",
            "status": "active", "description": "Own", "code": "own", "base": ["Organization"], "type": "string",
            "expression": "Organization.name" });
        http.put("SearchParameter/own", &own).expect(201);
        let mut r4 = own.clone();
        (r4["id"], r4["code"], r4["base"]) = ("r4".into(), "family".into(), json!(["Patient"]));
        (r4["url"], r4["expression"]) = ("http://hl7.org/fhir/SearchParameter/individual-family".into(), "Patient.name.family".into());
        http.put("SearchParameter/r4", &r4).expect(201);
        until_idle(&server);
        let patients = |address: &str, body: Value| {
            forget(&server);
            reindex(http, address, &body);
            finds(&server, "Patient?family=Ostler", OSTLERS);
            finds(&server, "Organization?name=leeds", &[]);
        };
        patients("$reindex", parameters(&[("type", "valueCode", "Patient")]));
        patients("Patient/$reindex", parameters(&[]));
        patients("SearchParameter/r4/$reindex", parameters(&[]));
        let organizations = |address: &str, all: &[(&str, &str, &str)]| {
            forget(&server);
            reindex(http, address, &parameters(all));
            finds(&server, "Organization?name=leeds", &["Organization/o2"]);
            finds(&server, "Organization?own=leeds", &["Organization/o2"]);
            finds(&server, "Patient?family=Ostler", &[]);
        };
        organizations("SearchParameter/own/$reindex", &[]);
        organizations("$reindex", &[("parameter", "valueReference", "SearchParameter/own")]);
        organizations("$reindex", &[("parameter", "valueCanonical", "https://example.org/fhir/own|1.0")]);
        organizations(
            "$reindex",
            &[
                ("parameter", "valueUri", "http://hl7.org/fhir/SearchParameter/Organization-name"),
                ("type", "valueString", "Organization"),
                ("type", "valueCode", "Device"),
            ],
        );
        forget(&server);
        let all = [("type", "valueCode", "Patient"), ("type", "valueCode", "Organization"), ("type", "valueCode", "SearchParameter")];
        let told = reindex(http, "$reindex", &parameters(&all));
        assert!(told.to_string().contains("134 resources of 3 types"), "{told}");
        finds(&server, "Patient?family=Ostler", OSTLERS);
        finds(&server, "Organization?own=armley", &["Organization/o1"]);
        check(&server);
    }
}

on_each! {
    fn it_is_cancelled(database: Database) {
        let server = filled(database);
        let http = server.http();
        let status = http.post("$reindex", &parameters(&[])).expect(202).header("content-location");
        http.get(&status).expect(202);
        let cancelled = http.delete(&status).expect(202);
        assert_eq!(cancelled.json()["resourceType"], "OperationOutcome");
        http.get(&status).expect_error(404);
        http.delete(&status).expect_error(404);
        until_idle(&server);
        // It goes on with what comes next.
        forget(&server);
        reindex(http, "Patient/$reindex", &parameters(&[]));
        finds(&server, "Patient?family=Ostler", OSTLERS);
    }
}

on_both! {
    fn what_it_does_not_take_is_refused(server: &Server) {
        let http = server.http();
        let draft = unique("sp");
        let resource = json!({ "resourceType": "SearchParameter", "id": draft, "url": format!("https://example.org/{draft}"),
            "name": "Own", "status": "draft", "description": "Own", "code": "own", "base": ["Patient"], "type": "string",
            "expression": "Patient.name.family" });
        http.put(&format!("SearchParameter/{draft}"), &resource).expect(201);
        for (address, all) in [
            ("$reindex", &[("type", "valueCode", "Potato")][..]),
            ("$reindex", &[("type", "valueCode", "Parameters")]),
            ("$reindex", &[("type", "valueDate", "2020")]),
            ("$reindex", &[("potato", "valueCode", "Patient")]),
            ("$reindex", &[("parameter", "valueCanonical", "https://example.org/none")]),
            ("$reindex", &[("parameter", "valueReference", &*format!("SearchParameter/{draft}"))]),
            ("Patient/$reindex", &[("type", "valueCode", "Patient")]),
        ] {
            let outcome = http.post(address, &parameters(all)).expect_error(400);
            assert_eq!(outcome["issue"][0]["expression"], json!(["Parameters.parameter[0]"]), "{outcome}");
        }
        for (status, address, all) in [
            (400, "$reindex?type=Patient", &[][..]),
            (400, "Patient/$reindex", &[("parameter", "valueUri", "http://hl7.org/fhir/SearchParameter/Organization-name")]),
            (404, "Potato/$reindex", &[]),
            (404, "Patient/x/$reindex", &[]),
            (404, "SearchParameter/none/$reindex", &[]),
            (400, &*format!("SearchParameter/{draft}/$reindex"), &[]),
            (404, "$potato", &[]),
            (404, "Patient/$potato", &[]),
            (404, "Patient/x/$potato", &[]),
        ] {
            http.post(address, &parameters(all)).expect_error(status);
        }
        http.delete(&format!("SearchParameter/{draft}")).expect(204);
        http.post(&format!("SearchParameter/{draft}/$reindex"), &parameters(&[])).expect_error(410);
        http.post("$reindex", &patient("x", "Smith")).expect_error(400);
        http.send(Method::POST, "$reindex", &[], Some(b"{")).expect_error(400);
        http.send(Method::POST, "$reindex", &[("Content-Type", "text/plain")], Some(b"{}")).expect_error(415);
        for (method, address, allow) in [
            (Method::GET, "$reindex", "POST"),
            (Method::PUT, "Patient/$reindex", "POST"),
            (Method::POST, "_jobs/x", "GET, HEAD, DELETE"),
        ] {
            let answer = http.send(method, address, &[], None);
            assert_eq!(answer.header("allow"), allow, "{answer}");
            answer.expect_error(405);
        }
        http.get("_jobs/none").expect_error(404);
        http.delete("_jobs/no_id").expect_error(404);
        for (url, method) in [("$reindex", "POST"), ("_jobs/x", "GET")] {
            let entry = json!({ "request": { "method": method, "url": url } });
            let bundle = |type_: &str| json!({ "resourceType": "Bundle", "type": type_, "entry": [entry] });
            http.bundle(&bundle("transaction")).expect_error(400);
            let answered = http.bundle(&bundle("batch")).expect(200).json();
            assert_eq!(answered["entry"][0]["response"]["status"], "400 Bad Request", "{answered}");
        }
    }
}

guarded! {
    fn it_needs_the_right_to_change_what_is_searched_by(server: &Server) {
        let all = client_credentials(server, "system/*.cruds");
        let patient = unique("p");
        all.put(&format!("Patient/{patient}"), &json!({ "resourceType": "Patient", "id": patient })).expect(201);
        let narrow = client_credentials(server, "system/SearchParameter.u");
        let own = narrow.post("Patient/$reindex", &parameters(&[])).expect(202).header("content-location");
        let id = unique("sp");
        let parameter = json!({ "resourceType": "SearchParameter", "id": id, "url": format!("https://example.org/{id}"), "name": "Own",
            "status": "active", "description": "Own", "code": id, "base": ["Device"], "type": "string", "expression": "Device.lotNumber" });
        all.put(&format!("SearchParameter/{id}"), &parameter).expect(201);
        let query = format!("SELECT job AS text FROM custom_parameter WHERE code = '{id}'");
        let of_server = format!("_jobs/{}", texts(server.database_url(), &query).pop().unwrap());
        for caller in [
            user_token(server, "Practitioner/x", "user/*.cruds"),
            patient_token(server, &patient, "launch/patient patient/*.cruds"),
            client_credentials(server, "system/*.rs"),
            client_credentials(server, "system/SearchParameter.crds"),
            client_credentials(server, "system/Patient.cruds"),
        ] {
            for address in ["$reindex", "Patient/$reindex", &format!("SearchParameter/{id}/$reindex")] {
                caller.post(address, &parameters(&[])).expect_error(403);
            }
            caller.get(&own).expect_error(403);
            caller.delete(&own).expect_error(403);
        }
        server.http().post("$reindex", &parameters(&[])).expect_error(401);
        server.http().get(&own).expect_error(401);
        // A stranger with the right, and the work of the server itself.
        all.get(&own).expect_error(404);
        all.delete(&own).expect_error(404);
        all.get(&of_server).expect_error(404);
        all.delete(&of_server).expect_error(404);
        done(&narrow, &own);
        until("the parameter", || all.get(&format!("Device?{id}=x")).status == 200);
    }
}

on_both! {
    fn it_is_in_every_document(server: &Server) {
        let http = server.http();
        let statement = http.get("metadata").expect(200).json();
        let rest = &statement["rest"][0];
        let definition = rest["operation"][0]["definition"].as_str().unwrap();
        assert_eq!((&rest["operation"], definition), (
            &json!([{ "name": "reindex", "definition": definition }]),
            &*format!("{}/OperationDefinition/binnacle-reindex", http.base()),
        ));
        for resource in rest["resource"].as_array().unwrap() {
            assert_eq!(resource["operation"], rest["operation"], "{}", resource["type"]);
        }
        let told = http.get(definition).expect(200).json();
        assert_eq!((&told["code"], &told["url"], &told["affectsState"]), (&json!("reindex"), &json!(definition), &json!(true)));
        let names: Vec<&str> = told["parameter"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["type", "parameter"]);
        let document = http.get("/openapi.json").expect(200).json();
        for (path, method) in [
            ("/$reindex", "post"),
            ("/Patient/$reindex", "post"),
            ("/SearchParameter/{id}/$reindex", "post"),
            ("/_jobs/{job}", "get"),
            ("/_jobs/{job}", "delete"),
        ] {
            assert!(document["paths"][format!("/FHIR/R4{path}")][method]["responses"]["202"].is_object(), "{method} {path}");
        }
        assert!(document["paths"]["/FHIR/R4/Patient/{id}/$reindex"].is_null());
    }
}
