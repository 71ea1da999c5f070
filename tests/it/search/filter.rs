//! `_filter` (`FHIR R4 search_filter.html`): every operator, logic, chained paths, and what is refused.

use super::named::{Named, refused};
use serde_json::json;

on_both! {
    fn filters_find_exactly_their_resources(server: &Server) {
        let http = server.http();
        let patient = |family: &str, given: &str, gender: &str, birth: &str| json!({
            "resourceType": "Patient", "gender": gender, "birthDate": birth,
            "name": [{ "family": family, "given": [given] }]
        });
        let people = Named::new(http, vec![
            ("amara", patient("Whitfield", "Amara", "female", "1950-01-31")),
            ("bronwyn", patient("Whitley", "Brônwyn", "female", "1961-03-09")),
            ("carlo", patient("Singh", "Carlo", "male", "1961-11")),
            ("nobody", json!({ "resourceType": "Patient" })),
        ]);
        people.expect(http, &[
            ("Patient?_filter=family eq whitfield", "amara"),
            ("Patient?_filter=family eq whit", ""),
            ("Patient?_filter=family ne whitfield", "bronwyn carlo"),
            ("Patient?_filter=name co \"it\"", "amara bronwyn"),
            ("Patient?_filter=given sw bron", "bronwyn"),
            ("Patient?_filter=family ew LEY", "bronwyn"),
            ("Patient?_filter=family gt t", "amara bronwyn"),
            ("Patient?_filter=family le singh", "carlo"),
            ("Patient?_filter=family lt whitley and family ge singh", "amara carlo"),
            ("Patient?_filter=gender eq female", "amara bronwyn"),
            ("Patient?_filter=gender ne female", "carlo"),
            ("Patient?_filter=not (gender eq female)", "carlo nobody"),
            ("Patient?_filter=gender pr false", "nobody"),
            ("Patient?_filter=gender pr true and birthdate ge 1961", "bronwyn carlo"),
            ("Patient?_filter=birthdate eq 1961", "bronwyn carlo"),
            ("Patient?_filter=birthdate co 1961-11-20", "carlo"),
            ("Patient?_filter=birthdate po 1961-11-20", "carlo"),
            ("Patient?_filter=birthdate gt 1961-03-09", "carlo"),
            ("Patient?_filter=birthdate eb 1961 or birthdate sa 1961-04", "amara carlo"),
            // from left to right, without precedence
            ("Patient?_filter=family eq singh or gender eq female and birthdate lt 1955", "amara"),
            ("Patient?_filter=family eq singh or (gender eq female and birthdate lt 1955)", "amara carlo"),
            ("Patient?_filter=not(family eq singh or family eq whitley) and gender pr true", "amara"),
            // several and others are all meant
            ("Patient?_filter=gender eq female&_filter=birthdate lt 1955", "amara"),
            ("Patient?gender=female&_filter=given sw a or given sw c", "amara"),
            ("Patient?_filter=family eq singh and _id eq x", ""),
            ("Patient?_filter=_lastUpdated gt 2020 and _lastUpdated pr true and gender eq male", "carlo"),
        ]);
        let id = people.reference("carlo").trim_start_matches("Patient/").to_owned();
        people.expect(http, &[
            (&format!("Patient?_filter=_id eq {id}"), "carlo"),
            (&format!("Patient?_filter=_id ne {id}"), "amara bronwyn nobody"),
        ]);

        let value = |value: f64, code: &str| json!({ "value": value, "system": "http://unitsofmeasure.org", "code": code });
        let observation = |name: &str, code: &str, value: serde_json::Value| json!({
            "resourceType": "Observation", "status": "final", "valueQuantity": value,
            "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
            "subject": { "reference": people.reference(name) }
        });
        let observations = Named::new(http, vec![
            ("gram", observation("amara", "1234-5", value(1.0, "g"))),
            ("pressure", observation("amara", "8480-6", value(120.0, "mm[Hg]"))),
            ("milligrams", observation("carlo", "1234-5", value(900.0, "mg"))),
        ]);
        let carlo = people.reference("carlo");
        observations.expect(http, &[
            ("Observation?_filter=code eq http://loinc.org|1234-5", "gram milligrams"),
            ("Observation?_filter=code eq loinc|1234-5 and value-quantity ge 1000|ucum|mg", "gram"),
            ("Observation?_filter=value-quantity eq \"120|ucum|mm[Hg]\"", "pressure"),
            ("Observation?_filter=value-quantity gt 100 and value-quantity lt 500", "pressure"),
            ("Observation?_filter=value-quantity ap 1000|ucum|mg", "gram milligrams"),
            ("Observation?_filter=code eq loinc|1234-5 and subject.name co \"carl\"", "milligrams"),
            ("Observation?_filter=subject[gender eq female].name sw am", "gram pressure"),
            ("Observation?_filter=subject[gender eq male].name sw am", ""),
            ("Observation?_filter=not (subject.gender eq male)", "gram pressure"),
            (&format!("Observation?_filter=subject re {carlo}"), "milligrams"),
            (&format!("Observation?_filter=subject re {}/{carlo}", http.base()), "milligrams"),
            ("Observation?_filter=code-value-quantity eq 1234-5$gt950|ucum|mg", ""),
            ("Observation?_filter=code-value-quantity eq 1234-5$gt950|http://unitsofmeasure.org|mg", "gram"),
        ]);
    }
}

on_both! {
    /// `in` and `ni` are `:in` and `:not-in`; a filter goes with every other parameter of a search.
    fn filters_go_with_value_sets_and_with_controls(server: &Server) {
        let http = server.http();
        let url = format!("http://example.org/{}", crate::server::unique("set"));
        let set = http.create(&json!({
            "resourceType": "ValueSet", "status": "active", "url": url, "version": "1",
            "compose": { "include": [{ "system": "http://loinc.org", "concept": [{ "code": "1-8" }, { "code": "2-6" }] }] }
        }));
        let people = Named::new(http, vec![
            ("ann", json!({ "resourceType": "Patient", "gender": "female", "birthDate": "1950-01-31" })),
        ]);
        let ann = people.reference("ann").to_owned();
        let observation = |codes: &[&str], day: &str| json!({
            "resourceType": "Observation", "status": "final", "effectiveDateTime": day, "subject": { "reference": ann },
            "code": { "coding": codes.iter().map(|code| json!({ "system": "http://loinc.org", "code": code })).collect::<Vec<_>>() }
        });
        let named = Named::new(http, vec![
            ("one", observation(&["1-8"], "2024-03-01")),
            ("both", observation(&["2-6", "9-9"], "2024-01-01")),
            ("other", observation(&["9-9"], "2024-02-01")),
            ("none", json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" } })),
        ]);
        let id = set["id"].as_str().unwrap();
        named.expect(http, &[
            (&format!("Observation?_filter=code in {url}"), "one both"),
            (&format!("Observation?_filter=code in \"{url}|1\""), "one both"),
            (&format!("Observation?_filter=code in ValueSet/{id}"), "one both"),
            (&format!("Observation?_filter=code ni {url}"), "other none"),
            (&format!("Observation?_filter=not (code in {url})"), "other none"),
            (&format!("Observation?_filter=not (code ni {url}) and date lt 2024-02"), "both"),
            (&format!("Observation?_filter=code in {url} or code eq loinc|9-9"), "one both other"),
            (&format!("Observation?_filter=code in {url}&date=gt2024-02-01"), "one"),
            (&format!("Observation?code:in={url}&_filter=subject.birthdate lt 1960"), "one both"),
            (&format!("Observation?_filter=subject[gender eq female].birthdate lt 1960 and code ni {url}"), "other"),
        ]);
        refused(http, &[
            ("Observation?_filter=code in http://example.org/nowhere", "not stored here"),
            ("Observation?_filter=code in x", "URL of a ValueSet"),
            ("Observation?_filter=date in http://example.org/x", "'in' does not compare 'date', which is of type date"),
            ("Patient?_filter=name ni http://example.org/x", "eq, ne, co"),
            ("Observation?_filter=value-quantity in http://example.org/x", "of type quantity"),
            ("Observation?_filter=subject ni http://example.org/x", "re and pr do"),
        ]);
        let ask = |query: &str| {
            http.get(&format!("Observation?_filter=code%20in%20{url}&_tag={}&{query}", named.tag())).expect(200).json()
        };
        let order = |bundle: &serde_json::Value| -> Vec<&str> {
            let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
            let matches = entries.iter().filter(|entry| entry["search"]["mode"] == "match");
            matches.map(|entry| named.name(&crate::http::reference(&entry["resource"]))).collect()
        };
        assert_eq!(order(&ask("_sort=date")), ["both", "one"]);
        assert_eq!(order(&ask("_sort=-date")), ["one", "both"]);
        let first = ask("_sort=date&_count=1&_total=accurate");
        assert_eq!((order(&first), &first["total"]), (vec!["both"], &json!(2)));
        let next = http.get(crate::http::link(&first, "next").unwrap()).expect(200).json();
        assert_eq!((order(&next), crate::http::link(&next, "next")), (vec!["one"], None));
        assert!(crate::http::link(&first, "self").unwrap().contains("_filter=code%20in%20http"), "{first}");
        let with = ask("_include=Observation:subject&_sort=date");
        assert_eq!(order(&with), ["both", "one"]);
        assert_eq!(crate::http::ids(&with).len(), 3);
        assert!(crate::http::ids(&with).contains(&ann));
        assert_eq!(ask("_summary=count")["total"], 2);
        assert!(ask("_elements=status")["entry"][0]["resource"].get("code").is_some(), "mandatory elements stay");
        assert!(ask("_elements=status")["entry"][0]["resource"].get("subject").is_none());
        let several = format!("?_type=Observation,DiagnosticReport&_filter=code%20in%20{url}&_sort=-date&_tag={}", named.tag());
        assert_eq!(order(&http.get(&several).expect(200).json()), ["one", "both"]);
        let back = http.get(&format!("Patient?_filter=gender%20eq%20female&_tag={}&_revinclude=Observation:subject", people.tag()));
        assert_eq!(crate::http::ids(&back.expect(200).json()).len(), 4);
    }
}

on_both! {
    fn what_is_no_filter_is_refused(server: &Server) {
        let http = server.http();
        refused(http, &[
            ("Patient?_filter=name", "at character 5"),
            ("Patient?_filter=name is x", "eq, ne, co"),
            ("Patient?_filter=name eq x name eq y", "'and', 'or' or the end"),
            ("Patient?_filter=(name eq x", "')' is missing"),
            ("Patient?_filter=nmae eq x", "nmae"),
            ("Patient?_filter=link[name eq x] eq y", "after ']'"),
            ("Patient?_filter=gender.name eq x", "not a reference"),
            ("Patient?_filter=gender gt x", "type token"),
            ("Patient?_filter=birthdate ge yesterday", "not a date"),
            ("Condition?_filter=code ss snomed|1", "terminology"),
            ("Condition?_filter=code sb snomed|1", "terminology"),
            ("Condition?_filter=subject eq Patient/1", "re and pr do"),
            ("Patient?_filter=_text co bone", "_text"),
            ("Patient?_filter=_content eq bone", "_content"),
            ("Patient?_filter=_list eq 1", "_list"),
            ("Patient?_filter=_filter eq 1", "no search parameter '_filter'"),
            ("Location?_filter=near co 1", "of type special"),
            ("Patient?_filter=birthdate pr maybe", "'pr' takes 'true' or 'false'"),
            ("Patient?_filter=name eq ", "at character"),
        ]);
        for deep in ["(".repeat(5000), "link[".repeat(1000), "not(".repeat(1500)] {
            http.get(&format!("Patient?_filter={deep}")).expect_error(400);
        }
        let long = vec!["name eq a"; 50].join(" or ").replace(' ', "%20");
        http.get(&format!("Patient?_filter={long}&_count=1")).expect(200);
        // Alternating, so that each stands within the next.
        let nested = (0..49).fold("name%20eq%20a".to_owned(), |all, n| {
            format!("{all}%20{}%20name%20eq%20b", if n % 2 == 0 { "and" } else { "or" })
        });
        http.get(&format!("Patient?_filter={nested}&_count=1")).expect(200);
        // Leniency does not leave a filter out.
        http.send(reqwest::Method::GET, "Patient?_filter=nmae%20eq%20x", &[("Prefer", "handling=lenient")], None).expect_error(400);
    }
}

guarded! {
    /// What a filter's path leads to must be in the caller's reach, like the links of a chain.
    fn filters_keep_access(server: &Server) {
        let caller = crate::token::client_credentials(server, "system/Observation.rs");
        caller.get("Observation?_filter=code%20eq%20x&_count=1").expect(200);
        caller.get("Observation?_filter=subject.name%20eq%20x").expect_error(403);
        caller.get("Observation?_filter=not%20(subject.name%20eq%20x)").expect_error(403);
        caller.get("Observation?_filter=code%20eq%20x%20or%20subject.name%20eq%20x").expect_error(403);
    }
}
