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
        // However long it is: the index holds a thousand bytes of a text, a search looks at all of it.
        let sentence = "Straße ünd wörd ".repeat(150);
        let [one, two] = ["Erste", "Zweite"].map(|end| put(http, tag, json!({
            "resourceType": "Patient", "name": [{ "text": format!("{sentence}{end} (100%_) Ende") }]
        })));
        let folded = "strasse und word ".repeat(150);
        let (start, near) = (&folded[..2000], &folded[..1001]);
        cases(http, tag, &[
            ("Patient?name=strasse und", &[&one, &two]), ("Patient?name=word und", &[]),
            (&*format!("Patient?name={start}"), &[&one, &two]), (&*format!("Patient?name={near}"), &[&one, &two]),
            (&*format!("Patient?name={}", &folded[..1000]), &[&one, &two]), (&*format!("Patient?name={}", &folded[..996]), &[&one, &two]),
            (&*format!("Patient?name={}", &folded[..997]), &[&one, &two]),
            (&*format!("Patient?name={folded}erste"), &[&one]), (&*format!("Patient?name={start}xyz"), &[]),
            (&*format!("Patient?name={folded}ERSTE,sian"), &[&one, sian]),
            ("Patient?name:contains=erste (100%25_)", &[&one]), ("Patient?name:contains=ZWEITE", &[&two]),
            (&*format!("Patient?name:contains={}", &folded[500..2200]), &[&one, &two]),
            (&*format!("Patient?name:contains={}zweite", &folded[500..]), &[&two]),
            ("Patient?name:contains=(100____", &[]), ("Patient?name:contains=ende x", &[]),
            (&*format!("Patient?name:exact={sentence}Zweite (100%25_) Ende"), &[&two]),
            (&*format!("Patient?name:exact={sentence}Zweite (100%25_)"), &[]),
            ("Patient?_filter=name ew \"erste (100%25_) ende\"", &[&one]), ("Patient?_filter=name ew word", &[]),
            ("Patient?_filter=name co \"zweite (1\"", &[&two]), ("Patient?_filter=name sw \"strasse und\"", &[&one, &two]),
            ("Patient?_filter=not (name co zweite) and name sw strasse", &[&one]),
        ]);
        let url = format!("Observation?code-value-string=x${}", "x".repeat(1001));
        http.get(&url).expect_error(400);
        http.get(&format!("Patient?identifier:text={}", "x".repeat(1001))).expect_error(400);
        http.get(&format!("Patient?_filter=name%20sw%20{}", "x".repeat(1001))).expect_error(400);
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
