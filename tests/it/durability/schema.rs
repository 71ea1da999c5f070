//! The schema: several processes may bring it up to date at once, and an older binary does not touch a newer one.

use crate::commands::said;
use crate::database::execute;
use crate::server::{Settings, command};
use std::process::Stdio;

on_each! {
    fn four_processes_may_start_at_once(database: Database) {
        let folder = tempfile::tempdir().unwrap();
        let environment = [("BINNACLE_DATABASE_URL".to_owned(), database.create(folder.path()))];
        let processes: Vec<_> = (0..4)
            .map(|_| {
                let mut command = command(folder.path(), &environment);
                command.arg("migrate").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        for process in processes {
            let (status, printed, error) = said(&process.wait_with_output().unwrap());
            assert_eq!((status, printed.as_str()), (0, "The schema is up to date.\n"), "{error}");
        }
    }
}

on_each! {
    fn a_newer_schema_is_not_touched(database: Database) {
        let server = Settings::open(database).start();
        let sql = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";
        execute(server.database_url(), sql);
        for arguments in [&["migrate"][..], &["check"]] {
            let (status, _, error) = said(&server.command(arguments, ""));
            assert_eq!(status, 1, "{arguments:?}");
            assert!(error.contains("99990101000000") && error.contains("newer binnacle"), "{error}");
        }
    }
}
