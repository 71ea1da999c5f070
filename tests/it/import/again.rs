//! Importing again: what is stored is not stored twice, also after a crash, and a new database remembers nothing.

use super::{Files, Table, alone, count, newcomer, patient};
use crate::server::{Settings, command, run, unique};
use serde_json::json;
use std::process::Stdio;
use std::time::{Duration, Instant};

on_both! {
    fn a_finished_file_is_not_read_again_unless_asked_for(server: &Server) {
        let (mark, files) = (unique("again"), Files::new());
        files.json("new.json", &newcomer(&mark));
        files.json("named.json", &patient(&mark, Some(&mark)));
        files.file("lines.ndjson", format!("{}\n{}", patient(&mark, None), patient(&mark, None)).as_bytes());
        files.json("wrong.json", &json!({ "resourceType": "Patient", "gender": "potato" }));
        let all = [("Patient", 4, 1), ("Observation", 1, 0)];
        Table::of(server, &[files.path()]).expect(0, &all);
        Table::of(server, &[files.path()]).expect(0, &[]).says(&["4 files were imported before"]);
        // The same content under another name is the same file.
        files.json("copy.json", &newcomer(&mark));
        Table::of(server, &[files.path()]).expect(0, &[]).says(&["5 files were imported before"]);
        assert_eq!(count(server, &mark), 4);

        server.http().delete(&format!("Patient/{mark}")).expect(204);
        Table::of(server, &[files.path(), "--again"])
            .expect(0, &[("Patient", 1, 1)])
            .says(&["6 resources were stored by an earlier import"]);
        assert_eq!(count(server, &mark), 4);
        server.http().get(&format!("Patient/{mark}")).expect(200);
    }
}

#[test]
fn a_new_database_remembers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mark, files) = (unique("anew"), Files::new());
    files.json("new.json", &newcomer(&mark));
    let import = || Table::read(&run(&mut alone(folder.path(), &["import", files.path()]), ""));
    let stored = [("Patient", 1, 0), ("Observation", 1, 0)];
    import().expect(0, &stored);
    import().expect(0, &[]).says(&["1 files were imported before"]);
    for name in std::fs::read_dir(folder.path().join("data")).unwrap() {
        let path = name.unwrap().path();
        if path.to_string_lossy().contains("binnacle.db") {
            std::fs::remove_file(path).unwrap();
        }
    }
    import().expect(0, &stored);
}

on_each! {
    fn an_import_that_was_killed_goes_on_and_stores_nothing_twice(database: Database) {
        let server = Settings::open(database).start();
        let (mark, files) = (unique("killed"), Files::new());
        for number in 0..150 {
            // Each file is different, or it would be one file.
            let mut bundle = newcomer(&mark);
            bundle["entry"][1]["resource"]["valueInteger"] = json!(number);
            files.json(&format!("{number}.json"), &bundle);
        }
        let environment = [("BINNACLE_DATABASE_URL".to_owned(), server.database_url().to_owned())];
        let mut import = command(server.path(), &environment)
            .args(["import", files.path()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while count(&server, &mark) < 20 {
            assert!(started.elapsed() < Duration::from_secs(30), "the import does not begin");
        }
        import.kill().unwrap();
        let ended = import.wait().unwrap();
        let before = count(&server, &mark);
        assert!(!ended.success() && before < 150, "killed too late: {before}");

        let table = Table::of(&server, &[files.path()]);
        assert_eq!(count(&server, &mark), 150, "{before} before; {}", table.text);
        // PostgreSQL may have ended a commit that was under way when the import was killed, after we counted.
        let left = table.counts["Patient"].0;
        let most = 150 - usize::try_from(before).unwrap();
        assert!(left <= most && left + 8 >= most, "{before} before; {}", table.text);
        table.expect(0, &[("Patient", left, 0), ("Observation", left, 0)]);
        let (status, said, _) = crate::commands::said(&server.command(&["check"], ""));
        assert_eq!(status, 0, "{said}");
    }
}
