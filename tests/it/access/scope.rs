//! Scopes (114–132): every letter against every interaction, other types, contexts, and what is no scope at all.

use super::bundle::{bundle, statuses};
use super::record::World;
use super::unauthenticated::{offered, request, send};
use super::write::observation;
use crate::http::{Http, ids, set};
use crate::server::{Server, unique};
use crate::token::{self, SECRET};
use oauth2::{Scope, TokenResponse};
use reqwest::Method;
use serde_json::{Value, json};

/// A client that may have every system scope, and its tokens.
struct System<'s> {
    server: &'s Server,
    client: token::OAuth,
}

impl<'s> System<'s> {
    fn new(server: &'s Server) -> Self {
        let id = token::confidential(server, "system/*.cruds");
        System { server, client: token::oauth(server, &id, Some(SECRET)) }
    }

    /// A caller with these scopes; `None` when none of them is granted.
    fn with(&self, scope: &str) -> Option<Http> {
        let mut request = self.client.exchange_client_credentials();
        for one in scope.split(' ') {
            request = request.add_scope(Scope::new(one.into()));
        }
        let answer = request.request(&token::agent()).ok()?;
        Some(self.server.http().with_token(answer.access_token().secret()))
    }
}

/// The letters that an interaction needs.
fn letters_of(interaction: &str) -> &'static str {
    match interaction {
        "create" => "c",
        "read" | "vread" | "history-instance" => "r",
        "update" => "u",
        // What it tests and copies it tells.
        "patch" => "ru",
        "delete" => "d",
        "search-type" | "history-type" => "s",
        other => panic!("no letter for {other}"),
    }
}

const SAMPLE: [&str; 6] = ["Patient", "Observation", "CarePlan", "Practitioner", "AuditEvent", "Binary"];

guarded! {
    fn every_letter_opens_its_interactions_and_no_others(server: &Server) {
        let system = System::new(server);
        let offered = offered(server.http());
        for granted in ["c", "r", "u", "d", "s", "read", "write", "rs", "cud", "ru"] {
            let http = system.with(&format!("system/*.{granted}")).unwrap();
            let letters = match granted {
                "read" => "rs",
                "write" => "cud",
                letters => letters,
            };
            for (kind, interaction) in offered.iter().filter(|(kind, _)| SAMPLE.contains(&kind.as_str())) {
                let (method, path, body) = request(interaction, kind).unwrap();
                let answer = send(&http, method, &path, body.as_ref());
                if letters_of(interaction).chars().all(|letter| letters.contains(letter)) {
                    assert!(![401, 403].contains(&answer.status), "{granted}: {interaction} {answer}");
                } else {
                    let challenge = answer.header("www-authenticate");
                    assert!(challenge.contains("insufficient_scope"), "{answer}");
                    answer.expect_error(403);
                }
            }
            for (path, open) in [("/FHIR/R4?_type=Patient&_count=1", 's'), ("_history?_count=1", 's')] {
                assert_eq!(http.get(path).status, if letters.contains(open) { 200 } else { 403 }, "{granted}: {path}");
            }
        }
    }

    fn a_patch_tells_nothing_of_what_may_not_be_read(server: &Server) {
        let system = System::new(server);
        let all = system.with("system/Observation.cruds").unwrap();
        let narrow = system.with("system/Observation.u system/Observation.rs?status=amended").unwrap();
        let stored = all.create(&observation(Value::Null, json!({})));
        let path = crate::http::reference(&stored);
        let test = json!([{ "op": "test", "path": "/status", "value": "final" }]).to_string();
        let patch = |http: &Http| {
            http.send(Method::PATCH, &path, &[("Content-Type", "application/json-patch+json")], Some(test.as_bytes()))
        };
        patch(&all).expect(200);
        patch(&narrow).expect_error(404);
        let entry = json!({ "resource": { "resourceType": "Parameters" }, "request": { "method": "PATCH", "url": path } });
        let bundle = |type_: &str| json!({ "resourceType": "Bundle", "type": type_, "entry": [entry] });
        narrow.bundle(&bundle("transaction")).expect_error(404);
        let answer = narrow.bundle(&bundle("batch")).expect(200).json();
        assert_eq!(answer["entry"][0]["response"]["status"], "404 Not Found");
        let mut amended = stored;
        amended["status"] = json!("amended");
        all.put(&path, &amended).expect(200);
        patch(&narrow).expect_error(422);
    }

    fn a_scope_for_a_type_opens_no_other(server: &Server) {
        let http = System::new(server).with("system/Observation.cruds").unwrap();
        for (kind, interaction) in offered(server.http()) {
            if kind != "Observation" {
                let (method, path, body) = request(&interaction, &kind).unwrap();
                send(&http, method, &path, body.as_ref()).expect_error(403);
            }
        }
        http.get("/FHIR/R4?_type=Observation,Patient").expect_error(403);
        http.get("/FHIR/R4?_type=Observation&_count=1").expect(200);
    }

    fn what_is_not_granted_does_not_come_along(server: &Server) {
        let world = World::new(server);
        let http = System::new(server).with("system/Observation.rs system/Encounter.r").unwrap();
        let tag = &world.tag;
        let observations = |bundle: &Value| ids(bundle).iter().all(|id| id.starts_with("Observation/"));
        for query in [
            "_include=Observation:subject",
            "_include=*",
            "_include=Observation:encounter",
            "_include=Observation:performer",
            "_revinclude=Provenance:target",
            "_revinclude=DiagnosticReport:result",
        ] {
            let found = http.get(&format!("Observation?_tag={tag}&{query}")).expect(200).json();
            assert!(observations(&found) && ids(&found).len() == 4, "{query}: {found:#}");
        }
        // An empty answer to a chain through what may not be seen would say that there is none (118, 120).
        for query in [
            "Observation?subject:Patient.name=Family".to_owned(),
            "Observation?patient.identifier=x".into(),
            "Observation?_has:DiagnosticReport:result:status=final".into(),
            "Observation?_has:Observation:has-member:patient.name=x".into(),
            "Observation?encounter.class=AMB".into(),
            format!("Observation?_has:Provenance:target:agent={}", world.ann.patient()),
        ] {
            http.get(&query).expect_error(403);
        }
        http.get("Observation?_has:Observation:has-member:status=final").expect(200);
    }

    fn a_writer_learns_nothing_by_writing(server: &Server) {
        let world = World::new(server);
        let http = System::new(server).with("system/Observation.cud").unwrap();
        let name = world.ann.of("Observation");
        let prefer = [("Prefer", "return=representation")];
        let body = observation(json!({ "reference": world.ann.patient() }), json!({}));
        let sent = body.to_string();
        let made = http.send(Method::POST, "Observation", &prefer, Some(sent.as_bytes())).expect(201);
        assert!(made.body.is_empty(), "{made}");
        let mut changed = world.system.get(&name).expect(200).json();
        for status in ["amended", "amended", "final"] {
            changed["status"] = json!(status);
            let answer = http.put_with(&name, &prefer, &changed).expect(200);
            assert!(answer.body.is_empty(), "{answer}");
        }
        for path in [name.clone(), format!("{name}/_history/1"), format!("{name}/_history"), "Observation/_history".into(), "Observation".into()] {
            http.get(&path).expect_error(403);
        }
        let batch = bundle("batch", &[("PUT", &name, changed), ("DELETE", &name, Value::Null)]);
        let answer = http.send(Method::POST, &http.base(), &prefer, Some(batch.to_string().as_bytes())).expect(200).json();
        assert_eq!(statuses(&answer), [200, 204]);
        assert!(answer["entry"].as_array().unwrap().iter().all(|entry| entry.get("resource").is_none()));
    }

    fn an_update_as_create_needs_u(server: &Server) {
        let system = System::new(server);
        let body = |id: &str| json!({ "resourceType": "Basic", "id": id, "code": { "text": "x" } });
        let (one, two) = (unique("r"), unique("r"));
        system.with("system/Basic.c").unwrap().put(&format!("Basic/{one}"), &body(&one)).expect_error(403);
        system.with("system/Basic.u").unwrap().put(&format!("Basic/{two}"), &body(&two)).expect(201);
    }

    fn what_is_no_scope_gives_no_token(server: &Server) {
        let system = System::new(server);
        for scope in [
            "system/Patient.sr", "system/Patient.rr", "system/Patient.x", "system/patient.rs", "SYSTEM/Patient.rs", "system/Patient",
            "system/.rs", "system/*", "system/Patient.rs;", "system/Parameters.rs", "system/Patient.READ", "system/Patient.*x",
            "patient/*.rs", "user/*.rs", "openid", "launch/patient", "../system/*.rs", "system//Patient.rs",
        ] {
            assert!(system.with(scope).is_none(), "{scope}");
        }
        let http = system.with("system/Patient.rx system/Basic.rs").unwrap();
        http.get("Basic?_count=1").expect(200);
        http.get("Patient?_count=1").expect_error(403);
    }

    fn a_patients_user_scopes_stay_in_their_record(server: &Server) {
        let world = World::new(server);
        let own = token::user_token(server, &world.ann.patient(), "user/*.cruds");
        own.get(&world.ann.of("Observation")).expect(200);
        own.get(&world.bob.of("Observation")).expect_error(404);
        assert_eq!(ids(&own.get("Observation").expect(200).json()), set(&[&world.ann.of("Observation")]));
        assert_eq!(ids(&own.get("Patient?_include=*&_revinclude=Observation:subject&_tag=x").expect(200).json()), set(&[]));
        let theirs = observation(json!({ "reference": world.bob.patient() }), json!({}));
        own.post("Observation", &theirs).expect_error(403);
        let kin = token::user_token(server, &format!("RelatedPerson/{}", world.ann.id_of("RelatedPerson")), "user/*.cruds");
        for name in [world.ann.patient(), world.bob.patient(), "Observation".into(), "_history".into()] {
            kin.get(&name).expect_error(403);
        }
        let gp = token::user_token(server, &format!("Practitioner/gp-{}", world.tag), "user/Observation.rs");
        for record in [&world.ann, &world.bob] {
            gp.get(&record.of("Observation")).expect(200);
            gp.get(&record.of("Condition")).expect_error(403);
        }
        gp.post("Observation", &theirs).expect_error(403);
    }

    fn a_patients_letters_hold_in_their_record(server: &Server) {
        let world = World::new(server);
        let name = world.ann.of("Observation");
        let stored = world.system.get(&name).expect(200).json();
        for granted in ["r", "s", "cu"] {
            let app = token::patient_token(server, &world.ann.id, &format!("patient/Observation.{granted}"));
            let allowed = |letter: char| granted.contains(letter);
            for (letter, answer) in [
                ('r', app.get(&name)),
                ('r', app.get(&format!("{name}/_history"))),
                ('s', app.get("Observation")),
                ('s', app.get("Observation/_history")),
                ('u', app.put(&name, &stored)),
                ('c', app.post("Observation", &observation(json!({ "reference": world.ann.patient() }), json!({})))),
                ('d', app.delete(&name)),
            ] {
                world.assert_clean(&answer, "");
                assert_eq!(answer.status != 403, allowed(letter), "{granted} {letter}: {answer}");
            }
            app.get(&world.ann.patient()).expect_error(403);
            app.get(&format!("Practitioner/gp-{}", world.tag)).expect_error(403);
            app.get("Patient").expect_error(403);
        }
    }
}
