//! One search parameter with its value: from `name:modifier=a,b` to a [`Criterion`].

use super::kind::reference::Hierarchy;
use super::kind::{date, number, quantity, reference, special, string, token, uri};
use super::modifier::{self, Modifier};
use super::parse::Context;
use super::query::{Criterion, Test, TextMatch, UriMatch};
use super::supported::has_values;
use super::{chain, escape, list, prefix, set, words};
use crate::conformance::definitions::SearchParameter;
use crate::conformance::search_parameters::Readiness;
use crate::conformance::{Definitions, SearchKind, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::index::Facet;
use crate::index::extract::{elements, looks_at_canonicals, targets};

/// A parameter that is wrong in itself.
pub(super) fn invalid(name: &str, reason: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidParameter, format!("The parameter '{name}': {reason}."))
}

/// A parameter of the specification that is not done here.
pub(super) fn unsupported(name: &str, reason: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::NotSupported, format!("The parameter '{name}': {reason}."))
}

/// The parameter `code` of `type_`, or of all resources where the search is for no type in particular.
pub(super) fn find<'a>(
    context: &Context<'a>,
    type_: Option<TypeId>,
    code: &str,
    name: &str,
) -> Result<&'a SearchParameter, Error> {
    let found = context.parameters.find(type_, code);
    let on = type_.map_or("every resource", |type_| Definitions::r4().type_name(type_));
    let found = found.ok_or_else(|| {
        Error::new(
            ErrorCode::UnknownParameter,
            format!("The parameter '{name}': {on} has no search parameter '{code}'."),
        )
    })?;
    if let Readiness::Indexing { done, total } = context.parameters.readiness(found.id) {
        let reason = format!("'{code}' is being indexed: {done} of {total} resources are done");
        return Err(Error::new(ErrorCode::BeingIndexed, format!("The parameter '{name}': {reason}.")));
    }
    if !has_values(found) {
        return Err(unsupported(name, format!("searching by '{code}' is not supported")));
    }
    Ok(found)
}

/// The types that a reference parameter of `type_` refers to, empty for any.
pub(super) fn targets_of(
    context: &Context<'_>,
    type_: Option<TypeId>,
    parameter: &SearchParameter,
) -> Vec<TypeId> {
    type_.map_or_else(|| parameter.targets.clone(), |type_| targets(context.parameters, type_, parameter))
}

/// Reads `name=value` for resources of one of `types` (of every type when empty): a parameter of every resource, or one that
/// all these types have, each its own (`FHIR R4 search.html`, "Search Contexts").
///
/// Errors: as [`criterion`].
pub(super) fn criterion_of_types(
    context: &Context<'_>,
    types: &[TypeId],
    name: &str,
    value: &str,
) -> Result<Criterion, Error> {
    let common = match types {
        [type_] => return criterion(context, Some(*type_), name, value, 0),
        _ => criterion(context, None, name, value, 0),
    };
    let Err(error) = &common else { return common };
    if types.is_empty() || error.code() != ErrorCode::UnknownParameter {
        return common;
    }
    let of_type = |type_: &TypeId| Ok((*type_, criterion(context, Some(*type_), name, value, 0)?));
    types.iter().map(of_type).collect::<Result<_, _>>().map(Criterion::ByType)
}

/// Reads `name=value` for resources of `type_`. `depth` counts the hops of a chain.
///
/// Errors: [`ErrorCode::UnknownParameter`], [`ErrorCode::NotSupported`], [`ErrorCode::InvalidParameter`].
pub(super) fn criterion(
    context: &Context<'_>,
    type_: Option<TypeId>,
    name: &str,
    value: &str,
    depth: usize,
) -> Result<Criterion, Error> {
    if let Some(rest) = name.strip_prefix("_has:") {
        return chain::has(context, type_, rest, value, depth);
    }
    if let Some((link, rest)) = name.split_once('.') {
        return chain::chain(context, type_, (link, rest), value, depth);
    }
    let (code, modifier) = match name.split_once(':') {
        Some((code, modifier)) => (code, Some(modifier)),
        None => (name, None),
    };
    if value.is_empty() {
        return Err(invalid(name, "give it a value"));
    }
    // No element of FHIR R4 holds them, and PostgreSQL takes no text with a NUL.
    if value.contains(|c: char| c.is_control() && !c.is_whitespace()) {
        return Err(invalid(name, "its value has a control character"));
    }
    let values = escape::split(value, ',');
    context.limits.check_values(name, values.len())?;
    if values.iter().any(|value| value.is_empty()) {
        return Err(invalid(name, "one of its values is empty; write a comma inside a value as '\\,'"));
    }
    if let Some(wrong) = escape::fault(value) {
        return Err(invalid(name, wrong));
    }
    let unescaped = || values.iter().map(|value| escape::unescape(value)).collect::<Vec<_>>();
    match (code, modifier) {
        ("_id", None) => Ok(ids(&values)),
        ("_id" | "_lastUpdated", Some("missing")) => match missing(&values) {
            Ok(true) => Ok(Criterion::Never),
            // Every resource has them.
            Ok(false) => Ok(Criterion::All(Vec::new())),
            Err(fault) => Err(invalid(name, fault)),
        },
        ("_id", Some("not")) => Ok(Criterion::Not(Box::new(ids(&values)))),
        ("_text" | "_content", None) => {
            words::parse(&unescaped(), code == "_text").map_err(|fault| invalid(name, fault))
        }
        ("_list", None) => list::list(&unescaped()).map_err(|fault| invalid(name, fault)),
        ("_in", None) => list::member_of(&unescaped()).map_err(|fault| invalid(name, fault)),
        ("_lastUpdated", None) => {
            let test = |value: &&str| -> Result<_, Error> {
                let (prefix, rest) = prefix::split(value);
                date::parse(prefix, rest, context.now.0).map_err(|fault| invalid(name, fault))
            };
            Ok(Criterion::LastUpdated(values.iter().map(test).collect::<Result<_, _>>()?))
        }
        ("_id" | "_lastUpdated" | "_text" | "_content" | "_list" | "_in", Some(modifier)) => {
            Err(unsupported(name, format!("the modifier ':{modifier}' is not supported on it")))
        }
        _ => {
            let parameter = find(context, type_, code, name)?;
            let modifier = modifier::parse(name, modifier, parameter.kind)?;
            let asked = Asked { type_, parameter, modifier, name };
            check(context, asked)?;
            if let Some(found) = asked.of_version(context, &values) {
                return found.map_err(|fault| invalid(name, fault));
            }
            asked.criterion(context, &values).map_err(|fault| invalid(name, fault))
        }
    }
}

/// One value of a parameter without modifier: of several tests one passes.
///
/// Errors: why it is none.
pub(super) fn tests(
    context: &Context<'_>,
    type_: Option<TypeId>,
    parameter: &SearchParameter,
    value: &str,
) -> Result<Vec<Test>, String> {
    Asked { type_, parameter, modifier: Modifier::None, name: &parameter.code }.tests(context, value)
}

/// `_id`. What cannot be an id matches nothing.
fn ids(values: &[&str]) -> Criterion {
    let ids: Vec<Id> = values.iter().filter_map(|value| Id::parse(&escape::unescape(value)).ok()).collect();
    if ids.is_empty() { Criterion::Never } else { Criterion::Id(ids) }
}

/// The value of `:missing`.
fn missing(values: &[&str]) -> Result<bool, String> {
    match values {
        ["true"] => Ok(true),
        ["false"] => Ok(false),
        _ => Err("':missing' takes 'true' or 'false'".to_owned()),
    }
}

/// Whether a modifier that is of the parameter's kind is right for what it looks at.
///
/// Errors: [`ErrorCode::NotSupported`], [`ErrorCode::InvalidParameter`].
fn check(context: &Context<'_>, asked: Asked<'_>) -> Result<(), Error> {
    let Asked { type_, parameter, modifier, name } = asked;
    let canonical =
        || type_.is_some_and(|type_| looks_at_canonicals(context.parameters, type_, parameter.id));
    match (parameter.kind, modifier) {
        (SearchKind::Token, Modifier::Below) if looks_at_mime_types(context, type_, parameter) => Ok(()),
        (SearchKind::Token, Modifier::Above | Modifier::Below) => Err(unsupported(
            name,
            "the hierarchies of code systems come with the terminology services; list the codes, separated by commas, \
             or name a ValueSet that lists them with ':in'",
        )),
        (SearchKind::Reference, Modifier::Above | Modifier::Below) if !canonical() => Err(unsupported(
            name,
            "':above' and ':below' are supported on canonicals; hierarchies of resources are not followed",
        )),
        (SearchKind::Reference, Modifier::Identifier) if canonical() => {
            Err(invalid(name, "a canonical has no identifier beside its URL"))
        }
        (SearchKind::Reference, Modifier::Type(only)) if !chain::can_refer_to(parameter, only) => {
            let only = Definitions::r4().type_name(only);
            Err(invalid(name, format!("'{}' never refers to a {only}", parameter.code)))
        }
        _ => Ok(()),
    }
}

fn looks_at_mime_types(context: &Context<'_>, type_: Option<TypeId>, parameter: &SearchParameter) -> bool {
    let Some(type_) = type_ else { return false };
    elements(context.parameters, type_, parameter.id).any(|(_, system)| system == Some(token::MIME))
}

/// Whether a token parameter looks at elements that have no system: there a `|` means nothing (`FHIR R4 search.html#token`).
fn has_no_systems(context: &Context<'_>, type_: Option<TypeId>, parameter: &SearchParameter) -> bool {
    let Some(type_) = type_ else { return false };
    let plain = |(type_, _)| matches!(type_, "ContactPoint" | "uri" | "url" | "canonical" | "boolean");
    let mut found = elements(context.parameters, type_, parameter.id).peekable();
    found.peek().is_some() && found.all(plain)
}

/// The tests of a text, of which one passes: of a long one the whole is looked at. Text of which nothing is left once folded
/// would match everything.
fn searchable(test: Test) -> Result<Vec<Test>, String> {
    match test {
        Test::Text { text, .. } if text.is_empty() => Err("it has no text to search for".to_owned()),
        Test::Text { text, how: TextMatch::Starts } if text.len() > string::MAX_COMMON => {
            let short = (!string::is_long(&text)).then(|| text.clone());
            let short = short.map(|text| Test::Text { text, how: TextMatch::Starts });
            Ok(short.into_iter().chain([Test::Text { text, how: TextMatch::Long }]).collect())
        }
        test => Ok(vec![test]),
    }
}

/// Whether a test looks at the whole of long texts, and at nothing else.
const fn is_of_long(test: &Test) -> bool {
    matches!(test, Test::Text { how: TextMatch::Long, .. })
}

/// Tests where the whole of long texts is not stored.
///
/// Errors: that one would find what only begins alike.
fn not_long(tests: Vec<Test>) -> Result<Vec<Test>, String> {
    if tests.iter().any(is_of_long) {
        return Err(format!("it is too long to search for here: send {} bytes or fewer", string::MAX_COMMON));
    }
    Ok(tests)
}

/// A parameter that has index rows, as asked for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    type_: Option<TypeId>,
    parameter: &'a SearchParameter,
    modifier: Modifier,
    name: &'a str,
}

impl Asked<'_> {
    /// `url=canonical|version` of a resource that has such a parameter besides its `version`: the version is the resource's
    /// own (`FHIR R4 search.html#uri`). `None` for every other search.
    fn of_version(self, context: &Context<'_>, values: &[&str]) -> Option<Result<Criterion, String>> {
        let versioned = |value: &&str| escape::split(value, '|').len() > 1;
        let plain = self.modifier == Modifier::None && self.parameter.code == "url";
        if !plain || !values.iter().any(versioned) {
            return None;
        }
        let version = context.parameters.find(self.type_, "version");
        let parameter = version.filter(|own| own.kind == SearchKind::Token)?;
        let one = |value: &&str| -> Result<Criterion, String> {
            let (url, version) = value.split_once('|').unwrap_or((value, ""));
            let mut both = vec![self.criterion(context, &[url])?];
            if !version.is_empty() {
                both.push(Asked { parameter, ..self }.criterion(context, &[version])?);
            }
            Ok(Criterion::All(both))
        };
        Some(values.iter().map(one).collect::<Result<_, _>>().map(Criterion::Any))
    }

    fn criterion(self, context: &Context<'_>, values: &[&str]) -> Result<Criterion, String> {
        let Asked { parameter, modifier, .. } = self;
        if modifier == Modifier::Missing {
            return Ok(Criterion::Missing { parameter: parameter.id, missing: missing(values)? });
        }
        let facet = match modifier {
            Modifier::Text => Facet::Text,
            Modifier::OfType => Facet::OfType,
            Modifier::Identifier => Facet::Identifier,
            Modifier::Below if parameter.kind == SearchKind::Token => Facet::Broader,
            _ => Facet::Value,
        };
        let mut tests = Vec::with_capacity(values.len());
        for value in values {
            tests.extend(self.tests(context, value)?);
        }
        let negated = matches!(modifier, Modifier::Not | Modifier::NotIn);
        let of = |facet, tests| Criterion::Matches { parameter: parameter.id, facet, tests, negated };
        let (long, tests): (Vec<Test>, Vec<Test>) = tests.into_iter().partition(is_of_long);
        Ok(match (long.is_empty(), tests.is_empty()) {
            (true, _) => of(facet, tests),
            (false, true) => of(Facet::Long, long),
            (false, false) => Criterion::Any(vec![of(facet, tests), of(Facet::Long, long)]),
        })
    }

    /// One value of a parameter, by its kind and modifier: of several tests one passes.
    fn tests(self, context: &Context<'_>, value: &str) -> Result<Vec<Test>, String> {
        let Asked { type_, parameter, modifier, name } = self;
        let parts = || escape::parts(value);
        let one = match (parameter.kind, modifier) {
            (SearchKind::Token, Modifier::Text) => {
                let test = string::parse(&escape::unescape(value), TextMatch::Starts);
                return searchable(test).and_then(not_long);
            }
            (SearchKind::Token, Modifier::OfType) => token::parse_of_type(&parts()),
            (SearchKind::Token, Modifier::In | Modifier::NotIn) => {
                set::parse(name, &escape::unescape(value), context.base)
            }
            (SearchKind::Token, Modifier::Below) => token::parse_broader(&parts()),
            (SearchKind::Token, _) => {
                let parts = parts();
                if parts.len() > 1 && has_no_systems(context, type_, parameter) {
                    return Err(
                        "what it looks at has no system: send the value alone, without '|'".to_owned()
                    );
                }
                return token::parse(&parts);
            }
            (SearchKind::Reference, Modifier::Identifier) => return token::parse(&parts()),
            (SearchKind::Reference, _) => self.reference(context, &escape::unescape(value)),
            (SearchKind::String, _) => {
                let how = match modifier {
                    Modifier::Exact => TextMatch::Exact,
                    Modifier::Contains => TextMatch::Contains,
                    _ => TextMatch::Starts,
                };
                return searchable(string::parse(&escape::unescape(value), how));
            }
            (SearchKind::Date, _) => {
                let (prefix, rest) = prefix::split(value);
                date::parse(prefix, rest, context.now.0).map(Test::Date)
            }
            (SearchKind::Number, _) => {
                let (prefix, rest) = prefix::split(value);
                number::parse(prefix, rest)
            }
            (SearchKind::Quantity, _) => {
                let (prefix, rest) = prefix::split(value);
                quantity::parse(prefix, &escape::parts(rest))
            }
            (SearchKind::Uri, _) => {
                let how = match modifier {
                    Modifier::Above => UriMatch::Above,
                    Modifier::Below => UriMatch::Below,
                    _ => UriMatch::Exact,
                };
                uri::parse(&escape::unescape(value), how)
            }
            (SearchKind::Composite, _) => return self.composite(context, value),
            (SearchKind::Special, _) => special::parse(&escape::parts(value)),
        };
        one.map(|test| vec![test])
    }

    fn reference(self, context: &Context<'_>, value: &str) -> Result<Test, String> {
        let Asked { type_, parameter, modifier, .. } = self;
        let canonical =
            type_.is_some_and(|type_| looks_at_canonicals(context.parameters, type_, parameter.id));
        match modifier {
            Modifier::Above => reference::parse_canonical(value, Hierarchy::Above, context.base),
            Modifier::Below => reference::parse_canonical(value, Hierarchy::Below, context.base),
            Modifier::Type(only) => reference::parse(value, &[only], canonical, context.base),
            _ => reference::parse(value, &targets_of(context, type_, parameter), canonical, context.base),
        }
    }

    /// The tests of each component, every combination of them.
    fn composite(self, context: &Context<'_>, value: &str) -> Result<Vec<Test>, String> {
        let components = &self.parameter.components;
        let parts = escape::split(value, '$');
        if parts.len() != components.len() {
            return Err(format!("it takes {} values joined by '$'", components.len()));
        }
        let mut rows: Vec<Vec<Test>> = vec![Vec::new()];
        for (part, component) in parts.iter().zip(components) {
            let parameter = context.parameters.get(component.parameter);
            let found = Asked { parameter, modifier: Modifier::None, ..self }.tests(context, part)?;
            let found = not_long(found)?;
            let longer = rows.iter().flat_map(|row| {
                found.iter().map(move |test| row.iter().cloned().chain([test.clone()]).collect())
            });
            rows = longer.collect();
        }
        Ok(rows.into_iter().map(Test::Composite).collect())
    }
}
