//! Tests of the authorization server over the store of maps, with a clock that the test sets: what only time, or only the
//! holder of the signing key, can bring about.

mod refresh;

use super::access_token::{self, Claims};
use super::client::{self, Authentication, Client};
use super::login::{self, Limits};
use super::token::{self, TokenRequest};
use super::{AuthorizationServer, authorize, digest, keys, user};
use crate::clock::{Clock, Instant};
use crate::error::Error;
use crate::id::{Id, IdSource};
use crate::store::authorization::{Kind, Record};
use crate::store::memory::MemoryStore;
use crate::store::{Executor, WriteJob, WriteTx};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

struct At(AtomicI64);

impl Clock for At {
    fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::Relaxed) * 1_000_000)
    }
}

struct Counter(AtomicU8);

impl IdSource for Counter {
    fn resource_id(&self) -> Id {
        Id::parse("x").unwrap()
    }

    fn secret(&self) -> [u8; 32] {
        [self.0.fetch_add(1, Ordering::Relaxed); 32]
    }
}

struct World {
    store: MemoryStore,
    clock: Arc<At>,
    server: Arc<AuthorizationServer>,
}

struct Job<T, F>(F, Arc<Mutex<Option<Result<T, Error>>>>);

impl<T: Send, F: FnMut(&mut dyn WriteTx) -> Result<T, Error> + Send> WriteJob for Job<T, F> {
    fn run(&mut self, tx: &mut dyn WriteTx) -> Result<(), Error> {
        *self.1.lock().unwrap() = Some((self.0)(tx));
        Ok(())
    }

    fn done(self: Box<Self>, _: Result<(), Error>) {}
}

/// Runs `job` in a write transaction of `store`.
fn write<T, F>(store: &MemoryStore, job: F) -> T
where
    T: Send + 'static,
    F: FnMut(&mut dyn WriteTx) -> Result<T, Error> + Send + 'static,
{
    let answer = Arc::new(Mutex::new(None));
    store.write(Box::new(Job(job, Arc::clone(&answer)))).unwrap();
    let outcome = answer.lock().unwrap().take();
    outcome.unwrap().unwrap()
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BASE: &str = "https://x.example/FHIR/R4";

/// Nothing is fetched here.
struct NoKeys;
impl crate::authorization::remote_keys::RemoteKeys for NoKeys {
    fn keys(&self, _: &str) -> Option<Arc<jsonwebtoken::jwk::JwkSet>> {
        None
    }
}

impl World {
    fn new() -> World {
        let store = MemoryStore::new();
        let clock = Arc::new(At(AtomicI64::new(1_800_000_000)));
        let keyring = write(&store, |tx| keys::ensure(tx));
        let server = AuthorizationServer {
            issuer: "https://x.example".into(),
            base: BASE.into(),
            keys: keys::Keys::new(keyring),
            remote_keys: Arc::new(NoKeys),
            clock: clock.clone(),
            ids: Arc::new(Counter(AtomicU8::new(0))),
        };
        let app = Client {
            id: "app".into(),
            name: None,
            authentication: Authentication::Public,
            grants: vec!["authorization_code".into()],
            redirect_uris: vec!["https://app.example/cb".into()],
            origins: Vec::new(),
            scope: "online_access offline_access patient/*.rs".into(),
            actor: None,
            disabled: false,
        };
        write(&store, move |tx| client::add(tx, &app));
        write(&store, |tx| user::add(tx, &person()));
        World { store, clock, server: Arc::new(server) }
    }

    fn wait(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn run<T, F>(&self, mut job: F) -> T
    where
        T: Send + 'static,
        F: FnMut(&AuthorizationServer, &mut dyn WriteTx) -> Result<T, Error> + Send + 'static,
    {
        let server = Arc::clone(&self.server);
        write(&self.store, move |tx| job(&server, tx))
    }

    /// A code for the app.
    fn code(&self) -> String {
        self.code_for("patient/*.rs", "session")
    }

    /// A code for the app, allowed in a session.
    fn code_for(&self, scope: &str, session: &str) -> String {
        let pairs = [
            ("client_id", "app"),
            ("redirect_uri", "https://app.example/cb"),
            ("response_type", "code"),
            ("scope", scope),
            ("aud", BASE),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let session = session.to_owned();
        let address = self.run(move |server, tx| {
            let request = authorize::check(server, tx, &pairs)?.unwrap();
            authorize::approve(server, tx, &request, (&person(), &session), None)
        });
        address.split(['=', '&']).nth(1).unwrap().to_owned()
    }

    fn exchange(&self, code: &str) -> (u16, Value) {
        self.ask(&[
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("code", code),
            ("redirect_uri", "https://app.example/cb"),
            ("code_verifier", VERIFIER),
        ])
    }

    fn refresh(&self, token: &str) -> (u16, Value) {
        self.ask(&[("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)])
    }

    fn ask(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let form = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = TokenRequest { form, authorization: None };
        let answer = self.run(move |server, tx| token::exchange(server, tx, &request));
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    fn claims(&self) -> Value {
        let now = self.clock.now().seconds();
        json!({
            "iss": "https://x.example", "aud": BASE, "sub": "u", "client_id": "app", "scope": "patient/*.rs",
            "patient": "p", "exp": now + 60, "iat": now, "jti": "j",
        })
    }

    /// Signs anything with the server's own key.
    fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, self.server.keys.current().signing().1).unwrap()
    }

    fn header(&self) -> Header {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".into());
        header.kid = Some(self.server.keys.current().signing().0.to_owned());
        header
    }

    fn accepts(&self, claims: &Value) -> bool {
        access_token::verify(&self.server, &self.sign(&self.header(), claims)).is_ok()
    }
}

fn person() -> user::User {
    user::User {
        username: "u".into(),
        password: "x".into(),
        fhir_user: "Patient/p".into(),
        may_act_for: Vec::new(),
    }
}

#[test]
fn a_token_opens_until_it_expires() {
    let world = World::new();
    let (status, answer) = world.exchange(&world.code());
    assert_eq!(status, 200, "{answer}");
    let token = answer["access_token"].as_str().unwrap();
    let claims: Claims = access_token::verify(&world.server, token).unwrap();
    assert_eq!((claims.patient.as_deref(), claims.exp - claims.iat), (Some("p"), 3600));
    world.wait(3599);
    assert!(access_token::verify(&world.server, token).is_ok());
    world.wait(1);
    assert!(access_token::verify(&world.server, token).is_err(), "B 98");
}

#[test]
fn a_code_lives_a_minute() {
    let world = World::new();
    let (in_time, late) = (world.code(), world.code());
    world.wait(59);
    assert_eq!(world.exchange(&in_time).0, 200);
    world.wait(1);
    let (status, answer) = world.exchange(&late);
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
}

#[test]
fn claims_of_an_access_token_are_typed_and_bound() {
    let world = World::new();
    let right = world.claims();
    assert!(world.accepts(&right));
    let now = world.clock.now().seconds();
    let base = |more: &str| json!(format!("{BASE}{more}"));
    for (number, name, values) in [
        (
            "103",
            "exp",
            vec![
                json!("9999999999"),
                json!([now + 60]),
                json!(true),
                json!(-1),
                json!(null),
                json!(now),
                json!(1e300),
            ],
        ),
        (
            "105",
            "aud",
            vec![
                base("/"),
                base("x"),
                json!(&BASE[..10]),
                json!([BASE, "x"]),
                json!({}),
                json!(null),
                json!("https://x.example"),
                json!(""),
            ],
        ),
        (
            "106",
            "iss",
            vec![
                json!("https://x.example/"),
                json!("https://y.example"),
                json!(["https://x.example"]),
                json!(null),
            ],
        ),
        ("106", "sub", vec![json!(["u"]), json!(null), json!(1)]),
        ("106", "client_id", vec![json!(["app"]), json!(null)]),
        ("107", "jti", vec![json!(null), json!(1), json!([])]),
        ("114", "scope", vec![json!(["patient/*.rs"]), json!(null)]),
    ] {
        for value in values {
            let mut claims = right.clone();
            claims[name] = value.clone();
            assert!(!world.accepts(&claims), "{number} {name}: {value}");
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
                assert!(!world.accepts(&claims), "{number} without {name}");
            }
        }
    }
}

#[test]
fn only_an_access_token_is_one() {
    let world = World::new();
    let claims = world.claims();
    let mut header = world.header();
    for typ in [None, Some("JWT"), Some("at+JWT "), Some("dpop+jwt")] {
        header.typ = typ.map(str::to_owned);
        assert!(access_token::verify(&world.server, &world.sign(&header, &claims)).is_err(), "B 97: {typ:?}");
    }
    let keys = world.server.keys.current();
    let accepts = |header: &str, claims: &str| {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", encode(header), encode(claims));
        let key = keys.signing().1;
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::ES256).unwrap();
        access_token::verify(&world.server, &format!("{message}.{signature}")).is_ok()
    };
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": world.header().kid });
    assert!(accepts(&header.to_string(), &claims.to_string()));
    let mut critical = header.clone();
    critical["crit"] = json!(["x"]);
    critical["x"] = json!(1);
    assert!(!accepts(&critical.to_string(), &claims.to_string()), "B 95");
    let twice = claims.to_string().replacen('{', r#"{"scope":"system/*.cruds","#, 1);
    assert!(!accepts(&header.to_string(), &twice), "B 102");
}

#[test]
fn c129_c132_a_token_without_a_place_is_nobody() {
    let world = World::new();
    let actor = |scope: &str, patient: Option<&str>| {
        let mut claims = world.claims();
        claims["scope"] = json!(scope);
        claims["patient"] = json!(patient);
        let token = world.sign(&world.header(), &claims);
        access_token::actor(&access_token::verify(&world.server, &token).unwrap())
    };
    assert!(actor("patient/*.rs", Some("p")).is_ok());
    assert!(actor("patient/*.rs", None).is_err(), "129");
    assert!(actor("patient/*.rs", Some("../x")).is_err(), "129");
    assert!(actor("patient/*.rs user/*.rs", Some("p")).is_err(), "130");
    assert!(actor("patient/*.rs system/*.rs", Some("p")).is_err(), "130");
    for nothing in ["", "openid", "openid fhirUser launch/patient", "patient/*", "nonsense"] {
        assert!(actor(nothing, Some("p")).is_err(), "132: {nothing}");
    }
}

#[test]
fn failed_logins_count_for_a_quarter_of_an_hour() {
    let world = World::new();
    let limits = Limits { account: 2, address: 0 };
    let begin =
        move |world: &World| world.run(move |server, tx| login::begin(server, tx, "u", "192.0.2.1", limits));
    assert!(begin(&world).is_some());
    world.wait(600);
    let second = begin(&world).unwrap();
    assert!(begin(&world).is_none());
    // A right password takes back its own attempt, not those before.
    world.run(move |server, tx| login::succeed(server, tx, &second));
    assert!(begin(&world).is_some() && begin(&world).is_none());
    world.wait(300);
    assert!(begin(&world).is_some(), "the first is 15 minutes old");
    assert!(begin(&world).is_none());
}

#[test]
fn a_session_lasts_an_hour_and_is_stored_as_a_hash() {
    let world = World::new();
    let limits = Limits { account: 0, address: 0 };
    let cookie = world.run(move |server, tx| {
        let attempt = login::begin(server, tx, "u", "", limits)?.unwrap();
        login::succeed(server, tx, &attempt)
    });
    let user = |world: &World, cookie: &str| {
        let cookie = cookie.to_owned();
        world.run(move |server, tx| Ok(login::session(server, tx, &cookie)?.map(|user| user.username)))
    };
    assert_eq!(user(&world, &cookie).as_deref(), Some("u"));
    assert_eq!(user(&world, &digest(&cookie)), None);
    world.wait(3600);
    assert_eq!(user(&world, &cookie), None);
}
