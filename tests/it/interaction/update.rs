//! FHIR R4 `http.html#update` and `#concurrency`: versions, update-as-create, `If-Match`.

use super::patient;
use crate::http::reference;
use crate::server::unique;
use serde_json::json;

on_both! {
    fn makes_a_new_version(server: &Server) {
        let (_, mut patient) = patient();
        let first = server.http().create(&patient);
        let path = reference(&first);
        patient["id"] = first["id"].clone();
        patient["active"] = json!(false);
        let answer = server.http().put(&path, &patient).expect(200);
        assert_eq!(answer.header("etag"), r#"W/"2""#);
        let second = server.http().get(&path).expect(200).json();
        assert_eq!((&second["meta"]["versionId"], &second["active"]), (&json!("2"), &json!(false)));
        let instant = |resource: &serde_json::Value| resource["meta"]["lastUpdated"].as_str().unwrap().to_owned();
        assert!(instant(&second) > instant(&first), "lastUpdated goes forward");
    }
}

on_both! {
    fn identical_content_makes_no_new_version(server: &Server) {
        let (_, patient) = patient();
        let first = server.http().create(&patient);
        let answer = server.http().put(&reference(&first), &first).expect(200);
        assert_eq!(answer.header("etag"), r#"W/"1""#);
        assert_eq!(server.http().get(&reference(&first)).expect(200).json(), first);
    }
}

on_both! {
    fn creates_under_the_id_of_the_client(server: &Server) {
        let (_, mut patient) = patient();
        let id = unique("own");
        patient["id"] = json!(id);
        let answer = server.http().put(&format!("Patient/{id}"), &patient).expect(201);
        assert_eq!(answer.header("etag"), r#"W/"1""#);
        assert_eq!(answer.header("location"), format!("{}/Patient/{id}/_history/1", server.http().base()));
        server.http().get(&format!("Patient/{id}")).expect(200);
    }
}

on_both! {
    fn if_match_guards_against_lost_updates(server: &Server) {
        let (_, mut patient) = patient();
        let first = server.http().create(&patient);
        let path = reference(&first);
        patient["id"] = first["id"].clone();
        patient["gender"] = json!("unknown");
        server.http().put_with(&path, &[("If-Match", r#"W/"1""#)], &patient).expect(200);
        patient["gender"] = json!("male");
        server.http().put_with(&path, &[("If-Match", r#"W/"1""#)], &patient).expect_error(412);
        assert_eq!(server.http().get(&path).expect(200).json()["gender"], "unknown");
        let id = unique("absent");
        patient["id"] = json!(id);
        server.http().put_with(&format!("Patient/{id}"), &[("If-Match", r#"W/"1""#)], &patient).expect_error(412);
    }
}

on_both! {
    fn one_of_many_concurrent_updates_wins(server: &Server) {
        let (_, patient) = patient();
        let first = server.http().create(&patient);
        let path = reference(&first);
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..8)
                .map(|number| {
                    let (mut mine, path) = (first.clone(), &path);
                    mine["name"][0]["given"] = json!([format!("Caller {number}")]);
                    scope.spawn(move || server.http().put_with(path, &[("If-Match", r#"W/"1""#)], &mine).status)
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(200), count(412)), (1, 7), "{statuses:?}");
    }
}

on_both! {
    fn refuses_a_body_that_contradicts_the_url(server: &Server) {
        let (_, mut patient) = patient();
        let path = format!("Patient/{}", unique("url"));
        server.http().put(&path, &patient).expect_error(400);
        patient["id"] = json!(unique("body"));
        server.http().put(&path, &patient).expect_error(400);
        server.http().get(&path).expect_error(404);
    }
}
