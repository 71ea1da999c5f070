//! Read, HEAD, vread and the three histories (133, 134, 136, 168): one's own in full, of others nothing, not even that they are there.

use super::record::World;
use crate::http::{Answer, link};
use crate::server::unique;
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeSet;

/// The status, body and names of the headers of an answer: what somebody could tell two answers apart by.
pub(super) fn shape(answer: &Answer) -> (u16, String, BTreeSet<String>) {
    let names = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
    (answer.status, String::from_utf8_lossy(&answer.body).into_owned(), names)
}

/// All entries of a history, as `Type/id v`.
fn entries(world: &World, path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let page = world.get(&path).expect(200).json();
        for entry in page["entry"].as_array().map_or(&[][..], Vec::as_slice) {
            let url = entry["fullUrl"].as_str().unwrap();
            let name: Vec<&str> = url.rsplit('/').take(2).collect();
            let etag = entry["response"]["etag"].as_str().unwrap();
            found.insert(format!("{}/{} {etag}", name[1], name[0]));
        }
        next = link(&page, "next").map(str::to_owned);
    }
    found
}

guarded! {
    fn what_is_ones_own_is_read_in_every_way(server: &Server) {
        let world = World::new(server);
        for name in world.ann.ids.iter().chain(&world.shared) {
            let read = world.get(name).expect(200);
            assert_eq!(crate::http::reference(&read.json()), *name);
            let head = world.app.send(Method::HEAD, name, &[], None).expect(200);
            assert_eq!(head.header("etag"), read.header("etag"));
            world.get(&format!("{name}/_history/1")).expect(200);
            world.app.send(Method::GET, name, &[("If-None-Match", "W/\"1\"")], None).expect(304);
            assert_eq!(entries(&world, &format!("{name}/_history")), BTreeSet::from([format!("{name} W/\"1\"")]));
        }
    }

    fn what_is_somebody_elses_is_like_nothing(server: &Server) {
        let world = World::new(server);
        for name in world.bob.ids.iter().chain(&world.joint) {
            let kind = name.split_once('/').unwrap().0;
            let nothing = format!("{kind}/{}", unique("nothing"));
            for (method, rest, header) in [
                (Method::GET, "", None),
                (Method::HEAD, "", None),
                (Method::GET, "/_history/1", None),
                (Method::GET, "/_history/2", None),
                (Method::GET, "/_history", None),
                (Method::GET, "/_history?_since=2100-01-01T00:00:00Z", None),
                (Method::GET, "/_history?_count=0", None),
                (Method::GET, "", Some(("If-None-Match", "W/\"1\""))),
                (Method::GET, "", Some(("If-Modified-Since", "Sat, 01 Jan 2050 00:00:00 GMT"))),
                (Method::GET, "?_summary=true", None),
                (Method::GET, "?_pretty=true", None),
                (Method::DELETE, "", None),
                (Method::DELETE, "", Some(("If-Match", "W/\"1\""))),
                (Method::DELETE, "", Some(("If-Match", "W/\"7\""))),
            ] {
                let headers: Vec<(&str, &str)> = header.into_iter().collect();
                let theirs = world.app.send(method.clone(), &format!("{name}{rest}"), &headers, None);
                let none = world.app.send(method.clone(), &format!("{nothing}{rest}"), &headers, None);
                world.assert_clean(&theirs, name);
                if rest.contains("_since") {
                    // Nothing has happened since, to either.
                    assert_eq!((theirs.status, theirs.json()["total"].clone()), (200, Value::from(0)), "{theirs}");
                    assert_eq!((none.status, none.json()["total"].clone()), (200, Value::from(0)), "{none}");
                    continue;
                }
                assert_eq!(shape(&theirs), shape(&none), "{method} {name}{rest} {header:?}");
                // What is shared is nobody's to delete, whether it is there or not.
                let shared = world.shared.iter().any(|shared| shared.starts_with(&format!("{kind}/")));
                let expected = if shared && method == Method::DELETE { 403 } else { 404 };
                assert_eq!(theirs.status, expected, "{theirs}");
            }
            world.system.get(name).expect(200);
        }
    }

    fn what_no_patient_reaches_is_refused_before_it_is_looked_for(server: &Server) {
        let world = World::new(server);
        for name in &world.unreachable {
            let kind = name.split_once('/').unwrap().0;
            for path in [name.clone(), format!("{name}/_history"), format!("{kind}/{}", unique("nothing")), kind.to_owned()] {
                world.get(&path).expect_error(403);
            }
        }
    }

    fn deletions_of_others_are_like_nothing(server: &Server) {
        let world = World::new(server);
        for record in [&world.ann, &world.bob] {
            world.system.delete(&record.of("Flag")).expect(204);
        }
        world.get(&world.ann.of("Flag")).expect_error(410);
        assert_eq!(entries(&world, &format!("{}/_history", world.ann.of("Flag"))).len(), 2);
        let theirs = world.app.get(&world.bob.of("Flag"));
        let none = world.app.get(&format!("Flag/{}", unique("nothing")));
        assert_eq!(shape(&theirs), shape(&none));
        world.get(&format!("{}/_history", world.bob.of("Flag"))).expect_error(404);
        assert_eq!(entries(&world, "Flag/_history").len(), 2);
    }

    fn histories_of_types_and_of_the_system_hold_ones_own_alone(server: &Server) {
        let world = World::new(server);
        let own = |kind: &str| -> BTreeSet<String> {
            world.ann.ids.iter().filter(|id| id.starts_with(kind)).map(|id| format!("{id} W/\"1\"")).collect()
        };
        for kind in ["Patient/", "Observation/", "CarePlan/", "Provenance/", "List/", "Appointment/"] {
            assert_eq!(entries(&world, &format!("{kind}_history?_count=3")), own(kind));
        }
        assert_eq!(entries(&world, "Group/_history"), BTreeSet::new());
        // The system's history also tells of what is about nobody, of every test's world.
        let mut system = entries(&world, "_history?_count=1000");
        system.retain(|entry| {
            let kind = entry.split_once('/').unwrap().0;
            !world.shared.iter().any(|shared| shared.starts_with(&format!("{kind}/")))
        });
        assert_eq!(system, own(""));
        let total = |path: &str| world.get(path).expect(200).json()["total"].clone();
        assert_eq!(total("Observation/_history?_count=0"), Value::from(1));
    }

    fn versions_are_seen_as_far_as_they_were_ones_own(server: &Server) {
        let world = World::new(server);
        let moved = world.ann.of("Basic");
        let mut resource = world.system.get(&moved).expect(200).json();
        resource["subject"]["reference"] = Value::from(world.bob.patient());
        world.system.put(&moved, &resource).expect(200);
        resource.as_object_mut().unwrap().remove("subject");
        world.system.put(&moved, &resource).expect(200);
        world.get(&moved).expect_error(404);
        world.get(&format!("{moved}/_history/1")).expect(200);
        for version in [2, 3, 4] {
            world.get(&format!("{moved}/_history/{version}")).expect_error(404);
        }
        let first = BTreeSet::from([format!("{moved} W/\"1\"")]);
        for path in [format!("{moved}/_history"), "Basic/_history".into()] {
            assert_eq!(entries(&world, &path), first, "{path}");
        }
        world.system.delete(&moved).expect(204);
        world.get(&moved).expect_error(404);
        assert_eq!(entries(&world, &format!("{moved}/_history")), first);
        assert_eq!(world.finds("Basic"), BTreeSet::new());
    }
}
