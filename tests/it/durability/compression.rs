//! Stores of both kinds of bodies: what one process writes compressed, another that writes plain reads, and the other way.

use super::check;
use crate::http::{ids, reference, set};
use crate::server::{Settings, unique};
use serde_json::json;

const COMPRESSION: &str = "BINNACLE_STORE_COMPRESSION";

on_each! {
    fn both_kinds_of_bodies_are_read(database: Database) {
        let compressing = Settings::open(database).with(COMPRESSION, "zstd").start();
        let plain = compressing.beside_with(&[(COMPRESSION, "none")]);
        let patient = |name: &str| json!({ "resourceType": "Patient", "name": [{ "family": name }],
            "text": { "status": "generated",
                "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>", "été ".repeat(500)) } });
        let (one, two) = (compressing.http(), plain.http());
        let first = unique("Firth");
        let created = [one, two].map(|http| http.create(&patient(&first)));
        for (resource, other) in created.iter().zip([two, one]) {
            let id = &reference(resource);
            assert_eq!(&other.get(id).expect(200).json(), resource);
            let mut changed = resource.clone();
            changed["gender"] = json!("female");
            let changed = other.put(id, &changed).expect(200).json();
            for http in [one, two] {
                assert_eq!(http.get(id).expect(200).json(), changed);
                assert_eq!(&http.get(&format!("{id}/_history/1")).expect(200).json(), resource);
                let history = http.get(&format!("{id}/_history")).expect(200).json();
                assert_eq!(history["entry"][0]["resource"], changed);
                assert_eq!(&history["entry"][1]["resource"], resource);
            }
        }
        let expected = created.each_ref().map(reference);
        let found = one.get(&format!("Patient?family={first}&gender=female")).expect(200).json();
        assert_eq!(ids(&found), set(&expected.each_ref().map(String::as_str)));
        check(&plain);
    }
}
