//! FHIR R4 `http.html#delete`: then 410 with the history intact, and an update that brings the resource back.

use super::patient;
use crate::http::reference;
use crate::server::unique;

on_both! {
    fn leaves_410_and_the_history(server: &Server) {
        let (mark, patient) = patient();
        let stored = server.http().create(&patient);
        let path = reference(&stored);
        server.http().delete(&path).expect(204);
        server.http().get(&path).expect_error(410);
        assert_eq!(server.http().get(&format!("{path}/_history/1")).expect(200).json(), stored);
        server.http().get(&format!("{path}/_history/2")).expect_error(410);
        let found = server.http().get(&format!("Patient?family={mark}")).expect(200).json();
        assert_eq!(crate::http::ids(&found), crate::http::set(&[]));

        let history = server.http().get(&format!("{path}/_history")).expect(200).json();
        let methods: Vec<_> = history["entry"].as_array().unwrap().iter().map(|e| &e["request"]["method"]).collect();
        assert_eq!(methods, ["DELETE", "POST"]);
        assert!(history["entry"][0].get("resource").is_none(), "a deletion has no resource");
    }
}

on_both! {
    fn may_be_repeated(server: &Server) {
        let (_, patient) = patient();
        let path = reference(&server.http().create(&patient));
        server.http().delete(&path).expect(204);
        server.http().delete(&path).expect(204);
        let history = server.http().get(&format!("{path}/_history")).expect(200).json();
        assert_eq!(history["total"], 2, "the second delete changed nothing");
        // R4 would have 204 here too, but then a 404 for what is not yours to see would tell that it exists.
        server.http().delete(&format!("Patient/{}", unique("nobody"))).expect_error(404);
    }
}

on_both! {
    fn may_be_undone_by_an_update(server: &Server) {
        let (_, patient) = patient();
        let stored = server.http().create(&patient);
        let path = reference(&stored);
        server.http().delete(&path).expect(204);
        let again = server.http().put(&path, &stored).expect(201);
        assert_eq!(again.header("etag"), r#"W/"3""#);
        server.http().get(&path).expect(200);
    }
}

on_both! {
    fn versions_go_on_after_a_deletion(server: &Server) {
        let http = server.http();
        let (_, patient) = patient();
        let stored = http.create(&patient);
        let path = reference(&stored);
        for round in 0..3 {
            assert_eq!(http.delete(&path).expect(204).header("etag"), format!("W/\"{}\"", 2 * round + 2));
            http.get(&path).expect_error(410);
            http.get(&format!("{path}/_history/{}", 2 * round + 2)).expect_error(410);
            // The same content as before is new here: what was deleted comes back.
            let again = http.put(&path, &stored).expect(201);
            assert_eq!(again.header("etag"), format!("W/\"{}\"", 2 * round + 3));
        }
        let history = http.get(&format!("{path}/_history?_count=50")).expect(200).json();
        let of = |member: &str, name: &str| -> Vec<String> {
            let entries = history["entry"].as_array().unwrap().iter();
            entries.map(|entry| entry[member][name].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(of("request", "method"), ["PUT", "DELETE", "PUT", "DELETE", "PUT", "DELETE", "POST"]);
        let instants = of("response", "lastModified");
        assert!(instants.windows(2).all(|pair| pair[0] > pair[1]), "newest first, none equal: {instants:?}");
        let etags: Vec<String> = (1..=7).rev().map(|version| format!("W/\"{version}\"")).collect();
        assert_eq!(of("response", "etag"), etags);
    }
}
