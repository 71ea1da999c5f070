//! FHIR R4 `http.html#concurrency` and `#cread`, RFC 9110 §13: every form of the conditional headers, on read and write.

use super::patient;
use crate::http::{Http, reference};
use crate::server::unique;
use reqwest::Method;
use serde_json::{Value, json};

/// A patient of two versions: its path, and its current content.
fn twice(http: &Http) -> (String, Value) {
    let (_, person) = patient();
    let mut stored = http.create(&person);
    let path = reference(&stored);
    stored["active"] = json!(false);
    http.put(&path, &stored).expect(200);
    (path.clone(), http.get(&path).expect(200).json())
}

on_both! {
    fn a_reader_who_has_it_gets_304(server: &Server) {
        let http = server.http();
        let (path, _) = twice(http);
        let read = |path: &str, headers: &[(&str, &str)]| http.send(Method::GET, path, headers, None);
        for tags in [r#"W/"2""#, r#""2""#, "2", "*", r#"W/"1", W/"2""#, r#""from-elsewhere", "2""#] {
            let answer = read(&path, &[("If-None-Match", tags)]).expect(304);
            assert!(answer.body.is_empty(), "{answer}");
            assert_eq!(answer.header("etag"), r#"W/"2""#);
        }
        for tags in [r#"W/"1""#, r#""3""#, r#""from-elsewhere""#, "potato"] {
            read(&path, &[("If-None-Match", tags)]).expect(200);
        }
        let modified = read(&path, &[]).expect(200).header("last-modified");
        read(&path, &[("If-Modified-Since", &modified)]).expect(304);
        read(&path, &[("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")]).expect(200);
        read(&path, &[("If-Modified-Since", "yesterday")]).expect(200);
        // If-None-Match comes first.
        read(&path, &[("If-Modified-Since", &modified), ("If-None-Match", r#"W/"1""#)]).expect(200);
        read(&format!("{path}/_history/1"), &[("If-None-Match", r#"W/"1""#)]).expect(304);
        // What is not there is not unchanged.
        read(&format!("Patient/{}", unique("nobody")), &[("If-None-Match", "*")]).expect_error(404);
    }
}

on_both! {
    fn an_update_goes_on_from_the_version_it_names(server: &Server) {
        let http = server.http();
        let (path, mut person) = twice(http);
        for (number, tags) in [r#"W/"2""#, r#""3""#, "4", "*", r#"W/"1", W/"6""#].iter().enumerate() {
            person["multipleBirthInteger"] = json!(number);
            http.put_with(&path, &[("If-Match", tags)], &person).expect(200);
        }
        person["multipleBirthInteger"] = json!(99);
        for tags in [r#"W/"6""#, r#""8""#, r#"W/"1", W/"2""#] {
            let outcome = http.put_with(&path, &[("If-Match", tags)], &person).expect_error(412);
            assert_eq!(outcome["issue"][0]["code"], "conflict");
        }
        for tags in ["", "x", r#"W/"x""#, r#"W/"7"#, r#""7", x"#, "-7", "7.0"] {
            http.put_with(&path, &[("If-Match", tags)], &person).expect_error(400);
            http.send(Method::DELETE, &path, &[("If-Match", tags)], None).expect_error(400);
        }
        http.send(Method::DELETE, &path, &[("If-Match", r#"W/"6""#)], None).expect_error(412);
        assert_eq!(http.get(&path).expect(200).header("etag"), r#"W/"7""#);
        http.send(Method::DELETE, &path, &[("If-Match", r#"W/"7""#)], None).expect(204);
        // Deleted: there is nothing that * could name.
        http.put_with(&path, &[("If-Match", "*")], &person).expect_error(412);
        let absent = unique("absent");
        person["id"] = json!(absent);
        http.put_with(&format!("Patient/{absent}"), &[("If-Match", "*")], &person).expect_error(412);
        http.get(&format!("Patient/{absent}")).expect_error(404);
    }
}

on_both! {
    fn if_none_match_keeps_an_update_from_what_is_there(server: &Server) {
        let http = server.http();
        let (_, mut person) = patient();
        let path = format!("Patient/{}", unique("once"));
        person["id"] = json!(path.strip_prefix("Patient/"));
        http.put_with(&path, &[("If-None-Match", "*")], &person).expect(201);
        person["active"] = json!(false);
        http.put_with(&path, &[("If-None-Match", "*")], &person).expect_error(412);
        http.put_with(&path, &[("If-None-Match", r#"W/"1""#)], &person).expect_error(412);
        assert_eq!(http.get(&path).expect(200).json()["active"], true);
        http.delete(&path).expect(204);
        http.put_with(&path, &[("If-None-Match", "*")], &person).expect(201);
        assert_eq!(http.get(&path).expect(200).header("etag"), r#"W/"3""#);
    }
}

on_both! {
    fn one_of_many_concurrent_first_updates_creates(server: &Server) {
        let (_, mut person) = patient();
        let path = format!("Patient/{}", unique("first"));
        person["id"] = json!(path.strip_prefix("Patient/"));
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..8)
                .map(|number| {
                    let (mut mine, path) = (person.clone(), &path);
                    mine["multipleBirthInteger"] = json!(number);
                    scope.spawn(move || server.http().put_with(path, &[("If-None-Match", "*")], &mine).status)
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(201), count(412)), (1, 7), "{statuses:?}");
    }
}

on_both! {
    fn an_entry_has_the_same_conditions(server: &Server) {
        let http = server.http();
        let (path, mut person) = twice(http);
        person["gender"] = json!("other");
        let send = |kind: &str, entry: Value| {
            http.bundle(&json!({ "resourceType": "Bundle", "type": kind, "entry": [entry] }))
        };
        let put = |tags: &str| json!({ "resource": person, "request": { "method": "PUT", "url": path, "ifMatch": tags } });
        let get = |name: &str, value: &str| json!({ "request": { "method": "GET", "url": path, name: value } });
        let status = |answer: crate::http::Answer| {
            answer.expect(200).json()["entry"][0]["response"]["status"].as_str().unwrap()[..3].to_owned()
        };
        let outcome = send("transaction", put(r#"W/"1""#)).expect_error(412);
        assert_eq!(outcome["issue"][0]["expression"][0], "Bundle.entry[0]");
        assert_eq!(status(send("batch", put(r#"W/"1""#))), "412");
        assert_eq!(status(send("batch", get("ifNoneMatch", r#"W/"2""#))), "304");
        assert_eq!(status(send("batch", get("ifNoneMatch", r#"W/"1""#))), "200");
        assert_eq!(status(send("batch", get("ifModifiedSince", "2999-01-01T00:00:00Z"))), "304");
        assert_eq!(status(send("batch", get("ifModifiedSince", "1999-01-01T00:00:00Z"))), "200");
        assert_eq!(status(send("transaction", put(r#"W/"2""#))), "200");
    }
}
