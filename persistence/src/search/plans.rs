//! Tests of the plans: the statements of typical searches as a snapshot (they are the same text on both databases, which
//! differ only in how placeholders are written), and that SQLite answers each from the index made for it.

use crate::connection::Link;
use crate::names::Names;
use crate::search::counts::Counts;
use crate::statement::Statement;
use crate::transaction::{Locking, Transaction};
use crate::{Connections, Estimates, StoreSettings, schema_version};
use diesel::connection::{Connection as _, InstrumentationEvent};
use diesel::sql_types::{Integer, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use domain::access::actor::Actor;
use domain::access::scope::Letter;
use domain::access::{Access, decision};
use domain::clock::Instant;
use domain::conformance::{Definitions, SearchParameters};
use domain::id::Id;
use domain::index::extract;
use domain::resource::json::Json;
use domain::search::page::Seal;
use domain::search::{Compartment, Context, Limits, SearchScope, parse};
use domain::store::{Method, NewVersion, ReadTx, WriteTx};
use std::fmt::Write;
use std::sync::{Arc, Mutex};

const BASE: &str = "https://x.example/FHIR/R4";

/// Searches of DESIGN §9 and those whose cost must not grow with the store, each with the indexes that answer it.
const SEARCHES: &[(&str, &[&str])] = &[
    ("Patient?identifier=urn:mrn|7", &[TOKEN_SYSTEM]),
    ("Patient?identifier=7", &[TOKEN]),
    ("Patient?name=fam1", &["ix_string_value (p=? AND folded>? AND folded<?)"]),
    ("Patient?name:exact=Fam1&gender=male", &["ix_string_value (p=? AND folded=?)", "ix_token_rid"]),
    ("Patient?name:contains=am1", &["resource_type_rid", "ix_string_rid (rid=?)"]),
    ("Patient?birthdate=ge1970&gender=female", &[TOKEN, "ix_date_rid (rid=? AND p=?)"]),
    ("Observation?patient=p7&code=c1&_sort=-date", &[TARGET, "ix_token_rid", "ix_date_rid"]),
    ("Observation?patient.identifier=urn:mrn|7&code=c1", &[TOKEN_SYSTEM, TARGET, "ix_token_rid"]),
    (
        "MedicationRequest?patient=p7&_include=MedicationRequest:encounter&_include=MedicationRequest:requester",
        &[TARGET, "ix_reference_rid (rid=?)", "resource_key (key=?)"],
    ),
    (
        "Observation?patient=p7&_include=Observation:encounter",
        &[TARGET, "ix_reference_rid (rid=?)", "resource_key (key=?)"],
    ),
    ("Patient?_id=p7&_revinclude=Condition:patient", &["resource_key (key=?)", TARGET]),
    ("Condition?code=urn:sct|d3", &[TOKEN_SYSTEM]),
    ("Condition?code=d3,d4", &[TOKEN]),
    ("Observation?code=urn:loinc|c1&value-quantity=gt50", &[TOKEN_SYSTEM, "ix_quantity_rid (rid=?)"]),
    ("Patient?_has:Condition:patient:code=d3", &[TOKEN, "ix_reference_rid"]),
    ("Condition?code:in=ValueSet/v", &["ix_token_rid (rid=? AND p=?", TOKEN_SYSTEM]),
    (
        "Observation?code:in=http://v.example/all",
        &["PRIMARY KEY (p=? AND value=?)", "ix_token_rid (rid=? AND p=?"],
    ),
    ("Observation?_content=three", &["ix_words_word (word=?)", TOKEN_SYSTEM]),
    ("Patient?_list=l", &["resource_key (key=?)", "ix_reference_rid"]),
    ("Observation?patient=p7&_sort=code", &[TARGET, "ix_token_rid (rid=?)"]),
    (
        "Observation?patient=p7&_sort=-encounter",
        &[TARGET, "ix_reference_rid (rid=?)", "resource_key (key=?)"],
    ),
    ("Observation?category=vital", &[TOKEN, "resource_type_rid", "ix_token_rid"]),
    ("Observation?category=urn:cat|vital&_sort=-date", &["PRIMARY KEY (p=?)"]),
    ("Observation?_sort=-date", &["PRIMARY KEY (p=?)"]),
    ("Observation?_sort=-_lastUpdated", &["resource_type_updated (type_id=?)"]),
    (
        "Observation?_lastUpdated=ge2020&_sort=_lastUpdated",
        &["resource_type_updated (type_id=? AND updated_us>?)"],
    ),
    ("Observation", &["resource_type_rid"]),
    ("Observation?status:not=draft", &["resource_type_rid", "ix_token_rid"]),
    ("Patient/p7/Observation?code=c1&_sort=-date", &[TARGET, "ix_token_rid", "ix_date_rid"]),
    ("Patient/p7/*", &[TARGET, "resource_key (key=?)"]),
    ("Patient/p7/*?_type=Condition,Encounter", &[TARGET]),
    ("Encounter/e7/Observation", &[TARGET]),
    ("?_type=Condition,Encounter", &["MERGE (UNION ALL)", "resource_type_rid (type_id=?)"]),
    ("?_type=Condition,Observation&code=d3", &[TOKEN]),
    ("?_id=p7", &["resource_key (key=?)"]),
    // Links on links: from the end that an index finds, whatever types the links may lead to.
    (
        "Observation?encounter:Encounter.patient:Patient.organization:Organization.name=org1",
        &["ix_string_value (p=? AND folded>? AND folded<?)", TARGET],
    ),
    ("Observation?encounter.subject.identifier=urn:mrn|7", &[TOKEN_SYSTEM, TARGET]),
    ("Organization?_has:Patient:organization:_has:Condition:patient:code=d3", &[TOKEN, "ix_reference_rid"]),
    ("List?item._has:Condition:patient:code=d0", &[TOKEN, "ix_reference_rid", TARGET]),
    ("List?item._id=p7", &["resource_key (key=?)", TARGET]),
    (
        "Observation?code:in=ValueSet/large",
        &["ix_token_rid (rid=? AND p=?", "PRIMARY KEY (p=? AND code=? AND system=? AND rid=?)"],
    ),
];

/// Searches by the app of Patient/p7, which reads that patient's record and what is about nobody.
const OF_A_PATIENT: &[(&str, &[&str])] = &[
    ("", &["PRIMARY KEY (patient_key=? AND type_id=?", "resource_type_rid (type_id=?)"]),
    ("?_sort=-_lastUpdated", &["PRIMARY KEY (patient_key=? AND type_id=?"]),
    ("Patient/p7/*", &[TARGET, "compartment_rid (rid=? AND patient_key=?"]),
    ("Observation?_sort=-date", &["PRIMARY KEY (patient_key=? AND type_id=?"]),
    ("?_id=p7,c7", &["resource_key (key=?)"]),
    ("Observation?patient=p7&_include=*", &[TARGET]),
];

fn of_a_patient() -> Access {
    let scope = "patient/*.rs".to_owned();
    let patient = Some(Id::parse("p7").unwrap());
    let app = Actor { client: Some("app".to_owned()), fhir_user: None, patient, scope, open: false };
    decision::access(&app, Letter::Search, &[])
}

/// The primary key of `ix_token`, for a code and for a code of a system.
const TOKEN: &str = "PRIMARY KEY (p=? AND code=?)";
const TOKEN_SYSTEM: &str = "PRIMARY KEY (p=? AND code=? AND system=?)";

/// The index of what refers to a resource.
const TARGET: &str = "ix_reference_target (target=? AND p=?)";

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Integer)]
    parent: i32,
    #[diesel(sql_type = Text)]
    detail: String,
}

/// Forty patients with sixty Observations each, and what these refer to.
fn ward() -> Vec<(&'static str, String, String)> {
    let mut all = Vec::new();
    for patient in 0..40 {
        let (id, other) = (format!("p{patient}"), patient % 7);
        let gender = if patient % 2 == 0 { "female" } else { "male" };
        all.push(("Patient", id.clone(), format!(r#""gender":"{gender}","birthDate":"19{}-02-03","name":[{{"family":"Fam{other}"}}],"identifier":[{{"system":"urn:mrn","value":"{patient}"}}],"managingOrganization":{{"reference":"Organization/org{other}"}}"#, 50 + patient)));
        let subject = format!(r#""subject":{{"reference":"Patient/{id}"}}"#);
        all.push((
            "Encounter",
            format!("e{patient}"),
            format!(r#""status":"finished","class":{{"code":"AMB"}},{subject}"#),
        ));
        all.push((
            "Condition",
            format!("c{patient}"),
            format!(r#""code":{{"coding":[{{"system":"urn:sct","code":"d{other}"}}]}},{subject}"#),
        ));
        all.push(("MedicationRequest", format!("m{patient}"), format!(r#""status":"active","intent":"order","medicationCodeableConcept":{{"text":"x"}},"encounter":{{"reference":"Encounter/e{patient}"}},{subject}"#)));
        for number in 0..60 {
            let (category, day) = (if number % 10 < 7 { "vital" } else { "lab" }, 1 + number % 28);
            all.push(("Observation", format!("o{patient}-{number}"), format!(r#""status":"final","category":[{{"coding":[{{"system":"urn:cat","code":"{category}"}}]}}],"code":{{"coding":[{{"system":"urn:loinc","code":"c{}"}}]}},"effectiveDateTime":"2024-03-{day:02}","valueQuantity":{{"value":{number},"unit":"mg"}},"encounter":{{"reference":"Encounter/e{patient}"}},{subject}"#, number % 2)));
        }
    }
    let set = |codes: &str| {
        format!(r#""status":"active","url":"http://v.example/all","compose":{{"include":[{codes}]}}"#)
    };
    all.push((
        "ValueSet",
        "v".to_owned(),
        set(r#"{"system":"urn:sct","concept":[{"code":"d3"},{"code":"d4"}]}"#),
    ));
    all.push(("ValueSet", "w".to_owned(), set(r#"{"system":"urn:loinc","concept":[{"code":"c0"}]}"#)));
    for number in 0..7 {
        all.push(("Organization", format!("org{number}"), format!(r#""name":"Org{number}""#)));
    }
    let codes: Vec<String> = (0..200).map(|number| format!(r#"{{"code":"c{}"}}"#, number + 1)).collect();
    let large = format!(r#"{{"system":"urn:loinc","concept":[{}]}}"#, codes.join(","));
    all.push(("ValueSet", "large".to_owned(), set(&large)));
    all.push((
        "Observation",
        "words".to_owned(),
        r#""status":"final","code":{"text":"One two three"}"#.to_owned(),
    ));
    all.push(("List", "l".to_owned(), r#""entry":[{"item":{"reference":"Patient/p7"}}]"#.to_owned()));
    all
}

fn fill(tx: &mut Transaction<'_>) {
    for (at, (name, id, members)) in ward().into_iter().enumerate() {
        let type_ = Definitions::r4().type_id(name).unwrap();
        let body = format!(r#"{{"resourceType":"{name}","id":"{id}",{members}}}"#).into_bytes();
        let indexed = extract(SearchParameters::r4(), type_, &Json::parse(&body).unwrap(), BASE);
        let updated = Instant(1_700_000_000_000_000 + i64::try_from(at).unwrap());
        let (id, method) = (Id::parse(&id).unwrap(), Method::Update);
        tx.write(vec![NewVersion {
            type_,
            id,
            version: 1,
            row: None,
            revives: false,
            updated,
            method,
            body,
            indexed,
        }])
        .unwrap();
    }
}

/// Where a search at this path looks.
fn scope(path: &str) -> SearchScope {
    let type_ = |name: &str| Definitions::r4().type_id(name);
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [owner, id, member] => {
            let compartment = Compartment::of(type_(owner).unwrap(), Id::parse(id).unwrap()).unwrap();
            SearchScope::Compartment(compartment, type_(member))
        }
        _ => SearchScope::from(type_(path)),
    }
}

/// Runs a search; the statements it sent.
fn statements(
    tx: &mut Transaction<'_>,
    sent: &Mutex<Vec<String>>,
    (url, access): (&str, &Access),
) -> Vec<String> {
    let (name, query) = url.split_once('?').unwrap_or((url, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let context = Context {
        parameters: SearchParameters::r4(),
        base: BASE,
        now: Instant(0),
        lenient: false,
        seal: Seal { key: &[0; 32], caller: "" },
        limits: &Limits::DEFAULT,
    };
    let query = parse(&context, scope(name), &pairs).unwrap().query;
    sent.lock().unwrap().clear();
    let found = tx.search(access, &query).unwrap();
    assert!(!found.matches.is_empty(), "{url} finds something");
    std::mem::take(&mut *sent.lock().unwrap())
}

/// How deep a step stands in the plan.
fn depth(steps: &[Step], step: &Step) -> usize {
    steps.iter().find(|other| other.id == step.parent).map_or(0, |parent| depth(steps, parent) + 1)
}

/// The steps of SQLite's plan, indented by their depth.
fn plan(tx: &mut Transaction<'_>, sql: &str) -> Vec<String> {
    let Link::Sqlite(connection) = &mut tx.connection.link else { panic!("SQLite") };
    let steps: Vec<Step> = sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(&mut **connection).unwrap();
    steps.iter().map(|step| format!("{}{}", "  ".repeat(depth(&steps, step)), step.detail)).collect()
}

/// Whether the plan reads a table or an index from one end to the other. What it has gathered itself it may scan.
fn scans(plan: &[String]) -> Option<&String> {
    let gathered = |name: &str| {
        let (routine, made) = (format!("CO-ROUTINE {name}"), format!("MATERIALIZE {name}"));
        plan.iter().any(|step| [&routine, &made].contains(&&step.trim_start().to_owned()))
    };
    plan.iter().find(|step| {
        let name = step.trim_start().strip_prefix("SCAN ");
        name.is_some_and(|name| name != "CONSTANT ROW" && !gathered(name))
    })
}

/// The statement with long lists as one `?`.
fn shortened(mut sql: String) -> String {
    while sql.contains("?, ?") {
        sql = sql.replace("?, ?", "?");
    }
    sql
}

#[test]
fn searches_are_answered_from_their_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("plans.db").display());
    let pool = Connections::open(&StoreSettings::new(url)).unwrap();
    let mut connection = pool.get().unwrap();
    schema_version::migrate(&mut connection).unwrap();
    let names = Names::intern(&mut connection, Counts::new(1000, Estimates::DEFAULT)).unwrap();
    connection.begin("BEGIN").unwrap();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let mut tx = Transaction::new(&mut connection, &names, Locking::Wait);
    fill(&mut tx);
    let log = Arc::clone(&sent);
    let Link::Sqlite(own) = &mut tx.connection.link else { panic!("SQLite") };
    own.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            log.lock().unwrap().push(query.to_string());
        }
    });
    let (mut snapshot, mut faults) = (String::new(), Vec::new());
    let (everything, own) = (Access::everything(), of_a_patient());
    let anybody = SEARCHES.iter().map(|(url, indexes)| (url, indexes, &everything));
    let theirs = OF_A_PATIENT.iter().map(|(url, indexes)| (url, indexes, &own));
    for (url, indexes, access) in anybody.chain(theirs) {
        let by = if access.is_everything() { "" } else { " by the app of p7" };
        writeln!(snapshot, "# GET {url}{by}").unwrap();
        let mut plans = String::new();
        let statements = statements(&mut tx, &sent, (url, access));
        // One for the matches; those before it look up a ValueSet or count what would drive it.
        let searching = statements.iter().filter(|sql| sql.contains("v.body")).count();
        assert!(searching == 1 || url.contains("include"), "{url}: {searching} statements");
        for sql in statements {
            let sql = sql.split(" -- binds:").next().unwrap_or_default().to_owned();
            let plan = plan(&mut tx, &sql);
            faults.extend(scans(&plan).map(|step| format!("{url}: {step}")));
            writeln!(snapshot, "{}", shortened(sql)).unwrap();
            plan.iter().for_each(|step| writeln!(snapshot, "    {step}").unwrap());
            plans.push_str(&plan.join("\n"));
        }
        for index in *indexes {
            if !plans.contains(index) {
                faults.push(format!("{url}: not by {index}"));
            }
        }
        snapshot.push('\n');
    }
    insta::assert_snapshot!(snapshot);
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What a statement of the store looks like on PostgreSQL: the same text, other placeholders.
#[test]
fn statements_differ_in_placeholders_alone() {
    let mut statement = Statement::new("SELECT rid FROM resource WHERE type_id = ");
    statement.integer(1).sql(" AND fhir_id = ").text("a");
    let sqlite = diesel::debug_query::<diesel::sqlite::Sqlite, _>(&statement.rows::<()>()).to_string();
    let postgres = diesel::debug_query::<diesel::pg::Pg, _>(&statement.rows::<()>()).to_string();
    assert!(
        postgres.starts_with("SELECT rid FROM resource WHERE type_id = $1 AND fhir_id = $2"),
        "{postgres}"
    );
    assert!(sqlite.starts_with("SELECT rid FROM resource WHERE type_id = ? AND fhir_id = ?"), "{sqlite}");
}
