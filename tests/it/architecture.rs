//! The invariants of `domain/src/lib.rs` that a command can see: who may know whom, and how files look.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is below the root").to_owned()
}

/// The names of all crates `package` is built from, itself included.
fn dependencies(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{lib}", "--edges", "normal"])
        .args(["--package", package])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<String> = text.lines().map(str::to_owned).filter(|name| !name.is_empty()).collect();
    assert!(names.contains(package), "cargo tree names the package itself: {names:?}");
    names
}

fn assert_unknown(package: &str, forbidden: &[&str]) {
    let known = dependencies(package);
    for name in forbidden {
        assert!(
            !known.contains(*name),
            "`{package}` must not know `{name}`: cargo tree -p {package} -i {name}"
        );
    }
}

/// Every `.rs` file of the workspace: its path from the root, and its text.
pub(crate) fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" && name != "node_modules" && name != "data" {
                    walk(&path, found);
                }
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    let root = workspace();
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    assert!(paths.len() > 20, "the walk finds the sources");
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// The lines of a file that are neither comments nor inside its `#[cfg(test)]` module at the end.
pub(crate) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn the_domain_knows_neither_http_nor_a_database() {
    assert_unknown(
        "domain",
        &[
            "actix_web",
            "actix_http",
            "diesel",
            "libsqlite3_sys",
            "pq_sys",
            "reqwest",
            "tokio",
            "persistence",
            "openapi",
        ],
    );
}

#[test]
fn openapi_does_not_know_the_store() {
    assert_unknown("openapi", &["persistence", "diesel", "actix_web"]);
}

#[test]
fn the_store_does_not_know_http() {
    assert_unknown("persistence", &["actix_web", "actix_http", "openapi", "reqwest"]);
}

#[test]
fn only_the_main_file_of_the_api_names_the_store() {
    for (name, text) in sources() {
        if name.starts_with("api/src/") && name != "api/src/main.rs" {
            for (number, line) in code(&text) {
                assert!(
                    !line.contains("persistence::"),
                    "{name}:{number} names the store; only api/src/main.rs may"
                );
            }
        }
    }
}

#[test]
fn only_the_model_depends_on_fhirbolt() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"])
        .current_dir(workspace())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let users: Vec<&str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| {
            let all = package["dependencies"].as_array().unwrap();
            all.iter().any(|dependency| dependency["name"].as_str().unwrap().starts_with("fhirbolt"))
        })
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    assert_eq!(users, ["model"], "fhirbolt is compiled anew into every crate that calls it");
}

#[test]
fn the_domain_has_no_clock_randomness_file_or_socket_of_its_own() {
    let forbidden = [
        "SystemTime::now",
        "Instant::now",
        "now_utc",
        "std::fs",
        "std::net",
        "rand::",
        "OsRng",
        "SystemRandom",
        "Uuid::now_v7",
        "Uuid::new_v4",
        "std::env::",
    ];
    let own = |name: &str| {
        name.starts_with("domain/src/") && !name.contains("/tests/") && !name.ends_with("/tests.rs")
    };
    for (name, text) in sources().into_iter().filter(|(name, _)| own(name)) {
        for (number, line) in code(&text) {
            for word in forbidden {
                assert!(
                    !line.contains(word),
                    "{name}:{number} has `{word}`: Clock, IdSource and Fetch are arguments of the domain"
                );
            }
        }
    }
}

#[test]
fn every_file_opens_by_saying_what_lives_there() {
    for (name, text) in sources() {
        assert!(text.starts_with("//! "), "{name} does not open with a sentence in `//!`");
    }
}

#[test]
fn no_file_grows_into_the_place_for_everything() {
    for (name, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 500, "{name} has {lines} lines; 500 is the most a room holds");
    }
}

#[test]
fn no_room_is_a_drawer() {
    for (name, _) in sources() {
        for part in name.trim_end_matches(".rs").split('/') {
            assert!(
                !["utils", "util", "common", "helpers", "misc"].contains(&part),
                "{name}: name what it holds"
            );
        }
    }
}

#[test]
fn nothing_is_unsafe() {
    for (name, text) in sources() {
        for (number, line) in code(&text) {
            let stripped = line.replace("unsafe_code", "").replace("\"unsafe", "");
            assert!(!stripped.contains(concat!("un", "safe ")), "{name}:{number} is not safe Rust");
        }
    }
}
