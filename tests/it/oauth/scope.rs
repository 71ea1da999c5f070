//! Which scopes are granted of those asked for (A 77, 78; C 115, 116, 130, 131).

use super::endpoint::{ask, granted, refused};
use crate::http::{ids, set};
use crate::server::unique;
use crate::token::{self, SECRET};
use serde_json::json;

guarded! {
    fn a77_a78_no_scope_beyond_the_registration_or_the_grant(server: &Server) {
        let id = token::confidential(server, "system/Observation.rs system/Patient.r patient/*.cruds user/*.cruds");
        let asked = |scope: &str| {
            let who = [("client_id", id.as_str()), ("client_secret", SECRET)];
            ask(server, &[&who[..], &[("grant_type", "client_credentials"), ("scope", scope)]].concat())
        };
        for (scope, expected) in [
            ("system/Observation.rs", "system/Observation.rs"),
            ("system/Observation.r", "system/Observation.r"),
            ("system/Observation.read", "system/Observation.read"),
            ("system/Observation.rs system/Observation.cruds", "system/Observation.rs"),
            ("system/Observation.rs patient/Observation.rs user/Observation.rs", "system/Observation.rs"),
            ("system/Observation.r system/Observation.s system/Observation.r", "system/Observation.r system/Observation.s"),
            ("system/Patient.r openid fhirUser offline_access launch/patient", "system/Patient.r"),
        ] {
            assert_eq!(granted(asked(scope))["scope"], expected, "{scope}");
        }
        for scope in [
            "", " ", "system/Observation.cruds", "system/Observation.write", "system/*.rs", "system/*.*", "system/Patient.s",
            "system/Patient.read", "user/Observation.rs", "patient/Observation.rs", "openid", "launch/patient",
            "system/observation.rs", "SYSTEM/Observation.rs", "system/Observation.sr", "system/Observation.rrs",
            "system/Observation.", "system/Observation", "system/.rs", "system/Parameters.rs", "system/Observation.rs,system/Patient.r",
            "system/Observation.rs\tsystem/Patient.r", "system/Observation.rs\u{0}", "system//Observation.rs",
            "system/Observation.rs/", "system/Observation.rsx", "system/Observation.*", "../system/Observation.rs", "system/Observation.RS",
        ] {
            refused(asked(scope), 400, "invalid_scope");
        }
        let repeated = "system/Observation.rs ".repeat(150);
        assert_eq!(granted(asked(repeated.trim()))["scope"], "system/Observation.rs");
        refused(asked(repeated.repeat(10).trim()), 400, "invalid_scope");
    }

    fn c127_a_constraint_holds_on_every_way_to_a_resource(server: &Server) {
        let system = token::client_credentials(server, "system/*.cruds");
        let patient = unique("patient");
        system.put(&format!("Patient/{patient}"), &json!({ "resourceType": "Patient", "id": patient })).expect(201);
        let observation = |category: &str| {
            let id = unique("observation");
            let system_url = "http://terminology.hl7.org/CodeSystem/observation-category";
            let resource = json!({
                "resourceType": "Observation", "id": id, "status": "final", "code": { "text": "x" },
                "subject": { "reference": format!("Patient/{patient}") },
                "category": [{ "coding": [{ "system": system_url, "code": category }] }],
            });
            system.put(&format!("Observation/{id}"), &resource).expect(201);
            (id, resource)
        };
        let ((lab, lab_resource), (vital, _)) = (observation("laboratory"), observation("vital-signs"));
        let category = "category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory";
        let scopes = [format!("system/Observation.rs?{category}"), "system/Patient.rs".into()];
        let callers = [
            token::client_credentials(server, &scopes.join(" ")),
            token::patient_token(server, &patient, &format!("patient/Observation.rs?{category} patient/Patient.rs")),
            token::user_token(server, "Practitioner/x", &format!("user/Observation.rs?{category} user/Patient.rs")),
        ];
        for http in callers {
            http.get(&format!("Observation/{lab}")).expect(200);
            http.get(&format!("Observation/{vital}")).expect_error(404);
            http.get(&format!("Observation/{vital}/_history/1")).expect_error(404);
            http.get(&format!("Observation/{vital}/_history")).expect_error(404);
            let own = set(&[&format!("Observation/{lab}")]);
            let of = format!("Observation?subject=Patient/{patient}");
            for query in [of.clone(), format!("{of}&category=laboratory"), format!("{of}&_id={lab},{vital}"), format!("{of}&status=final")] {
                assert_eq!(ids(&http.get(&query).expect(200).json()), own, "{query}");
            }
            for query in ["category:not=laboratory", "category=vital-signs", &format!("_id={vital}")] {
                assert_eq!(ids(&http.get(&format!("{of}&{query}")).expect(200).json()), set(&[]), "{query}");
            }
            assert_eq!(http.get(&format!("{of}&_summary=count")).expect(200).json()["total"], 1);
            assert_eq!(http.get(&format!("{of}&_total=accurate&_count=1")).expect(200).json()["total"], 1);
            let included = http.get(&format!("Patient?_id={patient}&_revinclude=Observation:subject")).expect(200).json();
            assert_eq!(ids(&included), set(&[&format!("Patient/{patient}"), &format!("Observation/{lab}")]));
            let has = http.get(&format!("Patient?_id={patient}&_has:Observation:subject:category=vital-signs")).expect(200).json();
            assert_eq!(ids(&has), set(&[]), "the constrained type tells nothing through _has");
            let entry = json!({ "request": { "method": "GET", "url": format!("Observation/{vital}") } });
            let bundle = http.bundle(&json!({ "resourceType": "Bundle", "type": "batch", "entry": [entry] })).expect(200).json();
            assert!(bundle["entry"][0]["response"]["status"].as_str().unwrap().starts_with("404"), "{bundle}");
            http.put(&format!("Observation/{lab}"), &lab_resource).expect_error(403);
            http.delete(&format!("Observation/{lab}")).expect_error(403);
        }
    }

    fn a_constraint_that_cannot_be_enforced_is_refused(server: &Server) {
        let id = token::confidential(server, "system/*.cruds");
        let asked = |scope: &str| {
            let form = [("client_id", id.as_str()), ("client_secret", SECRET), ("grant_type", "client_credentials"), ("scope", scope)];
            ask(server, &form)
        };
        assert_eq!(granted(asked("system/Observation.rs?category=laboratory"))["scope"], "system/Observation.rs?category=laboratory");
        for scope in [
            "system/Observation.cruds?category=laboratory", "system/Observation.rs?nothing=x", "system/Observation.rs?",
            "system/Observation.rs?subject=Patient/1", "system/Observation.rs?_has:Provenance:target:agent=x", "system/Observation.rs?date=gt2020",
            "system/Observation.rs?patient.name=x", "system/*.rs?category=laboratory", "system/Patient.rs system/Observation.rs?nothing=x",
            "system/Observation.rs?category=laboratory&_count=1", "openid?x=y",
        ] {
            refused(asked(scope), 400, "invalid_scope");
        }
        let narrow = token::confidential(server, "system/Observation.rs?category=laboratory");
        for (scope, status) in [("system/Observation.rs?category=laboratory", 200), ("system/Observation.rs?category=vital-signs", 400), ("system/Observation.rs", 400)] {
            let form = [("client_id", narrow.as_str()), ("client_secret", SECRET), ("grant_type", "client_credentials"), ("scope", scope)];
            ask(server, &form).expect(status);
        }
    }

    fn a_registration_covers_its_v1_forms(server: &Server) {
        let id = token::confidential(server, "system/*.cruds");
        for scope in ["system/Patient.read", "system/Patient.write", "system/Patient.*", "system/*.*", "system/*.read"] {
            let form = [("client_id", id.as_str()), ("client_secret", SECRET), ("grant_type", "client_credentials"), ("scope", scope)];
            assert_eq!(granted(ask(server, &form))["scope"], scope, "v1 asked, v1 answered");
        }
    }
}
