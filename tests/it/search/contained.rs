//! `_contained` and `_containedType` (`FHIR R4 search.html#contained`), and chains into contained resources.

use super::named::{Named, refused};
use crate::http::{Http, ids, link, reference};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Requests with contained Medications, and Medications that nothing contains.
struct Pharmacy {
    named: Named,
}

fn medication(code: &str, more: &Value) -> Value {
    let mut medication =
        json!({ "resourceType": "Medication", "code": { "coding": [{ "system": "urn:m", "code": code }] } });
    for (member, value) in more.as_object().expect("members") {
        medication[member] = value.clone();
    }
    medication
}

impl Pharmacy {
    fn new(http: &Http) -> Pharmacy {
        let subject = http.create(&json!({ "resourceType": "Patient", "gender": "female" }));
        let maker = http.create(&json!({ "resourceType": "Organization", "name": "Outside Ltd" }));
        let (subject, maker) =
            (json!({ "reference": reference(&subject) }), json!({ "reference": reference(&maker) }));
        // dom-3: what is contained is referred to.
        let request = |contained: Value, to: &str| {
            let each = contained.as_array().cloned().unwrap_or_default();
            let links: Vec<Value> = each
                .iter()
                .map(|one| json!({ "reference": format!("#{}", one["id"].as_str().unwrap()) }))
                .collect();
            json!({
                "resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": subject,
                "contained": contained, "medicationReference": { "reference": to }, "supportingInformation": links
            })
        };
        let lot = |number: &str| json!({ "lotNumber": number });
        let named = Named::new(
            http,
            vec![
                // x from lot 1 and y from lot 2: no one of them is x from lot 2.
                (
                    "mixed",
                    request(
                        json!([
                            medication("x", &json!({ "id": "m1", "batch": lot("1"), "status": "active" })),
                            medication("y", &json!({ "id": "m2", "batch": lot("2"), "manufacturer": maker })),
                        ]),
                        "#m2",
                    ),
                ),
                (
                    "both",
                    request(
                        json!([
                            medication("x", &json!({ "id": "a", "batch": lot("2"), "manufacturer": { "reference": "#o" } })),
                            { "resourceType": "Organization", "id": "o", "name": "Inside Ltd" },
                        ]),
                        "#a",
                    ),
                ),
                (
                    "statement",
                    json!({
                        "resourceType": "MedicationStatement", "status": "active", "subject": subject,
                        "contained": [medication("z", &json!({ "id": "m1", "batch": lot("3") }))],
                        "medicationReference": { "reference": "#m1" }
                    }),
                ),
                ("plain", medication("x", &json!({ "batch": lot("2"), "manufacturer": maker }))),
                ("other", medication("y", &json!({ "batch": lot("9") }))),
                (
                    "without",
                    json!({ "resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": subject,
                "medicationCodeableConcept": { "text": "x" } }),
                ),
            ],
        );
        Pharmacy { named }
    }

    /// What `query` of Medication finds, `name` or `name#id`, in order over all its pages. The tag is the containers', so that
    /// resources are told apart by what the test has made.
    fn finds(&self, http: &Http, query: &str) -> Vec<String> {
        let (mut found, mut total) = (Vec::new(), None);
        let mut next = Some(format!("Medication?{query}&_total=accurate&_count=2"));
        while let Some(page) = next {
            let bundle = http.get(&page).expect(200).json();
            total = total.or_else(|| bundle["total"].as_u64());
            for entry in bundle["entry"].as_array().cloned().unwrap_or_default() {
                if entry["search"]["mode"] == "match" {
                    found.push(self.name(http, &entry));
                }
            }
            next = link(&bundle, "next").map(str::to_owned);
        }
        assert_eq!(total, u64::try_from(found.len()).ok(), "{query}: {found:?}");
        found.retain(|name| !name.starts_with('?'));
        found
    }

    /// The name of an entry: of a contained resource, its container's with its id.
    fn name(&self, http: &Http, entry: &Value) -> String {
        let full = entry["fullUrl"].as_str().unwrap();
        let address = full.strip_prefix(&format!("{}/", http.base())).unwrap();
        let (container, id) = address.split_once('#').map_or((address, None), |(of, id)| (of, Some(id)));
        let Some(name) = self.named.known(container) else { return format!("?{address}") };
        match id {
            None => {
                assert_eq!(reference(&entry["resource"]), container);
                name.to_owned()
            }
            Some(id) => {
                assert_eq!(
                    (&entry["resource"]["id"], &entry["resource"]["resourceType"]),
                    (&json!(id), &json!("Medication"))
                );
                format!("{name}#{id}")
            }
        }
    }
}

fn sorted(mut names: Vec<String>) -> String {
    names.sort();
    names.join(" ")
}

on_both! {
    fn contained_resources_are_searched_when_asked_for(server: &Server) {
        let http = server.http();
        let pharmacy = Pharmacy::new(http);
        for (query, expected) in [
            ("code=urn:m|x", "plain"),
            ("code=urn:m|x&_contained=false", "plain"),
            ("code=urn:m|x&_contained=false&_containedType=contained", "plain"),
            ("code=urn:m|x&_contained=true", "both mixed"),
            ("code=urn:m|x&_contained=true&_containedType=container", "both mixed"),
            ("code=urn:m|x&_contained=both", "both mixed plain"),
            ("code=urn:m|x&_contained=true&_containedType=contained", "both#a mixed#m1"),
            ("code=urn:m|x&_contained=both&_containedType=contained", "both#a mixed#m1 plain"),
            ("code=urn:m|z&_contained=true", "statement"),
            ("code=urn:m|z&_contained=true&_containedType=contained", "statement#m1"),
            // all criteria hold of one and the same
            ("code=urn:m|x&lot-number=2&_contained=true", "both"),
            ("code=urn:m|x&lot-number=2&_contained=both", "both plain"),
            ("code=urn:m|y&lot-number=2&_contained=true&_containedType=contained", "mixed#m2"),
            ("code=urn:m|y&status=active&_contained=true", ""),
            ("code=urn:m|x,urn:m|y,urn:m|z&status:missing=true&_contained=true&_containedType=contained", "both#a mixed#m2 statement#m1"),
            ("code=urn:m|x,urn:m|y&lot-number:not=1&_contained=true&_containedType=contained", "both#a mixed#m2"),
            ("_filter=code eq urn:m|x and not (lot-number eq 1)&_contained=true&_containedType=contained", "both#a"),
            // references of contained resources
            ("manufacturer.name=outside&code=urn:m|y&_contained=true&_containedType=contained", "mixed#m2"),
            ("manufacturer.name=outside&_contained=both", "mixed plain"),
            ("manufacturer.name=inside&_contained=true&_containedType=contained", "both#a"),
            ("_has:MedicationRequest:medication:intent=order&_contained=true&_containedType=contained", "both#a mixed#m2"),
            ("_has:MedicationStatement:medication:status=active&_contained=true", "statement"),
            ("_id=m1&_contained=true", ""),
        ] {
            let pairs: Vec<String> = query.split('&').map(super::named::encoded).collect();
            assert_eq!(sorted(pharmacy.finds(http, &pairs.join("&"))), expected, "{query}");
        }
        // Without type: what contains anything, of any type.
        let bundle = http.get(&format!("?_contained=true&_tag={}&_count=50", pharmacy.named.tag())).expect(200).json();
        assert!(bundle["entry"].is_null(), "what is contained has no tag of its own");
        let bundle = http.get("?_type=Medication,Organization&_contained=true&_containedType=contained&_sort=-_lastUpdated&_count=1000").expect(200).json();
        let inside = bundle["entry"].as_array().unwrap().iter().filter(|entry| entry["resource"]["name"] == "Inside Ltd").count();
        assert!(inside >= 1);
        refused(http, &[
            ("Medication?_contained=yes", "'true', 'both' or 'false'"),
            ("Medication?_containedType=both", "'container' or 'contained'"),
            ("Medication?_contained=true&_contained=both", "once"),
            ("Medication?_contained=true&_sort=code", "_containedType=contained"),
        ]);
    }
}

on_both! {
    fn contained_matches_are_sorted_paged_and_bring_others_along(server: &Server) {
        let http = server.http();
        let pharmacy = Pharmacy::new(http);
        let inner = "code=urn:m%7Cx,urn:m%7Cy,urn:m%7Cz&_contained=true&_containedType=contained";
        let ours = |query: &str| -> Vec<String> { pharmacy.finds(http, query) };
        assert_eq!(ours(&format!("{inner}&_sort=lot-number,code,_lastUpdated")), ["mixed#m1", "both#a", "mixed#m2", "statement#m1"]);
        assert_eq!(ours(&format!("{inner}&_sort=-lot-number,-code,-_lastUpdated")), ["statement#m1", "mixed#m2", "both#a", "mixed#m1"]);
        assert_eq!(ours(&format!("{inner}&_sort=status,_lastUpdated,-lot-number")), ["mixed#m1", "mixed#m2", "both#a", "statement#m1"]);
        assert_eq!(ours("code=urn:m%7Cx,urn:m%7Cy&_contained=both&_containedType=contained&_sort=lot-number,code,_lastUpdated"),
            ["mixed#m1", "both#a", "plain", "mixed#m2", "other"]);
        assert_eq!(ours("code=urn:m%7Cx,urn:m%7Cz&_contained=both&_sort=-_lastUpdated"), ["plain", "statement", "both", "mixed"]);
        // The way back shows the same.
        let all = format!("Medication?{inner}&_sort=lot-number&_count=1");
        let first = http.get(&all).expect(200).json();
        let second = http.get(link(&first, "next").unwrap()).expect(200).json();
        let back = http.get(link(&second, "previous").unwrap()).expect(200).json();
        assert_eq!(back["entry"], first["entry"]);
        let own = link(&first, "self").unwrap();
        assert!(own.contains("_contained=true") && own.contains("_containedType=contained"), "{own}");
        assert_eq!(http.get(&format!("Medication?{inner}&_summary=count")).expect(200).json()["entry"], Value::Null);

        // What a contained match refers to comes along; its container does not by itself.
        let maker = |bundle: &Value| -> BTreeSet<String> {
            let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
            let along = entries.iter().filter(|entry| entry["search"]["mode"] == "include");
            along.map(|entry| entry["resource"]["name"].as_str().unwrap_or("?").to_owned()).collect()
        };
        let brought = |query: &str| maker(&http.get(query).expect(200).json());
        let outside = BTreeSet::from(["Outside Ltd".to_owned()]);
        assert_eq!(brought(&format!("Medication?{inner}&lot-number=2&_include=Medication:manufacturer")), outside);
        assert_eq!(brought(&format!("Medication?{inner}&lot-number=1&_include=Medication:manufacturer")), BTreeSet::new());
        assert_eq!(brought("Medication?code=urn:m%7Cx&lot-number=1&_contained=true&_include=MedicationRequest:subject").len(), 1);
        // A part of what is contained.
        let part = http.get(&format!("Medication?{inner}&lot-number=3&_elements=code")).expect(200).json();
        for entry in part["entry"].as_array().unwrap() {
            assert!(entry["resource"].get("batch").is_none() && entry["resource"].get("code").is_some());
            assert_eq!(entry["resource"]["meta"]["tag"][0]["code"], "SUBSETTED");
        }
    }
}

on_both! {
    /// `search.html#contained`: "a chained condition will be evaluated inside contained resources", asked for or not.
    fn chains_lead_into_contained_resources(server: &Server) {
        let http = server.http();
        let pharmacy = Pharmacy::new(http);
        pharmacy.named.expect(http, &[
            ("MedicationRequest?medication.code=urn:m|y", "mixed"),
            ("MedicationRequest?medication.code=urn:m|x", "both"),
            ("MedicationRequest?medication:Medication.code=urn:m|x,urn:m|y", "both mixed"),
            ("MedicationRequest?medication.code=urn:m|x&medication.lot-number=1", ""),
            ("MedicationRequest?medication.manufacturer.name=outside", "mixed"),
            ("MedicationRequest?medication.manufacturer.name=inside", "both"),
            ("MedicationRequest?_filter=medication.manufacturer.name sw in", "both"),
            ("MedicationRequest?medication.code=urn:m|z", ""),
            ("MedicationStatement?medication.code=urn:m|z", "statement"),
            ("MedicationRequest?medication.status:missing=true&medication:missing=false", "both mixed"),
        ]);
    }
}

on_both! {
    /// What is contained changes, comes and goes with its container, and is counted nowhere.
    fn contained_resources_follow_their_container(server: &Server) {
        let http = server.http();
        let pharmacy = Pharmacy::new(http);
        let count = || http.get("Medication?_summary=count").expect(200).json()["total"].as_u64();
        let before = count();
        let at = pharmacy.named.reference("both").to_owned();
        let mut request = http.get(&at).expect(200).json();
        let ask = "code=urn:m%7Cx,urn:m%7Cw&_contained=true&_containedType=contained";
        let names = || sorted(pharmacy.finds(http, ask));
        assert_eq!(names(), "both#a mixed#m1");
        request["contained"][0]["code"]["coding"][0]["code"] = json!("w");
        http.put(&at, &request).expect(200);
        assert_eq!(sorted(pharmacy.finds(http, "code=urn:m%7Cx&_contained=true")), "mixed");
        assert_eq!(names(), "both#a mixed#m1");
        // Another comes before it: its number changes, what finds it does not.
        let second = request["contained"][0].clone();
        request["contained"] = json!([{ "resourceType": "Organization", "id": "o", "name": "Inside Ltd" }, medication("v", &json!({ "id": "v" })), second]);
        request["note"] = json!([{ "text": "see", "authorReference": { "reference": "#v" } }]);
        http.put(&at, &request).expect(200);
        assert_eq!(names(), "both#a mixed#m1");
        assert_eq!(sorted(pharmacy.finds(http, "code=urn:m%7Cv&_contained=true&_containedType=contained")), "both#v");
        request.as_object_mut().unwrap().remove("contained");
        request.as_object_mut().unwrap().remove("supportingInformation");
        request.as_object_mut().unwrap().remove("note");
        request["medicationReference"] = json!({ "display": "none" });
        http.put(&at, &request).expect(200);
        assert_eq!(names(), "mixed#m1");
        http.delete(pharmacy.named.reference("mixed")).expect(204);
        assert_eq!(names(), "");
        assert_eq!(count(), before);
        // As others see the store: nothing is left over.
        let subject = http.get(&at).expect(200).json()["subject"]["reference"].as_str().unwrap().to_owned();
        let compartment = http.get(&format!("{subject}/Medication?code=urn:m%7Cz&_contained=true"));
        assert_eq!(compartment.status, 404, "a Medication is in no patient's compartment: {compartment}");
        let inside = http.get(&format!("{subject}/*?_contained=true&_containedType=contained&_type=MedicationRequest")).expect(200);
        assert!(ids(&inside.json()).is_empty());
    }
}

guarded! {
    /// Whoever may see the container may see what it contains, and nobody else.
    fn contained_resources_belong_to_their_container(server: &Server) {
        let open = crate::token::client_credentials(server, "system/*.cruds");
        let pharmacy = Pharmacy::new(&open);
        let ask = "Medication?code=urn:m%7Cx,urn:m%7Cz&_contained=true&_containedType=contained&_total=accurate&_count=50";
        let names = |caller: &Http| {
            let bundle = caller.get(ask).expect(200).json();
            let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
            assert_eq!(bundle["total"].as_u64(), u64::try_from(entries.len()).ok());
            let found: Vec<String> = entries.iter().map(|entry| pharmacy.name(caller, entry)).collect();
            sorted(found.into_iter().filter(|name| !name.starts_with('?')).collect())
        };
        assert_eq!(names(&open), "both#a mixed#m1 statement#m1");
        let requests = crate::token::client_credentials(server, "system/Medication.rs system/MedicationRequest.rs");
        assert_eq!(names(&requests), "both#a mixed#m1");
        let medications = crate::token::client_credentials(server, "system/Medication.rs");
        assert_eq!(names(&medications), "");
        let containers = medications.get("Medication?code=urn:m%7Cx&_contained=true&_total=accurate").expect(200).json();
        assert_eq!(containers["total"], 0);
        let neither = crate::token::client_credentials(server, "system/MedicationRequest.rs");
        neither.get(ask).expect_error(403);
    }
}
