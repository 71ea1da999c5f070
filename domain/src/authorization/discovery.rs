//! What clients are told about this server: only what is built.

use super::AuthorizationServer;
use super::client::GRANTS;
use serde_json::{Value, json};

const SCOPES: [&str; 7] = [
    "launch/patient",
    "patient/*.cruds",
    "patient/*.rs",
    "patient/*.read",
    "user/*.cruds",
    "user/*.rs",
    "system/*.cruds",
];
const METHODS: [&str; 4] = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];

/// Authorization Server Metadata (`RFC 8414 §2`).
pub fn metadata(server: &AuthorizationServer) -> Value {
    json!({
        "issuer": server.issuer,
        "authorization_endpoint": format!("{}/oauth2/authorize", server.issuer),
        "token_endpoint": server.token_endpoint(),
        "jwks_uri": format!("{}/oauth2/jwks", server.issuer),
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GRANTS,
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384", "RS512"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}

/// `{base}/.well-known/smart-configuration` (SMART App Launch 2.2, conformance).
pub fn smart_configuration(server: &AuthorizationServer) -> Value {
    let mut document = metadata(server);
    if let Some(members) = document.as_object_mut() {
        // SMART wants issuer and jwks_uri with sso-openid-connect only.
        members.remove("issuer");
        members.remove("jwks_uri");
        members.insert(
            "capabilities".into(),
            json!([
                "launch-standalone",
                "authorize-post",
                "client-public",
                "client-confidential-symmetric",
                "client-confidential-asymmetric",
                "context-standalone-patient",
                "permission-patient",
                "permission-user",
                "permission-v1",
                "permission-v2",
            ]),
        );
    }
    document
}
