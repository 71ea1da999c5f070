//! For how long an answer may be kept (`RFC 9111 §4.2, §5.2.2`).

use reqwest::header::{AGE, CACHE_CONTROL, HeaderMap};
use std::time::Duration;

/// What `Cache-Control` and `Age` leave of an answer's life; `None` where `Cache-Control` does not say.
pub(super) fn of(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    let mut fresh: Option<Duration> = None;
    for directive in values.flat_map(|value| value.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let stated = match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => Duration::ZERO,
            // What is no number is as good as none (`RFC 9111 §4.2.1`).
            "max-age" => seconds(value.trim().trim_matches('"')),
            _ => continue,
        };
        fresh = Some(fresh.map_or(stated, |other| other.min(stated)));
    }
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()).map_or(Duration::ZERO, seconds);
    fresh.map(|fresh| fresh.saturating_sub(age))
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs(text.trim().parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn the_shortest_life_counts_less_its_age() {
        for (control, age, fresh) in [
            (&[][..], "0", None),
            (&["public"], "0", None),
            (&["public, max-age=60"], "0", Some(60)),
            (&["Max-Age=\"60\""], "20", Some(40)),
            (&["max-age=60"], "100", Some(0)),
            (&["max-age=60, max-age=30"], "0", Some(30)),
            (&["max-age=60", "no-store"], "0", Some(0)),
            (&["no-cache"], "0", Some(0)),
            (&["max-age=-1"], "x", Some(0)),
        ] {
            let mut headers = HeaderMap::new();
            for value in control {
                headers.append(CACHE_CONTROL, HeaderValue::from_static(value));
            }
            headers.insert(AGE, HeaderValue::from_static(age));
            assert_eq!(of(&headers), fresh.map(Duration::from_secs), "{control:?}");
        }
    }
}
