//! Who may define search parameters, and whose records a search by one of them shows.

use super::{parameter, searchable};
use crate::http::{ids, set};
use crate::server::unique;
use crate::token::{client_credentials, patient_token, user_token};
use serde_json::json;

guarded! {
    fn only_a_system_scope_defines_parameters(server: &Server) {
        let system = client_credentials(server, "system/*.cruds");
        let patient = unique("p");
        system.put(&format!("Patient/{patient}"), &json!({ "resourceType": "Patient", "id": patient })).expect(201);
        let own = |id: &str| parameter(id, "Basic", &unique("own"), "token", "Basic.code");
        let id = unique("sp");
        for caller in [
            user_token(server, "Practitioner/x", "user/*.cruds"),
            patient_token(server, &patient, "launch/patient patient/*.cruds"),
            client_credentials(server, "system/*.rs"),
        ] {
            caller.put(&format!("SearchParameter/{id}"), &own(&id)).expect_error(403);
            caller.post("SearchParameter", &own(&id)).expect_error(403);
            caller.delete(&format!("SearchParameter/{id}")).expect_error(403);
        }
        system.get(&format!("SearchParameter/{id}")).expect_error(404);
    }

    fn a_search_by_it_shows_what_the_caller_may_see(server: &Server) {
        let system = client_credentials(server, "system/*.cruds");
        let (mine, theirs, code) = (unique("p"), unique("p"), unique("own"));
        for patient in [&mine, &theirs] {
            let person = json!({ "resourceType": "Patient", "id": patient, "multipleBirthInteger": 2 });
            system.put(&format!("Patient/{patient}"), &person).expect(201);
        }
        let id = unique("sp");
        let own = parameter(&id, "Patient", &code, "number", "Patient.multipleBirth.as(integer)");
        system.put(&format!("SearchParameter/{id}"), &own).expect(201);
        let search = format!("Patient?{code}=2&_total=accurate");
        searchable(&system, &search);
        let found = patient_token(server, &mine, "launch/patient patient/*.rs").get(&search).expect(200).json();
        assert_eq!((ids(&found), &found["total"]), (set(&[&format!("Patient/{mine}")]), &json!(1)));
        let all = ids(&system.get(&search).expect(200).json());
        assert!(all.contains(&format!("Patient/{mine}")) && all.contains(&format!("Patient/{theirs}")));
    }
}
