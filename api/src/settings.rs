//! What an operator can set: environment `BINNACLE_*`, then `binnacle.toml`, then defaults.

use domain::search::Limits;
use domain::search::limits::MOST_SORT_KEYS;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

macro_rules! settings {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty = $default:expr;)*) => {
        /// All settings. A field `x` is `BINNACLE_X` in the environment and `x` in the file.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct Settings { $($(#[doc = $doc])* pub(crate) $name: $type,)* }

        impl Default for Settings {
            fn default() -> Settings { Settings { $($name: $default,)* } }
        }

        /// The names of the settings, with what they mean.
        const SETTINGS: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),*)),)*];
    };
}

settings! {
    /// address and port to listen on
    listen: String = "127.0.0.1:8080".into();
    /// issuer, base of links, audience of tokens
    public_url: String = "http://127.0.0.1:8080".into();
    /// sqlite://relative.db, sqlite:///absolute.db or postgres://…
    database_url: String = "sqlite://data/binnacle.db".into();
    /// full or normal: whether SQLite waits for the disk on each commit
    sqlite_synchronous: Synchronous = Synchronous::Full;
    /// none or zstd: how resources are written to the store; both are read, whatever is set
    store_compression: Compression = Compression::None;
    /// async workers, 0 = one a processor
    workers: usize = 0;
    /// threads that read the store, 0 = two a processor
    reader_threads: usize = 0;
    /// jobs that may wait for the store in each queue
    queue: usize = 1024;
    /// bytes of a request's body, after decompression too
    body_limit: usize = 64 << 20;
    /// entries of a batch or transaction
    bundle_entries: usize = 10_000;
    /// single or multiple: how many resources one conditional delete may delete (multiple: as many as a Bundle has entries)
    conditional_delete: ConditionalDelete = ConditionalDelete::Single;
    /// bytes of a request's query; a longer search is sent as a form
    query_length: usize = 16 << 10;
    /// refuse or ignore: what becomes of a search parameter that is not known
    search_unknown_parameters: UnknownParameters = UnknownParameters::Refuse;
    /// matches on a page of a search or history when the caller does not say
    page_size: usize = Limits::DEFAULT.page;
    /// matches on a page at most, whatever the caller says
    page_size_max: usize = Limits::DEFAULT.largest_page;
    /// parameters of one search
    search_parameters: usize = Limits::DEFAULT.parameters;
    /// values of one search parameter, separated by commas
    search_values: usize = Limits::DEFAULT.values;
    /// links of one chain, _has included
    search_chain: usize = Limits::DEFAULT.links;
    /// keys of _sort, up to 16
    search_sort_keys: usize = Limits::DEFAULT.sort_keys;
    /// _include and _revinclude of one search
    search_includes: usize = Limits::DEFAULT.includes;
    /// resources that a page brings along by them
    search_included: usize = Limits::DEFAULT.included;
    /// seconds within which a request's body must have come
    body_timeout: u64 = 60;
    /// seconds that a request may take
    request_timeout: u64 = 120;
    /// seconds, up to 20, for which a server that was asked to stop says that it is not ready before it closes its socket
    shutdown_notice: u64 = 1;
    /// requests worked on at once; more are answered 503
    max_requests: usize = 2048;
    /// open connections a worker
    max_connections: usize = 10_000;
    /// refuse or warn: what becomes of a wrong NHS number
    nhs_number: NhsNumber = NhsNumber::Refuse;
    /// refuse or warn: what becomes of a resource that breaks an invariant of R4
    invariants: Invariants = Invariants::Warn;
    /// requests a minute of one client, in bursts of as many; 0 = no limit
    rate_limit_client: u32 = 6000;
    /// requests a minute of one user, 0 = no limit
    rate_limit_user: u32 = 1200;
    /// requests a minute of one network address (IPv6: of one /64), 0 = no limit
    rate_limit_address: u32 = 0;
    /// failed logins in 15 minutes of one account, and from one address; 0 = no limit
    login_failures: LoginFailures = LoginFailures { account: 10, address: 100 };
    /// origins of browser apps, separated by spaces, beside those of registered clients
    cors_origins: String = String::new();
    /// networks and addresses that outgoing calls may reach beside the public internet, separated by spaces
    egress_allow: String = String::new();
    /// text or json
    log_format: LogFormat = LogFormat::Text;
    /// what is logged, as tracing directives; access=debug logs every request
    log: String = "info".into();
}

/// `BINNACLE_SQLITE_SYNCHRONOUS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Synchronous {
    /// An acknowledged write survives a power cut.
    Full,
    /// It survives a crash of the process only.
    Normal,
}

/// `BINNACLE_STORE_COMPRESSION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Compression {
    /// As JSON.
    None,
    /// With zstd and the dictionary of this binary.
    Zstd,
}

/// `BINNACLE_NHS_NUMBER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NhsNumber {
    /// A wrong one is 422.
    Refuse,
    /// A wrong one is stored and reported.
    Warn,
}

/// `BINNACLE_INVARIANTS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Invariants {
    /// It is 422.
    Refuse,
    /// It is stored and reported.
    Warn,
}

/// `BINNACLE_CONDITIONAL_DELETE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ConditionalDelete {
    /// More than one match is 412.
    Single,
    /// All matches.
    Multiple,
}

/// `BINNACLE_SEARCH_UNKNOWN_PARAMETERS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UnknownParameters {
    /// The search is 400 unless `Prefer: handling=lenient` is sent.
    Refuse,
    /// It goes on without them and says so unless `Prefer: handling=strict` is sent.
    Ignore,
}

/// `BINNACLE_LOGIN_FAILURES`, written `account,address`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct LoginFailures {
    /// Of one account.
    pub(crate) account: u32,
    /// From one address.
    pub(crate) address: u32,
}

impl TryFrom<String> for LoginFailures {
    type Error = &'static str;

    fn try_from(text: String) -> Result<LoginFailures, &'static str> {
        let pair = text.split_once(',').and_then(|(account, address)| {
            Some(LoginFailures {
                account: account.trim().parse().ok()?,
                address: address.trim().parse().ok()?,
            })
        });
        pair.ok_or("it is two whole numbers, 0 or more, such as 10,100")
    }
}

impl From<LoginFailures> for String {
    fn from(failures: LoginFailures) -> String {
        format!("{},{}", failures.account, failures.address)
    }
}

/// `BINNACLE_LOG_FORMAT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// One line a record, for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// Reads the settings; `file` is `--config`, else `binnacle.toml` if there is one.
    ///
    /// Errors: a sentence that names the setting.
    pub(crate) fn load(file: Option<&Path>) -> Result<Settings, String> {
        if let Some(file) = file
            && !file.is_file()
        {
            return Err(format!("The settings file {} cannot be read.", file.display()));
        }
        let names: Vec<&str> = SETTINGS.iter().map(|(name, _)| *name).collect();
        refuse_unknown(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()), &names)?;
        let settings: Settings = Figment::from(Serialized::defaults(Settings::default()))
            .merge(Toml::file(file.unwrap_or_else(|| Path::new("binnacle.toml"))))
            .merge(Env::prefixed("BINNACLE_").only(&names))
            .extract()
            .map_err(|error| explain(&error))?;
        settings.checked()
    }

    fn checked(mut self) -> Result<Settings, String> {
        self.public_url.truncate(self.public_url.trim_end_matches('/').len());
        if !self.public_url.starts_with("https://") && !self.public_url.starts_with("http://") {
            return Err("BINNACLE_PUBLIC_URL is wrong: it begins with https:// or http://.".into());
        }
        if !["sqlite://", "postgres://", "postgresql://"].iter().any(|s| self.database_url.starts_with(s)) {
            return Err("BINNACLE_DATABASE_URL is wrong: it begins with sqlite:// or postgres://.".into());
        }
        for (name, value, least) in [
            ("BODY_LIMIT", self.body_limit, 1024),
            ("BUNDLE_ENTRIES", self.bundle_entries, 1),
            ("MAX_REQUESTS", self.max_requests, 1),
            ("MAX_CONNECTIONS", self.max_connections, 1),
            ("QUEUE", self.queue, 1),
            ("QUERY_LENGTH", self.query_length, 1024),
            ("PAGE_SIZE", self.page_size, 1),
            ("PAGE_SIZE_MAX", self.page_size_max, self.page_size),
            ("SEARCH_PARAMETERS", self.search_parameters, 1),
            ("SEARCH_VALUES", self.search_values, 1),
            ("SEARCH_SORT_KEYS", self.search_sort_keys, 1),
        ] {
            if value < least {
                return Err(format!("BINNACLE_{name} is wrong: it must be {least} or more."));
            }
        }
        if self.search_sort_keys > MOST_SORT_KEYS {
            return Err(format!("BINNACLE_SEARCH_SORT_KEYS is wrong: it must be {MOST_SORT_KEYS} or less."));
        }
        if self.body_timeout == 0 {
            return Err("BINNACLE_BODY_TIMEOUT is wrong: it must be 1 or more.".into());
        }
        if self.request_timeout == 0 {
            return Err("BINNACLE_REQUEST_TIMEOUT is wrong: it must be 1 or more.".into());
        }
        self.address()?;
        Ok(self)
    }

    /// The address to listen on.
    ///
    /// Errors: it is not one.
    pub(crate) fn address(&self) -> Result<SocketAddr, String> {
        self.listen.to_socket_addrs().ok().and_then(|mut all| all.next()).ok_or_else(|| {
            "BINNACLE_LISTEN is wrong: it is an address and a port, such as 127.0.0.1:8080.".into()
        })
    }

    /// `{public_url}/FHIR/R4`.
    pub(crate) fn base(&self) -> String {
        format!("{}/FHIR/R4", self.public_url)
    }

    /// How much a search may ask for.
    pub(crate) const fn search(&self) -> Limits {
        Limits {
            parameters: self.search_parameters,
            values: self.search_values,
            links: self.search_chain,
            sort_keys: self.search_sort_keys,
            includes: self.search_includes,
            included: self.search_included,
            page: self.page_size,
            largest_page: self.page_size_max,
        }
    }

    /// Async workers.
    pub(crate) fn workers(&self) -> usize {
        if self.workers > 0 { self.workers } else { processors() }
    }

    /// Threads that read the store.
    pub(crate) fn readers(&self) -> usize {
        if self.reader_threads > 0 { self.reader_threads } else { 2 * processors() }
    }
}

/// Variables of the build, the tests and the measurements; the server does not read them.
const NOT_SETTINGS: [&str; 5] = ["BIN", "CACHE", "SHARED_DATA", "TEST_", "BENCH_"];

/// Refuses environment variables that look like settings and are none: a mistyped one would change nothing, unnoticed.
fn refuse_unknown(variables: impl Iterator<Item = String>, names: &[&str]) -> Result<(), String> {
    for variable in variables {
        let Some(name) = variable.strip_prefix("BINNACLE_") else { continue };
        let other = |known: &str| name == known || (known.ends_with('_') && name.starts_with(known));
        if !names.contains(&name.to_ascii_lowercase().as_str()) && !NOT_SETTINGS.into_iter().any(other) {
            return Err(format!("There is no setting {variable}. `binnacle serve --help` lists all."));
        }
    }
    Ok(())
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// A sentence that names the setting at fault.
fn explain(error: &figment::Error) -> String {
    let name = error.path.join(".");
    let setting = format!("BINNACLE_{}", name.to_ascii_uppercase());
    match &error.kind {
        figment::error::Kind::UnknownField(field, _) => {
            format!("There is no setting {field}. `binnacle serve --help` lists all.")
        }
        figment::error::Kind::InvalidType(_, wanted)
            if matches!(wanted.as_str(), "usize" | "u64" | "u32") =>
        {
            format!("{setting} is wrong: it is a whole number, 0 or more.")
        }
        figment::error::Kind::InvalidType(_, wanted) => format!("{setting} is wrong: it is {wanted}."),
        figment::error::Kind::InvalidValue(_, wanted) => format!("{setting} is wrong: it is {wanted}."),
        figment::error::Kind::UnknownVariant(_, variants) => {
            format!("{setting} is wrong: it is {}.", variants.join(" or "))
        }
        _ if name.is_empty() => format!("The settings cannot be read: {error}."),
        _ => format!("{setting} is wrong: {error}."),
    }
}

/// The part of `binnacle serve --help` that lists the settings with their defaults.
pub(crate) fn help() -> String {
    let defaults = serde_json::to_value(Settings::default()).unwrap_or_default();
    let mut text =
        String::from("Settings (environment, or binnacle.toml without BINNACLE_ and in lower case):\n");
    for (name, meaning) in SETTINGS {
        let default = match defaults.get(name) {
            Some(serde_json::Value::String(default)) => default.clone(),
            Some(default) => default.to_string(),
            None => String::new(),
        };
        let name = format!("BINNACLE_{}", name.to_ascii_uppercase());
        text.push_str(&format!("  {name:<36}{} [{default}]\n", meaning.trim()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_file(text: &str) -> Result<Settings, String> {
        let folder = std::env::temp_dir().join(uuid::Uuid::now_v7().to_string());
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("binnacle.toml");
        std::fs::write(&file, text).unwrap();
        let settings = Settings::load(Some(&file));
        std::fs::remove_dir_all(folder).unwrap();
        settings
    }

    #[test]
    fn a_file_overrides_the_defaults() {
        let settings =
            from_file("workers = 3\npublic_url = \"https://x.example/\"\nlogin_failures = \"5, 0\"").unwrap();
        assert_eq!(settings.login_failures, LoginFailures { account: 5, address: 0 });
        assert_eq!((settings.workers(), settings.base().as_str()), (3, "https://x.example/FHIR/R4"));
        assert_eq!(settings.listen, "127.0.0.1:8080");
    }

    #[test]
    fn a_wrong_value_is_refused_by_name() {
        for (text, name) in [
            ("workers = \"many\"", "BINNACLE_WORKERS"),
            ("nhs_number = \"maybe\"", "BINNACLE_NHS_NUMBER"),
            ("invariants = \"maybe\"", "BINNACLE_INVARIANTS"),
            ("database_url = \"mysql://x\"", "BINNACLE_DATABASE_URL"),
            ("public_url = \"x\"", "BINNACLE_PUBLIC_URL"),
            ("listen = \"nowhere\"", "BINNACLE_LISTEN"),
            ("queue = 0", "BINNACLE_QUEUE"),
            ("page_size = 50\npage_size_max = 40", "BINNACLE_PAGE_SIZE_MAX"),
            ("search_sort_keys = 17", "BINNACLE_SEARCH_SORT_KEYS"),
            ("search_chain = -1", "BINNACLE_SEARCH_CHAIN"),
            ("search_unknown_parameters = \"warn\"", "BINNACLE_SEARCH_UNKNOWN_PARAMETERS"),
            ("login_failures = \"10\"", "BINNACLE_LOGIN_FAILURES"),
            ("login_failures = \"-1,5\"", "BINNACLE_LOGIN_FAILURES"),
            ("login_failures = 10", "BINNACLE_LOGIN_FAILURES"),
            ("wrkers = 1", "wrkers"),
        ] {
            let error = from_file(text).unwrap_err();
            assert!(error.contains(name), "{text}: {error}");
        }
    }

    #[test]
    fn a_variable_that_sets_nothing_is_refused() {
        let refuse = |name: &str| refuse_unknown([name.to_owned()].into_iter(), &["listen"]);
        for known in ["BINNACLE_LISTEN", "BINNACLE_CACHE", "BINNACLE_TEST_POSTGRES", "PATH"] {
            assert_eq!(refuse(known), Ok(()), "{known}");
        }
        for unknown in ["BINNACLE_LISTN", "BINNACLE_CACHED", "BINNACLE_"] {
            assert!(refuse(unknown).unwrap_err().contains(unknown), "{unknown}");
        }
    }

    #[test]
    fn the_help_names_every_setting() {
        let help = help();
        assert!(
            help.contains("BINNACLE_LISTEN")
                && help.contains("[6000]")
                && help.contains("[10,100]")
                && help.contains("[full]")
        );
    }
}
