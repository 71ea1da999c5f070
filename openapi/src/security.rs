//! The security schemes: OAuth 2.0 with SMART scopes, and the bearer token it gives.

use domain::conformance::registry::{InteractionCode, ResourceType};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::openapi::security::{
    AuthorizationCode, ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes,
    SecurityRequirement, SecurityScheme,
};

/// Name of the OAuth 2.0 scheme.
const OAUTH2: &str = "oauth2";
/// Name of the bearer scheme.
const BEARER: &str = "bearer";

/// The contexts of SMART scopes, and whose data each is about.
const CONTEXTS: [(&str, &str); 3] = [
    ("patient", "in the record of the patient in context"),
    ("user", "that the person may reach"),
    ("system", "in every record"),
];

/// The scopes that operations ask for, with what each allows.
#[derive(Default)]
pub(crate) struct Asked(BTreeMap<String, String>);

impl Asked {
    /// What an operation asks for: its scopes in any one context, or a token that covers it.
    pub(crate) fn of(
        &mut self,
        interaction: InteractionCode,
        type_: Option<&ResourceType>,
    ) -> Vec<SecurityRequirement> {
        let none = BTreeSet::<String>::new();
        let mut requirements = Vec::new();
        if interaction == InteractionCode::Capabilities {
            return requirements;
        }
        if let Some(scope) = interaction.scope() {
            self.0.insert(scope.to_owned(), "Change what is searched by".to_owned());
            return vec![SecurityRequirement::new(OAUTH2, [scope]), bearer()];
        }
        let letters = interaction.letters();
        if letters.is_empty() {
            // Each entry of a bundle asks for its own.
            return vec![SecurityRequirement::new(OAUTH2, none), bearer()];
        }
        let name = type_.map_or("*", |type_| type_.name);
        for (context, whose) in CONTEXTS {
            let of = if name == "*" { "every type" } else { name };
            let scopes = letters.iter().map(|letter| {
                let scope = format!("{context}/{name}.{letter}");
                self.0.insert(scope.clone(), format!("{} {of} {whose}", verb(*letter)));
                scope
            });
            let scopes: Vec<String> = scopes.collect();
            requirements.push(SecurityRequirement::new(OAUTH2, scopes));
        }
        requirements.push(bearer());
        requirements
    }

    /// The schemes by name, with every scope that was asked for.
    pub(crate) fn schemes(self, public_url: &str) -> [(&'static str, SecurityScheme); 2] {
        let token = format!("{public_url}/oauth2/token");
        let authorize = format!("{public_url}/oauth2/authorize");
        let (system, person): (Vec<_>, Vec<_>) =
            self.0.into_iter().partition(|(scope, _)| scope.starts_with("system/"));
        let launch = [("launch/patient".to_owned(), "Choose a patient at launch".to_owned())];
        let code = AuthorizationCode::new(
            authorize,
            token.clone(),
            Scopes::from_iter(launch.into_iter().chain(person)),
        );
        let client = ClientCredentials::new(token, Scopes::from_iter(system));
        let description = "SMART App Launch 2: authorization code with PKCE (S256) for apps, client credentials for \
            backends. Scopes combine and widen: `patient/*.cruds` covers all below `patient/`.";
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
}

/// A token, got in whatever way.
pub(crate) fn bearer() -> SecurityRequirement {
    SecurityRequirement::new(BEARER, BTreeSet::<String>::new())
}

const fn verb(letter: char) -> &'static str {
    match letter {
        'c' => "Create",
        'r' => "Read",
        'u' => "Update",
        'd' => "Delete",
        _ => "Search",
    }
}
