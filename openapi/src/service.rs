//! The operations outside FHIR: the authorization server and the health of the process.

use crate::Installation;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::{Content, Required, ResponseBuilder};

/// Tags and what they are about.
pub(crate) const TAGS: [(&str, &str); 2] = [
    ("OAuth", "The authorization server: OAuth 2.0 and SMART on FHIR"),
    ("Operations", "The health of the process"),
];

/// Adds the operations outside FHIR.
pub(crate) fn paths(mut paths: PathsBuilder, installation: &Installation<'_>) -> PathsBuilder {
    if installation.tokens {
        let smart = format!("{}/.well-known/smart-configuration", installation.base_path);
        paths = paths
            .path("/oauth2/authorize", PathItem::new(HttpMethod::Get, authorize()))
            .path("/oauth2/token", PathItem::new(HttpMethod::Post, token()))
            .path("/oauth2/jwks", get("OAuth", "jwks", "Keys that sign the tokens"))
            .path(smart, get("OAuth", "smartConfiguration", "What SMART apps need to know"))
            .path(
                "/.well-known/openid-configuration",
                get("OAuth", "openidConfiguration", "OpenID Connect discovery"),
            );
    }
    paths
        .path("/health/live", get("Operations", "live", "Whether the process runs"))
        .path("/health/ready", get("Operations", "ready", "Whether it can serve requests"))
}

fn free_form() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

fn operation(tag: &str, id: &str, summary: &str) -> OperationBuilder {
    // An empty list: these need no token.
    OperationBuilder::new().tag(tag).operation_id(Some(id)).summary(Some(summary)).securities(Some([]))
}

fn get(tag: &str, id: &str, summary: &str) -> PathItem {
    let answer = ResponseBuilder::new()
        .description(summary)
        .content("application/json", Content::new(Some(free_form())));
    let limited = ResponseBuilder::new().description("Too many requests.");
    let operation =
        operation(tag, id, summary).response("200", answer.build()).response("429", limited.build());
    PathItem::new(HttpMethod::Get, operation.build())
}

/// `RFC 6749 §4.1.1` with PKCE (`RFC 7636 §4.3`) and SMART's `aud`.
fn authorize() -> utoipa::openapi::path::Operation {
    const PARAMETERS: [(&str, &str); 8] = [
        ("response_type", "`code`"),
        ("client_id", "The client."),
        ("redirect_uri", "A registered address of the client."),
        ("scope", "SMART scopes, separated by spaces."),
        ("state", "A value that comes back unchanged."),
        ("code_challenge", "SHA-256 of the verifier, base64url."),
        ("code_challenge_method", "`S256`"),
        ("aud", "The FHIR base."),
    ];
    let mut operation = operation("OAuth", "authorize", "Begin an authorization: log in and approve");
    for (name, description) in PARAMETERS {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        operation = operation.parameter(parameter);
    }
    let page = ObjectBuilder::new().schema_type(Type::String);
    let html =
        ResponseBuilder::new().description("The login page.").content("text/html", Content::new(Some(page)));
    let back = ResponseBuilder::new().description("Back to the client, with a code or an error.");
    let refused = ResponseBuilder::new().description("The client or its address is not known.");
    operation
        .response("200", html.build())
        .response("302", back.build())
        .response("400", refused.build())
        .build()
}

/// `RFC 6749 §3.2`.
fn token() -> utoipa::openapi::path::Operation {
    const FIELDS: [&str; 8] = [
        "code",
        "redirect_uri",
        "code_verifier",
        "client_id",
        "client_secret",
        "scope",
        "client_assertion_type",
        "client_assertion",
    ];
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let grants = text().enum_values(Some(["authorization_code", "client_credentials"]));
    let mut form =
        ObjectBuilder::new().schema_type(Type::Object).property("grant_type", grants).required("grant_type");
    for name in FIELDS {
        form = form.property(name, text());
    }
    let granted = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("access_token", text())
        .property("token_type", text())
        .property("expires_in", ObjectBuilder::new().schema_type(Type::Integer))
        .property("scope", text())
        .required("access_token")
        .required("token_type")
        .additional_properties(Some(AdditionalProperties::FreeForm(true)));
    let refused = || {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .property("error", text())
            .property("error_description", text())
            .required("error")
    };
    let body = RequestBodyBuilder::new()
        .required(Some(Required::True))
        .content("application/x-www-form-urlencoded", Content::new(Some(form)));
    let answer = |text: &str, schema: ObjectBuilder| {
        ResponseBuilder::new()
            .description(text)
            .content("application/json", Content::new(Some(schema)))
            .build()
    };
    operation("OAuth", "token", "Exchange a grant for an access token")
        .request_body(Some(body.build()))
        .response("200", answer("The token.", granted))
        .response("400", answer("The grant was refused (RFC 6749 §5.2).", refused()))
        .response("401", answer("The client was not recognised.", refused()))
        .build()
}
