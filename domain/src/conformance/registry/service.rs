//! The addresses beside FHIR's: authorization server, documents, health. `api` mounts this list and nothing else, and
//! the OpenAPI document describes it, so that neither can know an address the other does not.

use super::Method;

/// What answers at an address beside FHIR's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The authorization endpoint (`RFC 6749 §3.1`).
    Authorize,
    /// The same, with its parameters in the body.
    AuthorizeByPost,
    /// What the login form sends.
    Login,
    /// What the approval form sends.
    Approve,
    /// Where the demo app's authorization ends.
    DemoCallback,
    /// The style sheet of these pages.
    PagesStyle,
    /// The token endpoint (`RFC 6749 §3.2`).
    Token,
    /// Token revocation (`RFC 7009`).
    Revoke,
    /// Token introspection (`RFC 7662`).
    Introspect,
    /// Who the person is (`OpenID Connect Core §5.3`).
    Userinfo,
    /// The same, by POST.
    UserinfoByPost,
    /// The public keys of access tokens (`RFC 7517 §5`).
    Jwks,
    /// Authorization Server Metadata (`RFC 8414`).
    AuthorizationServerMetadata,
    /// The same for OpenID Connect clients (`OpenID Connect Discovery §4`).
    OpenIdConfiguration,
    /// SMART's configuration (`SMART App Launch 2.2 conformance.html`).
    SmartConfiguration,
    /// The OpenAPI document of everything.
    OpenApi,
    /// The OpenAPI document of a part.
    OpenApiOfPart,
    /// The page of the documentation.
    Docs,
    /// A file of that page.
    DocsFile,
    /// Whether the process runs.
    Live,
    /// Whether it can serve requests.
    Ready,
    /// Counts and times of requests.
    Metrics,
}

/// What such addresses are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// The authorization server.
    Authorization,
    /// Documents about this server.
    Documentation,
    /// The health of the process.
    Operations,
}

/// One method at one address beside FHIR's.
#[derive(Debug, Clone, Copy)]
pub struct ServiceRoute {
    /// The method.
    pub method: Method,
    /// The path; `{name}` and `{file}` stand for one segment.
    pub path: &'static str,
    /// Whether the path is below the FHIR base and not below the root.
    pub below_base: bool,
    /// What answers.
    pub service: Service,
    /// What it is for.
    pub purpose: Purpose,
    /// A name for generated code.
    pub operation: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// The media type of what it answers.
    pub answer: &'static str,
}

impl ServiceRoute {
    /// The path from the root, of a server whose FHIR base is at `base` (`/FHIR/R4`).
    pub fn full_path(&self, base: &str) -> String {
        if self.below_base { format!("{base}{}", self.path) } else { self.path.to_owned() }
    }
}

const HTML: &str = "text/html";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain";
const CSS: &str = "text/css";

use Method::{Get, Post};
use Purpose::{Authorization, Documentation, Operations};

macro_rules! services {
    ($($purpose:ident $method:ident $path:literal $answer:ident $service:ident $operation:literal $summary:literal;)*) => {
        &[$(ServiceRoute {
            method: $method,
            path: $path,
            below_base: matches!(Service::$service, Service::SmartConfiguration),
            service: Service::$service,
            purpose: $purpose,
            operation: $operation,
            summary: $summary,
            answer: $answer,
        }),*]
    };
}

/// Every address beside FHIR's.
pub(super) const SERVICES: &[ServiceRoute] = services! {
    Authorization Get "/oauth2/authorize" HTML Authorize "authorize" "Begin an authorization: log in and approve";
    Authorization Post "/oauth2/authorize" HTML AuthorizeByPost "authorizeByPost" "Begin an authorization, parameters in the body";
    Authorization Post "/oauth2/login" HTML Login "login" "What the login page sends";
    Authorization Post "/oauth2/approve" HTML Approve "approve" "What the approval page sends";
    Authorization Get "/demo/callback" HTML DemoCallback "demoCallback" "Where the authorization of the demo app ends: shows the code";
    Authorization Get "/oauth2/pages.css" CSS PagesStyle "pagesStyle" "The style sheet of the login and approval pages";
    Authorization Post "/oauth2/token" JSON Token "token" "Exchange a grant for an access token";
    Authorization Post "/oauth2/revoke" JSON Revoke "revoke" "Make a token worthless";
    Authorization Post "/oauth2/introspect" JSON Introspect "introspect" "What a token stands for";
    Authorization Get "/oauth2/userinfo" JSON Userinfo "userinfo" "Who the person is";
    Authorization Post "/oauth2/userinfo" JSON UserinfoByPost "userinfoByPost" "Who the person is, by POST";
    Authorization Get "/oauth2/jwks" JSON Jwks "jwks" "Keys that sign the tokens";
    Authorization Get "/.well-known/oauth-authorization-server" JSON AuthorizationServerMetadata "authorizationServerMetadata" "What OAuth clients need to know";
    Authorization Get "/.well-known/openid-configuration" JSON OpenIdConfiguration "openidConfiguration" "What OpenID Connect clients need to know";
    Authorization Get "/.well-known/smart-configuration" JSON SmartConfiguration "smartConfiguration" "What SMART apps need to know";
    Documentation Get "/openapi.json" JSON OpenApi "openapi" "This document: everything the server does";
    Documentation Get "/openapi/{name}.json" JSON OpenApiOfPart "openapiOfPart" "The document of one resource type, complete in itself";
    Documentation Get "/docs" HTML Docs "docs" "The documentation, to read and to try out";
    Documentation Get "/docs/{file}" TEXT DocsFile "docsFile" "A file of the documentation page, or a document as it shows it: without extensions";
    Operations Get "/health/live" TEXT Live "live" "Whether the process runs";
    Operations Get "/health/ready" TEXT Ready "ready" "Whether it can serve requests";
    Operations Get "/metrics" TEXT Metrics "metrics" "Counts and times of requests, in Prometheus' text format";
};
