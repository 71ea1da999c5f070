//! What clients are told (RFC 8414, SMART App Launch 2.2): public, JSON whatever is asked for, and true.

use super::endpoint::{ask, granted};
use super::flow::Flow;
use super::jws;
use crate::token::{self, SECRET};
use reqwest::Method;
use std::collections::BTreeSet;

const SMART: &str = ".well-known/smart-configuration";
const METADATA: &str = "/.well-known/oauth-authorization-server";

guarded! {
    fn smart_configuration_says_what_there_is(server: &Server) {
        for accept in ["application/fhir+json", "text/html", "application/fhir+xml", "*/*", "application/json"] {
            let answer = server.http().send(Method::GET, SMART, &[("Accept", accept)], None).expect(200);
            assert_eq!(answer.header("content-type"), "application/json");
        }
        let document = server.http().get(SMART).expect(200).json();
        let origin = server.http().origin();
        assert_eq!(document["authorization_endpoint"], format!("{origin}/oauth2/authorize"));
        assert_eq!(document["token_endpoint"], format!("{origin}/oauth2/token"));
        assert_eq!(document["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        let list = |name: &str| -> BTreeSet<String> {
            let values = document[name].as_array().unwrap_or_else(|| panic!("no {name} in {document:#}"));
            values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
        };
        for (name, expected) in [
            ("grant_types_supported", vec!["authorization_code", "client_credentials"]),
            ("token_endpoint_auth_methods_supported", vec!["private_key_jwt", "client_secret_basic", "client_secret_post"]),
            ("token_endpoint_auth_signing_alg_values_supported", vec!["RS384", "ES384", "RS512"]),
            ("capabilities", vec!["launch-standalone", "client-public", "client-confidential-symmetric", "client-confidential-asymmetric",
                "context-standalone-patient", "permission-patient", "permission-user", "permission-v1", "permission-v2", "authorize-post", "sso-openid-connect", "permission-offline", "permission-online"]),
        ] {
            for value in expected {
                assert!(list(name).contains(value), "{name}: {value}");
            }
        }
        assert!(!document.to_string().contains("plain") && !document.to_string().contains("implicit"));
        // issuer and jwks_uri come with sso-openid-connect, and not without.
        let openid = list("capabilities").contains("sso-openid-connect");
        assert_eq!((document["issuer"].is_string(), document["jwks_uri"].is_string()), (openid, openid));
    }

    fn every_scope_and_grant_that_is_offered_is_granted(server: &Server) {
        let document = server.http().get(METADATA).expect(200).json();
        for scope in document["scopes_supported"].as_array().unwrap() {
            let scope = scope.as_str().unwrap();
            if !scope.starts_with("system/") {
                let flow = Flow::new(server);
                let needs = if scope.starts_with("user/") || scope.starts_with("patient/") { "" } else { " patient/*.rs" };
                let flow = flow.asking(flow.request.with("scope", &format!("{scope}{needs}")));
                assert_eq!(granted(flow.exchange(&flow.code()))["scope"], format!("{scope}{needs}"));
            } else {
                let arguments = ["--secret-stdin", "--grant", "client_credentials", "--scope", scope];
                let id = token::register(server, &arguments, SECRET);
                let form = [("grant_type", "client_credentials"), ("scope", scope), ("client_id", &id), ("client_secret", SECRET)];
                assert_eq!(granted(ask(server, &form))["scope"], scope);
            }
        }
    }

    fn the_metadata_names_this_issuer(server: &Server) {
        let document = server.http().get(METADATA).expect(200).json();
        let origin = server.http().origin();
        assert_eq!(document["issuer"], origin);
        assert_eq!(document["jwks_uri"], format!("{origin}/oauth2/jwks"));
        assert_eq!(document["response_types_supported"], serde_json::json!(["code"]));
        assert_eq!(document["authorization_response_iss_parameter_supported"], true);
        let openid = server.http().get("/.well-known/openid-configuration").expect(200).json();
        assert_eq!(openid, document);
        for (name, path) in [("userinfo_endpoint", "userinfo"), ("introspection_endpoint", "introspect"), ("revocation_endpoint", "revoke")] {
            assert_eq!(document[name], format!("{origin}/oauth2/{path}"));
        }
        assert_eq!(document["id_token_signing_alg_values_supported"], serde_json::json!(["RS256"]));
        assert_eq!(document["subject_types_supported"], serde_json::json!(["public"]));
        // 213: nobody's header changes the addresses.
        let headers = [("Host", "evil.example"), ("X-Forwarded-Host", "evil.example"), ("Forwarded", "host=evil.example")];
        for header in headers {
            let answer = server.http().send(Method::GET, METADATA, &[header], None).expect(200);
            assert!(!answer.to_string().contains("evil"), "{answer}");
        }
    }

    fn the_keys_verify_tokens_and_are_public_alone(server: &Server) {
        let jwks = server.http().get("/oauth2/jwks").expect(200).json();
        let http = token::client_credentials(server, "system/*.rs");
        assert!(jws::is_signed_by(http.token(), &jwks));
        assert_eq!(jws::part(http.token(), 0)["typ"], "at+jwt", "RFC 9068 §2.1");
        for key in jwks["keys"].as_array().unwrap() {
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(key[private].is_null(), "{private}");
            }
            assert_eq!(key["use"], "sig");
        }
    }
}
