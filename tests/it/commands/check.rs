//! `binnacle check`: silent about a store that is right, and it names every fault of one that is not.

use super::said;
use crate::database::execute;
use crate::server::{Server, Settings};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Resources that have a row in every index table.
fn resources() -> Vec<Value> {
    let subject = json!({ "reference": "Patient/p0" });
    let mut all: Vec<Value> = (0..5)
        .map(|number| {
            json!({ "resourceType": "Patient", "id": format!("p{number}"), "gender": "female",
                "birthDate": "1950-01-02", "name": [{ "family": "Ostler", "given": ["Ruth"] }] })
        })
        .collect();
    for id in ["o0", "o1", "o2", "o3", "o4", "o5"] {
        all.push(json!({ "resourceType": "Observation", "id": id, "status": "final", "subject": subject,
            "code": { "coding": [{ "system": "http://loinc.org", "code": "29463-7" }] },
            "effectiveDateTime": "2026-03-01",
            "valueQuantity": { "value": 71.5, "system": "http://unitsofmeasure.org", "code": "kg" } }));
    }
    all.push(json!({ "resourceType": "Location", "id": "l", "name": "Armley",
        "position": { "latitude": 53.8, "longitude": -1.59 } }));
    all.push(
        json!({ "resourceType": "ValueSet", "id": "v", "status": "draft", "url": "https://example.org/vs" }),
    );
    all.push(json!({ "resourceType": "RiskAssessment", "id": "r", "status": "final", "subject": subject,
        "prediction": [{ "probabilityDecimal": 0.25 }] }));
    all
}

/// A server with [`resources`], some of them changed, deleted and brought back.
fn filled(database: crate::database::Database) -> Server {
    let server = Settings::open(database).start();
    let http = server.http();
    let put = |resource: &Value, status| {
        let (type_, id) = (resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        http.put(&format!("{type_}/{id}"), resource).expect(status);
    };
    resources().iter().for_each(|resource| put(resource, 201));
    let mut moved = resources()[5].clone();
    for patient in ["Patient/p1", "Patient/p2", "Patient/p0"] {
        moved["subject"]["reference"] = patient.into();
        put(&moved, 200);
    }
    http.delete("Observation/o5").expect(204);
    put(&resources()[10], 201);
    http.delete("Observation/o5").expect(204);
    server
}

on_each! {
    fn a_store_that_is_right_has_no_faults(database: Database) {
        let server = filled(database);
        let (status, printed, error) = said(&server.command(&["check"], ""));
        assert_eq!(status, 0, "{printed}{error}");
        assert!(printed.ends_with("Everything is as it should be.\n"), "{printed}");
        // 14 resources; o0 has four versions and o5 four, each of the others one.
        let counted: Vec<Vec<&str>> =
            printed.lines().take(2).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(counted, [["Resources", "14", "checked"], ["Versions", "20", "checked"]], "{printed}");
    }
}

/// What is done to the database, and what `check` must say of it.
const DAMAGE: &[(&str, &str)] = &[
    (
        "DELETE FROM ix_token WHERE rid = {Patient/p1} AND p = (SELECT MIN(p) FROM ix_token WHERE rid = {Patient/p1})",
        "Patient/p1: ix_token: 1 rows missing, 0 that should not be there",
    ),
    (
        "UPDATE ix_string SET folded = 'x' WHERE rid = {Patient/p2} AND folded = 'ruth' \
         AND p = (SELECT MIN(p) FROM ix_string WHERE rid = {Patient/p2} AND folded = 'ruth')",
        "Patient/p2: ix_string: 1 rows missing, 1 that should not be there",
    ),
    (
        "DELETE FROM ix_date WHERE rid = {Observation/o1}",
        "Observation/o1: ix_date: 1 rows missing, 0 that should not be there",
    ),
    (
        "INSERT INTO ix_reference (p, target, version, rid) VALUES (8, 8, '', {Observation/o2})",
        "Observation/o2: ix_reference: 0 rows missing, 1 that should not be there",
    ),
    (
        "UPDATE ix_quantity SET lo = 0 WHERE rid = {Observation/o3} AND p = (SELECT MIN(p) FROM ix_quantity WHERE rid = {Observation/o3})",
        "Observation/o3: ix_quantity: 1 rows missing, 1 that should not be there",
    ),
    (
        "UPDATE ix_composite SET a1 = a1 + 1 WHERE rid = {Observation/o4} AND p = (SELECT MIN(p) FROM ix_composite WHERE rid = {Observation/o4})",
        "Observation/o4: ix_composite: 1 rows missing, 1 that should not be there",
    ),
    (
        "UPDATE compartment SET until = until + 1 WHERE rid = {Observation/o0} AND since = 2",
        "Observation/o0: compartment: 1 rows missing, 1 that should not be there",
    ),
    (
        "DELETE FROM history WHERE rid = {Observation/o5} AND version = 2",
        "Observation/o5: history: a version is missing, or not later than the one before",
    ),
    (
        "DELETE FROM ix_position WHERE rid = {Location/l}",
        "Location/l: ix_position: 1 rows missing, 0 that should not be there",
    ),
    (
        "DELETE FROM ix_uri WHERE rid = {ValueSet/v}",
        "ValueSet/v: ix_uri: 1 rows missing, 0 that should not be there",
    ),
    (
        "UPDATE ix_number SET hi = 9 WHERE rid = {RiskAssessment/r}",
        "RiskAssessment/r: ix_number: 1 rows missing, 1 that should not be there",
    ),
    (
        "UPDATE resource SET key = key + 1 WHERE rid = {Patient/p3}",
        "Patient/p3: resource: its key is not that of its type and id",
    ),
    (
        "UPDATE resource SET body = (SELECT o.body FROM resource o WHERE o.rid = {Patient/p3}) WHERE rid = {Patient/p4}",
        "Patient/p4: resource: the body of version 1 cannot be read or is not that version",
    ),
    (
        "UPDATE type_count SET living = living + 2 WHERE type_id = (SELECT id FROM resource_type WHERE name = 'Location')",
        "Location: type_count: counted as 3, there are 1",
    ),
    (
        "INSERT INTO type_count (type_id, shard, living) SELECT id, 999, 1 FROM resource_type WHERE name = 'Group'",
        "Group: type_count: counted as 1, there are 0",
    ),
    (
        "INSERT INTO ix_uri (p, value, version, rid) VALUES (8, 'x', '', 999999)",
        "row 999999: ix_uri: 1 rows of no resource",
    ),
    (
        "INSERT INTO compartment (patient_key, type_id, rid, since, until) VALUES (1, 1, 999998, 1, 1)",
        "row 999998: compartment: 1 rows of no resource",
    ),
];

/// The statement with each `{Type/id}` as the number of its row.
fn with_rows(sql: &str) -> String {
    let mut parts = sql.split(['{', '}']);
    let mut whole = parts.next().unwrap().to_owned();
    while let (Some(name), Some(rest)) = (parts.next(), parts.next()) {
        let (type_, id) = name.split_once('/').unwrap();
        whole += &format!(
            "(SELECT rid FROM resource WHERE fhir_id = '{id}' AND type_id = (SELECT id FROM resource_type WHERE name = '{type_}'))"
        );
        whole += rest;
    }
    whole
}

on_each! {
    fn every_damage_is_named(database: Database) {
        let server = filled(database);
        for (sql, _) in DAMAGE {
            execute(server.database_url(), &with_rows(sql));
        }
        let (status, printed, error) = said(&server.command(&["check"], ""));
        assert_eq!(status, 1, "{printed}{error}");
        let named: BTreeSet<&str> = printed.lines().filter_map(|line| line.strip_prefix("WRONG: ")).collect();
        assert_eq!(named, DAMAGE.iter().map(|(_, said)| *said).collect(), "{printed}");

        let (status, printed, _) = said(&server.command(&["check", "--most", "2"], ""));
        assert_eq!(status, 1);
        assert_eq!(printed.lines().filter(|line| line.starts_with("WRONG: ")).count(), 2, "{printed}");
        assert!(printed.contains(&format!("and {} more", DAMAGE.len() - 2)), "{printed}");
    }
}
