//! The operations beside FHIR's, from the Registry's services: the authorization server, documents, health.

use crate::answers::{REQUEST_ID, with_headers};
use crate::fhir::{FORM, http};
use crate::{Installation, security};
use domain::authorization::token::GRANTS;
use domain::conformance::registry::{Purpose, Registry, Service, ServiceRoute};
use utoipa::openapi::path::{
    OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::{Content, Ref, RefOr, Required, Response, ResponseBuilder};

/// Tags and what they are about.
pub(crate) const TAGS: [(Purpose, &str, &str); 3] = [
    (Purpose::Authorization, "OAuth", "The authorization server: OAuth 2.0 and SMART on FHIR"),
    (Purpose::Documentation, "Documentation", "This documentation"),
    (Purpose::Operations, "Operations", "The health of the process"),
];

/// What the authorization endpoint takes (`RFC 6749 §4.1.1`, PKCE of `RFC 7636 §4.3`, SMART's `aud`).
const AUTHORIZATION_REQUEST: [(&str, &str, bool); 8] = [
    ("response_type", "`code`", true),
    ("client_id", "The client.", true),
    ("redirect_uri", "A registered address of the client.", true),
    ("scope", "SMART scopes, separated by spaces.", true),
    ("state", "A value that comes back unchanged.", true),
    ("code_challenge", "SHA-256 of the verifier, base64url.", true),
    ("code_challenge_method", "`S256`", true),
    ("aud", "The FHIR base.", true),
];

/// What the token endpoint takes beside `grant_type` and credentials (`RFC 6749 §4.1.3`, `§4.4.2`, `§6`).
const TOKEN_REQUEST: [(&str, &str); 5] = [
    ("code", "The authorization code."),
    ("redirect_uri", "The same as at the authorization endpoint."),
    ("code_verifier", "What `code_challenge` was made of."),
    ("refresh_token", "A refresh token, for the grant of this name."),
    ("scope", "SMART scopes, separated by spaces."),
];

/// How a client proves who it is, when not by `Authorization: Basic` (`RFC 6749 §2.3.1`, `RFC 7523 §2.2`).
const CREDENTIALS: [(&str, &str); 4] = [
    ("client_id", "The client, when it is public or sends its secret in the body."),
    ("client_secret", "Its secret; better sent as `Authorization: Basic`."),
    ("client_assertion_type", "`urn:ietf:params:oauth:client-assertion-type:jwt-bearer`"),
    ("client_assertion", "A JWT signed by the client."),
];

/// Adds the operations beside FHIR's.
pub(crate) fn paths(
    mut paths: PathsBuilder,
    registry: &Registry,
    installation: &Installation<'_>,
) -> PathsBuilder {
    for route in registry.services() {
        let tag = TAGS.iter().find(|(purpose, _, _)| *purpose == route.purpose).map_or("", |(_, tag, _)| tag);
        let bearer = matches!(route.service, Service::Userinfo | Service::UserinfoByPost);
        let mut operation = OperationBuilder::new()
            .tag(tag)
            .operation_id(Some(route.operation))
            .summary(Some(route.summary))
            .securities(Some(bearer.then(security::bearer)));
        for parameter in parameters(route.service) {
            operation = operation.parameter(parameter);
        }
        for (status, response) in answers(route) {
            operation = operation.response(status, response);
        }
        operation = operation.request_body(body(route.service));
        paths = paths.path(
            route.full_path(installation.base_path),
            PathItem::new(http(route.method), operation.build()),
        );
    }
    paths
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object)
}

fn parameters(service: Service) -> Vec<Parameter> {
    let parameter = |name: &str, description: &str, place: ParameterIn, required: bool| {
        let required = if required { Required::True } else { Required::False };
        ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(required)
            .description(Some(description))
            .schema(Some(text()))
            .build()
    };
    match service {
        Service::Authorize => AUTHORIZATION_REQUEST
            .iter()
            .map(|(name, description, required)| parameter(name, description, ParameterIn::Query, *required))
            .collect(),
        Service::OpenApiOfPart => {
            let description = "A resource type, `Server` for what is of no type, or `Patient,CarePlan,Consent` for these three.";
            vec![parameter("name", description, ParameterIn::Path, true)]
        }
        Service::DocsFile => vec![parameter("file", "Its name.", ParameterIn::Path, true)],
        _ => Vec::new(),
    }
}

fn body(service: Service) -> Option<RequestBody> {
    let with = |form: ObjectBuilder, fields: &[(&str, &str)]| {
        fields.iter().fold(form, |form, (name, about)| form.property(*name, text().description(Some(*about))))
    };
    let form = match service {
        Service::AuthorizeByPost => {
            AUTHORIZATION_REQUEST.iter().fold(object(), |form, (name, about, required)| {
                let form = form.property(*name, text().description(Some(*about)));
                if *required { form.required(*name) } else { form }
            })
        }
        Service::Token => {
            let grants = text().enum_values(Some(GRANTS));
            with(with(object(), &TOKEN_REQUEST), &CREDENTIALS)
                .property("grant_type", grants)
                .required("grant_type")
        }
        Service::Revoke | Service::Introspect => {
            let token = text().description(Some("An access token or a refresh token."));
            with(object(), &CREDENTIALS).property("token", token).required("token")
        }
        // What the pages send is between them and the server.
        Service::Login | Service::Approve => {
            object().additional_properties(Some(AdditionalProperties::FreeForm(true)))
        }
        _ => return None,
    };
    let body =
        RequestBodyBuilder::new().required(Some(Required::True)).content(FORM, Content::new(Some(form)));
    Some(body.build())
}

/// The answers by status.
fn answers(route: &ServiceRoute) -> Vec<(&'static str, RefOr<Response>)> {
    let with = |description: &str, schema: ObjectBuilder| {
        let response = ResponseBuilder::new().description(description);
        described(response.content(route.answer, Content::new(Some(schema))))
    };
    let plain = |description: &str| described(ResponseBuilder::new().description(description));
    let failure = |name: &str| RefOr::Ref(Ref::from_response_name(name));
    let any = || object().additional_properties(Some(AdditionalProperties::FreeForm(true)));
    let success = match route.service {
        Service::Token => with("The token.", granted()),
        _ if route.answer == "application/json" => with(route.summary, any()),
        _ => with(route.summary, text()),
    };
    let mut answers = match route.service {
        Service::Authorize | Service::AuthorizeByPost => vec![
            ("200", success),
            ("303", plain("Back to the client, with a code or an error.")),
            ("400", with("The client or its address is not known: a page that says so.", text())),
        ],
        Service::Login | Service::Approve => vec![
            ("303", plain("On with the authorization, or back to the client.")),
            ("default", with("The page again, with what is wrong (400, 403, 429).", text())),
        ],
        Service::Revoke => vec![
            ("200", plain("The token is worthless now, whatever it was.")),
            ("400", with("The request is not complete.", refused())),
            ("401", with("The client was not recognised.", refused())),
        ],
        Service::Userinfo | Service::UserinfoByPost => {
            vec![("200", success), ("401", failure("Unauthorized"))]
        }
        Service::Token | Service::Introspect => vec![
            ("200", success),
            ("400", with("The request was refused (RFC 6749 §5.2).", refused())),
            ("401", with("The client was not recognised.", refused())),
            ("413", with("The form is too long.", refused())),
            ("415", with("The body is not a form.", refused())),
        ],
        Service::OpenApiOfPart | Service::DocsFile | Service::DemoCallback => {
            vec![("200", success), ("404", failure("NotFound"))]
        }
        Service::Ready => vec![("200", success), ("503", with("It cannot.", text()))],
        _ => vec![("200", success)],
    };
    if route.purpose == Purpose::Operations {
        answers.push(("400", plain("The request is not what HTTP/1.1 or HTTP/2 allow.")));
    } else {
        answers.extend([("429", failure("TooManyRequests")), ("503", failure("Unavailable"))]);
    }
    answers.push(("500", failure("Internal")));
    answers
}

fn described(response: ResponseBuilder) -> RefOr<Response> {
    with_headers(response.build(), [REQUEST_ID].into_iter()).into()
}

/// `RFC 6749 §5.1`, with SMART's launch context.
fn granted() -> ObjectBuilder {
    object()
        .property("access_token", text())
        .property("token_type", text())
        .property("expires_in", ObjectBuilder::new().schema_type(Type::Integer))
        .property("scope", text())
        .property("patient", text().description(Some("The id of the patient in context.")))
        .required("access_token")
        .required("token_type")
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

/// `RFC 6749 §5.2`.
fn refused() -> ObjectBuilder {
    object().property("error", text()).property("error_description", text()).required("error")
}
