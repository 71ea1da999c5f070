//! The demo record set of `binnacle serve --demo`: some people of Leeds, made up, loaded on every start.
//!
//! Loading again changes nothing: every entry is a `PUT` with content that is there already.

use super::import::Loader;
use super::sentence;
use crate::clock::SystemIds;
use crate::settings::Settings;
use crate::worker::Worker;
use domain::authorization::client::{self, Authentication, Client};
use domain::authorization::{digest, user};
use domain::id::IdSource;
use domain::{Error, ErrorCode};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The patient whose record the printed command reads, and who can log in.
const PATIENT: &str = "amina-hussain";

/// The demo's secrets, kept beside the database so that a restart prints the same.
#[derive(Serialize, Deserialize)]
struct Secrets {
    connector: String,
    password: String,
}

macro_rules! documents {
    ($($name:literal)*) => { &[$(($name, include_bytes!(concat!("../../demo/", $name)).as_slice())),*] };
}

const DOCUMENTS: &[(&str, &[u8])] = documents! {
    "00-practices.json"
    "01-hussain.json"
    "02-oldroyd.json"
    "03-kowalczyk.json"
    "04-campbell.json"
    "05-adeyemi.json"
    "06-thackray.json"
    "07-chan.json"
    "08-ackroyd.json"
    "09-venkatesan.json"
    "10-sugden.json"
    "11-goldberg.json"
    "12-warsame.json"
    "13-lister.json"
    "14-firth.json"
    "15-hinchliffe.json"
    "16-popescu.json"
    "17-karimi.json"
};

/// Loads the demo records.
///
/// Errors: one was refused, which is a fault of this build or of the store.
pub(crate) fn load(loader: &Loader) -> Result<usize, String> {
    let mut loading = loader.start();
    for (name, document) in DOCUMENTS {
        loading.document(name, name, document);
    }
    let report = loading.finish();
    if report.failed() || report.refused() > 0 {
        return Err(format!("The demo records cannot be loaded.\n{}", report.table()));
    }
    Ok(report.stored())
}

/// Registers the demo's clients and user, unless they are there, and says how to use them.
///
/// Errors: the secrets cannot be kept, or the store fails.
pub(crate) fn logins(settings: &Settings, worker: &Worker) -> Result<String, String> {
    let secrets = secrets(settings)?;
    let base = &settings.public_url;
    let connector = Client {
        id: "demo-connector".into(),
        name: Some("Demo connector".into()),
        authentication: Authentication::Secret(digest(&secrets.connector)),
        grants: vec!["client_credentials".into()],
        redirect_uris: Vec::new(),
        origins: Vec::new(),
        scope: "system/*.cruds".into(),
        actor: None,
        disabled: false,
    };
    let app = Client {
        id: "demo-app".into(),
        name: Some("Demo app".into()),
        authentication: Authentication::Public,
        grants: vec!["authorization_code".into()],
        redirect_uris: vec![format!("{base}/demo/callback")],
        scope: "openid fhirUser offline_access launch/patient patient/*.cruds".into(),
        ..connector.clone()
    };
    for client in [connector, app] {
        present(worker.write_blocking(move |tx| client::add(tx, &client)))?;
    }
    let password = user::hash(&secrets.password, &SystemIds.secret()).map_err(|error| sentence(&error))?;
    let fhir_user = format!("Patient/{PATIENT}");
    let login = user::User { username: "amina".into(), password, fhir_user, may_act_for: Vec::new() };
    present(worker.write_blocking(move |tx| user::add(tx, &login)))?;
    let Secrets { connector, password } = secrets;
    Ok(format!(
        "Demo login: amina, password {password} (app demo-app, redirect {base}/demo/callback)\n\
         Demo connector: demo-connector, secret {connector}\n\
         A care plan with its goals:\n\n\
         curl -s -H \"Authorization: Bearer $(curl -s -u demo-connector:{connector} -d grant_type=client_credentials \
         --data-urlencode 'scope=system/*.rs' {base}/oauth2/token | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\" \
         '{fhir}/CarePlan?patient={PATIENT}&_include=CarePlan:goal&_pretty=true'\n",
        fhir = settings.base(),
    ))
}

/// What is there already is as good as added.
fn present(added: Result<(), Error>) -> Result<(), String> {
    match added {
        Err(error) if error.code() != ErrorCode::Conflict => Err(sentence(&error)),
        _ => Ok(()),
    }
}

/// Reads the demo's secrets from `demo.json` beside the database, or draws them and keeps them there.
fn secrets(settings: &Settings) -> Result<Secrets, String> {
    let sqlite = settings.database_url.strip_prefix("sqlite://").and_then(|path| Path::new(path).parent());
    let path = sqlite.unwrap_or_else(|| Path::new("data")).join("demo.json");
    if let Ok(text) = std::fs::read(&path) {
        return serde_json::from_slice(&text)
            .map_err(|_| format!("{} is not what --demo wrote there. Delete it.", path.display()));
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (connector, password) = (SystemIds.secret(), SystemIds.secret());
    let secrets =
        Secrets { connector: hex(&connector), password: hex(password.get(..8).unwrap_or(&password)) };
    let failed = |error: std::io::Error| format!("{} cannot be written: {error}.", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let text = serde_json::to_vec_pretty(&secrets).map_err(|error| error.to_string())?;
    file.and_then(|mut file| file.write_all(&text)).map_err(failed)?;
    Ok(secrets)
}
