//! Quantity parameters, clause by clause (`FHIR R4 search.html#quantity`, `#prefix`, `datatypes.html#Quantity`).

use super::named::{Named, refused};
use serde_json::{Value, json};

fn observation(name: &'static str, value: Value) -> (&'static str, Value) {
    let mut resource = json!({
        "resourceType": "Observation", "status": "final", "code": { "coding": [{ "system": "urn:c", "code": "q" }] }
    });
    for (member, value) in value.as_object().expect("members") {
        resource[member] = value.clone();
    }
    (name, resource)
}

fn ucum(value: f64, unit: &str, code: &str) -> Value {
    json!({ "valueQuantity": { "value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": code } })
}

on_both! {
    fn canonical_units_are_compared(server: &Server) {
        let http = server.http();
        let named = Named::new(http, vec![
            observation("gram", ucum(1.0, "gram", "g")),
            observation("thousand_mg", ucum(1000.0, "mg", "mg")),
            observation("five_mg", ucum(5.4, "mg", "mg")),
            observation("in_g", ucum(0.0054, "g", "g")),
            observation("five_words", json!({ "valueQuantity": { "value": 5.4, "unit": "mg" } })),
            observation("warm", ucum(37.0, "°C", "Cel")),
            observation("fever_f", ucum(102.2, "°F", "[degF]")),
            observation("acid", ucum(7.4, "pH", "[pH]")),
            observation("loud", ucum(60.0, "dB", "dB[SPL]")),
            observation("units", ucum(12.0, "IU", "[iU]")),
            observation("kilo_units", ucum(0.012, "kIU", "k[iU]")),
            observation("broken", ucum(3.0, "mgs", "mgs?!")),
            observation("micro", ucum(3.0, "µg", "µg")),
            observation("rate", ucum(90.0, "beats/minute", "{beats}/min")),
            observation("above", json!({ "valueQuantity": { "value": 2, "comparator": ">", "system": "http://unitsofmeasure.org", "code": "kg" } })),
            observation("other_system", json!({ "valueQuantity": { "value": 1, "unit": "tablet", "system": "urn:forms", "code": "tab" } })),
            observation("huge", ucum(1e308, "Tg", "Tg")),
        ]);
        let u = "http://unitsofmeasure.org";
        let cases: Vec<(String, &str)> = vec![
            (format!("1|{u}|g"), "gram thousand_mg"),
            (format!("1000|{u}|mg"), "gram thousand_mg"),
            (format!("0.001|{u}|kg"), "gram thousand_mg"),
            (format!("1000000|{u}|ug"), "gram thousand_mg"),
            (format!("5.4|{u}|mg"), "five_mg in_g"),
            (format!("5.40e-3|{u}|g"), "five_mg in_g"),
            (format!("5400|{u}|ug"), "five_mg in_g"),
            (format!("5|{u}|mg"), "five_mg in_g"),
            (format!("5.41|{u}|mg"), ""),
            (format!("ne5.4|{u}|mg"), "gram thousand_mg above huge"),
            (format!("gt5.4|{u}|mg"), "gram thousand_mg above huge"),
            (format!("ge5.4|{u}|mg"), "five_mg in_g gram thousand_mg above huge"),
            (format!("lt1|{u}|g"), "five_mg in_g"),
            (format!("le1|{u}|g"), "five_mg in_g gram thousand_mg"),
            (format!("sa2|{u}|kg"), "above huge"),
            (format!("sa2001|{u}|g"), "huge"),
            (format!("eb0.1|{u}|g"), "five_mg in_g"),
            (format!("ap1.05|{u}|g"), "gram thousand_mg"),
            // a unit as written is not converted
            ("5.4||mg".into(), "five_mg five_words"),
            ("1||gram".into(), "gram"),
            ("1||g".into(), "gram"),
            ("1000||mg".into(), "thousand_mg"),
            // without a unit, any
            ("5.4".into(), "five_mg five_words"),
            ("1".into(), "gram other_system"),
            ("1||".into(), "gram other_system"),
            // scales with an offset
            (format!("98.6|{u}|[degF]"), "warm"),
            (format!("310.15|{u}|K"), "warm"),
            (format!("39|{u}|Cel"), "fever_f"),
            (format!("gt38|{u}|Cel"), "fever_f"),
            // scales that are not linear are compared in their own unit
            (format!("7.4|{u}|[pH]"), "acid"),
            (format!("gt7|{u}|[pH]"), "acid"),
            (format!("60|{u}|dB[SPL]"), "loud"),
            // arbitrary units have prefixes, and nothing else in common with others
            (format!("12|{u}|[iU]"), "units kilo_units"),
            (format!("12|{u}|1"), ""),
            (format!("12|{u}|[arb'U]"), ""),
            // what is no unit is a code
            (format!("3|{u}|mgs?!"), "broken"),
            (format!("3|{u}|µg"), "micro"),
            (format!("3|{u}|ug"), ""),
            // annotations have no meaning
            (format!("1.5|{u}|Hz"), "rate"),
            (format!("90|{u}|/min"), "rate"),
            // codes of other systems
            ("1|urn:forms|tab".into(), "other_system"),
            ("1|urn:other|tab".into(), ""),
            // either of two
            (format!("5.4|{u}|mg,1|{u}|g"), "five_mg in_g gram thousand_mg"),
        ];
        let cases: Vec<(String, &str)> =
            cases.into_iter().map(|(value, names)| (format!("Observation?value-quantity={value}"), names)).collect();
        named.expect(http, &cases.iter().map(|(query, names)| (query.as_str(), *names)).collect::<Vec<_>>());
        named.expect(http, &[
            ("Observation?code-value-quantity=urn:c|q$1|http://unitsofmeasure.org|g", "gram thousand_mg"),
            ("Observation?code-value-quantity=q$lt1|http://unitsofmeasure.org|g", "five_mg in_g"),
            ("Observation?code-value-quantity=other$lt1|http://unitsofmeasure.org|g", ""),
            ("Observation?combo-value-quantity=1000|http://unitsofmeasure.org|mg", "gram thousand_mg"),
        ]);
    }
}

on_both! {
    fn every_kind_of_quantity_is_compared_as_an_interval(server: &Server) {
        let http = server.http();
        let sampled = json!({ "valueSampledData": {
            "origin": { "value": 2, "unit": "mV", "system": "http://unitsofmeasure.org", "code": "mV" }, "period": 10,
            "factor": 0.5, "dimensions": 1, "data": "-2 E 4 U 10 L"
        } });
        let empty = json!({ "valueSampledData": { "origin": { "value": 2 }, "period": 10, "dimensions": 1, "data": "E U L" } });
        let compared = |value: f64, comparator: &str| json!({ "valueQuantity": { "value": value, "comparator": comparator } });
        let named = Named::new(http, vec![
            observation("sampled", sampled),
            observation("no_samples", empty),
            observation("less", compared(5.0, "<")),
            observation("at_most", compared(5.0, "<=")),
            observation("more", compared(5.0, ">")),
            observation("at_least", compared(5.0, ">=")),
            observation("exact", json!({ "valueQuantity": { "value": 5.0 } })),
            observation("no_value", json!({ "valueQuantity": { "unit": "mg" } })),
            observation("parts", json!({ "component": [
                { "code": { "coding": [{ "code": "sys" }] }, "valueQuantity": { "value": 120 } },
                { "code": { "coding": [{ "code": "dia" }] }, "valueQuantity": { "value": 80 } },
            ] })),
        ]);
        named.expect(http, &[
            ("Observation?value-quantity=5", "exact"),
            ("Observation?value-quantity=gt5", "sampled more at_least"),
            ("Observation?value-quantity=ge5", "sampled more at_least exact"),
            ("Observation?value-quantity=lt5", "sampled less at_most"),
            ("Observation?value-quantity=le5", "sampled less at_most exact"),
            ("Observation?value-quantity=sa5", "more"),
            ("Observation?value-quantity=eb5", "less"),
            ("Observation?value-quantity=sa4", "more at_least exact"),
            ("Observation?value-quantity=ap5", "sampled less at_most more at_least exact"),
            ("Observation?value-quantity=ne5", "sampled less at_most more at_least"),
            ("Observation?value-quantity=ge1||mV&value-quantity=le7||mV", "sampled"),
            ("Observation?value-quantity=lt0.0011|http://unitsofmeasure.org|V", "sampled"),
            ("Observation?value-quantity=gt0.007|http://unitsofmeasure.org|V", ""),
            ("Observation?value-quantity:missing=true", "no_samples no_value parts"),
            ("Observation?component-code-value-quantity=sys$120", "parts"),
            ("Observation?component-code-value-quantity=sys$80", ""),
            ("Observation?component-code-value-quantity=dia$lt90", "parts"),
            ("Observation?combo-code-value-quantity=sys$gt100", "parts"),
            ("Observation?combo-value-quantity=80", "parts"),
            ("Observation?component-value-quantity=80&component-value-quantity=120", "parts"),
        ]);
        refused(http, &[
            ("Observation?value-quantity=5|mg", "number||unit"),
            ("Observation?value-quantity=5|urn:s|", "number||unit"),
            ("Observation?value-quantity=|urn:s|mg", "not a number"),
            ("Observation?value-quantity=xx5", "not a number"),
            ("Observation?value-quantity=5,", "empty"),
            ("Observation?value-quantity:exact=5", ":exact"),
            ("Observation?code-value-quantity=q", "joined by '$'"),
            ("Observation?code-value-quantity=q$x", "not a number"),
            ("Observation?code-value-quantity=q$1,q$2$3", "joined by '$'"),
        ]);
    }
}

on_both! {
    fn ages_durations_money_and_ranges_are_quantities(server: &Server) {
        let http = server.http();
        let condition = |onset: Value| {
            let mut condition = json!({ "resourceType": "Condition", "subject": { "reference": "Patient/nobody" } });
            for (member, value) in onset.as_object().expect("members") {
                condition[member] = value.clone();
            }
            condition
        };
        let age = |value: u32, code: &str| json!({ "value": value, "system": "http://unitsofmeasure.org", "code": code });
        let invoice = |value: f64, currency: &str| json!({
            "resourceType": "Invoice", "status": "issued", "totalNet": { "value": value, "currency": currency }
        });
        let named = Named::new(http, vec![
            ("two_years", condition(json!({ "onsetAge": age(2, "a") }))),
            ("months", condition(json!({ "onsetAge": age(24, "mo") }))),
            ("forties", condition(json!({ "onsetRange": { "low": age(40, "a"), "high": age(49, "a") } }))),
            ("from_forty", condition(json!({ "onsetRange": { "low": age(40, "a") } }))),
            ("to_ten", condition(json!({ "onsetRange": { "high": age(10, "a") } }))),
            ("pounds", invoice(12.5, "GBP")),
            ("euros", invoice(12.5, "EUR")),
            ("stay", json!({ "resourceType": "Encounter", "status": "finished",
                "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP" },
                "length": { "value": 3, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d" } })),
        ]);
        named.expect(http, &[
            ("Condition?onset-age=2|http://unitsofmeasure.org|a", "two_years months"),
            ("Condition?onset-age=24|http://unitsofmeasure.org|mo", "two_years months"),
            ("Condition?onset-age=gt45|http://unitsofmeasure.org|a", "forties from_forty"),
            ("Condition?onset-age=lt45|http://unitsofmeasure.org|a", "two_years months forties from_forty to_ten"),
            ("Condition?onset-age=sa39|http://unitsofmeasure.org|a", "forties from_forty"),
            ("Condition?onset-age=eb11|http://unitsofmeasure.org|a", "two_years months to_ten"),
            ("Condition?onset-age=45|http://unitsofmeasure.org|a", ""),
            ("Condition?onset-age=ap47|http://unitsofmeasure.org|a", "forties from_forty"),
            ("Invoice?totalnet=12.5", "pounds euros"),
            ("Invoice?totalnet=12.5||GBP", "pounds"),
            ("Invoice?totalnet=12.50|urn:iso:std:iso:4217|EUR", "euros"),
            ("Invoice?totalnet=gt12.5|urn:iso:std:iso:4217|EUR", ""),
            ("Encounter?length=72|http://unitsofmeasure.org|h", "stay"),
            ("Encounter?length=3||days", "stay"),
            ("Encounter?length=ge1|http://unitsofmeasure.org|wk", ""),
        ]);
    }
}
