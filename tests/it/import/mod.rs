//! `binnacle import`: every kind of file goes in once, whatever happens on the way, and what is refused has a reason.

mod again;
mod corpora;

use crate::commands::said;
use crate::server::{Server, unique};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What an import said at its end.
pub(crate) struct Table {
    pub(crate) status: i32,
    /// Stored and refused, by type and for `All`.
    pub(crate) counts: BTreeMap<String, (usize, usize)>,
    pub(crate) text: String,
}

impl Table {
    /// Runs `binnacle import ARGUMENTS…` on the server's database.
    pub(crate) fn of(server: &Server, arguments: &[&str]) -> Table {
        Table::read(&server.command(&[&["import"], arguments].concat(), ""))
    }

    /// Reads what an import printed.
    pub(crate) fn read(output: &std::process::Output) -> Table {
        let (status, text, error) = said(output);
        let mut counts = BTreeMap::new();
        for line in text.lines().skip(1) {
            let cells: Vec<&str> = line.split_whitespace().collect();
            if let [type_, stored, refused] = cells[..]
                && let (Ok(stored), Ok(refused)) = (stored.parse(), refused.parse())
            {
                counts.insert(type_.to_owned(), (stored, refused));
            }
        }
        assert!(counts.contains_key("All"), "no table from an import: {text}{error}");
        Table { status, counts, text }
    }

    /// Asserts what was stored and refused.
    #[track_caller]
    pub(crate) fn expect(&self, status: i32, counts: &[(&str, usize, usize)]) -> &Self {
        let expected: BTreeMap<String, (usize, usize)> =
            counts.iter().map(|(type_, stored, refused)| ((*type_).into(), (*stored, *refused))).collect();
        let mut found = self.counts.clone();
        found.remove("All");
        assert!(
            found == expected && self.status == status,
            "{status} {expected:?} from {}\n{}",
            self.status,
            self.text
        );
        self
    }

    /// Asserts that it says this.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(self.text.contains(word), "{word} is not said by\n{}", self.text);
        }
        self
    }
}

/// A folder of files to import.
pub(crate) struct Files(tempfile::TempDir);

impl Files {
    pub(crate) fn new() -> Files {
        Files(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn json(&self, name: &str, value: &Value) -> PathBuf {
        self.file(name, value.to_string().as_bytes())
    }
}

/// A Patient of the family `mark`, with an id if one is given.
pub(crate) fn patient(mark: &str, id: Option<&str>) -> Value {
    let mut patient = json!({ "resourceType": "Patient", "name": [{ "family": mark }] });
    if let Some(id) = id {
        patient["id"] = id.into();
    }
    patient
}

/// A transaction that makes a Patient of the family `mark`, and an Observation about them.
pub(crate) fn newcomer(mark: &str) -> Value {
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "fullUrl": "urn:uuid:0b9a4d3c-5d7e-4b1f-9b9e-2f1d3c4b5a69", "resource": patient(mark, None),
          "request": { "method": "POST", "url": "Patient" } },
        { "resource": { "resourceType": "Observation", "status": "final", "code": { "text": mark },
            "subject": { "reference": "urn:uuid:0b9a4d3c-5d7e-4b1f-9b9e-2f1d3c4b5a69" } },
          "request": { "method": "POST", "url": "Observation" } },
    ] })
}

/// How many Patients there are of the family `mark`.
#[track_caller]
pub(crate) fn count(server: &Server, mark: &str) -> u64 {
    let query = format!("Patient?family:exact={mark}&_summary=count");
    server.http().get(&query).expect(200).json()["total"].as_u64().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

on_both! {
    fn every_kind_of_file_is_read(server: &Server) {
        let (mark, files) = (unique("kinds"), Files::new());
        let one = |number: u32| patient(&mark, Some(&format!("{mark}-{number}"))).to_string().into_bytes();
        let lines = |numbers: [u32; 2]| [one(numbers[0]), one(numbers[1])].join(&b"\n\n"[..]);
        files.json("a/transaction.json", &newcomer(&mark));
        files.json("a/collection.json", &json!({ "resourceType": "Bundle", "type": "collection", "entry": [
            { "resource": patient(&mark, Some(&format!("{mark}-1"))) },
            { "resource": patient(&mark, None) },
        ] }));
        files.file("single.JSON", &[&b"\xef\xbb\xbf"[..], &one(2)].concat());
        files.file("b/lines.ndjson", &lines([3, 4]));
        files.file("b/lines.jsonl.gz", &gzip(&lines([5, 6])));
        files.file("b/packed.json.zst", &zstd::encode_all(&one(7)[..], 1).unwrap());
        files.file("c.zip", &zip(&[("x/one.json", one(8)), ("two.ndjson.gz", gzip(&lines([9, 10]))), ("README", one(99))]));
        files.file("readme.xml", b"<Patient/>");
        Table::of(server, &[files.path()])
            .expect(0, &[("Patient", 12, 0), ("Observation", 1, 0)])
            .says(&["1 files were passed over"]);
        assert_eq!(count(server, &mark), 12);
        server.http().get(&format!("Patient/{mark}-9")).expect(200);
    }
}

on_both! {
    fn what_is_broken_has_a_reason_and_stops_nothing_else(server: &Server) {
        let (mark, files) = (unique("broken"), Files::new());
        let lines: Vec<u8> = (0..3000).flat_map(|number| {
            [patient(&mark, Some(&format!("{mark}-{number}"))).to_string().as_bytes(), &b"\n"[..]].concat()
        }).collect();
        let packed = gzip(&lines);
        files.file("truncated.ndjson.gz", &packed[..packed.len() / 50]);
        files.file("truncated.zip", &zip(&[("a.json", lines.clone())])[..200]);
        files.file("not-packed.json.zst", b"{}");
        files.file("half.json", br#"{"resourceType":"Patient","#);
        files.file("list.json", b"[]");
        files.file("package.json", br#"{"name":"uk.core","version":"1.0.0"}"#);
        files.json("good.json", &patient(&mark, Some(&format!("{mark}-good"))));
        files.json("wrong.json", &json!({ "resourceType": "Patient", "birthDate": "2024-02-30" }));
        files.json("unknown.json", &json!({ "resourceType": "Potato" }));
        let table = Table::of(server, &[files.path()]);
        let stored = table.counts["Patient"].0;
        assert!((1..3000).contains(&stored), "{}", table.text);
        assert_eq!(count(server, &mark), stored as u64);
        table.expect(1, &[("Patient", stored, 1), ("?", 0, 3), ("Potato", 0, 1)]).says(&[
            "truncated.ndjson is not compressed as its name says, or breaks off",
            "truncated.zip is not a zip archive, or breaks off",
            "not-packed.json is not compressed as its name says, or breaks off",
            "INVALID_JSON",
            "it has no resourceType",
            "INVALID_VALUE",
            "Patient.birthDate",
            "Potato is not a type of resource",
        ]);
        server.http().get(&format!("Patient/{mark}-good")).expect(200);
    }
}

on_both! {
    fn a_wrong_nhs_number_is_refused_or_let_in_and_told(server: &Server) {
        let (mark, files) = (unique("numbers"), Files::new());
        let identifier = |value: &str| json!([{ "system": "https://fhir.nhs.uk/Id/nhs-number", "value": value }]);
        let mut batch = json!({ "resourceType": "Bundle", "type": "batch", "entry": [] });
        for number in ["9990000018", "9990000001"] {
            let mut resource = patient(&mark, None);
            resource["identifier"] = identifier(number);
            batch["entry"].as_array_mut().unwrap().push(
                json!({ "resource": resource, "request": { "method": "POST", "url": "Patient" } }));
        }
        let right = batch["entry"][0]["resource"]["identifier"][0]["value"].as_str().unwrap().to_owned();
        files.json("batch.json", &batch);
        Table::of(server, &[files.path()])
            .expect(0, &[("Patient", 1, 1)])
            .says(&["Refused:", "INVALID_NHS_NUMBER", "batch.json at Bundle.entry[1]"]);
        // What was stored is not stored again, what was refused is.
        Table::of(server, &[files.path(), "--again", "--nhs-number", "warn"])
            .expect(0, &[("Patient", 1, 0)])
            .says(&["1 resources were stored by an earlier import", "Stored, but:", "INVALID_NHS_NUMBER"]);
        assert_eq!(count(server, &mark), 2);
        let query = format!("Patient?identifier={right}&family:exact={mark}&_summary=count");
        assert_eq!(server.http().get(&query).expect(200).json()["total"], 1);
    }
}

/// A command line without a server, in a folder of its own.
pub(crate) fn alone(folder: &Path, arguments: &[&str]) -> std::process::Command {
    let mut command = crate::server::command(folder, &[]);
    command.args(arguments);
    command
}
