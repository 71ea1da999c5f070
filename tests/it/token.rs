//! Access tokens for tests, got the way clients get them: registered by the command, asked for with the crate `oauth2`,
//! and for a person through the login and approval forms.

use crate::browser::Browser;
use crate::http::{self, Http};
use crate::server::{Server, unique};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, RedirectUrl, Scope, TokenResponse, TokenUrl,
};
use reqwest::Url;

/// Where the test app is called back; nothing listens there.
pub(crate) const CALLBACK: &str = "https://app.example/callback";

/// What a test client may ask for: everything there is.
pub(crate) const EVERYTHING: &str =
    "openid fhirUser online_access offline_access launch/patient patient/*.cruds user/*.cruds system/*.cruds";

/// A secret of 192 bits.
pub(crate) const SECRET: &str = "bRk0q3vY2m1XnT8sJ5wLh7Gd4pZc6aFe";

/// A password of a test user.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A client of the crate `oauth2` that knows both endpoints.
pub(crate) type OAuth = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// A caller with a token for `scope`, from a client of its own with `client_credentials`.
pub(crate) fn client_credentials(server: &Server, scope: &str) -> Http {
    let id = confidential(server, scope);
    let client = oauth(server, &id, Some(SECRET));
    let mut request = client.exchange_client_credentials();
    for scope in scope.split(' ') {
        request = request.add_scope(Scope::new(scope.into()));
    }
    let answer = request.request(&agent()).expect("a token");
    server.http().with_token(answer.access_token().secret())
}

/// A caller with a token for `scope`, allowed by a new login who is `Patient/{patient}`.
pub(crate) fn patient_token(server: &Server, patient: &str, scope: &str) -> Http {
    user_token(server, &format!("Patient/{patient}"), scope)
}

/// A caller with a token for `scope`, allowed by a new login who is `fhir_user` (`Practitioner/x`).
pub(crate) fn user_token(server: &Server, fhir_user: &str, scope: &str) -> Http {
    let username = user(server, fhir_user, &[]);
    let id = public(server);
    let app = oauth(server, &id, None);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut request = app.authorize_url(CsrfToken::new_random).add_extra_param("aud", server.http().base());
    for scope in scope.split(' ') {
        request = request.add_scope(Scope::new(scope.into()));
    }
    let (url, state) = request.set_pkce_challenge(challenge).url();
    let back = Browser::new(server.http()).allow(url.as_str(), &username, PASSWORD);
    assert_eq!(query(&back, "state").as_deref(), Some(state.secret().as_str()), "{back}");
    let code = query(&back, "code").unwrap_or_else(|| panic!("no code in {back}"));
    let exchange = app.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier);
    let answer = exchange.request(&agent()).expect("a token");
    server.http().with_token(answer.access_token().secret())
}

/// Registers a client by the command, which must succeed, and answers its id.
pub(crate) fn register(server: &Server, arguments: &[&str], input: &str) -> String {
    let id = unique("client");
    let added = server.command(&[&["client", "add", "--id", &id], arguments].concat(), input);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    id
}

/// Registers a public app that may ask for [`EVERYTHING`] and is called back at [`CALLBACK`].
pub(crate) fn public(server: &Server) -> String {
    let arguments =
        ["--public", "--grant", "authorization_code", "--redirect-uri", CALLBACK, "--scope", EVERYTHING];
    register(server, &arguments, "")
}

/// Registers a client with [`SECRET`] that may ask for `scope` by itself.
pub(crate) fn confidential(server: &Server, scope: &str) -> String {
    let arguments = ["--secret-stdin", "--grant", "client_credentials", "--scope", scope];
    register(server, &arguments, &format!("{SECRET}\n"))
}

/// Adds a login with [`PASSWORD`] and answers its name.
pub(crate) fn user(server: &Server, fhir_user: &str, may_act_for: &[&str]) -> String {
    let name = unique("user");
    let mut arguments =
        vec!["user", "add", "--username", &name, "--password-stdin", "--fhir-user", fhir_user];
    for patient in may_act_for {
        arguments.extend(["--may-act-for", patient]);
    }
    let added = server.command(&arguments, &format!("{PASSWORD}\n"));
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    name
}

/// The client `id` of the server, called back at [`CALLBACK`].
pub(crate) fn oauth(server: &Server, id: &str, secret: Option<&str>) -> OAuth {
    let origin = server.http().origin();
    let client = BasicClient::new(ClientId::new(id.into()))
        .set_auth_uri(AuthUrl::new(format!("{origin}/oauth2/authorize")).unwrap())
        .set_token_uri(TokenUrl::new(format!("{origin}/oauth2/token")).unwrap())
        .set_redirect_uri(RedirectUrl::new(CALLBACK.into()).unwrap());
    match secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.into())),
        None => client,
    }
}

/// What `oauth2` sends its requests with: it must not follow redirects.
pub(crate) fn agent() -> reqwest::blocking::Client {
    http::builder().build().unwrap()
}

/// The one value of a parameter of an address.
pub(crate) fn query(address: &str, name: &str) -> Option<String> {
    let url = Url::parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    let mut values = url.query_pairs().filter(|(own, _)| own == name).map(|(_, value)| value.into_owned());
    let value = values.next();
    assert_eq!(values.next(), None, "{name} stands twice in {address}");
    value
}
