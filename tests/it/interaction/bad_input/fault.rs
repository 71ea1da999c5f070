//! The table: what is wrong in a Patient, and the status, issue codes and FHIRPaths it is answered with.

/// One or more faults in a Patient.
pub(super) struct Fault {
    /// Members of the Patient.
    pub(super) members: &'static str,
    /// HTTP status.
    pub(super) status: u16,
    /// `issue.code` and `issue.expression` of every issue, in any order.
    pub(super) issues: &'static [(&'static str, &'static str)],
}

const fn refused(members: &'static str, issues: &'static [(&'static str, &'static str)]) -> Fault {
    Fault { members, status: 400, issues }
}

/// Breaks an invariant or a business rule.
const fn broken(members: &'static str, issues: &'static [(&'static str, &'static str)]) -> Fault {
    Fault { members, status: 422, issues }
}

/// Every kind of fault, a few of each.
pub(super) const FAULTS: &[Fault] = &[
    // Unknown elements.
    refused(r#""potato":1"#, &[("structure", "Patient.potato")]),
    refused(r#""Gender":"male""#, &[("structure", "Patient.Gender")]),
    refused(r#""contact":[{"name":{"first":"x"}}]"#, &[("structure", "Patient.contact[0].name.first")]),
    refused(r#""_potato":{"id":"x"}"#, &[("structure", "Patient._potato")]),
    refused(r#""fhir_comments":["x"]"#, &[("structure", "Patient.fhir_comments")]),
    refused(r#""":1"#, &[("structure", "Patient.")]),
    // Cardinality, both ways.
    refused(r#""link":[{"other":{"reference":"Patient/1"}}]"#, &[("required", "Patient.link[0].type")]),
    refused(r#""communication":[{"preferred":true}]"#, &[("required", "Patient.communication[0].language")]),
    refused(r#""gender":["female"]"#, &[("structure", "Patient.gender")]),
    refused(r#""gender":["male","female"]"#, &[("structure", "Patient.gender")]),
    refused(r#""address":{"city":"Leeds"}"#, &[("structure", "Patient.address")]),
    refused(r#""address":[[{"city":"Leeds"}]]"#, &[("structure", "Patient.address[0]")]),
    // The wrong JSON type.
    refused(r#""gender":7"#, &[("structure", "Patient.gender")]),
    refused(r#""gender":{"value":"male"}"#, &[("structure", "Patient.gender")]),
    refused(r#""active":"true""#, &[("structure", "Patient.active")]),
    refused(r#""active":1"#, &[("structure", "Patient.active")]),
    refused(r#""birthDate":19900101"#, &[("structure", "Patient.birthDate")]),
    refused(r#""multipleBirthInteger":"2""#, &[("structure", "Patient.multipleBirthInteger")]),
    refused(r#""maritalStatus":"M""#, &[("structure", "Patient.maritalStatus")]),
    refused(
        r#""contained":["x"]"#,
        &[("structure", "Patient.contained[0]"), ("invariant", "Patient.contained[0]")],
    ),
    // Dates that do not exist.
    refused(r#""birthDate":"2024-02-30""#, &[("value", "Patient.birthDate")]),
    refused(r#""birthDate":"2023-02-29""#, &[("value", "Patient.birthDate")]),
    refused(r#""birthDate":"2024-13""#, &[("value", "Patient.birthDate")]),
    refused(r#""birthDate":"24-02-03""#, &[("value", "Patient.birthDate")]),
    refused(r#""birthDate":"1990-01-01T10:00:00Z""#, &[("value", "Patient.birthDate")]),
    refused(r#""deceasedDateTime":"2024-02-30T10:00:00Z""#, &[("value", "Patient.deceasedDateTime")]),
    refused(r#""deceasedDateTime":"2024-02-03T10:00""#, &[("value", "Patient.deceasedDateTime")]),
    refused(r#""deceasedDateTime":"2024-02-03T10:00:00""#, &[("value", "Patient.deceasedDateTime")]),
    refused(r#""deceasedDateTime":"2024-02-03T24:00:00Z""#, &[("value", "Patient.deceasedDateTime")]),
    refused(r#""deceasedDateTime":"2024-02-03T10:00:00+15:00""#, &[("value", "Patient.deceasedDateTime")]),
    refused(r#""meta":{"lastUpdated":"2020-01-01"}"#, &[("value", "Patient.meta.lastUpdated")]),
    refused(
        r#""extension":[{"url":"urn:x","valueTime":"10:00"}]"#,
        &[("value", "Patient.extension[0].valueTime")],
    ),
    refused(
        r#""extension":[{"url":"urn:x","valueInstant":"2020"}]"#,
        &[("value", "Patient.extension[0].valueInstant")],
    ),
    // Ids, URIs, base64.
    refused(r#""id":"a b""#, &[("value", "Patient.id")]),
    refused(r#""id":"a_b""#, &[("value", "Patient.id")]),
    refused(r#""id":"""#, &[("value", "Patient.id")]),
    refused(r#""id":"../etc""#, &[("value", "Patient.id")]),
    refused(r#""id":"é""#, &[("value", "Patient.id")]),
    refused(
        r#""id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa""#,
        &[("value", "Patient.id")],
    ),
    refused(r#""implicitRules":"a b""#, &[("value", "Patient.implicitRules")]),
    refused(r#""meta":{"profile":["not a uri"]}"#, &[("value", "Patient.meta.profile[0]")]),
    refused(
        r#""extension":[{"url":"urn:x","valueOid":"1.2.3"}]"#,
        &[("value", "Patient.extension[0].valueOid")],
    ),
    refused(
        r#""extension":[{"url":"urn:x","valueUuid":"urn:uuid:1"}]"#,
        &[("value", "Patient.extension[0].valueUuid")],
    ),
    refused(r#""photo":[{"data":"not base64!"}]"#, &[("value", "Patient.photo[0].data")]),
    refused(r#""photo":[{"data":"QUI"}]"#, &[("value", "Patient.photo[0].data")]),
    refused(r#""photo":[{"data":"=QUI"}]"#, &[("value", "Patient.photo[0].data")]),
    // Numbers out of range.
    refused(r#""telecom":[{"rank":0}]"#, &[("value", "Patient.telecom[0].rank")]),
    refused(r#""telecom":[{"rank":-1}]"#, &[("value", "Patient.telecom[0].rank")]),
    refused(r#""telecom":[{"rank":1.5}]"#, &[("value", "Patient.telecom[0].rank")]),
    refused(r#""photo":[{"url":"urn:x","size":2147483648}]"#, &[("value", "Patient.photo[0].size")]),
    refused(r#""photo":[{"url":"urn:x","size":-1}]"#, &[("value", "Patient.photo[0].size")]),
    refused(r#""multipleBirthInteger":2147483648"#, &[("value", "Patient.multipleBirthInteger")]),
    refused(r#""multipleBirthInteger":-2147483649"#, &[("value", "Patient.multipleBirthInteger")]),
    refused(r#""multipleBirthInteger":99999999999999999999"#, &[("value", "Patient.multipleBirthInteger")]),
    refused(r#""multipleBirthInteger":1e2"#, &[("value", "Patient.multipleBirthInteger")]),
    refused(
        r#""extension":[{"url":"urn:x","valueDecimal":1e400}]"#,
        &[("value", "Patient.extension[0].valueDecimal")],
    ),
    // Strings.
    refused(r#""maritalStatus":{"text":""}"#, &[("value", "Patient.maritalStatus.text")]),
    refused(r#""maritalStatus":{"text":"a\u0000b"}"#, &[("value", "Patient.maritalStatus.text")]),
    refused(r#""maritalStatus":{"text":"\u001b[31m"}"#, &[("value", "Patient.maritalStatus.text")]),
    refused(r#""language":" en""#, &[("value", "Patient.language")]),
    refused(r#""language":"en\u0000""#, &[("value", "Patient.language")]),
    // Empty arrays and objects, null.
    refused(r#""address":[]"#, &[("structure", "Patient.address")]),
    refused(r#""address":[{}]"#, &[("structure", "Patient.address[0]")]),
    refused(r#""address":[null]"#, &[("structure", "Patient.address[0]")]),
    refused(r#""maritalStatus":{}"#, &[("structure", "Patient.maritalStatus")]),
    refused(r#""maritalStatus":{"id":"x"}"#, &[("structure", "Patient.maritalStatus")]),
    refused(r#""gender":null"#, &[("structure", "Patient.gender")]),
    refused(r#""address":[{"line":[null]}]"#, &[("structure", "Patient.address[0].line[0]")]),
    // Choices.
    refused(
        r#""multipleBirthInteger":1,"multipleBirthBoolean":true"#,
        &[("structure", "Patient.multipleBirthBoolean")],
    ),
    refused(
        r#""extension":[{"url":"urn:x","valueCode":"a","valueString":"b"}]"#,
        &[("structure", "Patient.extension[0].valueString")],
    ),
    refused(r#""deceasedString":"yes""#, &[("structure", "Patient.deceasedString")]),
    refused(r#""deceased":true"#, &[("structure", "Patient.deceased")]),
    refused(
        r#""extension":[{"url":"urn:x","valuePotato":1}]"#,
        &[("structure", "Patient.extension[0].valuePotato")],
    ),
    // Keys that stand twice.
    refused(r#""gender":"male","gender":"female""#, &[("structure", "Patient.gender")]),
    refused(r#""gender":"male","gender":"male""#, &[("structure", "Patient.gender")]),
    refused(r#""resourceType":"Patient""#, &[("structure", "Patient.resourceType")]),
    refused(r#""address":[{"city":"a","city":"a"}]"#, &[("structure", "Patient.address[0].city")]),
    refused(
        r#""_birthDate":{"id":"x"},"birthDate":"1990","_birthDate":{"id":"x"}"#,
        &[("structure", "Patient._birthDate")],
    ),
    // Companions of primitives.
    refused(r#""_birthDate":{"potato":1}"#, &[("structure", "Patient._birthDate.potato")]),
    refused(r#""_birthDate":"x""#, &[("structure", "Patient._birthDate")]),
    refused(r#""_birthDate":[{"id":"x"}]"#, &[("structure", "Patient._birthDate")]),
    refused(r#""_birthDate":{}"#, &[("structure", "Patient._birthDate")]),
    refused(r#""_birthDate":null"#, &[("structure", "Patient._birthDate")]),
    refused(r#""_maritalStatus":{"id":"x"}"#, &[("structure", "Patient._maritalStatus")]),
    refused(
        r#""address":[{"line":["a","b"],"_line":[{"id":"x"}]}]"#,
        &[("structure", "Patient.address[0]._line")],
    ),
    refused(r#""address":[{"line":["a"],"_line":{"id":"x"}}]"#, &[("structure", "Patient.address[0]._line")]),
    // Required bindings.
    refused(r#""gender":"potato""#, &[("code-invalid", "Patient.gender")]),
    refused(r#""gender":"Male""#, &[("code-invalid", "Patient.gender")]),
    refused(r#""address":[{"use":"x","city":"y"}]"#, &[("code-invalid", "Patient.address[0].use")]),
    refused(
        r#""link":[{"other":{"reference":"Patient/1"},"type":"x"}]"#,
        &[("code-invalid", "Patient.link[0].type")],
    ),
    // Extensions.
    refused(r#""extension":[{"valueString":"no url"}]"#, &[("required", "Patient.extension[0].url")]),
    broken(r#""extension":[{"url":"urn:x"}]"#, &[("invariant", "Patient.extension[0]")]),
    broken(
        r#""extension":[{"url":"urn:x","valueCode":"a","extension":[{"url":"b","valueCode":"c"}]}]"#,
        &[("invariant", "Patient.extension[0]")],
    ),
    // References and contained resources.
    broken(
        r##""managingOrganization":{"reference":"#gone"}"##,
        &[("invariant", "Patient.managingOrganization.reference")],
    ),
    broken(
        r##""contained":[{"resourceType":"Organization","id":"a","name":"n","contained":[{"resourceType":"Basic","id":"b","code":{"text":"x"}}],"partOf":{"reference":"#b"}}],"managingOrganization":{"reference":"#a"}"##,
        &[("invariant", "Patient.contained[0]"), ("invariant", "Patient.contained[0].partOf.reference")],
    ),
    broken(
        r#""contained":[{"resourceType":"Organization","id":"a","name":"nobody refers to it"}]"#,
        &[("invariant", "Patient.contained[0]")],
    ),
    broken(
        r#""contained":[{"resourceType":"Organization","name":"no id"}]"#,
        &[("invariant", "Patient.contained[0]")],
    ),
    refused(
        r##""contained":[{"resourceType":"Organization","id":"a","potato":1}],"managingOrganization":{"reference":"#a"}"##,
        &[("structure", "Patient.contained[0].potato")],
    ),
    refused(
        r#""managingOrganization":{"reference":"Patient/1"}"#,
        &[("value", "Patient.managingOrganization.reference")],
    ),
    refused(
        r#""managingOrganization":{"reference":"Organization/1 "}"#,
        &[("value", "Patient.managingOrganization.reference")],
    ),
    // Rules.
    broken(
        r#""contact":[{"name":{"text":"x"},"period":{"start":"2024-02-03","end":"2024-02-02"}}]"#,
        &[("invariant", "Patient.contact[0].period")],
    ),
    broken(
        r#""identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9449306690"}]"#,
        &[("value", "Patient.identifier[0].value")],
    ),
    // All faults are told, structure before rules.
    refused(
        r##""potato":1,"gender":"x","birthDate":"2024-13-01","address":[{}],"managingOrganization":{"reference":"#gone"},"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"1"}]"##,
        &[
            ("structure", "Patient.potato"),
            ("code-invalid", "Patient.gender"),
            ("value", "Patient.birthDate"),
            ("structure", "Patient.address[0]"),
            ("invariant", "Patient.managingOrganization.reference"),
            ("value", "Patient.identifier[0].value"),
        ],
    ),
];

/// What narrative may not hold, as the inside of its `div`.
pub(super) const NARRATIVES: &[&str] = &[
    // Scripts.
    "<script>x()</script>",
    "<SCRIPT>x()</SCRIPT>",
    "<script src='x.js'/>",
    "<scr<script>ipt>x</script>",
    "<p onclick='x()'>x</p>",
    "<p onmouseover=\"x()\">x</p>",
    "<p ONCLICK='x()'>x</p>",
    "<img src='#a' onerror='x()'/>",
    "<a href='javascript:x()'>x</a>",
    "<a href='JaVaScRiPt:x()'>x</a>",
    "<a href=' &#1; javascript:x()'>x</a>",
    "<a href='java&#x0A;script:x()'>x</a>",
    "<a href='&#106;avascript:x()'>x</a>",
    "<a href='&#x6a;&#x61;vascript:x()'>x</a>",
    "<a href='javascript&colon;x()'>x</a>",
    "<a href='java&Tab;script:x()'>x</a>",
    "<a href='vbscript:x()'>x</a>",
    "<a href='data:text/html,x'>x</a>",
    "<a xlink:href='javascript:x()'>x</a>",
    "<svg xmlns='http://www.w3.org/2000/svg'><script>x()</script></svg>",
    "<svg onload='x()'/>x",
    "<math><mi>x</mi></math>",
    "<style>p{}</style>x",
    "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>x()</x:script>",
    // What an HTML reader takes for the end of a comment, or for markup where XML has text.
    "<!--><img src='x' onerror='x()'/>-->x",
    "<!-- --!><img src='x' onerror='x()'/> -->x",
    "<![CDATA[><script>x()</script>]]>x",
    // Frames, forms, objects and the head.
    "<iframe src='x'/>x",
    "<form action='x'>x</form>",
    "<input value='x'/>",
    "<button>x</button>",
    "<object data='x'/>x",
    "<embed src='x'/>x",
    "<link href='x'/>x",
    "<base href='http://x/'/>x",
    "<meta content='0'/>x",
    "<video src='x'/>x",
    // Content from outside.
    "<img src='http://example.org/x.png'/>",
    "<img src='https://example.org/x.png'/>",
    "<img src='//example.org/x.png'/>",
    "<img src='&#1;//example.org/x.png'/>",
    "<img src='/\\example.org/x.png'/>",
    "<img src='ftp://example.org/x.png'/>",
    "<img src='data:text/html,x'/>",
    "<p background='http://example.org/x.png'>x</p>",
    "<p style='background:url(http://example.org/x.png)'>x</p>",
    "<p style=\"background:u\\72l(x)\">x</p>",
    "<p style='background:image-set(\"http://example.org/x.png\" 1x)'>x</p>",
    "<p style='width:expression(x())'>x</p>",
    "<p style='x:ur/**/l(x)'>x</p>",
    "<p style='@import \"x\"'>x</p>",
    "<p style='behavior:url(x)'>x</p>",
    // Entities that HTML does not have, documents in documents, and what is not well-formed.
    "&xxe;",
    "&#0;",
    "&#x110000;",
    "<a href='&xxe;'>x</a>",
    "<?xml version='1.0'?>x",
    "<!DOCTYPE x [<!ENTITY y 'z'>]>x",
    "<p>x",
    "<p>x</b>",
    "<p a=1>x</p>",
    "<p id='a' id='b'>x</p>",
    "x < y",
    "x & y",
    "",
    " \n\t ",
];
