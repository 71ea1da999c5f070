//! What clients are told about this server: only what is built.

use super::AuthorizationServer;
use super::token::GRANTS;
use serde_json::{Value, json};

const SCOPES: [&str; 11] = [
    "openid",
    "fhirUser",
    "online_access",
    "offline_access",
    "launch/patient",
    "patient/*.cruds",
    "patient/*.rs",
    "patient/*.read",
    "user/*.cruds",
    "user/*.rs",
    "system/*.cruds",
];
const ALGORITHMS: [&str; 3] = ["RS384", "ES384", "RS512"];
const CONFIDENTIAL_METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
const CAPABILITIES: [&str; 13] = [
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
];
const METHODS: [&str; 4] = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];

/// Authorization Server Metadata (`RFC 8414 §2`) and OpenID Provider Metadata (`OpenID Connect Discovery 1.0 §3`).
pub fn metadata(server: &AuthorizationServer) -> Value {
    let at = |path: &str| format!("{}/oauth2/{path}", server.issuer);
    json!({
        "issuer": server.issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": server.token_endpoint(),
        "userinfo_endpoint": at("userinfo"),
        "introspection_endpoint": at("introspect"),
        "revocation_endpoint": at("revoke"),
        "jwks_uri": at("jwks"),
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GRANTS,
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": CONFIDENTIAL_METHODS,
        "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser"],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    })
}

/// `{base}/.well-known/smart-configuration` (SMART App Launch 2.2, conformance).
pub fn smart_configuration(server: &AuthorizationServer) -> Value {
    let mut document = metadata(server);
    if let Some(members) = document.as_object_mut() {
        members.insert("capabilities".into(), json!(CAPABILITIES));
    }
    document
}
