//! Identity tokens, `fhirUser` and userinfo (OpenID Connect Core 1.0, SMART App Launch 2.2 §4.1.7).

use super::endpoint::granted;
use super::flow::Flow;
use super::jws;
use crate::token;
use reqwest::Method;
use serde_json::{Value, json};

guarded! {
    fn an_app_learns_who_logged_in(server: &Server) {
        let flow = Flow::new(server);
        let asked = flow.request.with("scope", "openid fhirUser launch/patient patient/*.rs").with("nonce", "n-0S6_WzA2Mj+ \"x\"");
        let answer = granted(flow.exchange(&flow.asking(asked).code()));
        assert_eq!(answer["scope"], "openid fhirUser launch/patient patient/*.rs");
        let id_token = answer["id_token"].as_str().unwrap();
        let header = jws::part(id_token, 0);
        assert_eq!(header["alg"], "RS256", "SMART asks for it");
        let jwks = server.http().get("/oauth2/jwks").expect(200).json();
        assert!(jws::is_identity_signed_by(id_token, &jwks));
        let claims = jws::part(id_token, 1);
        let user = format!("{}/Patient/p", server.http().base());
        for (name, value) in [("iss", server.http().origin()), ("aud", &flow.client), ("sub", &flow.username), ("fhirUser", &user), ("nonce", "n-0S6_WzA2Mj+ \"x\"")] {
            assert_eq!(claims[name], value, "{name}");
        }
        assert!(claims["exp"].as_i64().unwrap() > claims["iat"].as_i64().unwrap());
        assert!(claims["scope"].is_null() && claims["patient"].is_null());

        let http = server.http().with_token(answer["access_token"].as_str().unwrap());
        http.get("Patient").expect(200);
        for method in [Method::GET, Method::POST] {
            let info = http.send(method, "/oauth2/userinfo", &[], None).expect(200);
            assert_eq!(info.json(), json!({ "sub": flow.username, "fhirUser": user }));
            assert_eq!(info.header("cache-control"), "no-store");
        }
        // B 97: the identity token is for the app, and opens nothing.
        let with_id = server.http().with_token(id_token);
        with_id.get("Patient").expect_error(401);
        with_id.get("/oauth2/userinfo").expect_error(401);
    }

    fn what_was_not_asked_for_is_not_told(server: &Server) {
        let flow = Flow::new(server);
        for (scope, fhir_user) in [("openid patient/*.rs", false), ("openid fhirUser patient/*.rs", true), ("fhirUser patient/*.rs", false)] {
            let answer = granted(flow.exchange(&flow.asking(flow.request.with("scope", scope)).code()));
            let openid = scope.contains("openid");
            assert_eq!(answer["id_token"].is_string(), openid, "{scope}");
            let http = server.http().with_token(answer["access_token"].as_str().unwrap());
            if openid {
                let claims = jws::part(answer["id_token"].as_str().unwrap(), 1);
                assert_eq!((claims["fhirUser"].is_string(), &claims["nonce"]), (fhir_user, &Value::Null), "{scope}");
                let info = http.get("/oauth2/userinfo").expect(200).json();
                assert_eq!(info["fhirUser"].is_string(), fhir_user, "{scope}");
            } else {
                http.get("/oauth2/userinfo").expect_error(403);
            }
        }
        let system = token::client_credentials(server, "system/Patient.rs");
        system.get("/oauth2/userinfo").expect_error(403);
        let answer = server.http().get("/oauth2/userinfo");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer}");
        answer.expect_error(401);
    }

    fn c132_a_login_alone_opens_no_record(server: &Server) {
        let flow = Flow::new(server);
        let answer = granted(flow.exchange(&flow.asking(flow.request.with("scope", "openid fhirUser")).code()));
        assert_eq!((&answer["scope"], &answer["patient"]), (&json!("openid fhirUser"), &Value::Null));
        let http = server.http().with_token(answer["access_token"].as_str().unwrap());
        http.get("/oauth2/userinfo").expect(200);
        for path in ["Patient", "Patient/p", "_history", "Observation"] {
            let answer = http.get(path);
            assert!((401..=403).contains(&answer.status), "{answer}");
        }
    }
}
