//! Every published resource goes in and comes back equal, but for `id`, `meta.versionId` and `meta.lastUpdated`; those that
//! are not valid R4 are refused for the reason listed.

use super::content;
use crate::database::Database;
use crate::server::{Server, Settings};
use reqwest::Method;
use serde_json::Value;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The published files that are refused: file name, FHIRPath of a fault, why.
const REFUSED: &str = include_str!("../../../domain/src/conformance/validation/tests/refused.tsv");

/// Published search parameters that are valid R4 but cannot be searched by, so that they are refused: file name, FHIRPath of
/// the fault. The last two define one parameter twice; whichever comes second is refused.
const NOT_SEARCHABLE: [(&str, &str); 4] = [
    ("SearchParameter-England-FlagDetail.json", "SearchParameter.expression"),
    ("SearchParameter-EnglandExtension-Flagdetail.json", "SearchParameter.expression"),
    ("SearchParameter-England-FlagCategory.json", "SearchParameter.code"),
    ("SearchParameter-FlagCategory.json", "SearchParameter.code"),
];

const CORPORA: [&str; 6] =
    ["ukcore", "nhsengland", "nhs-examples", "careplan", "r4-examples.tar.zst", "synthea.tar.zst"];

fn go_in_and_come_back_equal(database: Database) {
    let mut files = Vec::new();
    for name in CORPORA {
        let Some(found) = tests::published::json_files(name) else { return };
        files.extend(found);
    }
    // Published examples have NHS numbers with wrong check digits.
    let server = Settings::open(database).with("BINNACLE_NHS_NUMBER", "warn").start();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let (equal, refused, unsearchable) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((file, text)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match judge(&server, file, text) {
                        Ok(Fate::Equal) => drop(equal.fetch_add(1, Ordering::Relaxed)),
                        Ok(Fate::Refused) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                        Ok(Fate::NotSearchable) => drop(unsearchable.fetch_add(1, Ordering::Relaxed)),
                        Ok(Fate::NoResource) => {}
                        Err(why) => wrong.lock().unwrap().push(format!("{file}: {why}")),
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} files:\n{}", wrong.len(), wrong.join("\n"));
    let (equal, refused) = (equal.into_inner(), refused.into_inner());
    let listed = REFUSED.lines().filter(|line| !line.starts_with('#')).count();
    eprintln!("{equal} files came back equal, {refused} were refused as listed");
    assert_eq!(refused, listed, "every file listed is refused");
    assert_eq!(
        unsearchable.into_inner(),
        NOT_SEARCHABLE.len() - 1,
        "one of the two that are the same is taken"
    );
    assert!(equal > 1000, "only {equal} files came back equal");
}

enum Fate {
    Equal,
    Refused,
    NotSearchable,
    NoResource,
}

/// Sends one file and reads it back.
fn judge(server: &Server, file: &str, text: &[u8]) -> Result<Fate, String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let listed =
        REFUSED.lines().find_map(|line| line.strip_prefix(file)?.strip_prefix('\t')?.split('\t').next());
    let sent: Value = serde_json::from_slice(text).unwrap_or_default();
    // Of Parameters there are none on their own, and some files hold no resource.
    let type_ = match (sent["resourceType"].as_str(), listed) {
        (Some("Parameters"), _) | (None, None) => return Ok(Fate::NoResource),
        (type_, _) => type_.unwrap_or("Patient"),
    };
    let answer = server.http().send(Method::POST, type_, &[], Some(text));
    if let Some(path) = listed {
        let outcome = answer.clone().expect_error(answer.status);
        let paths = outcome["issue"].as_array().into_iter().flatten();
        let named = path == "(body)"
            || paths.filter_map(|issue| issue["expression"][0].as_str()).any(|at| at.starts_with(path));
        let as_listed = [400, 422].contains(&answer.status) && named;
        return if as_listed { Ok(Fate::Refused) } else { Err(format!("listed with {path}, but: {answer}")) };
    }
    if let Some((_, path)) = NOT_SEARCHABLE.iter().find(|(name, _)| file.ends_with(&format!("/{name}")))
        && answer.status == 422
        && answer.json()["issue"][0]["expression"][0] == *path
    {
        return Ok(Fate::NotSearchable);
    }
    if answer.status != 201 {
        return Err(format!("refused, but not listed: {answer}"));
    }
    let stored = server.http().get(&answer.header("location")).expect(200).json();
    // Numbers are compared as they are written.
    if content(&stored) == content(&sent) { Ok(Fate::Equal) } else { Err(format!("came back as {stored:#}")) }
}

#[test]
fn go_in_and_come_back_equal_sqlite() {
    go_in_and_come_back_equal(Database::Sqlite);
}

#[test]
fn go_in_and_come_back_equal_postgres() {
    go_in_and_come_back_equal(Database::Postgres);
}
