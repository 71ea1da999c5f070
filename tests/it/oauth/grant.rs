//! The grants as real clients use them.

use crate::http::{ids, set};
use crate::server::unique;
use crate::token;
use serde_json::json;

guarded! {
    fn a_system_reads_and_writes_what_its_scope_says(server: &Server) {
        let http = token::client_credentials(server, "system/Patient.cruds");
        let id = unique("patient");
        http.put(&format!("Patient/{id}"), &json!({ "resourceType": "Patient", "id": id })).expect(201);
        http.get(&format!("Patient/{id}")).expect(200);
        http.get("Observation").expect_error(403);
    }

    fn a_person_sees_their_own_record_through_an_app(server: &Server) {
        let system = token::client_credentials(server, "system/Patient.cruds");
        let [own, other] = [unique("patient"), unique("patient")];
        for id in [&own, &other] {
            system.put(&format!("Patient/{id}"), &json!({ "resourceType": "Patient", "id": id })).expect(201);
        }
        let http = token::patient_token(server, &own, "launch/patient patient/*.rs");
        http.get(&format!("Patient/{own}")).expect(200);
        http.get(&format!("Patient/{other}")).expect_error(404);
        let found = http.get("Patient").expect(200).json();
        assert_eq!(ids(&found), set(&[&format!("Patient/{own}")]));
        http.put(&format!("Patient/{own}"), &json!({ "resourceType": "Patient", "id": own })).expect_error(403);
    }

    fn a_professional_sees_every_record_by_user_scopes(server: &Server) {
        let system = token::client_credentials(server, "system/Patient.cruds");
        let id = unique("patient");
        system.put(&format!("Patient/{id}"), &json!({ "resourceType": "Patient", "id": id })).expect(201);
        let http = token::user_token(server, "Practitioner/p", "user/Patient.rs");
        http.get(&format!("Patient/{id}")).expect(200);
        http.get("Observation").expect_error(403);
    }
}
