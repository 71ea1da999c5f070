//! Which scopes are granted of those asked for (A 77, 78; C 115, 116, 130, 131).

use super::endpoint::{ask, granted, refused};
use crate::token::{self, SECRET};

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

    fn a_registration_covers_its_v1_forms(server: &Server) {
        let id = token::confidential(server, "system/*.cruds");
        for scope in ["system/Patient.read", "system/Patient.write", "system/Patient.*", "system/*.*", "system/*.read"] {
            let form = [("client_id", id.as_str()), ("client_secret", SECRET), ("grant_type", "client_credentials"), ("scope", scope)];
            assert_eq!(granted(ask(server, &form))["scope"], scope, "v1 asked, v1 answered");
        }
    }
}
