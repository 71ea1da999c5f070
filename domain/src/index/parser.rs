//! Reads the text of a search parameter expression into paths, one for each branch of its unions.

/// One branch of an expression.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path<'e> {
    /// Its parts; the first may name the base type or `%resource`.
    pub(super) parts: Vec<Part<'e>>,
    /// Whether it is `path.exists() and path != false`.
    pub(super) truth: bool,
}

/// One part of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'e> {
    /// `.name`
    Member(&'e str),
    /// `as T`, `.as(T)`, `.ofType(T)`
    Type(&'e str),
    /// `.where(member='value')`
    Equals(&'e str, &'e str),
    /// `.where(resolve() is T)`
    Resolves(&'e str),
    /// `[n]`
    Nth(usize),
}

/// Reads an expression.
///
/// Errors: what was met where something else was expected.
pub(super) fn parse<'e>(text: &'e str) -> Result<Vec<Path<'e>>, String> {
    let mut reader = Reader { rest: text };
    let paths = reader.union()?;
    reader.space();
    if reader.rest.is_empty() { Ok(paths) } else { Err(format!("'{}' is not understood", reader.rest)) }
}

struct Reader<'e> {
    rest: &'e str,
}

impl<'e> Reader<'e> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn accept(&mut self, text: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.accept(text) { Ok(()) } else { Err(format!("expected '{text}' before '{}'", self.rest)) }
    }

    /// A keyword, which ends where the word ends.
    fn word(&mut self, word: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(word) {
            Some(rest) if !rest.starts_with(|c: char| c.is_ascii_alphanumeric()) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn identifier(&mut self) -> Result<&'e str, String> {
        self.space();
        let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '%');
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        if name.is_empty() { Err(format!("expected a name before '{}'", self.rest)) } else { Ok(name) }
    }

    fn union(&mut self) -> Result<Vec<Path<'e>>, String> {
        let mut paths = self.branch()?;
        while self.accept("|") {
            paths.extend(self.branch()?);
        }
        Ok(paths)
    }

    fn branch(&mut self) -> Result<Vec<Path<'e>>, String> {
        let mut paths = if self.accept("(") {
            let paths = self.union()?;
            self.expect(")")?;
            paths
        } else {
            vec![Path { parts: vec![Part::Member(self.identifier()?)], truth: false }]
        };
        loop {
            if self.accept(".") {
                match self.suffix()? {
                    Some(part) => paths.iter_mut().for_each(|path| path.parts.push(part)),
                    None => return self.truth(paths),
                }
            } else if self.accept("[") {
                let digits = self.identifier()?;
                let place = digits.parse().map_err(|_| format!("'{digits}' is not a place"))?;
                self.expect("]")?;
                paths.iter_mut().for_each(|path| path.parts.push(Part::Nth(place)));
            } else if self.word("as") {
                let type_ = self.identifier()?;
                paths.iter_mut().for_each(|path| path.parts.push(Part::Type(type_)));
            } else {
                return Ok(paths);
            }
        }
    }

    /// What follows a dot; `None` for `exists()`.
    fn suffix(&mut self) -> Result<Option<Part<'e>>, String> {
        let name = self.identifier()?;
        if !self.rest.starts_with('(') {
            return Ok(Some(Part::Member(name)));
        }
        self.expect("(")?;
        let part = match name {
            "exists" => None,
            "as" | "ofType" => Some(Part::Type(self.identifier()?)),
            "where" => Some(self.condition()?),
            other => return Err(format!("the function '{other}' is not understood")),
        };
        self.expect(")")?;
        Ok(part)
    }

    fn condition(&mut self) -> Result<Part<'e>, String> {
        let name = self.identifier()?;
        if name == "resolve" {
            self.expect("(")?;
            self.expect(")")?;
            if !self.word("is") {
                return Err("expected 'is' after 'resolve()'".to_owned());
            }
            return Ok(Part::Resolves(self.identifier()?));
        }
        self.expect("=")?;
        self.expect("'")?;
        let (value, rest) = self.rest.split_once('\'').ok_or("a text does not end")?;
        self.rest = rest;
        Ok(Part::Equals(name, value))
    }

    /// The rest of `path.exists() and path != false`, after `exists()`.
    fn truth(&mut self, mut paths: Vec<Path<'e>>) -> Result<Vec<Path<'e>>, String> {
        if !self.word("and") {
            return Err("expected 'and' after 'exists()'".to_owned());
        }
        let again = self.branch()?;
        self.expect("!=")?;
        if !self.word("false") || again != paths {
            return Err("expected 'x.exists() and x != false'".to_owned());
        }
        paths.iter_mut().for_each(|path| path.truth = true);
        Ok(paths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unions_types_and_conditions_are_read() {
        let paths =
            parse("(A.b as Quantity) | A.c.where(resolve() is Patient) | A.d.where(type='x').e.as(DateTime)")
                .unwrap();
        let parts: Vec<Vec<Part<'_>>> = paths.into_iter().map(|path| path.parts).collect();
        let a = Part::Member("A");
        assert_eq!(
            parts,
            [
                vec![a, Part::Member("b"), Part::Type("Quantity")],
                vec![a, Part::Member("c"), Part::Resolves("Patient")],
                vec![
                    a,
                    Part::Member("d"),
                    Part::Equals("type", "x"),
                    Part::Member("e"),
                    Part::Type("DateTime")
                ],
            ]
        );
        assert!(parse("A.b.exists() and A.b != false").unwrap().iter().all(|path| path.truth));
    }

    #[test]
    fn what_is_not_in_the_subset_is_refused() {
        for text in ["", "A.", "A.b.first()", "A b", "(A", "A.where(x>1)", "A.exists()"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
