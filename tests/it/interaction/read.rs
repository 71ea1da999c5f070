//! FHIR R4 `http.html#read` and `#vread`: bodies, headers, conditional reads, and what is not there.

use super::{content, patient};
use crate::http::reference;
use crate::server::unique;
use reqwest::Method;

on_both! {
    fn gives_what_was_stored(server: &Server) {
        let (_, patient) = patient();
        let stored = server.http().create(&patient);
        let answer = server.http().get(&reference(&stored)).expect(200);
        assert_eq!(answer.header("etag"), r#"W/"1""#);
        assert!(answer.header("last-modified").ends_with("GMT"));
        assert!(answer.header("content-type").starts_with("application/fhir+json"));
        assert_eq!(answer.json(), stored);
        assert_eq!(content(&answer.json()), patient);
    }
}

on_both! {
    fn gives_every_version(server: &Server) {
        let (_, mut patient) = patient();
        let first = server.http().create(&patient);
        let path = reference(&first);
        patient["id"] = first["id"].clone();
        patient["gender"] = "other".into();
        server.http().put(&path, &patient).expect(200);
        let old = server.http().get(&format!("{path}/_history/1")).expect(200);
        assert_eq!((old.json(), old.header("etag")), (first, r#"W/"1""#.to_owned()));
        let new = server.http().get(&format!("{path}/_history/2")).expect(200);
        assert_eq!((&new.json()["gender"], new.header("etag").as_str()), (&"other".into(), r#"W/"2""#));
        server.http().get(&format!("{path}/_history/3")).expect_error(404);
        server.http().get(&format!("{path}/_history/zero")).expect_error(404);
    }
}

on_both! {
    fn answers_304_when_the_reader_has_it(server: &Server) {
        let (_, patient) = patient();
        let path = reference(&server.http().create(&patient));
        let same = server.http().send(Method::GET, &path, &[("If-None-Match", r#"W/"1""#)], None).expect(304);
        assert!(same.body.is_empty());
        server.http().send(Method::GET, &path, &[("If-None-Match", r#"W/"7""#)], None).expect(200);
    }
}

on_both! {
    fn answers_404_to_what_never_was(server: &Server) {
        server.http().get(&format!("Patient/{}", unique("nobody"))).expect_error(404);
        server.http().get("Potato/1").expect_error(404);
        server.http().get("Patient/not%20an%20id").expect_error(404);
    }
}

on_both! {
    fn head_is_get_without_the_body(server: &Server) {
        let http = server.http();
        let (mark, patient) = patient();
        let path = reference(&http.create(&patient));
        for at in [path.clone(), format!("{path}/_history/1"), format!("{path}/_history"), format!("Patient?family={mark}"), "metadata".to_owned()] {
            let (get, head) = (http.get(&at).expect(200), http.send(Method::HEAD, &at, &[], None).expect(200));
            assert!(head.body.is_empty(), "{head}");
            assert_eq!(get.header("content-type"), head.header("content-type"));
            assert_eq!(get.headers.get("etag"), head.headers.get("etag"));
        }
        let absent = http.send(Method::HEAD, &format!("Patient/{}", unique("nobody")), &[], None).expect(404);
        assert!(absent.body.is_empty(), "{absent}");
    }
}
