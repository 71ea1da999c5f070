//! From HTTP to a [`Request`]: address, parameters, conditions, preferences, media types.

use actix_web::HttpRequest;
use domain::interaction::address::{Address, parameters};
use domain::interaction::{Prefer, Request, Return, entity_tag};
use domain::{Error, ErrorCode};

/// Reads a request below the FHIR base.
///
/// Errors: an address or method that is not offered, a header that cannot be read, a media type that is not taken.
pub(super) fn read(http: &HttpRequest, body: &[u8]) -> Result<Request, Error> {
    let path = http.uri().path().strip_prefix("/FHIR/R4").unwrap_or_default();
    let mut pairs = parameters(http.uri().query().unwrap_or_default());
    let address = Address::parse(path)?;
    acceptable(http, &pairs)?;
    let is_search = matches!(address, Address::Search(_));
    if matches!(http.method().as_str(), "POST" | "PUT") {
        media_type(http, is_search)?;
    }
    let mut body = body.to_vec();
    if is_search {
        let form = std::str::from_utf8(&body)
            .map_err(|_| Error::new(ErrorCode::MalformedBody, "The form is not UTF-8."))?;
        pairs.extend(parameters(form));
        body = Vec::new();
    }
    let mut request = Request::new(address.interaction(http.method().as_str(), pairs, body)?);
    request.if_match = header(http, "if-match")?.map(entity_tag).transpose()?;
    request.if_none_match = header(http, "if-none-match")?.and_then(|tag| entity_tag(tag).ok());
    request.if_none_exist = header(http, "if-none-exist")?.map(str::to_owned);
    request.prefer = prefer(header(http, "prefer")?.unwrap_or_default());
    Ok(request)
}

fn header<'h>(http: &'h HttpRequest, name: &str) -> Result<Option<&'h str>, Error> {
    http.headers()
        .get(name)
        .map(|value| value.to_str())
        .transpose()
        .map_err(|_| Error::new(ErrorCode::InvalidHeader, format!("The header {name} is not plain text.")))
}

/// `Prefer` (`RFC 7240`): what is not known is ignored.
fn prefer(text: &str) -> Prefer {
    let mut prefer = Prefer::default();
    for preference in text.split([',', ';']) {
        match preference.trim() {
            "return=minimal" => prefer.return_ = Some(Return::Minimal),
            "return=representation" => prefer.return_ = Some(Return::Representation),
            "return=OperationOutcome" => prefer.return_ = Some(Return::OperationOutcome),
            "handling=lenient" => prefer.lenient = Some(true),
            "handling=strict" => prefer.lenient = Some(false),
            _ => {}
        }
    }
    prefer
}

/// The type and subtype of a media type, without parameters.
fn essence(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim()
}

/// Whether the caller takes JSON: `_format` outranks `Accept` (`FHIR R4 http.html#mime-type`).
fn acceptable(http: &HttpRequest, pairs: &[(String, String)]) -> Result<(), Error> {
    const JSON: [&str; 7] = [
        "application/fhir+json",
        "application/json",
        "json",
        "text/json",
        "application/*",
        "*/*",
        "html/json",
    ];
    let taken = |text: &str| JSON.contains(&essence(text));
    let accepted = match pairs.iter().find(|(name, _)| name == "_format") {
        Some((_, format)) => taken(&format.replace(' ', "+")),
        None => match header(http, "accept")? {
            None | Some("") => true,
            Some(accept) => accept.split(',').any(taken),
        },
    };
    if accepted {
        return Ok(());
    }
    Err(Error::new(ErrorCode::NotAcceptable, "This server answers in application/fhir+json. Ask for that."))
}

fn media_type(http: &HttpRequest, is_search: bool) -> Result<(), Error> {
    let sent = header(http, "content-type")?.map(essence).unwrap_or_default();
    let taken = if is_search {
        matches!(sent, "application/x-www-form-urlencoded" | "")
    } else {
        matches!(sent, "application/fhir+json" | "application/json" | "text/json")
    };
    if taken {
        return Ok(());
    }
    let wanted = if is_search { "application/x-www-form-urlencoded" } else { "application/fhir+json" };
    Err(Error::new(ErrorCode::UnsupportedMediaType, format!("Send {wanted} and say so in Content-Type.")))
}
