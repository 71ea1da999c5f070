//! Strings over names and addresses, and full text: `_text` and `_content` (FHIR R4 `search.html#string`, `#text`).

use super::cases;
use crate::http::{Http, reference};
use crate::server::unique;
use serde_json::{Value, json};

fn put(http: &Http, tag: &str, mut resource: Value) -> String {
    resource["meta"] = json!({ "tag": [{ "code": tag }] });
    reference(&http.create(&resource))
}

on_both! {
    fn names_and_addresses_by_every_part(server: &Server) {
        let http = server.http();
        let tag = &unique("name");
        let sian = &put(http, tag, json!({ "resourceType": "Patient",
            "name": [{ "text": "Dr Siân O'Néill, PhD", "family": "O'Néill", "given": ["Siân", "Mary Jane"], "prefix": ["Dr"], "suffix": ["PhD"] }],
            "address": [{ "text": "the old mill", "line": ["Flat 2", "1 Ærø Way"], "city": "Caerdydd", "district": "Bro",
                "state": "Cymru", "postalCode": "CF10 1AA", "country": "GB" }] }));
        let lukasz = &put(http, tag, json!({ "resourceType": "Patient",
            "name": [{ "family": "Łódzki 100%_", "given": ["Łukasz"] }, { "family": "Back\\slash, Comma" }],
            "address": [{ "city": "Leeds" }] }));
        let nobody = &put(http, tag, json!({ "resourceType": "Patient" }));
        cases(http, tag, &[
            ("Patient?name=sian", &[sian]), ("Patient?name=SIÂN", &[sian]), ("Patient?name=mary", &[sian]),
            ("Patient?name=jane", &[]), ("Patient?name=dr", &[sian]), ("Patient?name=phd", &[sian]),
            ("Patient?name=o'neill", &[sian]), ("Patient?family=o'n,lod", &[sian, lukasz]),
            ("Patient?name=lukasz", &[lukasz]), ("Patient?name=%C5%82UKASZ", &[lukasz]),
            ("Patient?name:contains=eil", &[sian]), ("Patient?name:contains=NÉI", &[sian]),
            ("Patient?name:contains=100%25_", &[lukasz]), ("Patient?name:contains=0_%25", &[]),
            (r"Patient?name=back\\slash\, comma", &[lukasz]), ("Patient?name:contains=slash", &[lukasz]),
            ("Patient?name:exact=Siân", &[sian]), ("Patient?name:exact=Sian", &[]), ("Patient?name:exact=siân", &[]),
            ("Patient?family:exact=O'Néill", &[sian]), ("Patient?family:exact=O'N", &[]),
            ("Patient?name:exact=Mary Jane", &[sian]), ("Patient?given=mary  JANE", &[sian]),
            ("Patient?name:missing=true", &[nobody]), ("Patient?name:missing=false", &[sian, lukasz]),
            ("Patient?address=flat", &[sian]), ("Patient?address=1 aero", &[sian]), ("Patient?address=cf10", &[sian]),
            ("Patient?address=the old", &[sian]), ("Patient?address=cymru", &[sian]), ("Patient?address=gb", &[sian]),
            ("Patient?address=bro", &[sian]), ("Patient?address:contains=1aa", &[sian]),
            ("Patient?address=leeds,caer", &[sian, lukasz]), ("Patient?address:exact=Leeds", &[lukasz]),
            ("Patient?address-city=LEEDS", &[lukasz]), ("Patient?address-country=gb", &[sian]),
            ("Patient?address-postalcode=CF10 1", &[sian]), ("Patient?address-state=cym", &[sian]),
            ("Patient?name=sian&name=mary", &[sian]), ("Patient?name=sian&name=lukasz", &[]),
        ]);
        let long = format!("{} Ärztin END", "word ".repeat(150));
        let doctor = &put(http, tag, json!({ "resourceType": "Patient", "name": [{ "text": long }] }));
        cases(http, tag, &[("Patient?name:contains=arztin end", &[doctor]), (&*format!("Patient?name:exact={long}"), &[doctor])]);
        http.get(&format!("Patient?name={}", "x".repeat(1000))).expect_error(400);
        for bad in ["name:text=x", "name=%CC%81", "name=a\\b", "name:not=a", "name=a,,b"] {
            http.get(&format!("Patient?{bad}")).expect_error(400);
        }
    }
}

on_both! {
    fn words_of_the_narrative_and_of_the_content(server: &Server) {
        let http = server.http();
        let tag = &unique("words");
        let condition = |div: &str, note: &str| {
            let mut condition = json!({ "resourceType": "Condition", "subject": { "reference": "Patient/ignored" },
                "code": { "coding": [{ "system": "urn:x", "code": "ignored", "display": "Carcinoma" }] },
                "note": [{ "text": note }] });
            if !div.is_empty() {
                let div = format!(r#"<div xmlns="http://www.w3.org/1999/xhtml">{div}</div>"#);
                condition["text"] = json!({ "status": "generated", "div": div });
            }
            put(http, tag, condition)
        };
        let bone = &condition("<p>Métastases in <b>bone</b>&#160;&amp; skin</p>", "Seen by Dr Jones");
        let liver = &condition("<p>metastases<br/>LIVER</p>", "O'Brien-7");
        let lung = &condition("<p title=\"metastases\">Lung</p>", "bone scan clear");
        let plain = &condition("", "liver, ok");
        let all = &[bone.as_str(), liver, lung, plain];
        cases(http, tag, &[
            ("Condition?_text=(bone OR liver) and metastases", &[bone, liver]),
            ("Condition?_text=bone", &[bone]), ("Condition?_text=metastases skin", &[bone]),
            ("Condition?_text=mÉtastases AND (bone liver)", &[]), ("Condition?_text=skin or lung", &[bone, lung]),
            ("Condition?_text=skin,lung", &[bone, lung]), ("Condition?_text=skin lung", &[]),
            ("Condition?_text=metas", &[]), ("Condition?_text=jones", &[]), ("Condition?_text=title", &[]),
            ("Condition?_text=lung&_text=metastases", &[]),
            ("Condition?_content=bone", &[bone, lung]), ("Condition?_content=liver", &[liver, plain]),
            ("Condition?_content=carcinoma", all), ("Condition?_content=carcinoma and (jones or ok)", &[bone, plain]),
            ("Condition?_content=o'brien-7", &[liver]), ("Condition?_content=brien", &[liver]),
            ("Condition?_content=bone and scan", &[lung]), ("Condition?_content=ignored", &[]),
            ("Condition?_content=metastases&_text=bone", &[bone]),
        ]);
        for bad in ["_text=", "_text=(bone", "_text=bone)", "_text=or", "_text=not bone", "_text=\"bone scan\"", "_content=-",
            "_content:contains=x", "_text:missing=true", "_sort=_text"] {
            http.get(&format!("Condition?{bad}")).expect_error(400);
        }
        // What is no longer said is no longer found.
        let id = bone.trim_start_matches("Condition/");
        http.put(bone, &json!({ "resourceType": "Condition", "id": id, "meta": { "tag": [{ "code": tag }] },
            "subject": { "display": "Someone" } })).expect(200);
        cases(http, tag, &[("Condition?_content=bone", &[lung]), ("Condition?_content=someone", &[bone])]);
    }
}
