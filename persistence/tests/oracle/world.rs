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
    prop::collection::vec((change(), 0_i64..3), 20..70).prop_map(|changes| {
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
        2 => risk_assessment().prop_map(|members| ("RiskAssessment", members)),
        2 => provenance().prop_map(|members| ("Provenance", members)),
        2 => value_set().prop_map(|members| ("ValueSet", members)),
        1 => care_plan().prop_map(|members| ("CarePlan", members)),
        1 => list().prop_map(|members| ("List", members)),
        1 => group().prop_map(|members| ("Group", members)),
        1 => location().prop_map(|members| ("Location", members)),
        2 => plan_definition().prop_map(|members| ("PlanDefinition", members)),
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
            r#""name":[{"family":"Østergård-Strauß","given":["Ægir"],"prefix":["Dr"]},{"family":"Ostergard"}]"#,
            r#""name":[{"given":["ΟΔΥΣΣΕΥΣ"],"_family":{"extension":[{"url":"urn:x","valueCode":"masked"}]}}]"#,
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
            r##""contained":[{"resourceType":"Organization","id":"o","name":"Zoë's","active":true,"partOf":{"reference":"Organization/a"}}],"managingOrganization":{"reference":"#o"}"##,
        ]),
        one(&["", r#""link":[{"other":{"reference":"Patient/b"},"type":"seealso"}]"#]),
        one(&[
            "",
            r#""meta":{"tag":[{"system":"urn:tag","code":"t"}],"profile":["http://p.example/one|2"]}"#,
            r#""meta":{"security":[{"code":"R"},{"system":"urn:sec","code":"V"}],"source":"http://p.example/feed/7"}"#,
        ]),
        one(&["", r#""deceasedBoolean":false"#, r#""deceasedBoolean":true"#, r#""deceasedDateTime":"2010-05-17T11:30:00.250+01:00""#]),
        one(&["", r#""address":[{"line":["1 Ærø Way"],"city":"Århus","postalCode":"LS1 4DY"}]"#, r#""address":[{"city":"Leeds"}]"#]),
        one(&["", r#""telecom":[{"system":"phone","value":"0113 1"},{"system":"email","value":"a@x.example"}]"#]),
        one(&[
            "",
            r#""text":{"status":"generated","div":"<div>Bone &amp; <b>Líver</b> of Bea</div>"}"#,
            r#""text":{"status":"generated","div":"<div>METASTASES of bone</div>"}"#,
        ]),
    )
        .prop_map(|(a, b, c, d, e, f, g, h, i, j, k)| vec![a, b, c, d, e, f, g, h, i, j, k])
}

fn observation() -> impl Strategy<Value = Vec<String>> {
    (
        one(&[r#""status":"final""#, r#""status":"amended""#]),
        one(&[
            r#""code":{"coding":[{"system":"urn:c","code":"x","display":"Écho"}]}"#,
            r#""code":{"coding":[{"system":"urn:c","code":"y"},{"system":"urn:d","code":"x"}],"text":"why x"}"#,
            r#""code":{"coding":[{"code":"X"}]}"#,
            r#""code":{"text":"echo"}"#,
        ]),
        one(&[
            "",
            r#""subject":{"reference":"Patient/a"}"#,
            r#""subject":{"reference":"Patient/b"}"#,
            r#""subject":{"reference":"https://x.example/FHIR/R4/Patient/c/_history/1"}"#,
            r#""subject":{"reference":"https://y.example/Patient/a"}"#,
            r##""contained":[{"resourceType":"Patient","id":"p","gender":"male"}],"subject":{"reference":"#p"}"##,
            r##""contained":[{"resourceType":"Patient","id":"p","gender":"male","birthDate":"1970-05-17","managingOrganization":{"reference":"Organization/a"}},{"resourceType":"Patient","id":"q","gender":"female","name":[{"family":"Óg"}],"managingOrganization":{"reference":"#o"}},{"resourceType":"Organization","id":"o","name":"Léeds","partOf":{"reference":"Organization/b"}}],"subject":{"reference":"#q"}"##,
            r##""contained":[{"resourceType":"Observation","id":"n","status":"final","code":{"coding":[{"system":"urn:c","code":"x"}]},"subject":{"reference":"Patient/a"},"effectiveDateTime":"2020-01-15"},{"resourceType":"Observation","id":"m","status":"amended","code":{"text":"echo"},"hasMember":[{"reference":"#n"},{"reference":"#"}],"valueQuantity":{"value":5.4,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}],"subject":{"reference":"Patient/b"}"##,
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
            r#""valueQuantity":{"value":0.0054,"unit":"g","system":"http://unitsofmeasure.org","code":"g"}"#,
            r#""valueQuantity":{"value":5,"comparator":">"}"#,
            r#""valueQuantity":{"value":5.45,"unit":"mg"}"#,
            r#""valueQuantity":{"value":-1.5e2}"#,
            r#""valueQuantity":{"unit":"mg"}"#,
            r#""valueString":"Straße  one""#,
            r#""valueCodeableConcept":{"coding":[{"system":"urn:v","code":"v1"}]}"#,
        ]),
        one(&["", r#""hasMember":[{"reference":"Observation/a"},{"reference":"Observation/b"}]"#]),
        one(&["", r#""performer":[{"reference":"Organization/a"},{"reference":"Patient/a"}]"#]),
        one(&[
            "",
            r#""component":[{"code":{"coding":[{"system":"urn:c","code":"x"}]},"valueQuantity":{"value":5}},{"code":{"coding":[{"code":"z"}]},"valueQuantity":{"value":80}}]"#,
            r#""component":[{"code":{"coding":[{"code":"z"}]},"valueCodeableConcept":{"coding":[{"code":"v1"}]}}]"#,
        ]),
    )
        .prop_map(|(a, b, c, d, e, f, g, h)| vec![a, b, c, d, e, f, g, h])
}

fn risk_assessment() -> impl Strategy<Value = Vec<String>> {
    (
        one(&[r#""subject":{"reference":"Patient/a"}"#, r#""subject":{"reference":"Patient/b"}"#]),
        one(&[
            "",
            r#""prediction":[{"probabilityDecimal":0.5},{"probabilityDecimal":12.00}]"#,
            r#""prediction":[{"probabilityDecimal":0.55}]"#,
            r#""prediction":[{"probabilityRange":{"low":{"value":0.2},"high":{"value":0.6}}}]"#,
            r#""prediction":[{"probabilityRange":{"low":{"value":3}}}]"#,
        ]),
        one(&[
            "",
            r#""occurrencePeriod":{"end":"2020-02-01"}"#,
            r#""occurrenceDateTime":"2020-01-31T23:59:59-01:00""#,
        ]),
    )
        .prop_map(|(a, b, c)| vec![r#""status":"final""#.to_owned(), a, b, c])
}

fn provenance() -> impl Strategy<Value = Vec<String>> {
    (
        one(&[
            r#""target":[{"reference":"Observation/a/_history/1"}]"#,
            r#""target":[{"reference":"Observation/a"},{"reference":"Patient/a/_history/2"}]"#,
            r#""target":[{"reference":"https://x.example/FHIR/R4/Patient/a"},{"reference":"urn:uuid:1"}]"#,
        ]),
        one(&[r#""recorded":"2020-01-15T09:00:00Z""#, r#""recorded":"2020-01-15T09:00:00.5+00:00""#]),
    )
        .prop_map(|(a, b)| vec![a, b])
}

fn value_set() -> impl Strategy<Value = Vec<String>> {
    (
        one(&[
            "",
            r#""url":"http://v.example/sets/one""#,
            r#""url":"http://v.example/sets""#,
            r#""url":"http://v.example/sets/one/two""#,
            r#""url":"http://v.example/sets_%25""#,
        ]),
        one(&["", r#""version":"2""#, r#""version":"10""#]),
        one(&["", r#""title":"Codes: 50% & more""#, r#""title":"codes""#]),
        one(&[
            r#""compose":{"include":[{"system":"urn:c","concept":[{"code":"x"},{"code":"Y"}]},{"system":"http://hl7.org/fhir/administrative-gender","concept":[{"code":"male"}]}]}"#,
            r#""compose":{"include":[{"system":"urn:d","concept":[{"code":"x"}]}]}"#,
            r#""expansion":{"timestamp":"2020","contains":[{"system":"urn:c","code":"y","contains":[{"system":"http://hl7.org/fhir/administrative-gender","code":"female"}]}]}"#,
            r#""compose":{"include":[{"system":"urn:c"}]}"#,
        ]),
    )
        .prop_map(|(a, b, c, d)| vec![r#""status":"active""#.to_owned(), a, b, c, d])
}

fn care_plan() -> impl Strategy<Value = Vec<String>> {
    (
        one(&[r#""subject":{"reference":"Patient/a"}"#, r#""subject":{"reference":"Patient/c"}"#]),
        one(&[
            "",
            r#""instantiatesCanonical":["http://x.example/PlanDefinition/a|2"]"#,
            r#""instantiatesCanonical":["http://x.example/PlanDefinition/a|2.1"]"#,
            r#""instantiatesCanonical":["http://x.example/PlanDefinition/a|20"]"#,
            r#""instantiatesCanonical":["http://x.example/PlanDefinition/a","http://x.example/PlanDefinition/b|1"]"#,
        ]),
        one(&["", r#""period":{"start":"2020-01-10"}"#, r#""period":{"start":"2020-01-20","end":"2020-01-25"}"#]),
    )
        .prop_map(|(a, b, c)| vec![r#""status":"active","intent":"plan""#.to_owned(), a, b, c])
}

/// A text that is longer than what an index holds.
fn long_title(end: &str) -> String {
    format!(r#""title":"{}{end}""#, "Long  wörds ".repeat(110))
}

fn plan_definition() -> impl Strategy<Value = Vec<String>> {
    (
        one(&[
            r#""url":"http://x.example/PlanDefinition/a","version":"2""#,
            r#""url":"http://x.example/PlanDefinition/a","version":"2.1""#,
            r#""url":"http://x.example/PlanDefinition/a""#,
            r#""url":"http://x.example/PlanDefinition/b","version":"1""#,
            "",
        ]),
        one(&["", r#""title":"Plan one""#, r#""title":"Another plan""#, &long_title("Énd one"), &long_title("End two")]),
        one(&[
            "",
            r#""library":["http://v.example/sets/one|2"],"relatedArtifact":[{"type":"depends-on","resource":"http://x.example/PlanDefinition/a"}]"#,
            r#""relatedArtifact":[{"type":"depends-on","resource":"http://v.example/sets#part"},{"type":"depends-on","resource":"http://x.example/PlanDefinition/b|1"}]"#,
        ]),
    )
        .prop_map(|(a, b, c)| vec![r#""status":"active""#.to_owned(), a, b, c])
}

fn list() -> impl Strategy<Value = Vec<String>> {
    (
        one(&[
            r#""entry":[{"item":{"reference":"Patient/a"}},{"item":{"reference":"Observation/b/_history/1"}}]"#,
            r#""entry":[{"deleted":true,"item":{"reference":"Patient/b"}},{"item":{"reference":"https://x.example/FHIR/R4/Patient/c"}},{"item":{"reference":"Observation/a"}}]"#,
            "",
        ]),
        one(&["", r#""subject":{"reference":"Patient/a"}"#]),
    )
        .prop_map(|(a, b)| vec![r#""status":"current","mode":"working""#.to_owned(), a, b])
}

fn group() -> impl Strategy<Value = Vec<String>> {
    one(&[
        r#""member":[{"entity":{"reference":"Patient/a"}},{"entity":{"reference":"Patient/b"},"inactive":true}]"#,
        r#""member":[{"entity":{"reference":"Patient/b"},"inactive":false}]"#,
        r#""member":[{"entity":{"reference":"Patient/a"}}]"#,
    ])
    .prop_map(|members| vec![r#""type":"person","actual":true"#.to_owned(), members])
}

fn location() -> impl Strategy<Value = Vec<String>> {
    (
        one(&[
            "",
            r#""position":{"latitude":53.8008,"longitude":-1.5491}"#,
            r#""position":{"latitude":53.85,"longitude":-1.6}"#,
            r#""position":{"latitude":0,"longitude":179.99}"#,
            r#""position":{"latitude":0,"longitude":-179.99}"#,
            r#""position":{"latitude":90,"longitude":12}"#,
            r#""position":{"latitude":89.995,"longitude":-168}"#,
            r#""position":{"latitude":-33.87,"longitude":511.21}"#,
            r#""position":{"latitude":91,"longitude":0}"#,
        ]),
        one(&[r#""status":"active""#, r#""status":"suspended""#]),
    )
        .prop_map(|(a, b)| vec![a, b])
}

fn organization() -> impl Strategy<Value = Vec<String>> {
    (
        one(&["", r#""name":"Leeds General""#, r#""name":"Léeds""#, r#""name":"Zoë's","alias":["ﬁrst"]"#]),
        one(&["", r#""partOf":{"reference":"Organization/b"}"#]),
        one(&["", r#""active":true"#, r#""active":false"#]),
    )
        .prop_map(|(a, b, c)| vec![a, b, c])
}
