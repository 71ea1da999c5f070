//! `Bundle.entry` of a batch or transaction: read as the request it stands for, answered as the response it gets
//! (`FHIR R4 http.html#transaction`).

use super::address::{Address, parameters};
use super::condition::{Conditions, Tags};
use super::{Answer, Interaction, Prefer, Request, Return};
use crate::clock::Instant;
use crate::conformance::Definitions;
use crate::error::{Error, ErrorCode, Issue};
use crate::resource::json::{Json, Object, write_string};
use crate::search::kind::date;

/// One entry, taken out of its Bundle.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Its place in the Bundle.
    pub(super) index: usize,
    /// `entry.fullUrl`.
    pub(super) full_url: Option<String>,
    /// What it asks, without the resource; `Err` if it asks nothing that exists.
    pub(super) request: Result<Request, Error>,
    /// Whether its method is HEAD, which is a GET that is answered without the resource.
    pub(super) head: bool,
    /// `entry.resource`.
    pub(super) resource: Option<Json<'a>>,
}

impl Entry<'_> {
    /// FHIRPath of the entry.
    pub(super) fn path(&self) -> String {
        path(self.index)
    }
}

/// Faults of a Bundle told at once.
pub(super) const MOST_FAULTS: usize = 100;

/// An entry's error with its places in the Bundle: what names a place in a resource is about the entry's resource, all
/// else about the entry.
pub(super) fn placed(error: Error, entry: &str) -> Error {
    let of_resource = |issue: &Issue| issue.expression.is_some() || issue.code == ErrorCode::MissingElement;
    if error.issues().iter().any(of_resource) {
        error.below(&format!("{entry}.resource"))
    } else {
        error.below(entry)
    }
}

/// FHIRPath of entry `index`.
pub(super) fn path(index: usize) -> String {
    format!("Bundle.entry[{index}]")
}

/// Takes the entries out of `bundle`.
/// `base` is this server's FHIR base: an entry may give its URL absolute.
pub(super) fn take_entries<'a>(bundle: &mut Object<'a>, base: &str, prefer: Prefer) -> Vec<Entry<'a>> {
    let Some(Json::Array(entries)) = bundle.get_mut("entry") else {
        return Vec::new();
    };
    let mut taken = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter_mut().enumerate() {
        let entry = entry.as_object_mut();
        taken.push(match entry {
            Some(entry) => Entry {
                index,
                full_url: entry.str("fullUrl").map(str::to_owned),
                request: request(entry, base, prefer),
                head: entry.get("request").and_then(|request| request.get("method")?.as_str())
                    == Some("HEAD"),
                resource: entry.remove("resource"),
            },
            None => Entry { index, full_url: None, request: Err(no_request()), head: false, resource: None },
        });
    }
    taken
}

fn no_request() -> Error {
    Error::new(ErrorCode::MissingElement, "Give the entry a request with method and url.").at("request")
}

fn request(entry: &Object<'_>, base: &str, prefer: Prefer) -> Result<Request, Error> {
    let request = entry.get("request").and_then(Json::as_object).ok_or_else(no_request)?;
    let (Some(method), Some(url)) = (request.str("method"), request.str("url")) else {
        return Err(no_request());
    };
    let relative = url.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let relative = relative.unwrap_or(url);
    let (path, query) = relative.split_once('?').unwrap_or((relative, ""));
    if path.contains("://") {
        return Err(Error::new(
            ErrorCode::InvalidValue,
            "The url of an entry is relative to this server's FHIR base.",
        )
        .at("request.url"));
    }
    let interaction = Address::parse(path)
        .and_then(|address| address.interaction(method, parameters(query), Vec::new()))
        .and_then(alone)
        .map_err(|error| error.at("request.url"))?;
    let if_modified_since =
        request.str("ifModifiedSince").and_then(date::interval).map(|(lo, _)| Instant(lo));
    let conditions = Conditions {
        if_match: request
            .str("ifMatch")
            .map(Tags::parse)
            .transpose()
            .map_err(|error| error.at("request.ifMatch"))?,
        if_none_match: request.str("ifNoneMatch").map(Tags::parse_any),
        if_modified_since,
    };
    Ok(Request {
        interaction,
        conditions,
        if_none_exist: request.str("ifNoneExist").map(str::to_owned),
        prefer: Prefer { return_: prefer.return_.or(Some(Return::Minimal)), ..prefer },
        provenance: None,
    })
}

/// What begins work in the background, and what asks after it, is no part of other work.
fn alone(interaction: Interaction) -> Result<Interaction, Error> {
    match interaction {
        Interaction::Operation(operation, ..) => {
            let message = format!("${} is asked for by itself, not in a Bundle.", operation.code());
            Err(Error::new(ErrorCode::NotSupported, message))
        }
        Interaction::JobStatus(_) | Interaction::CancelJob(_) => {
            let message = "A job is asked after by itself, not in a Bundle.";
            Err(Error::new(ErrorCode::NotSupported, message))
        }
        interaction => Ok(interaction),
    }
}

/// Writes a Bundle of responses, one for each entry, in order.
pub(super) fn responses(type_: &str, answers: &[Result<Answer, Error>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 * (answers.len() + 1));
    out.extend_from_slice(br#"{"resourceType":"Bundle","type":""#);
    out.extend_from_slice(type_.as_bytes());
    out.push(b'"');
    for (n, answer) in answers.iter().enumerate() {
        out.extend_from_slice(if n == 0 { br#","entry":["# } else { b"," });
        match answer {
            Ok(answer) => succeeded(answer, &mut out),
            Err(error) => failed(error, &mut out),
        }
    }
    out.extend_from_slice(if answers.is_empty() { b"}" } else { b"]}" });
    out
}

fn succeeded(answer: &Answer, out: &mut Vec<u8>) {
    let is_outcome = answer
        .body
        .as_ref()
        .is_some_and(|body| body.starts_with(br#"{"resourceType":"OperationOutcome","issue""#));
    out.push(b'{');
    if let Some(body) = answer.body.as_ref().filter(|_| !is_outcome) {
        out.extend_from_slice(br#""resource":"#);
        out.extend_from_slice(body);
        out.push(b',');
    }
    out.extend_from_slice(br#""response":{"status":"#);
    write_string(&status_line(answer.status), out);
    if let Some(version) = &answer.version {
        let name = Definitions::r4().type_name(version.type_);
        let more = format!(
            r#","location":"{name}/{id}/_history/{v}","etag":"W/\"{v}\"","lastModified":"{at}""#,
            id = version.id,
            v = version.version,
            at = version.updated
        );
        out.extend_from_slice(more.as_bytes());
    }
    if let Some(body) = answer.body.as_ref().filter(|_| is_outcome) {
        out.extend_from_slice(br#","outcome":"#);
        out.extend_from_slice(body);
    }
    out.extend_from_slice(b"}}");
}

fn failed(error: &Error, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"response":{"status":"#);
    write_string(&status_line(error.status()), out);
    out.extend_from_slice(br#","outcome":"#);
    out.extend_from_slice(&error.to_outcome());
    out.extend_from_slice(b"}}");
}

/// A status as `Bundle.entry.response.status` wants it: `201 Created`.
fn status_line(status: u16) -> String {
    let reason = match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => return status.to_string(),
    };
    format!("{status} {reason}")
}
