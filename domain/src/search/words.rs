//! The queries of `_text` and `_content` (`FHIR R4 search.html#text`): words joined by `AND` (or nothing) and `OR`, with
//! parentheses, like `(bone OR liver) and metastases`.
//!
//! A query becomes clauses: of each at least one word must be in the text.

use super::query::{Criterion, Test};
use crate::index::Facet;
use crate::index::hash::text_key;
use crate::index::words::{Parameters, words};

/// Clauses of a query, and words of a clause.
const MAX: usize = 64;

/// Parentheses within parentheses.
const MAX_DEPTH: usize = 16;

/// Words of which one must be there.
type Clause = Vec<String>;

/// Reads `_text` (the narrative) or `_content` (everything).
///
/// Errors: why it is no query.
pub(super) fn parse(queries: &[String], narrative: bool) -> Result<Criterion, String> {
    let parameters = Parameters::r4().ok_or("it is not supported")?;
    let mut any = Vec::with_capacity(queries.len());
    for query in queries {
        let all = clauses(query)?.iter().map(|clause| one_of(parameters, narrative, clause)).collect();
        any.push(Criterion::All(all));
    }
    Ok(match any.pop() {
        Some(Criterion::All(mut all)) if any.is_empty() && all.len() == 1 => {
            all.pop().unwrap_or(Criterion::Never)
        }
        Some(last) if any.is_empty() => last,
        last => Criterion::Any(any.into_iter().chain(last).collect()),
    })
}

/// That one of the words is there.
fn one_of(parameters: Parameters, narrative: bool, clause: &Clause) -> Criterion {
    let tests = || clause.iter().map(|word| Test::Word(text_key(word))).collect();
    let matches =
        |parameter| Criterion::Matches { parameter, facet: Facet::Value, tests: tests(), negated: false };
    if narrative {
        return matches(parameters.narrative);
    }
    // The narrative is part of the content, and its words are kept apart.
    Criterion::Any(vec![matches(parameters.rest), matches(parameters.narrative)])
}

fn clauses(query: &str) -> Result<Vec<Clause>, String> {
    if query.contains('"') {
        return Err("phrases in quotation marks are not supported; join the words by AND".to_owned());
    }
    let spaced = query.replace('(', " ( ").replace(')', " ) ");
    let mut reader = Reader { tokens: spaced.split_whitespace().collect(), at: 0, depth: 0 };
    let clauses = reader.or()?;
    if reader.at < reader.tokens.len() {
        return Err("it has a ')' without a '('".to_owned());
    }
    Ok(clauses)
}

struct Reader<'q> {
    tokens: Vec<&'q str>,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn next_is(&mut self, word: &str) -> bool {
        let is = self.tokens.get(self.at).is_some_and(|token| token.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn or(&mut self) -> Result<Vec<Clause>, String> {
        let mut found = self.and()?;
        while self.next_is("or") {
            let other = self.and()?;
            if found.len() * other.len() > MAX {
                return Err(too_long());
            }
            // (a and b) or (c and d) is (a or c) and (a or d) and (b or c) and (b or d).
            let pairs =
                found.iter().flat_map(|a| other.iter().map(move |b| [a.as_slice(), b.as_slice()].concat()));
            found = pairs.collect();
        }
        if found.iter().any(|clause| clause.len() > MAX) {
            return Err(too_long());
        }
        Ok(found)
    }

    fn and(&mut self) -> Result<Vec<Clause>, String> {
        let mut found = self.unit()?;
        loop {
            let joined = self.next_is("and");
            match self.tokens.get(self.at) {
                None | Some(&")") if !joined => return Ok(found),
                Some(token) if !joined && token.eq_ignore_ascii_case("or") => return Ok(found),
                _ => found.extend(self.unit()?),
            }
            if found.len() > MAX {
                return Err(too_long());
            }
        }
    }

    fn unit(&mut self) -> Result<Vec<Clause>, String> {
        let Some(token) = self.tokens.get(self.at).copied() else {
            return Err("it ends where a word is missing".to_owned());
        };
        self.at += 1;
        match token {
            "(" => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(format!("it may have {MAX_DEPTH} parentheses within each other"));
                }
                let found = self.or()?;
                self.depth -= 1;
                if self.next_is(")") { Ok(found) } else { Err("a '(' is never closed".to_owned()) }
            }
            ")" => Err("it has a ')' where a word is missing".to_owned()),
            _ if ["and", "or"].iter().any(|word| token.eq_ignore_ascii_case(word)) => {
                Err(format!("a word is missing before '{token}'"))
            }
            _ if token.eq_ignore_ascii_case("not") => Err("NOT is not supported".to_owned()),
            _ => {
                let mut found = Vec::new();
                words(token, &mut |word| found.push(vec![word.to_owned()]));
                if found.is_empty() {
                    return Err(format!("'{token}' has neither letters nor digits"));
                }
                Ok(found)
            }
        }
    }
}

fn too_long() -> String {
    format!(
        "it is too long: written as words of which one must be there, joined by AND, it may have {MAX} of {MAX}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> String {
        match clauses(query) {
            Ok(clauses) => clauses.iter().map(|clause| clause.join("|")).collect::<Vec<_>>().join(" "),
            Err(fault) => format!("! {fault}"),
        }
    }

    #[test]
    fn queries_are_read_as_clauses() {
        for (query, clauses) in [
            ("(bone OR liver) and metastases", "bone|liver metastases"),
            ("Bone  Líver", "bone liver"),
            ("a or b c", "a|b a|c"),
            ("a AND (b OR (c d))", "a b|c b|d"),
            ("O'Neill-7", "o neill 7"),
            ("((x))", "x"),
        ] {
            assert_eq!(read(query), clauses, "{query}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for query in
            ["", "a or", "or a", "(a", "a)", "()", "not a", "\"a b\"", "-", "a and and b", &"(".repeat(40)]
        {
            assert!(read(query).starts_with('!'), "{query}: {}", read(query));
        }
        assert!(read(&["(a b c d)"; 4].join(" or ")).starts_with('!'));
        assert!(read(&vec!["a"; 100].join(" ")).starts_with('!'));
    }
}
