//! The catalogue of errors that callers read, `docs/errors.md`, made from [`TABLE`].

use super::{DETAIL_SYSTEM, Row, TABLE};

/// What stands above the table.
const PREFACE: &str = "\
# Errors

Every failed request is answered with an OperationOutcome, and so is every failed entry of a batch, in
`Bundle.entry.response.outcome`. Of each issue, `code` is the FHIR issue type below and `details.coding` the code, in the
system `{system}`. `diagnostics` says what is wrong and what to do, and `expression` where, as a FHIRPath: in the resource
that was sent, or in the Bundle, from `Bundle.entry[n]`. Issues of severity `warning` come with requests that succeed.

401 has `WWW-Authenticate`, 405 `Allow`, 429 and 503 `Retry-After`. Every answer has `X-Request-ID`, which the log of the
server has too. A status of 500 or more never means that the input was wrong: 503 may be sent again after its
`Retry-After`, and 504 asks to read before a write is repeated.

This page is made from the table in `domain/src/error/table.rs` by `make errors`.
";

/// The page, in Markdown.
pub fn markdown() -> String {
    let mut page = PREFACE.replace("{system}", DETAIL_SYSTEM);
    let mut rows: Vec<&Row> = TABLE.iter().collect();
    rows.sort_by_key(|row| row.status);
    page.push_str("\n| status | issue type | code | what it means | what to do |\n|---|---|---|---|---|\n");
    for row in rows {
        page.push_str(&format!(
            "| {} | `{}` | `{}` | {} | {} |\n",
            row.status,
            row.issue_type,
            row.detail,
            cell(row.meaning),
            cell(row.advice)
        ));
    }
    page
}

/// Text of one cell: a bar would end it.
fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_page_is_the_one_that_is_committed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(committed, markdown(), "run `make errors`");
    }

    #[test]
    fn every_row_can_be_told() {
        let codes =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/definitions/codes.tsv")).unwrap();
        let issue_types: HashSet<&str> = codes
            .lines()
            .filter(|line| line.starts_with("http://hl7.org/fhir/ValueSet/issue-type\t"))
            .filter_map(|line| line.rsplit('\t').next())
            .collect();
        for row in TABLE {
            assert!(issue_types.contains(row.issue_type), "{} is no issue type", row.issue_type);
            assert!((400..600).contains(&row.status), "{}", row.detail);
            assert!(row.meaning.len() > 10 && row.advice.ends_with('.'), "{}", row.detail);
            assert!(row.detail.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{}", row.detail);
        }
    }
}
