//! Two patients with whole records among people, places and things they share, and rows that name both of them.

use crate::http::{Answer, Http, reference};
use crate::server::{Server, unique};
use crate::token;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What stands in every resource of a world as its tag.
pub(crate) const TAG: &str = "https://example.org/world";

/// One patient's record.
pub(crate) struct Record {
    /// `Patient.id`.
    pub(crate) id: String,
    /// Text in each of its resources that no request ever sends.
    pub(crate) canary: String,
    /// Their `Type/id`.
    pub(crate) ids: BTreeSet<String>,
}

impl Record {
    /// `Patient/id`.
    pub(crate) fn patient(&self) -> String {
        format!("Patient/{}", self.id)
    }

    /// `Type/id` of the one resource of this type.
    pub(crate) fn of(&self, kind: &str) -> String {
        let mut found = self.ids.iter().filter(|id| id.starts_with(&format!("{kind}/")));
        found.next().unwrap_or_else(|| panic!("no {kind} in {:?}", self.ids)).clone()
    }

    /// The id of the one resource of this type.
    pub(crate) fn id_of(&self, kind: &str) -> String {
        self.of(kind).split_once('/').unwrap().1.to_owned()
    }
}

/// Two records, what they share, and what neither may see alone.
pub(crate) struct World {
    /// Code of the tag of all resources.
    pub(crate) tag: String,
    /// Whose token [`World::app`] has.
    pub(crate) ann: Record,
    /// Whom it must never show.
    pub(crate) bob: Record,
    /// What is about nobody.
    pub(crate) shared: BTreeSet<String>,
    /// What is about both, or lists both.
    pub(crate) joint: BTreeSet<String>,
    /// What is in reach of no patient's token by its type.
    pub(crate) unreachable: BTreeSet<String>,
    /// A caller that may do everything.
    pub(crate) system: Http,
    /// Ann's app, with all letters.
    pub(crate) app: Http,
}

impl World {
    /// Makes a world of its own.
    pub(crate) fn new(server: &Server) -> World {
        let system = token::client_credentials(server, "system/*.cruds");
        let world = unique("world");
        let mut made = Made { tag: world.clone(), canary: format!("CANARY{world}"), resources: Vec::new() };
        shared(&mut made);
        let shared = made.store(&system);
        let person = |name: &str| {
            let id = format!("{name}-{world}");
            let canary = format!("CANARY{}{world}", name.to_uppercase());
            let mut made = Made { tag: world.clone(), canary: canary.clone(), resources: Vec::new() };
            record(&mut made, &id, &world);
            Record { id, canary, ids: made.store(&system) }
        };
        let (ann, bob) = (person("ann"), person("bob"));
        let mut made = Made { tag: world.clone(), canary: bob.canary.clone(), resources: Vec::new() };
        joint(&mut made, &ann.patient(), &bob.patient());
        let joint = made.store(&system);
        let mut made = Made { tag: world.clone(), canary: bob.canary.clone(), resources: Vec::new() };
        unreachable(&mut made, &ann.patient(), &bob.patient());
        let unreachable = made.store(&system);
        let app = token::patient_token(server, &ann.id, "patient/*.cruds");
        World { tag: world, ann, bob, shared, joint, unreachable, system, app }
    }

    /// Asserts that nothing of Bob's stands in an answer to Ann: no canary, and no id that `sent` did not hold.
    #[track_caller]
    pub(crate) fn assert_clean(&self, answer: &Answer, sent: &str) {
        let text = format!("{}\n{:?}", String::from_utf8_lossy(&answer.body), answer.headers);
        assert!(!text.contains(&self.bob.canary), "a canary of another patient in {answer}");
        for name in self.bob.ids.iter().chain(&self.joint).chain(&self.unreachable) {
            let id = name.split_once('/').unwrap().1;
            if !sent.contains(id) && !answer.request.contains(id) {
                assert!(!text.contains(id), "{name} of another patient in {answer}");
            }
        }
    }

    /// Gets as Ann, and asserts that nothing of Bob's is there.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        let answer = self.app.get(path);
        self.assert_clean(&answer, path);
        answer
    }

    /// The ids that Ann's search finds, its pages followed to their end.
    #[track_caller]
    pub(crate) fn finds(&self, query: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut next = Some(query.to_owned());
        while let Some(path) = next {
            let page = self.get(&path).expect(200).json();
            for id in crate::http::ids(&page) {
                found.insert(id);
            }
            next = crate::http::link(&page, "next").map(str::to_owned);
        }
        found
    }

    /// Ann's record and what is shared, of one type.
    pub(crate) fn visible(&self, kind: &str) -> BTreeSet<String> {
        let of = |id: &&String| id.starts_with(&format!("{kind}/"));
        self.ann.ids.iter().chain(&self.shared).filter(of).cloned().collect()
    }
}

/// Resources on their way into the store.
struct Made {
    tag: String,
    canary: String,
    resources: Vec<Value>,
}

impl Made {
    /// Adds a resource `kind` with an id of its own (or the one it has), tag and canary; answers its `Type/id`.
    fn add(&mut self, kind: &str, mut resource: Value) -> String {
        let object = resource.as_object_mut().unwrap();
        object.insert("resourceType".into(), json!(kind));
        let id = object.get("id").and_then(Value::as_str).map_or_else(|| unique("r"), str::to_owned);
        object.insert("id".into(), json!(id));
        object.insert("meta".into(), json!({ "tag": [{ "system": TAG, "code": self.tag }] }));
        object.insert(
            "extension".into(),
            json!([{ "url": "https://example.org/canary", "valueString": self.canary }]),
        );
        self.resources.push(resource);
        format!("{kind}/{id}")
    }

    /// Puts all into the store and answers their `Type/id`.
    fn store(self, system: &Http) -> BTreeSet<String> {
        let entries: Vec<Value> = self
            .resources
            .iter()
            .map(|resource| {
                json!({
                    "resource": resource,
                    "request": { "method": "PUT", "url": reference(resource) }
                })
            })
            .collect();
        system
            .bundle(&json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }))
            .expect(200);
        self.resources.iter().map(reference).collect()
    }
}

fn pointer(to: &str) -> Value {
    json!({ "reference": to })
}

fn text(text: &str) -> Value {
    json!({ "text": text })
}

fn shared(made: &mut Made) {
    let world = made.tag.clone();
    let id = |name: &str| format!("{name}-{world}");
    made.add("Practitioner", json!({ "id": id("gp"), "name": [{ "family": "Okafor" }] }));
    // Whom Bob alone has seen.
    made.add("Practitioner", json!({ "id": id("surgeon"), "name": [{ "family": "Lindqvist" }] }));
    made.add("Organization", json!({ "id": id("practice"), "name": "Kirkgate Surgery" }));
    made.add("Location", json!({ "id": id("room"), "name": "Room 4" }));
    made.add("Medication", json!({ "id": id("drug"), "code": text("Amoxicillin 500 mg") }));
    made.add(
        "PractitionerRole",
        json!({ "id": id("role"), "practitioner": pointer(&format!("Practitioner/{}", id("gp"))) }),
    );
    made.add("Questionnaire", json!({ "id": id("form"), "status": "active" }));
    made.add("HealthcareService", json!({ "id": id("clinic"), "name": "Asthma clinic" }));
}

/// A whole record about `patient`.
fn record(made: &mut Made, patient: &str, world: &str) {
    let me = &pointer(&format!("Patient/{patient}"));
    let gp = &pointer(&format!("Practitioner/gp-{world}"));
    let practice = &pointer(&format!("Organization/practice-{world}"));
    let mrn =
        |kind: &str| json!([{ "system": "https://example.org/mrn", "value": format!("{kind}-{patient}") }]);
    made.add("Patient", json!({
        "id": patient, "identifier": mrn("nhs"), "name": [{ "family": format!("Family{patient}"), "given": ["Sam"] }],
        "gender": "female", "birthDate": "1980-02-03", "generalPractitioner": [gp], "managingOrganization": practice
    }));
    let encounter = made.add("Encounter", json!({
        "status": "finished", "identifier": mrn("visit"), "subject": me,
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" },
        "participant": [{ "individual": gp }],
        "location": [{ "location": pointer(&format!("Location/room-{world}")) }], "serviceProvider": practice
    }));
    let observation = made.add("Observation", json!({
        "status": "final", "identifier": mrn("weight"), "subject": me, "performer": [gp],
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": "29463-7" }] },
        "effectiveDateTime": "2026-05-04T10:00:00Z", "encounter": pointer(&encounter),
        "valueQuantity": { "value": 71.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg" }
    }));
    made.add(
        "DiagnosticReport",
        json!({ "status": "final", "code": text("Panel"), "subject": me, "result": [pointer(&observation)] }),
    );
    made.add(
        "Condition",
        json!({ "subject": me, "code": text("Asthma"), "recorder": gp, "encounter": pointer(&encounter) }),
    );
    let goal =
        made.add("Goal", json!({ "lifecycleStatus": "active", "description": text("Walk"), "subject": me }));
    let team = made.add("CareTeam", json!({ "subject": me, "participant": [{ "member": gp }] }));
    made.add("CarePlan", json!({
        "status": "active", "intent": "plan", "subject": me, "goal": [pointer(&goal)], "careTeam": [pointer(&team)]
    }));
    made.add(
        "MedicationRequest",
        json!({
            "status": "active", "intent": "order", "subject": me, "requester": gp,
            "medicationReference": pointer(&format!("Medication/drug-{world}"))
        }),
    );
    made.add("Procedure", json!({ "status": "completed", "subject": me, "performer": [{ "actor": gp }] }));
    let active = json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active" }] });
    made.add(
        "AllergyIntolerance",
        json!({ "clinicalStatus": active, "patient": me, "recorder": gp, "code": text("Nuts") }),
    );
    made.add("Immunization", json!({ "status": "completed", "vaccineCode": text("MMR"), "patient": me, "occurrenceDateTime": "2020-01-01" }));
    made.add("DocumentReference", json!({ "status": "current", "subject": me, "content": [{ "attachment": { "contentType": "text/plain", "data": "aGVsbG8=" } }] }));
    made.add("Consent", json!({
        "status": "active", "patient": me, "policyRule": text("opt-in"),
        "scope": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy" }] },
        "category": [text("privacy")]
    }));
    made.add("Appointment", json!({ "status": "proposed", "participant": [{ "status": "accepted", "actor": me }, { "status": "accepted", "actor": gp }] }));
    made.add("RelatedPerson", json!({ "patient": me, "name": [{ "family": format!("Kin{patient}") }] }));
    made.add("Communication", json!({ "status": "completed", "subject": me, "recipient": [gp] }));
    made.add(
        "QuestionnaireResponse",
        json!({ "status": "completed", "subject": me, "questionnaire": "https://example.org/q" }),
    );
    made.add("List", json!({ "status": "current", "mode": "working", "subject": me, "entry": [{ "item": pointer(&observation) }] }));
    made.add("Provenance", json!({ "target": [me, pointer(&observation)], "recorded": "2026-05-04T10:00:00Z", "agent": [{ "who": gp }] }));
    made.add("Coverage", json!({ "status": "active", "beneficiary": me, "payor": [practice] }));
    made.add("Flag", json!({ "status": "active", "code": text("Falls"), "subject": me }));
    made.add("Basic", json!({ "code": text("note"), "subject": me }));
    made.add(
        "ServiceRequest",
        json!({ "status": "active", "intent": "order", "subject": me, "requester": gp }),
    );
    made.add("Account", json!({ "status": "active", "subject": [me] }));
}

/// What names both: shown to neither by a patient's token.
fn joint(made: &mut Made, ann: &str, bob: &str) {
    let (ann, bob) = (&pointer(ann), &pointer(bob));
    let code = text("Weight");
    made.add(
        "Group",
        json!({ "type": "person", "actual": true, "member": [{ "entity": ann }, { "entity": bob }] }),
    );
    made.add(
        "Provenance",
        json!({ "target": [ann, bob], "recorded": "2026-05-04T10:00:00Z", "agent": [{ "who": bob }] }),
    );
    made.add("Appointment", json!({ "status": "proposed", "participant": [{ "status": "accepted", "actor": ann }, { "status": "accepted", "actor": bob }] }));
    made.add("Observation", json!({ "status": "final", "code": code, "subject": bob, "performer": [ann] }));
    made.add("Observation", json!({ "status": "final", "code": code, "subject": ann, "performer": [bob] }));
    made.add("Condition", json!({ "subject": bob, "asserter": ann }));
    made.add(
        "Communication",
        json!({ "status": "completed", "subject": bob, "sender": ann, "recipient": [bob] }),
    );
    made.add(
        "Patient",
        json!({ "link": [{ "other": ann, "type": "seealso" }], "name": [{ "family": "Link" }] }),
    );
    made.add(
        "List",
        json!({ "status": "current", "mode": "working", "entry": [{ "item": ann }, { "item": bob }] }),
    );
    made.add("Location", json!({
        "name": "Home",
        "type": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "PTRES" }] }]
    }));
}

/// What has no place in a compartment though it names patients.
fn unreachable(made: &mut Made, ann: &str, bob: &str) {
    made.add("Task", json!({ "status": "requested", "intent": "order", "for": pointer(bob) }));
    made.add("Task", json!({ "status": "requested", "intent": "order", "for": pointer(ann) }));
    made.add("Device", json!({ "patient": pointer(bob) }));
}
