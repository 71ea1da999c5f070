//! Redirect URIs: which may be registered, and which match (`RFC 9700 §2.1`, `RFC 8252 §7`).

/// Schemes that run or show something in a browser, and so never belong to an app.
const FORBIDDEN_SCHEMES: [&str; 11] = [
    "javascript",
    "data",
    "vbscript",
    "file",
    "blob",
    "about",
    "view-source",
    "ws",
    "wss",
    "ftp",
    "filesystem",
];

/// Why `uri` may not be registered; `Ok` when it may.
///
/// Errors: a sentence for the operator.
pub fn validate(uri: &str) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("The redirect URI '{uri}' {why}."));
    if uri.len() > 2000 || !uri.bytes().all(|b| b.is_ascii_graphic()) {
        return refuse("has characters that are not printable ASCII, or too many");
    }
    if uri.contains(['#', '\\', '*', '<', '>', '"', '\'', '^', '`', '{', '|', '}']) {
        return refuse("has a fragment, a wildcard or a character that URIs do not have");
    }
    let Some((scheme, rest)) = uri.split_once(':') else { return refuse("has no scheme") };
    let scheme_is_valid = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b));
    if !scheme_is_valid || FORBIDDEN_SCHEMES.contains(&scheme) {
        return refuse("has a scheme that is not an app's; write it in lower case");
    }
    if scheme != "http" && scheme != "https" {
        return Ok(());
    }
    let Some(rest) = rest.strip_prefix("//") else { return refuse("has no host") };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let path = rest.get(authority.len()..).unwrap_or_default();
    if authority.is_empty() || authority.contains('@') || authority.bytes().any(|b| b.is_ascii_uppercase()) {
        return refuse("has no host, a user name, or a host in upper case");
    }
    let path = path.split('?').next().unwrap_or_default().to_ascii_lowercase();
    if path.split('/').any(|segment| {
        let plain = segment.replace("%2e", ".");
        let name = plain.split(';').next().unwrap_or_default();
        name == "." || name == ".."
    }) {
        return refuse("has a dot segment");
    }
    if scheme == "http" && loopback(uri).is_none() {
        return refuse("must be https, except on a loopback address");
    }
    Ok(())
}

/// Whether `asked` is the registered URI: the same text, where the port of a loopback address may differ.
pub fn matches(registered: &str, asked: &str) -> bool {
    registered == asked
        || match (loopback(registered), loopback(asked)) {
            (Some(own), Some(other)) => own == other,
            _ => false,
        }
}

/// Host and what follows the port of an `http` URI on a loopback address.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find(|host| rest.starts_with(host))?;
    let after = rest.get(host.len()..)?;
    let after = match after.strip_prefix(':') {
        Some(port) => {
            let digits = port.bytes().take_while(u8::is_ascii_digit).count();
            let port_is_valid = port.get(..digits)?.parse::<u16>().is_ok_and(|port| port > 0);
            if !port_is_valid {
                return None;
            }
            port.get(digits..)?
        }
        None => after,
    };
    (after.is_empty() || after.starts_with(['/', '?'])).then_some((host, after))
}

/// `uri` with `parameters` added to its query.
pub fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let join = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{join}{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_registered_text_matches() {
        let registered = "https://app.example/cb";
        assert!(matches(registered, registered));
        for other in [
            "https://app.example/cb/x",
            "https://app.example/cb/",
            "https://app.example/cb?x=1",
            "https://app.example/cb#",
            "https://app.example/cb#code=1",
            "https://app.example/a/../cb",
            "https://app.example/..;/cb",
            "https://app.example/%2e%2e/cb",
            "https://APP.example/cb",
            "https://app.example/CB",
            "https://app.example.evil.example/cb",
            "https://u@app.example/cb",
            "https://app.example@evil.example/cb",
            "https://a@b@app.example/cb",
            "https:\\\\app.example\\cb",
            "https://app.example/cb\r\nX: y",
            "https://app.example/cb%0d%0a",
            "javascript:alert(1)",
            "data:text/html,x",
            "//app.example/cb",
            "https://*.example/cb",
            "https://app.example/cb\0",
            "https://app.example/\tcb",
            "http://app.example/cb",
            "",
            "https://app.example:443/cb",
        ] {
            assert!(!matches(registered, other), "{other}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_address_may_differ() {
        let registered = "http://127.0.0.1/cb";
        for same in ["http://127.0.0.1:8000/cb", "http://127.0.0.1:65535/cb"] {
            assert!(matches(registered, same), "{same}");
        }
        for other in [
            "http://127.0.0.1:8000/cb/",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://localhost:8000/cb",
            "http://127.0.0.1:/cb",
            "https://127.0.0.1:8000/cb",
        ] {
            assert!(!matches(registered, other), "{other}");
        }
    }

    #[test]
    fn what_may_be_registered() {
        for uri in [
            "https://app.example/cb",
            "https://app.example/cb?x=1",
            "http://127.0.0.1:3000/cb",
            "http://[::1]/cb",
            "http://localhost/cb",
            "uk.example.app:/cb",
        ] {
            assert_eq!(validate(uri), Ok(()), "{uri}");
        }
        for uri in [
            "http://app.example/cb",
            "https://app.example/cb#x",
            "https://*.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://u@app.example/",
            "https:///cb",
            "/cb",
            "",
            "https://app.example/a/../cb",
            "https://app.example/%2e%2e/cb",
            "https://app.example/..;/cb",
            "HTTPS://app.example/",
            "https://a b/",
        ] {
            assert!(validate(uri).is_err(), "{uri}");
        }
    }
}
