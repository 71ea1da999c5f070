//! Refresh tokens over time: races, lost answers, copies, disuse and withdrawal.

use super::*;

/// Whether an access token opens anything now.
fn is_current(world: &World, answer: &Value) -> bool {
    let claims = access_token::verify(&world.server, answer["access_token"].as_str().unwrap());
    let Ok(claims) = claims else { return false };
    world.run(move |_, tx| Ok(access_token::check_current(tx, &claims).is_ok()))
}

fn refresh_token(answer: &Value) -> &str {
    answer["refresh_token"].as_str().unwrap()
}

#[test]
fn a66_a_lost_answer_is_replaced_and_a_copy_ends_it_all() {
    let world = World::new();
    let (_, first) = world.exchange(&world.code_for("offline_access patient/*.rs", "s"));
    let (_, lost) = world.refresh(refresh_token(&first));
    assert!(is_current(&world, &lost));
    assert_eq!(world.refresh(refresh_token(&first)).0, 400, "within three seconds it is a race");
    assert!(is_current(&world, &lost));
    world.wait(10);
    let (status, replaced) = world.refresh(refresh_token(&first));
    assert_eq!(status, 200);
    assert!(!is_current(&world, &lost) && is_current(&world, &replaced), "one branch lives");
    world.wait(10);
    let (status, second) = world.refresh(refresh_token(&replaced));
    assert_eq!(status, 200);
    world.wait(10);
    // Somebody comes with a token whose answer was used: all of it ends.
    assert_eq!(world.refresh(refresh_token(&first)).0, 400);
    for answer in [&first, &lost, &replaced, &second] {
        assert!(!is_current(&world, answer));
        assert_eq!(world.refresh(refresh_token(answer)).0, 400);
    }
}

#[test]
fn a66_who_holds_the_dead_branch_ends_it_all() {
    let world = World::new();
    let (_, first) = world.exchange(&world.code_for("offline_access patient/*.rs", "s"));
    let (_, own) = world.refresh(refresh_token(&first));
    world.wait(10);
    // A thief replays the first; the app then comes with what it was given.
    let (status, stolen) = world.refresh(refresh_token(&first));
    assert_eq!(status, 200);
    assert_eq!(world.refresh(refresh_token(&own)).0, 400);
    world.wait(10);
    assert_eq!(world.refresh(refresh_token(&own)).0, 400);
    assert!(!is_current(&world, &own));
    let (status, _) = world.refresh(refresh_token(&stolen));
    assert_eq!((status, is_current(&world, &stolen)), (400, false), "the thief's branch ends with it");
}

#[test]
fn refresh_tokens_end_with_disuse_or_with_the_session() {
    let world = World::new();
    let (_, offline) = world.exchange(&world.code_for("offline_access patient/*.rs", "s"));
    world.wait(89 * 86_400);
    let (status, next) = world.refresh(refresh_token(&offline));
    assert_eq!(status, 200);
    world.wait(90 * 86_400);
    assert_eq!(world.refresh(refresh_token(&next)).0, 400);

    let limits = Limits { account: 0, address: 0 };
    let session = world.run(move |server, tx| {
        let attempt = login::begin(server, tx, "u", "", limits)?.unwrap();
        login::succeed(server, tx, &attempt)
    });
    let (_, online) = world.exchange(&world.code_for("online_access patient/*.rs", &session));
    world.wait(3000);
    let (status, next) = world.refresh(refresh_token(&online));
    assert_eq!(status, 200);
    world.wait(600);
    assert_eq!(world.refresh(refresh_token(&next)).0, 400, "the session is over");
    let (status, answer) = world.exchange(&world.code_for("online_access patient/*.rs", "no session"));
    assert_eq!((status, answer["refresh_token"].is_null()), (200, true));
}

#[test]
fn who_may_no_longer_act_for_a_patient_refreshes_no_more() {
    let world = World::new();
    let (_, first) = world.exchange(&world.code_for("offline_access patient/*.rs", "s"));
    let (status, second) = world.refresh(refresh_token(&first));
    assert_eq!(status, 200);
    world.run(|_, tx| {
        let changed = user::User { fhir_user: "Patient/q".into(), ..person() };
        let record =
            Record { key: "u".into(), body: crate::authorization::to_json(&changed)?, expires: None };
        tx.put_authorization(Kind::User, &record)
    });
    assert_eq!(world.refresh(refresh_token(&second)).0, 400);
}
