//! Worlds: a few resources that refer to each other, created, updated and deleted in some order.

use proptest::prelude::*;

/// A change to the resource `type_/id`.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) type_: &'static str,
    pub(super) id: String,
    /// Its new JSON; `None` deletes it.
    pub(super) body: Option<String>,
    /// Seconds since the change before; 0 lets changes share an instant.
    pub(super) seconds: i64,
}

/// The FHIR base of the world.
pub(super) const BASE: &str = "https://x.example/FHIR/R4";

/// Changes to at most six resources of each type.
pub(super) fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec((change(), 0_i64..3), 10..40).prop_map(|changes| {
        changes.into_iter().map(|((type_, id, body), seconds)| Change { type_, id, body, seconds }).collect()
    })
}

type Content = (&'static str, String, Option<String>);

fn change() -> impl Strategy<Value = Content> {
    let id = prop::sample::select(vec!["a", "b", "c", "d", "e", "f"]);
    let content = prop_oneof![
        4 => patient().prop_map(|members| ("Patient", members)),
        6 => observation().prop_map(|members| ("Observation", members)),
        2 => organization().prop_map(|members| ("Organization", members)),
    ];
    (id, content, prop::bool::weighted(0.1)).prop_map(|(id, (type_, members), deleted)| {
        let members: Vec<String> = members.into_iter().filter(|member| !member.is_empty()).collect();
        let head = format!(r#""resourceType":"{type_}","id":"{id}""#);
        let body = std::iter::once(head).chain(members).collect::<Vec<_>>().join(",");
        (type_, id.to_owned(), (!deleted).then(|| format!("{{{body}}}")))
    })
}

/// One of these texts, or often the first.
fn one(texts: &[&str]) -> impl Strategy<Value = String> + use<> {
    prop::sample::select(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

fn patient() -> impl Strategy<Value = Vec<String>> {
    (
        one(&["", r#""gender":"male""#, r#""gender":"female""#]),
        one(&["", r#""birthDate":"1970""#, r#""birthDate":"1970-05""#, r#""birthDate":"1970-05-17""#, r#""birthDate":"2001-02-03""#]),
        one(&[
            "",
            r#""name":[{"family":"Óg","given":["Ann","Bea"]}]"#,
            r#""name":[{"family":"Ogden","given":["Bea"]},{"text":"og 100%_x"}]"#,
            r#""name":[{"family":"McKay"}]"#,
        ]),
        one(&[
            "",
            r#""identifier":[{"system":"urn:s","value":"1"}]"#,
            r#""identifier":[{"value":"1"},{"system":"urn:t","value":"2","type":{"text":"Type two","coding":[{"system":"urn:y","code":"MR"}]}}]"#,
        ]),
        one(&[
            "",
            r#""managingOrganization":{"reference":"Organization/a"}"#,
            r#""managingOrganization":{"reference":"https://x.example/FHIR/R4/Organization/b"}"#,
            r#""managingOrganization":{"identifier":{"system":"urn:o","value":"7"}}"#,
        ]),
        one(&["", r#""link":[{"other":{"reference":"Patient/b"},"type":"seealso"}]"#]),
        one(&["", r#""meta":{"tag":[{"system":"urn:tag","code":"t"}],"profile":["http://p.example/one|2"]}"#]),
    )
        .prop_map(|(a, b, c, d, e, f, g)| vec![a, b, c, d, e, f, g])
}

fn observation() -> impl Strategy<Value = Vec<String>> {
    (
        one(&[r#""status":"final""#, r#""status":"amended""#]),
        one(&[
            r#""code":{"coding":[{"system":"urn:c","code":"x","display":"Écho"}]}"#,
            r#""code":{"coding":[{"system":"urn:c","code":"y"},{"system":"urn:d","code":"x"}],"text":"why not"}"#,
            r#""code":{"coding":[{"code":"X"}]}"#,
            r#""code":{"text":"echo"}"#,
        ]),
        one(&[
            "",
            r#""subject":{"reference":"Patient/a"}"#,
            r#""subject":{"reference":"Patient/b"}"#,
            r#""subject":{"reference":"https://x.example/FHIR/R4/Patient/c/_history/1"}"#,
            r#""subject":{"reference":"https://y.example/Patient/a"}"#,
        ]),
        one(&[
            "",
            r#""effectiveDateTime":"2020-01""#,
            r#""effectiveDateTime":"2020-01-15T10:00:00Z""#,
            r#""effectiveDateTime":"2020-01-15T10:00:00+02:00""#,
            r#""effectivePeriod":{"start":"2020-01-10","end":"2020-01-20"}"#,
            r#""effectivePeriod":{"start":"2020-01-16"}"#,
        ]),
        one(&[
            "",
            r#""valueQuantity":{"value":5.4,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}"#,
            r#""valueQuantity":{"value":100,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}"#,
            r#""valueQuantity":{"value":5,"comparator":">"}"#,
            r#""valueString":"Straße  one""#,
            r#""valueCodeableConcept":{"coding":[{"system":"urn:v","code":"v1"}]}"#,
        ]),
        one(&["", r#""hasMember":[{"reference":"Observation/a"},{"reference":"Observation/b"}]"#]),
        one(&["", r#""performer":[{"reference":"Organization/a"},{"reference":"Patient/a"}]"#]),
    )
        .prop_map(|(a, b, c, d, e, f, g)| vec![a, b, c, d, e, f, g])
}

fn organization() -> impl Strategy<Value = Vec<String>> {
    (
        one(&["", r#""name":"Leeds General""#, r#""name":"Léeds""#]),
        one(&["", r#""partOf":{"reference":"Organization/b"}"#]),
        one(&["", r#""active":true"#, r#""active":false"#]),
    )
        .prop_map(|(a, b, c)| vec![a, b, c])
}
