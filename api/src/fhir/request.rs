//! From HTTP to `domain::interaction::Request`: addresses, methods, conditions, preferences, forms.

use crate::fhir::negotiation;
use crate::guard::limit::Coding;
use crate::routes::BASE;
use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use domain::clock::Instant;
use domain::interaction::address::{self, Address};
use domain::interaction::condition::{self, Tags};
use domain::interaction::{Interaction, Parameters, Prefer, Request, Return};
use domain::{Error, ErrorCode};
use std::time::SystemTime;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const X_PROVENANCE: HeaderName = HeaderName::from_static("x-provenance");
const IF_NONE_EXIST: HeaderName = HeaderName::from_static("if-none-exist");

/// The FHIR address of a request, with a method that is offered there.
///
/// Errors: as [`Address::parse`]; [`ErrorCode::MethodNotAllowed`]; [`ErrorCode::QueryTooLong`].
pub(crate) fn address(http: &HttpRequest, longest_query: usize) -> Result<Address, Error> {
    let length = http.query_string().len();
    if length > longest_query {
        let message = format!(
            "The query has {length} bytes; {longest_query} are read here. Send a search as a form to _search."
        );
        return Err(Error::new(ErrorCode::QueryTooLong, message));
    }
    let path = http.uri().path();
    let address = Address::parse(path.strip_prefix(BASE).unwrap_or(path))?;
    if address.methods().contains(&http.method().as_str()) {
        return Ok(address);
    }
    let message = format!("This address takes {}.", address.methods().join(", "));
    Err(Error::new(ErrorCode::MethodNotAllowed, message))
}

/// The methods offered at a path, for `Allow`.
pub(crate) fn allow(path: &str) -> Option<String> {
    let address = Address::parse(path.strip_prefix(BASE)?).ok()?;
    Some(address.methods().join(", "))
}

/// The name of an interaction for logs and metrics.
pub(crate) fn label(address: &Address, method: &Method) -> &'static str {
    match (address, method.as_str()) {
        (Address::Metadata, _) => "capabilities",
        (Address::Operation(operation, _), _) => operation.code(),
        (Address::Job(_), "DELETE") => "cancel-job",
        (Address::Job(_), _) => "job-status",
        (Address::History(_), _) => "history",
        (Address::Version(..), _) => "vread",
        (Address::Instance(..), "PUT") => "update",
        (Address::Instance(..), "PATCH") => "patch",
        (Address::Instance(..), "DELETE") => "delete",
        (Address::Instance(..), _) => "read",
        (Address::Type(_), "POST") => "create",
        (Address::Type(_), "PUT") => "update",
        (Address::Type(_), "PATCH") => "patch",
        (Address::Type(_), "DELETE") => "delete",
        (Address::System, "POST") => "bundle",
        (Address::Search(_) | Address::Compartment(_) | Address::Type(_) | Address::System, _) => "search",
    }
}

/// Whether requests of this method carry a body.
pub(crate) fn has_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// Whether the body is a search form; its media type is checked.
///
/// Errors: [`ErrorCode::UnsupportedMediaType`].
pub(crate) fn form_of(http: &HttpRequest, address: &Address) -> Result<bool, Error> {
    if !has_body(http.method()) {
        return Ok(false);
    }
    let content_type = http.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    let form = matches!(address, Address::Search(_));
    match (form, content_type) {
        (true, None) => Ok(true),
        (true, Some(text)) if negotiation::essence(text) == "application/x-www-form-urlencoded" => Ok(true),
        (true, Some(_)) => Err(Error::new(
            ErrorCode::UnsupportedMediaType,
            "A search is sent as application/x-www-form-urlencoded.",
        )),
        (false, Some(text)) if negotiation::is_json(text) => Ok(false),
        // An operation may have nothing to say in its body.
        (false, None) if matches!(address, Address::Operation(..)) && is_empty(http) => Ok(false),
        // What is no patch's media type is refused where the patch is read.
        (false, Some(_)) if *http.method() == Method::PATCH => Ok(false),
        (false, _) => Err(Error::new(
            ErrorCode::UnsupportedMediaType,
            "A resource is sent as application/fhir+json, with that Content-Type.",
        )),
    }
}

/// Whether a request says that its body is empty, or has none.
fn is_empty(http: &HttpRequest) -> bool {
    let headers = http.headers();
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    !headers.contains_key(header::TRANSFER_ENCODING) && length.is_none_or(|length| length.trim() == "0")
}

/// The media type of a body, without its parameters; empty if none is given.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let sent_as = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    sent_as.map(negotiation::essence).unwrap_or_default()
}

/// The decoded pairs of a query, without those that HTTP has answered already (`_format`, `_pretty`).
pub(crate) fn parameters(query: &str) -> Parameters {
    if query.is_empty() {
        return Parameters::new();
    }
    let mut parameters = address::parameters(query);
    parameters.retain(|(name, _)| name != "_format" && name != "_pretty");
    parameters
}

/// Decompresses a body; a form's pairs join those of the query (`FHIR R4 http.html#search`).
///
/// Errors: as [`Coding::decode`]; a form that is not UTF-8.
pub(crate) fn read_body(
    bytes: &[u8],
    coding: Coding,
    form: bool,
    mut parameters: Parameters,
    limit: usize,
) -> Result<(Vec<u8>, Parameters), Error> {
    let bytes = coding.decode(bytes, limit)?;
    if !form {
        return Ok((bytes, parameters));
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Error::new(ErrorCode::MalformedBody, "A form is UTF-8 text."))?;
    parameters.extend(self::parameters(text));
    Ok((Vec::new(), parameters))
}

/// The headers that condition a request.
#[derive(Debug)]
pub(crate) struct Conditions {
    on_version: condition::Conditions,
    if_none_exist: Option<String>,
    prefer: Prefer,
    provenance: Option<Vec<u8>>,
}

impl Conditions {
    /// Reads them.
    ///
    /// Errors: [`ErrorCode::InvalidHeader`].
    pub(crate) fn of(headers: &HeaderMap) -> Result<Conditions, Error> {
        let since = text(headers, &header::IF_MODIFIED_SINCE)?;
        // What is no HTTP date is ignored (`RFC 9110 §13.1.3`).
        let since = since.and_then(|since| since.parse::<header::HttpDate>().ok()).map(SystemTime::from);
        let since = since.and_then(|since| since.duration_since(SystemTime::UNIX_EPOCH).ok());
        let seconds = since.and_then(|since| i64::try_from(since.as_secs()).ok());
        Ok(Conditions {
            on_version: condition::Conditions {
                if_match: text(headers, &header::IF_MATCH)?.map(Tags::parse).transpose()?,
                if_none_match: text(headers, &header::IF_NONE_MATCH)?.map(Tags::parse_any),
                if_modified_since: seconds.map(|seconds| Instant(0).plus_seconds(seconds)),
            },
            if_none_exist: text(headers, &IF_NONE_EXIST)?.map(str::to_owned),
            prefer: prefer(headers)?,
            provenance: provenance(headers)?,
        })
    }

    /// The whole request.
    pub(crate) fn with(self, interaction: Interaction) -> Request {
        let Conditions { on_version, if_none_exist, prefer, provenance } = self;
        Request { interaction, conditions: on_version, if_none_exist, prefer, provenance }
    }
}

/// The value of a header that may come once.
fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Error> {
    let mut values = headers.get_all(name);
    let wrong = |what: &str| Error::new(ErrorCode::InvalidHeader, format!("The header {name} {what}."));
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(wrong("may come once"));
    }
    value.to_str().map(|value| Some(value.trim())).map_err(|_| wrong("is not text"))
}

/// The Provenance of `X-Provenance`, which may come once: JSON in UTF-8, which a header's text need not be.
fn provenance(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Error> {
    let mut values = headers.get_all(X_PROVENANCE);
    let first = values.next().map(|value| value.as_bytes().to_vec());
    if values.next().is_some() {
        return Err(Error::new(ErrorCode::InvalidHeader, "The header x-provenance may come once."));
    }
    Ok(first)
}

/// Reads `Prefer` (`RFC 7240`); what it does not know it ignores, as the RFC asks.
fn prefer(headers: &HeaderMap) -> Result<Prefer, Error> {
    let mut prefer = Prefer::default();
    for value in headers.get_all(PREFER) {
        let text = value
            .to_str()
            .map_err(|_| Error::new(ErrorCode::InvalidHeader, "The header prefer is not text."))?;
        for preference in text.split([',', ';']) {
            match preference.trim().replace('"', "").as_str() {
                "return=minimal" => prefer.return_ = Some(Return::Minimal),
                "return=representation" => prefer.return_ = Some(Return::Representation),
                "return=OperationOutcome" => prefer.return_ = Some(Return::OperationOutcome),
                "handling=lenient" => prefer.lenient = Some(true),
                "handling=strict" => prefer.lenient = Some(false),
                _ => {}
            }
        }
    }
    Ok(prefer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn conditions_are_read() {
        let http = TestRequest::default()
            .insert_header(("If-Match", "W/\"3\""))
            .insert_header(("If-None-Match", "\"from-elsewhere\""))
            .insert_header(("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"))
            .insert_header(("Prefer", "return=minimal; handling=lenient, respond-async"))
            .to_http_request();
        let conditions = Conditions::of(http.headers()).unwrap();
        assert_eq!(conditions.on_version.if_match, Some(Tags::Versions(vec![3])));
        assert_eq!(conditions.on_version.if_none_match, Some(Tags::Versions(vec![])));
        assert_eq!(conditions.on_version.if_modified_since, Some(Instant(784_111_777_000_000)));
        assert_eq!(conditions.prefer, Prefer { return_: Some(Return::Minimal), lenient: Some(true) });
    }

    #[test]
    fn a_wrong_if_match_is_refused() {
        for value in ["x", "W/\"a\"", "\"1\", x", "-1"] {
            let http = TestRequest::default().insert_header(("If-Match", value)).to_http_request();
            assert_eq!(
                Conditions::of(http.headers()).unwrap_err().code(),
                ErrorCode::InvalidHeader,
                "{value}"
            );
        }
    }

    #[test]
    fn a_path_becomes_an_address_or_its_error() {
        for (method, path, code) in [
            (Method::GET, "/FHIR/R4/patient/1", ErrorCode::UnknownType),
            (Method::GET, "/FHIR/R4/Patient/a/b/c", ErrorCode::NotFoundRoute),
            (Method::PUT, "/FHIR/R4/metadata", ErrorCode::MethodNotAllowed),
            (Method::TRACE, "/FHIR/R4/Patient", ErrorCode::MethodNotAllowed),
            (Method::GET, "/FHIR/R4/Patient/a%2Fb", ErrorCode::NotFound),
        ] {
            let http = TestRequest::with_uri(path).method(method).to_http_request();
            assert_eq!(address(&http, 99).unwrap_err().code(), code, "{path}");
        }
        assert_eq!(allow("/FHIR/R4/metadata").unwrap(), "GET, HEAD");
    }

    #[test]
    fn a_form_joins_the_query() {
        let (body, parameters) =
            read_body(b"name=%C3%A9va&_format=json", Coding::Identity, true, parameters("gender=female"), 99)
                .unwrap();
        assert!(body.is_empty());
        assert_eq!(parameters, [("gender".into(), "female".into()), ("name".into(), "éva".into())]);
    }
}
