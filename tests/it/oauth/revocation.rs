//! Revocation (RFC 7009) and introspection (RFC 7662): A 74–76.

use super::endpoint::{basic, granted, post, refused};
use super::flow::Flow;
use super::jws::{self, Key};
use crate::http::Answer;
use crate::server::Server;
use crate::token::{self, SECRET};
use serde_json::{Value, json};

const SCOPE: &str = "openid fhirUser offline_access launch/patient patient/*.rs";

fn allowed(server: &Server) -> (Flow<'_>, Value) {
    let flow = Flow::new(server);
    let request = flow.request.with("scope", SCOPE);
    let flow = Flow { request, ..flow };
    let answer = granted(flow.exchange(&flow.code()));
    (flow, answer)
}

fn revoke(server: &Server, client: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    post(server.http(), "revoke", &[], &[&[("token", token), ("client_id", client)], more].concat())
}

fn refresh(server: &Server, client: &str, token: &Value) -> u16 {
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap()), ("client_id", client)];
    post(server.http(), "token", &[], &form).status
}

fn introspect(server: &Server, authorization: &str, token: &str) -> Answer {
    post(server.http(), "introspect", &[("Authorization", authorization)], &[("token", token)])
}

guarded! {
    fn a_refresh_token_takes_its_access_tokens_along(server: &Server) {
        let (flow, answer) = allowed(server);
        let http = server.http().with_token(answer["access_token"].as_str().unwrap());
        http.get("Patient").expect(200);
        // A wrong hint does no harm.
        let token = answer["refresh_token"].as_str().unwrap();
        let revoked = revoke(server, &flow.client, token, &[("token_type_hint", "access_token")]).expect(200);
        assert_eq!(revoked.header("cache-control"), "no-store");
        http.get("Patient").expect_error(401);
        assert_eq!(refresh(server, &flow.client, &answer["refresh_token"]), 400);
        revoke(server, &flow.client, token, &[]).expect(200);
    }

    fn an_access_token_is_revoked_by_itself(server: &Server) {
        let (flow, answer) = allowed(server);
        let http = server.http().with_token(answer["access_token"].as_str().unwrap());
        http.get("Patient").expect(200);
        revoke(server, &flow.client, http.token(), &[]).expect(200);
        http.get("Patient").expect_error(401);
        http.get("/oauth2/userinfo").expect_error(401);
        assert_eq!(refresh(server, &flow.client, &answer["refresh_token"]), 200);
    }

    fn a74_a75_nobody_revokes_for_another(server: &Server) {
        let (flow, answer) = allowed(server);
        let (other, confidential) = (token::public(server), token::confidential(server, "system/*.rs"));
        let http = server.http().with_token(answer["access_token"].as_str().unwrap());
        for token in ["access_token", "refresh_token"].map(|name| answer[name].as_str().unwrap()) {
            revoke(server, &other, token, &[]).expect(200);
            let headers = [("Authorization", basic(&confidential, SECRET))];
            let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
            post(server.http(), "revoke", &headers, &[("token", token)]).expect(200);
            refused(post(server.http(), "revoke", &[], &[("token", token)]), 401, "invalid_client");
            refused(revoke(server, "nobody", token, &[]), 401, "invalid_client");
            refused(revoke(server, &confidential, token, &[]), 401, "invalid_client");
        }
        http.get("Patient").expect(200);
        assert_eq!(refresh(server, &flow.client, &answer["refresh_token"]), 200);
        for unknown in ["x", "a.b.c", &"x".repeat(10_000)] {
            revoke(server, &flow.client, unknown, &[]).expect(200);
        }
        refused(revoke(server, &flow.client, "", &[]), 400, "invalid_request");
        refused(revoke(server, &flow.client, "x", &[("token", "x")]), 400, "invalid_request");
        server.http().get("/oauth2/revoke?token=x").expect(405);
    }

    fn an_active_token_is_told_to_a_resource_server(server: &Server) {
        let (flow, answer) = allowed(server);
        let id = token::confidential(server, "system/*.rs");
        let access = answer["access_token"].as_str().unwrap();
        let told = introspect(server, &basic(&id, SECRET), access).expect(200);
        assert_eq!(told.header("cache-control"), "no-store");
        let told = told.json();
        let claims = jws::part(access, 1);
        for name in ["iss", "sub", "aud", "client_id", "scope", "patient", "exp", "iat", "jti"] {
            assert_eq!(told[name], claims[name], "{name}");
        }
        assert_eq!(told["active"], true);
        assert_eq!(told["fhirUser"], format!("{}/Patient/p", server.http().base()));
        assert_eq!(jws::part(answer["id_token"].as_str().unwrap(), 1)["sub"], told["sub"]);
        // By an assertion, and by the bearer of a token that a client got for itself.
        let own = Key::p384();
        let with_keys = super::assertion::register(server, &[own.jwk("k")], "system/*.rs");
        let assertion = own.sign(&json!({ "alg": "ES384", "kid": "k" }), &super::assertion::claims(server, &with_keys));
        let form = [("token", access), ("client_assertion", &assertion), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")];
        assert_eq!(post(server.http(), "introspect", &[], &form).expect(200).json()["active"], true);
        let bearer = format!("Bearer {}", token::client_credentials(server, "system/Patient.rs").token());
        assert_eq!(introspect(server, &bearer, access).expect(200).json()["active"], true);
        let refresh = introspect(server, &bearer, answer["refresh_token"].as_str().unwrap()).expect(200).json();
        assert_eq!((&refresh["active"], &refresh["client_id"], &refresh["scope"]), (&json!(true), &json!(flow.client), &json!(SCOPE)));
    }

    fn an_inactive_token_is_exactly_that(server: &Server) {
        let (flow, answer) = allowed(server);
        let header = basic(&token::confidential(server, "system/*.rs"), SECRET);
        let [access, refresh] = ["access_token", "refresh_token"].map(|name| answer[name].as_str().unwrap());
        revoke(server, &flow.client, refresh, &[]).expect(200);
        let id_token = answer["id_token"].as_str().unwrap();
        for token in [access, refresh, id_token, "x", "a.b.c", SECRET, &access[..access.len() - 1], &flow.code()] {
            assert_eq!(introspect(server, &header, token).expect(200).json(), json!({ "active": false }), "{token}");
        }
    }

    fn a76_nobody_else_is_told(server: &Server) {
        let (flow, answer) = allowed(server);
        let access = answer["access_token"].as_str().unwrap();
        let id = token::confidential(server, "system/*.rs");
        for authorization in [basic(&id, "wrong"), basic(&flow.client, ""), "Bearer x".into(), format!("Bearer {access}"), "Basic x".into()] {
            refused(introspect(server, &authorization, access), 401, "invalid_client");
        }
        for client in [vec![], vec![("client_id", flow.client.as_str())], vec![("client_id", id.as_str())]] {
            refused(post(server.http(), "introspect", &[], &[&[("token", access)], &client[..]].concat()), 401, "invalid_client");
        }
        refused(introspect(server, &basic(&id, SECRET), ""), 400, "invalid_request");
        server.http().get(&format!("/oauth2/introspect?token={access}")).expect(405);
    }
}
