//! `binnacle openapi` prints what the server serves.

use super::said;
use crate::database::Database;
use crate::server::{Server, run};
use serde_json::Value;
use std::process::Command;

#[test]
fn a_printed_document_is_the_one_that_is_served() {
    let server = Server::guarded(Database::Sqlite);
    for (arguments, address) in
        [(&["openapi"][..], "/openapi.json"), (&["openapi", "--type", "Goal"], "/openapi/Goal.json")]
    {
        let (status, printed, error) = said(&server.command(arguments, ""));
        assert_eq!(status, 0, "{error}");
        let printed: Value = serde_json::from_str(&printed).unwrap();
        assert!(printed["openapi"].as_str().unwrap().starts_with("3.1"));
        let served = server.http().get(address).expect(200).json();
        // Megabytes: not to be printed when they differ.
        assert!(printed == served, "what is printed differs from {address}");
    }
}

#[test]
fn an_unknown_type_is_refused_by_a_sentence() {
    let (status, printed, error) =
        said(&Server::open(Database::Sqlite).command(&["openapi", "--type", "Goat"], ""));
    assert_eq!((status, printed.as_str()), (1, ""));
    assert!(error.contains("resource type"), "{error}");
}

#[test]
fn make_openapi_names_the_command_that_is_there() {
    // `make -n` prints what it would run.
    let root = crate::architecture::workspace();
    let (status, printed, error) =
        said(&run(Command::new("make").args(["-n", "openapi"]).current_dir(root), ""));
    assert_eq!(status, 0, "{error}");
    assert!(printed.contains("binnacle -- openapi > target/openapi.json"), "{printed}");
}
