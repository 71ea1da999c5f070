//! The stored form of a resource: final JSON but for the version and the time, which only the transaction knows.

use super::json::{Json, Object};
use crate::clock::Instant;
use crate::id::Id;

/// What stands between version and time in every stored body.
const BETWEEN: &[u8] = br#"","lastUpdated":""#;

/// Length of an [`Instant`] as text.
const INSTANT: usize = 27;

/// A resource's JSON with a hole for `meta.versionId` and `meta.lastUpdated`: `before` ends where the version's digits
/// begin, `after` begins where the instant's text ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Body {
    /// Writes `resource` under the id `id`. `resourceType`, `id` and `meta` come first; the rest keeps its order.
    /// `meta.versionId` and `meta.lastUpdated` are the server's: what the client sent there is dropped
    /// (`FHIR R4 http.html#create`).
    pub fn new(resource: &Object<'_>, id: &Id) -> Body {
        let mut before = Vec::with_capacity(128);
        before.extend_from_slice(br#"{"resourceType":"#);
        resource.get("resourceType").unwrap_or(&Json::Null).write(&mut before);
        before.extend_from_slice(br#","id":""#);
        before.extend_from_slice(id.as_str().as_bytes());
        before.extend_from_slice(br#"","meta":{"versionId":""#);

        let mut after = Vec::with_capacity(1024);
        after.push(b'"');
        let meta = resource.get("meta").and_then(Json::as_object);
        for (key, value) in meta.into_iter().flat_map(Object::iter) {
            if !matches!(key, "versionId" | "lastUpdated" | "_versionId" | "_lastUpdated") {
                member(key, value, &mut after);
            }
        }
        after.push(b'}');
        for (key, value) in resource.iter() {
            if !matches!(key, "resourceType" | "id" | "meta") {
                member(key, value, &mut after);
            }
        }
        after.push(b'}');
        Body { before, after }
    }

    /// The stored JSON of version `version`, made at `updated`.
    pub fn finish(&self, version: i64, updated: Instant) -> Vec<u8> {
        let version = version.to_string();
        let updated = updated.to_string();
        let mut out = Vec::with_capacity(
            self.before.len() + version.len() + BETWEEN.len() + updated.len() + self.after.len(),
        );
        out.extend_from_slice(&self.before);
        out.extend_from_slice(version.as_bytes());
        out.extend_from_slice(BETWEEN);
        out.extend_from_slice(updated.as_bytes());
        out.extend_from_slice(&self.after);
        out
    }

    /// Whether `stored` is this very content in some version: then an update makes no new one. White space, escapes and
    /// the order of an object's members mean nothing in JSON; the order of arrays and the digits of numbers do.
    pub fn same_content(&self, stored: &[u8]) -> bool {
        // Whatever their order, the same members are as long: a cheap look before a dear one.
        let fixed = self.before.len() + BETWEEN.len() + INSTANT + self.after.len();
        if !stored.len().checked_sub(fixed).is_some_and(|digits| (1..=19).contains(&digits)) {
            return false;
        }
        if let Some(hole) =
            stored.strip_prefix(&*self.before).and_then(|rest| rest.strip_suffix(&*self.after))
        {
            let digits = hole.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let rest = hole.get(digits..).unwrap_or_default();
            return rest.starts_with(BETWEEN) && rest.len() == BETWEEN.len() + INSTANT;
        }
        let mine = self.finish(1, Instant(0));
        let (Ok(mut mine), Ok(mut stored)) = (Json::parse(&mine), Json::parse(stored)) else { return false };
        for tree in [&mut mine, &mut stored] {
            if let Some(meta) =
                tree.as_object_mut().and_then(|resource| resource.get_mut("meta")?.as_object_mut())
            {
                meta.remove("versionId");
                meta.remove("lastUpdated");
            }
        }
        same(&mine, &stored)
    }
}

/// Whether two values are the same, whatever the order of members.
fn same(one: &Json<'_>, other: &Json<'_>) -> bool {
    match (one, other) {
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|twin| same(value, twin)))
        }
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => one == other,
    }
}

fn member(key: &str, value: &Json<'_>, out: &mut Vec<u8>) {
    out.push(b',');
    super::json::write_string(key, out);
    out.push(b':');
    value.write(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Body {
        let tree = Json::parse(text.as_bytes()).unwrap();
        Body::new(tree.as_object().unwrap(), &Id::parse("a").unwrap())
    }

    #[test]
    fn server_elements_come_first_and_the_rest_as_written() {
        let sent = r#"{"active":true,"resourceType":"Patient","id":"x","meta":{"profile":["p"],"versionId":"9"},"n":1.10}"#;
        let stored = body(sent).finish(3, Instant(0));
        let expected = r#"{"resourceType":"Patient","id":"a","meta":{"versionId":"3","lastUpdated":"1970-01-01T00:00:00.000000Z","profile":["p"]},"active":true,"n":1.10}"#;
        assert_eq!(String::from_utf8(stored).unwrap(), expected);
    }

    #[test]
    fn the_same_content_is_known_in_any_version() {
        let one = body(r#"{"resourceType":"Patient","active":true}"#);
        assert!(one.same_content(&one.finish(12, Instant(5))));
        assert!(
            !one.same_content(&body(r#"{"resourceType":"Patient","active":false}"#).finish(12, Instant(5)))
        );
        assert!(!one.same_content(b""));
        let sent = r#"{"resourceType":"Patient","active":true,"name":[{"family":"a","text":"b"}],"n":1.10}"#;
        let stored = body(sent).finish(12, Instant(5));
        let moved =
            r#"{"n":1.10,"name":[{"text":"\u0062", "family":"a"}],"resourceType":"Patient","active":true}"#;
        assert!(body(moved).same_content(&stored));
        for other in [
            sent.replace("1.10", "1.11"),
            sent.replace(r#""family":"a","text":"b""#, r#""family":"b","text":"a""#),
            sent.replace("true", "null"),
        ] {
            assert!(!body(&other).same_content(&stored), "{other}");
        }
    }
}
