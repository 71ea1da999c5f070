//! The security schemes: OAuth 2.0 with SMART scopes, and the bearer token it gives.

use utoipa::openapi::security::{
    AuthorizationCode, ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes,
    SecurityRequirement, SecurityScheme,
};

/// Name of the OAuth 2.0 scheme.
const OAUTH2: &str = "oauth2";
/// Name of the bearer scheme.
const BEARER: &str = "bearer";

/// The schemes by name.
pub(crate) fn schemes(public_url: &str) -> [(&'static str, SecurityScheme); 2] {
    let token = format!("{public_url}/oauth2/token");
    let code =
        AuthorizationCode::new(format!("{public_url}/oauth2/authorize"), token.clone(), person_scopes());
    let client = ClientCredentials::new(token, system_scopes());
    let description =
        "SMART App Launch 2: authorization code with PKCE (S256) for apps, client credentials for backends.";
    let flows = [Flow::AuthorizationCode(code), Flow::ClientCredentials(client)];
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("An access token of this server."))
        .build();
    [
        (OAUTH2, SecurityScheme::OAuth2(OAuth2::with_description(flows, description))),
        (BEARER, SecurityScheme::Http(bearer)),
    ]
}

/// What a FHIR request needs: a token, got by either flow or already at hand.
pub(crate) fn required() -> Vec<SecurityRequirement> {
    let none: [&str; 0] = [];
    vec![SecurityRequirement::new(OAUTH2, none), SecurityRequirement::new(BEARER, none)]
}

fn person_scopes() -> Scopes {
    Scopes::from_iter([
        ("openid", "Who the person is"),
        ("fhirUser", "The FHIR resource of the person"),
        ("launch/patient", "Choose a patient at launch"),
        ("patient/*.rs", "Read and search the patient's record"),
        ("patient/*.cruds", "Everything in the patient's record"),
        ("user/*.rs", "Read and search what the person may see"),
        ("user/*.cruds", "Everything the person may do"),
    ])
}

fn system_scopes() -> Scopes {
    Scopes::from_iter([
        ("system/*.rs", "Read and search every record"),
        ("system/*.cruds", "Everything in every record"),
    ])
}
