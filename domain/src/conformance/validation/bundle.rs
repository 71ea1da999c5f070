//! The invariants of Bundle (`FHIR R4 bundle-definitions.html`).

use super::place::Place;
use super::structure::Walk;
use crate::error::ErrorCode;
use crate::resource::json::{Json, Object};
use rustc_hash::FxHashSet;

impl Walk<'_> {
    /// bdl-1 to bdl-12 over a Bundle.
    pub(super) fn bundle(&mut self, bundle: &Object<'_>, place: &Place<'_>) {
        // An unknown type is a fault of its own; there is nothing to compare the rest with.
        let Some(type_) = bundle.str("type") else { return };
        if bundle.get("total").is_some() && !matches!(type_, "searchset" | "history") {
            self.broken(&place.member("total"), "bdl-1: total is only in a searchset or history.");
        }
        let Some(entries) = bundle.get("entry").and_then(Json::as_array) else {
            return self.first(bundle, place);
        };
        let mut seen = FxHashSet::default();
        let list = place.member("entry");
        for (entry, at) in entries.iter().zip(0..) {
            let Some(entry) = entry.as_object() else { continue };
            let place = list.item(at);
            self.entry(type_, entry, &place);
            let version =
                entry.get("resource").and_then(|resource| resource.get("meta")?.get("versionId")?.as_str());
            if let Some(url) = entry.str("fullUrl")
                && !seen.insert((url, version))
                && type_ != "history"
            {
                self.broken(
                    &place.member("fullUrl"),
                    "bdl-7: two entries with one fullUrl have different meta.versionId.",
                );
            }
        }
        self.first(bundle, place);
    }

    /// bdl-2, bdl-3, bdl-4, bdl-5 and bdl-8 over an entry of a Bundle of type `type_`.
    fn entry(&mut self, type_: &str, entry: &Object<'_>, place: &Place<'_>) {
        let has = |name: &str| entry.get(name).is_some();
        if has("search") && type_ != "searchset" {
            self.broken(&place.member("search"), "bdl-2: search is only in the entries of a searchset.");
        }
        let asks = matches!(type_, "batch" | "transaction" | "history");
        match (asks, has("request")) {
            // To a server that is to perform it, it is no rule but what it lives on.
            (true, false) => self.fault(ErrorCode::MissingElement, &place.member("request"), || {
                format!("bdl-3: every entry of a {type_} has a request with method and url.")
            }),
            (false, true) => self.broken(
                &place.member("request"),
                "bdl-3: request is only in the entries of a batch, transaction or history.",
            ),
            _ => {}
        }
        let answers = matches!(type_, "batch-response" | "transaction-response" | "history");
        match (answers, has("response")) {
            (true, false) => self.broken(
                &place.member("response"),
                "bdl-4: every entry of a batch-response, transaction-response or history has a response.",
            ),
            (false, true) => self.broken(
                &place.member("response"),
                "bdl-4: response is only in the entries of a batch-response, transaction-response or history.",
            ),
            _ => {}
        }
        if !(asks || answers || has("resource") || has("request") || has("response")) {
            self.broken(place, "bdl-5: an entry has a resource, a request or a response.");
        }
        if entry.str("fullUrl").is_some_and(|url| url.contains("/_history/")) {
            self.broken(&place.member("fullUrl"), "bdl-8: a fullUrl names no version.");
        }
    }

    /// bdl-9 to bdl-12: what documents and messages begin with.
    fn first(&mut self, bundle: &Object<'_>, place: &Place<'_>) {
        let first =
            bundle.get("entry").and_then(|entries| entries.each().first()?.get("resource")?.resource_type());
        match bundle.str("type") {
            Some("document") => {
                let identifier = bundle.get("identifier");
                if !["system", "value"].iter().all(|part| identifier.is_some_and(|id| id.get(part).is_some()))
                {
                    self.broken(
                        &place.member("identifier"),
                        "bdl-9: a document has an identifier with system and value.",
                    );
                }
                if bundle.get("timestamp").is_none() {
                    self.broken(&place.member("timestamp"), "bdl-10: a document has a timestamp.");
                }
                if first != Some("Composition") {
                    self.broken(&place.member("entry"), "bdl-11: a document begins with a Composition.");
                }
            }
            Some("message") if first != Some("MessageHeader") => {
                self.broken(&place.member("entry"), "bdl-12: a message begins with a MessageHeader.");
            }
            _ => {}
        }
    }
}
