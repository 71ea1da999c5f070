//! What the store's source shows (DESIGN §2, invariant 4): no row of a resource leaves a function that was not told who
//! asks, and every query for rows holds that as a criterion.

use crate::architecture::{code, sources};

/// A function in the source: its name, its head up to the body, and all of it.
struct Function {
    place: String,
    name: String,
    head: String,
    whole: String,
}

/// The functions of a file outside its tests.
fn functions(name: &str, text: &str) -> Vec<Function> {
    let lines: Vec<(usize, &str)> = code(text).collect();
    let begins = |line: &str| {
        let line = line.trim_start();
        let rest =
            ["pub(crate) ", "pub(super) ", "pub "].iter().find_map(|p| line.strip_prefix(p)).unwrap_or(line);
        rest.strip_prefix("const ").unwrap_or(rest).starts_with("fn ")
    };
    let starts: Vec<usize> = (0..lines.len()).filter(|at| begins(lines[*at].1)).collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let function = |(from, to): (&usize, usize)| {
        let whole: String = lines[*from..to].iter().map(|(_, line)| format!("{line}\n")).collect();
        let end = whole.find(" {\n").or_else(|| whole.find(";\n")).unwrap_or(whole.len());
        let head = whole[..end].to_owned();
        let name_of =
            head.split_once("fn ").map_or("", |(_, rest)| rest.split(['(', '<']).next().unwrap_or(rest));
        Function { place: format!("{name}:{}", lines[*from].0), name: name_of.to_owned(), head, whole }
    };
    starts.iter().zip(ends).map(function).collect()
}

/// Those of the files that `wanted` names; there must be some.
fn of(wanted: impl Fn(&str) -> bool) -> Vec<Function> {
    let files = sources().into_iter().filter(|(name, _)| wanted(name) && !name.ends_with("plans.rs"));
    let found: Vec<Function> = files.flat_map(|(name, text)| functions(&name, &text)).collect();
    assert!(found.len() > 3, "no functions found");
    found
}

/// Whether the answer of a function holds resources.
fn answers_rows(function: &Function) -> bool {
    let answer = function.head.rsplit_once("->").map_or("", |(_, answer)| answer);
    ["Stored", "Current", "HistoryPage", "Matches", "VersionRow", "Found"]
        .iter()
        .any(|name| answer.contains(name))
}

fn reads(name: &str) -> bool {
    name.starts_with("persistence/src/resources/") || name.starts_with("persistence/src/search/")
}

#[test]
fn the_traits_of_the_store_ask_for_an_access() {
    let functions = of(|name| name == "domain/src/store/mod.rs");
    let rows: Vec<&Function> = functions.iter().filter(|function| answers_rows(function)).collect();
    assert!(rows.len() >= 5, "read, vread, history, search and current are found");
    for function in rows {
        assert!(function.head.contains("access: &Access"), "{} answers rows to anybody", function.place);
    }
}

#[test]
fn no_function_of_the_store_answers_rows_without_an_access() {
    let functions = of(reads);
    let rows: Vec<&Function> = functions.iter().filter(|function| answers_rows(function)).collect();
    assert!(rows.len() >= 8, "{} functions answer rows", rows.len());
    for function in rows {
        // `stored` turns a row that somebody else has read into the domain's form.
        let converts = function.name == "stored" && function.head.contains("row: VersionRow");
        assert!(converts || function.head.contains("&Access"), "{} answers rows to anybody", function.place);
    }
}

#[test]
fn every_query_for_rows_holds_the_access_as_a_criterion() {
    let mut queries = 0;
    let queries_rows = |function: &&Function| {
        ["connection.versions(", "connection.sorted_versions("]
            .iter()
            .any(|call| function.whole.contains(call))
    };
    for function in of(reads).iter().filter(queries_rows) {
        queries += 1;
        let criterion = ["covered", "conditions(", "select(", "living("];
        assert!(
            function.head.contains("&Access") && criterion.iter().any(|call| function.whole.contains(call)),
            "{} reads rows without the access as a criterion",
            function.place
        );
    }
    assert!(queries >= 6, "{queries} queries are found");
    for function in
        of(reads).iter().filter(|function| ["conditions", "select", "living"].contains(&&*function.name))
    {
        let passes_on = function.whole.contains("covered") || function.whole.contains("living(");
        assert!(passes_on, "{} passes no access on", function.place);
    }
}

#[test]
fn rows_are_read_in_three_rooms_and_unseen_only_for_who_sees_everything() {
    for (name, text) in sources().iter().filter(|(name, _)| name.starts_with("persistence/src/")) {
        let everything =
            name.starts_with("persistence/src/integrity/") || name == "persistence/src/index/rebuild.rs";
        let asked = ["persistence/src/connection.rs", "persistence/src/found.rs"].contains(&&**name);
        if reads(name) || everything || asked {
            continue;
        }
        for (number, line) in code(text) {
            assert!(
                !line.contains("versions(&") || line.contains("write::versions"),
                "{name}:{number} reads rows"
            );
        }
    }
    let check = of(|name| name == "persistence/src/integrity/mod.rs");
    let check = check.iter().find(|function| function.name == "check").expect("the check of the store");
    assert!(check.whole.contains("if !access.is_everything()"), "{} asks nobody who they are", check.place);
    for function in of(|name| name == "persistence/src/index/rebuild.rs") {
        let refuses = function.whole.contains("if !access.is_everything()");
        assert!(
            refuses || !function.whole.contains("versions(&"),
            "{} asks nobody who they are",
            function.place
        );
    }
}
