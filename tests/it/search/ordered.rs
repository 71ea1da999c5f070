//! Number, date and uri parameters, clause by clause (`FHIR R4 search.html#number`, `#date`, `#uri`, `#composite`).

use super::named::{Named, refused};
use serde_json::{Value, json};

fn with(mut resource: Value, members: Value) -> Value {
    for (member, value) in members.as_object().expect("members") {
        resource[member] = value.clone();
    }
    resource
}

on_both! {
    fn numbers_imply_their_precision(server: &Server) {
        let http = server.http();
        let risk = |prediction: Value| with(
            json!({ "resourceType": "RiskAssessment", "status": "final", "subject": { "reference": "Patient/nobody" } }),
            json!({ "prediction": [prediction] }),
        );
        let decimal = |value: f64| risk(json!({ "probabilityDecimal": value }));
        let range = |low: Option<f64>, high: Option<f64>| {
            let bound = |value: Option<f64>| value.map(|value| json!({ "value": value }));
            let mut range = json!({});
            for (name, value) in [("low", bound(low)), ("high", bound(high))] {
                if let Some(value) = value {
                    range[name] = value;
                }
            }
            risk(json!({ "probabilityRange": range }))
        };
        let named = Named::new(http, vec![
            ("n94", decimal(94.9)), ("n95", decimal(95.0)), ("n99", decimal(99.5)), ("n100", decimal(100.0)),
            ("n100_4", decimal(100.4)), ("n100_5", decimal(100.5)), ("n104", decimal(104.9)),
            ("r", range(Some(99.8), Some(100.2))), ("low", range(Some(100.0), None)), ("high", range(None, Some(100.0))),
            ("none", json!({ "resourceType": "RiskAssessment", "status": "final", "subject": { "reference": "Patient/nobody" } })),
        ]);
        named.expect(http, &[
            ("RiskAssessment?probability=100", "n99 n100 n100_4 r"),
            ("RiskAssessment?probability=eq100", "n99 n100 n100_4 r"),
            ("RiskAssessment?probability=100.0", "n100"),
            ("RiskAssessment?probability=1e2", "n95 n99 n100 n100_4 n100_5 n104 r"),
            ("RiskAssessment?probability=1.00e2", "n99 n100 n100_4 r"),
            ("RiskAssessment?probability=1000E-1", "n100"),
            ("RiskAssessment?probability=ne100", "n94 n95 n100_5 n104 low high"),
            ("RiskAssessment?probability=gt100", "n100_4 n100_5 n104 r low"),
            ("RiskAssessment?probability=ge100", "n100 n100_4 n100_5 n104 r low"),
            ("RiskAssessment?probability=lt100", "n94 n95 n99 r high"),
            ("RiskAssessment?probability=le100", "n94 n95 n99 n100 r high"),
            ("RiskAssessment?probability=sa99.9", "n100 n100_4 n100_5 n104 low"),
            ("RiskAssessment?probability=eb100.3", "n94 n95 n99 n100 r high"),
            ("RiskAssessment?probability=ap105", "n94 n95 n99 n100 n100_4 n100_5 n104 r low high"),
            ("RiskAssessment?probability=ap120", "low"),
            ("RiskAssessment?probability=95,104.9", "n94 n95 n104"),
            ("RiskAssessment?probability=gt94&probability=lt99", "n94 n95 high"),
            ("RiskAssessment?probability:missing=true", "none"),
            ("RiskAssessment?_sort=probability&probability=ne100&probability:missing=false", "n94 n95 n100_5 n104 low high"),
        ]);
        refused(http, &[
            ("RiskAssessment?probability=high", "not a number"),
            ("RiskAssessment?probability=0x10", "not a number"),
            ("RiskAssessment?probability=1e999", "not a number"),
            ("RiskAssessment?probability=gtlt5", "not a number"),
            ("RiskAssessment?probability:above=5", ":above"),
        ]);
    }
}

on_both! {
    fn dates_are_intervals(server: &Server) {
        let http = server.http();
        let observed = |members: Value| with(
            json!({ "resourceType": "Observation", "status": "final", "code": { "text": "x" } }), members,
        );
        let at = |text: &str| observed(json!({ "effectiveDateTime": text }));
        let instant = |text: &str| observed(json!({ "effectiveInstant": text }));
        let period = |period: Value| observed(json!({ "effectivePeriod": period }));
        let named = Named::new(http, vec![
            ("midnight", at("2013-01-14T00:00:00Z")),
            ("ten", at("2013-01-14T10:00:00Z")),
            ("next_midnight", at("2013-01-15T00:00:00Z")),
            ("day", at("2013-01-14")),
            ("month", at("2013-01")),
            ("year", at("2013")),
            ("east", at("2013-01-15T01:00:00+02:00")),
            ("instant", instant("2013-01-14T10:00:00.500Z")),
            ("from_jan", period(json!({ "start": "2013-01-21" }))),
            ("from_mar", period(json!({ "start": "2013-03-15" }))),
            ("to_jan", period(json!({ "end": "2013-01-21" }))),
            ("week", period(json!({ "start": "2013-01-12", "end": "2013-01-18" }))),
            ("timing", observed(json!({ "effectiveTiming": { "event": ["2013-02-02", "2013-02-01"],
                "repeat": { "boundsPeriod": { "start": "2013-01-31", "end": "2013-02-24" } } } }))),
            ("no_times", observed(json!({ "effectiveTiming": { "repeat": { "frequency": 1, "period": 1, "periodUnit": "d" } } }))),
            ("none", observed(json!({}))),
        ]);
        named.expect(http, &[
            ("Observation?date=2013-01-14", "midnight ten day east instant"),
            ("Observation?date=eq2013-01-14T10:00", "ten instant"),
            ("Observation?date=2013-01-14T10:00:00Z", "ten instant"),
            ("Observation?date=2013-01-14T10:00:00", "ten instant"),
            ("Observation?date=2013-01-14T10:00:00.5Z", "instant"),
            ("Observation?date=2013-01-14T11:00:00+01:00", "ten instant"),
            ("Observation?date=2013-01-14T23:00:00Z", "east"),
            ("Observation?date=2013-01", "midnight ten next_midnight day month east instant week"),
            ("Observation?date=ne2013-01", "year from_jan from_mar to_jan timing"),
            ("Observation?date=ne2013-01-14&date=lt2013-01-15", "month year to_jan week"),
            ("Observation?date=lt2013-01-14T10:00", "midnight day month year to_jan week"),
            ("Observation?date=gt2013-01-14T10:00", "next_midnight day month year east from_jan from_mar to_jan week timing"),
            ("Observation?date=ge2013-03-14", "year from_jan from_mar"),
            ("Observation?date=le2013-01-12", "month year to_jan"),
            ("Observation?date=sa2013-03-14", "from_mar"),
            ("Observation?date=eb2013-03-14", "midnight ten next_midnight day month east instant to_jan week timing"),
            ("Observation?date=eb2013-01-14", ""),
            ("Observation?date=sa2013-01-30", "from_mar timing"),
            ("Observation?date=2013-02", ""),
            ("Observation?date=ge2013-01-31&date=le2013-02-24", "year from_jan timing"),
            ("Observation?date=2013-01-14,2013-01-15", "midnight ten next_midnight day east instant"),
            ("Observation?date:missing=true", "no_times none"),
            // a tenth of the time since: not 70 years on
            ("Observation?date=ap1940", "to_jan"),
        ]);
        refused(http, &[
            ("Observation?date=2013-1-14", "not a date"),
            ("Observation?date=2013-02-30", "not a date"),
            ("Observation?date=2013-01-14T10", "not a date"),
            ("Observation?date=2013-01-14T10:00 01:00", "not a date"),
            ("Observation?date=14/01/2013", "not a date"),
            ("Observation?date=xx2013", "not a date"),
            ("Observation?date:below=2013", ":below"),
        ]);
    }
}

on_both! {
    fn uris_are_compared_as_they_are_written(server: &Server) {
        let http = server.http();
        let mark = crate::server::unique("uri");
        let set = |url: &str, version: Option<&str>| {
            let mut set = json!({ "resourceType": "ValueSet", "status": "active", "url": url });
            if let Some(version) = version {
                set["version"] = json!(version);
            }
            set
        };
        let root = format!("http://acme.example/{mark}/fhir");
        let named = Named::new(http, vec![
            ("root", set(&root, None)),
            ("one_1", set(&format!("{root}/ValueSet/1"), Some("1.0"))),
            ("one_2", set(&format!("{root}/ValueSet/1"), Some("2.0"))),
            ("twelve", set(&format!("{root}/ValueSet/12"), None)),
            ("upper", set(&format!("{root}/VALUESET/1"), None)),
            ("oid", set(&format!("urn:oid:1.2.3.{mark}"), None)),
        ]);
        let cases = [
            (format!("url={root}/ValueSet/1"), "one_1 one_2"),
            (format!("url={root}/ValueSet/1|2.0"), "one_2"),
            (format!("url={root}/ValueSet/1|3.0"), ""),
            (format!("url={root}/ValueSet/1|2.0,{root}/ValueSet/12"), "one_2 twelve"),
            (format!("url={root}/ValueSet"), ""),
            (format!("url={root}/ValueSet/1/"), ""),
            (format!("url:below={root}/"), "one_1 one_2 twelve upper"),
            (format!("url:below={root}"), "root one_1 one_2 twelve upper"),
            (format!("url:below={root}/ValueSet/1"), "one_1 one_2 twelve"),
            (format!("url:above={root}/ValueSet/12/_history/5"), "root twelve"),
            (format!("url:above={root}/ValueSet/1"), "root one_1 one_2"),
            (format!("url=urn:oid:1.2.3.{mark}"), "oid"),
            ("url:missing=true".to_owned(), ""),
        ];
        let cases: Vec<(String, &str)> =
            cases.into_iter().map(|(query, names)| (format!("ValueSet?{query}"), names)).collect();
        named.expect(http, &cases.iter().map(|(query, names)| (query.as_str(), *names)).collect::<Vec<_>>());
        refused(http, &[
            ("ValueSet?url:below=urn:oid:1.2", "a URN has nothing above or below it"),
            ("ValueSet?url:above=urn:oid:1.2", "a URN has nothing above or below it"),
            ("ValueSet?url:exact=http://x", ":exact"),
        ]);
    }
}

on_both! {
    fn composites_join_values_of_one_element(server: &Server) {
        let http = server.http();
        let coded = |code: &str| json!({ "coding": [{ "system": "urn:c", "code": code }] });
        let component = |code: &str, value: Value| with(json!({ "code": coded(code) }), value);
        let observation = |members: Value| with(json!({ "resourceType": "Observation", "status": "final", "code": coded("panel") }), members);
        let named = Named::new(http, vec![
            ("pressure", observation(json!({ "component": [
                component("sys", json!({ "valueQuantity": { "value": 120, "unit": "mmHg" } })),
                component("dia", json!({ "valueQuantity": { "value": 80, "unit": "mmHg" } })),
            ] }))),
            ("colour", observation(json!({ "component": [component("eye", json!({ "valueCodeableConcept": coded("blue") }))] }))),
            ("value", observation(json!({ "valueCodeableConcept": coded("blue") }))),
            ("text", observation(json!({ "valueString": "Étoile, rouge" }))),
            ("dated", observation(json!({ "valueDateTime": "2020-05-05" }))),
            ("group", json!({ "resourceType": "Group", "type": "person", "actual": true, "characteristic": [
                { "code": coded("gender"), "valueCodeableConcept": coded("mixed"), "exclude": false },
                { "code": coded("owner"), "valueCodeableConcept": coded("eve"), "exclude": false },
            ] })),
            ("document", json!({ "resourceType": "DocumentReference", "status": "current", "content": [{ "attachment": { "url": "http://x" } }],
                "relatesTo": [{ "code": "replaces", "target": { "reference": "DocumentReference/old" } }] })),
        ]);
        named.expect(http, &[
            ("Observation?component-code-value-quantity=urn:c|sys$gt100", "pressure"),
            ("Observation?component-code-value-quantity=sys$80", ""),
            ("Observation?component-code-value-quantity=sys$80,dia$80", "pressure"),
            ("Observation?component-code-value-quantity=sys$80||mmHg,dia$80||mmHg", "pressure"),
            ("Observation?component-code-value-concept=eye$urn:c|blue", "colour"),
            ("Observation?combo-code-value-concept=panel$blue", "value"),
            ("Observation?code-value-concept=urn:c|panel$blue", "value"),
            ("Observation?code-value-string=panel$etoile\\, r", "text"),
            ("Observation?code-value-date=panel$2020", "dated"),
            ("Observation?code-value-date=panel$gt2020-05", ""),
            ("Group?characteristic-value=gender$mixed", "group"),
            ("Group?characteristic-value=gender$eve", ""),
            ("Group?characteristic-value=gender$eve,owner$eve", "group"),
            ("DocumentReference?relationship=DocumentReference/old$replaces", "document"),
            ("DocumentReference?relationship=DocumentReference/old$appends", ""),
        ]);
        refused(http, &[
            ("Group?characteristic-value=gender", "2 values joined by '$'"),
            ("Group?characteristic-value=gender$a$b", "2 values joined by '$'"),
            ("Group?characteristic-value:not=gender$a", ":not"),
        ]);
    }
}
