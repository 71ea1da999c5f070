//! Which form an answer takes (`FHIR R4 http.html#mime-type`): JSON, pretty on request; XML is not written yet.

use actix_web::http::header::{ACCEPT, HeaderMap};
use domain::interaction::address;
use domain::{Error, ErrorCode};

/// How the caller wants to see the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    /// `_pretty=true`: indented.
    pub(crate) pretty: bool,
}

impl View {
    /// Reads `Accept` and the query's `_format`, which comes first, and `_pretty`.
    ///
    /// Errors: [`ErrorCode::NotAcceptable`].
    pub(crate) fn of(headers: &HeaderMap, query: &str) -> Result<View, Error> {
        let mut view = View { pretty: false };
        let mut format = None;
        if query.contains("_format") || query.contains("_pretty") || query.contains('%') {
            for (name, value) in address::parameters(query) {
                match name.as_str() {
                    "_format" => format = Some(value),
                    "_pretty" => view.pretty = value == "true",
                    _ => {}
                }
            }
        }
        let acceptable = match format {
            // In a query '+' is a space: `_format=application/fhir+json` is common.
            Some(format) => {
                let format = format.replace(' ', "+");
                matches!(format.as_str(), "json" | "text/json") || accepts(&format)
            }
            None => {
                let mut sent = headers.get_all(ACCEPT).peekable();
                sent.peek().is_none() || sent.any(|value| value.to_str().is_ok_and(accepts))
            }
        };
        if acceptable { Ok(view) } else { Err(not_acceptable()) }
    }
}

/// Whether a list of media ranges (`RFC 9110 §12.5.1`) takes FHIR's JSON.
fn accepts(ranges: &str) -> bool {
    ranges.trim().is_empty()
        || ranges.split(',').any(|range| {
            let refused = range.split(';').skip(1).any(|parameter| {
                let quality = parameter.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
                quality == Some(0.0)
            });
            !refused && (is_json(range) || matches!(essence(range).as_str(), "*/*" | "application/*"))
        })
}

/// A media type without its parameters, in lower case.
pub(crate) fn essence(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type is FHIR's JSON or plain JSON, in UTF-8 and of this version of FHIR.
pub(crate) fn is_json(text: &str) -> bool {
    let parameters_fit = text.split(';').skip(1).all(|parameter| {
        let parameter = parameter.trim().to_ascii_lowercase().replace('"', "");
        match parameter.split_once('=') {
            Some(("charset", charset)) => matches!(charset, "utf-8" | "utf8"),
            Some(("fhirversion", version)) => matches!(version, "4.0" | "4.0.1"),
            _ => true,
        }
    });
    parameters_fit
        && matches!(
            essence(text).as_str(),
            "application/fhir+json" | "application/json" | "application/json+fhir"
        )
}

fn not_acceptable() -> Error {
    Error::new(ErrorCode::NotAcceptable, "This server answers in application/fhir+json.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn view(accept: Option<&'static str>, query: &str) -> Result<View, Error> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
        }
        View::of(&headers, query)
    }

    #[test]
    fn json_is_found_among_what_is_accepted() {
        for accept in [
            "application/fhir+json",
            "*/*",
            "text/html, application/json;q=0.5",
            "application/fhir+json; fhirVersion=4.0; charset=UTF-8",
        ] {
            assert!(view(Some(accept), "").is_ok(), "{accept}");
        }
        for accept in [
            "application/fhir+xml",
            "text/html",
            "application/json;q=0",
            "application/fhir+json;fhirVersion=3.0",
        ] {
            assert_eq!(view(Some(accept), "").unwrap_err().code(), ErrorCode::NotAcceptable, "{accept}");
        }
        assert!(view(None, "").is_ok());
    }

    #[test]
    fn format_comes_before_accept() {
        assert!(view(Some("text/html"), "_format=json").is_ok());
        assert!(view(Some("text/html"), "_format=application/fhir+json").is_ok());
        assert!(view(Some("*/*"), "_format=xml").is_err());
        assert!(view(None, "name=a&_pretty=true").unwrap().pretty);
    }
}
