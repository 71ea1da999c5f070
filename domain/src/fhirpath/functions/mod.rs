//! FHIRPath's functions: one table of their names, and a file for each of the specification's chapters.

mod boundary;
mod conversion;
mod existence;
mod fhir;
mod filtering;
mod math;
mod strings;
mod utility;

use super::evaluation::{Evaluation, Scope, single, string};
use super::expression::{Call, Expr};
use super::fault::Fault;
use super::item::{Collection, Value};
use std::borrow::Cow;

/// A function: its name, how many arguments it takes, and what it does.
#[derive(Debug)]
pub(super) struct Function {
    /// Its name.
    pub(super) name: &'static str,
    /// Least number of arguments.
    pub(super) least: usize,
    /// Greatest number of arguments.
    pub(super) most: usize,
    /// Whether its argument is the name of a type.
    pub(super) takes_type: bool,
    /// What it does.
    pub(super) run: Run,
}

/// What a function does.
type Run = for<'e, 'c, 's, 'a> fn(
    &'e mut Evaluation<'_, 'a>,
    Invocation<'c, 's, 'a>,
) -> Result<Collection<'a>, Fault>;

/// One call under way.
pub(super) struct Invocation<'c, 's, 'a> {
    /// What the function is called on.
    pub(super) input: Collection<'a>,
    /// The call.
    pub(super) call: &'c Call,
    /// The scope around the call, in which arguments that are not asked for each item are evaluated.
    pub(super) scope: &'s Scope<'s, 'a>,
}

impl Function {
    /// What is wrong with a call that has too few or too many arguments.
    pub(super) fn arity(&self) -> String {
        match (self.least, self.most) {
            (least, most) if least == most => format!("'{}' takes {least} arguments", self.name),
            (least, usize::MAX) => format!("'{}' takes {least} arguments or more", self.name),
            (least, most) => format!("'{}' takes {least} to {most} arguments", self.name),
        }
    }
}

impl<'c, 's, 'a> Invocation<'c, 's, 'a> {
    /// The `n`th argument.
    pub(super) fn argument(&self, n: usize) -> Option<&'c Expr> {
        self.call.arguments.get(n)
    }

    /// What the `n`th argument is in the scope around the call; empty if it is not given.
    pub(super) fn given(&self, work: &mut Evaluation<'_, 'a>, n: usize) -> Result<Collection<'a>, Fault> {
        match self.argument(n) {
            Some(argument) => work.evaluate(argument, self.scope),
            None => Ok(Vec::new()),
        }
    }

    /// The string that the `n`th argument is.
    pub(super) fn string(
        &self,
        work: &mut Evaluation<'_, 'a>,
        n: usize,
    ) -> Result<Option<Cow<'a, str>>, Fault> {
        string(&self.given(work, n)?)
    }

    /// The integer that the `n`th argument is.
    pub(super) fn integer(&self, work: &mut Evaluation<'_, 'a>, n: usize) -> Result<Option<i32>, Fault> {
        let given = self.given(work, n)?;
        match single(&given)?.map(|item| item.value()) {
            None => Ok(None),
            Some(Some(Value::Integer(value))) => Ok(Some(value)),
            Some(_) => Err(Fault::execution(format!("'{}' takes an integer here", self.call.function.name))),
        }
    }

    /// The one value that the function is called on; `None` of nothing.
    pub(super) fn value(&self) -> Result<Option<Value<'a>>, Fault> {
        match single(&self.input)? {
            None => Ok(None),
            Some(item) => item.value().map(Some).ok_or_else(|| {
                Fault::execution(format!("'{}' is not for a {}", self.call.function.name, item.type_name()))
            }),
        }
    }
}

/// The function of this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

const fn function(name: &'static str, least: usize, most: usize, run: Run) -> Function {
    Function { name, least, most, takes_type: false, run }
}

const fn of_type(name: &'static str, run: Run) -> Function {
    Function { name, least: 0, most: 0, takes_type: true, run }
}

const ANY: usize = usize::MAX;

static FUNCTIONS: &[Function] = &[
    function("empty", 0, 0, existence::empty),
    function("exists", 0, 1, existence::exists),
    function("all", 1, 1, existence::all),
    function("allTrue", 0, 0, |_, call| existence::all_are(&call, true)),
    function("anyTrue", 0, 0, |_, call| existence::any_is(&call, true)),
    function("allFalse", 0, 0, |_, call| existence::all_are(&call, false)),
    function("anyFalse", 0, 0, |_, call| existence::any_is(&call, false)),
    function("subsetOf", 1, 1, existence::subset_of),
    function("supersetOf", 1, 1, existence::superset_of),
    function("count", 0, 0, existence::count_of),
    function("distinct", 0, 0, |work, call| work.distinct(call.input)),
    function("isDistinct", 0, 0, existence::is_distinct),
    function("not", 0, 0, existence::not),
    function("where", 1, 1, filtering::where_),
    function("select", 1, 1, filtering::select),
    function("repeat", 1, 1, filtering::repeat),
    of_type("ofType", filtering::of_type),
    of_type("is", filtering::is),
    of_type("as", filtering::as_),
    function("single", 0, 0, filtering::single_),
    function("first", 0, 0, |_, call| Ok(call.input.into_iter().take(1).collect())),
    function("last", 0, 0, |_, call| Ok(call.input.into_iter().next_back().into_iter().collect())),
    function("tail", 0, 0, |_, call| Ok(call.input.into_iter().skip(1).collect())),
    function("skip", 1, 1, filtering::skip),
    function("take", 1, 1, filtering::take),
    function("intersect", 1, 1, filtering::intersect),
    function("exclude", 1, 1, filtering::exclude),
    function("union", 1, 1, filtering::union),
    function("combine", 1, 1, filtering::combine),
    function("children", 0, 0, filtering::children),
    function("descendants", 0, 0, filtering::descendants),
    function("sort", 0, ANY, filtering::sort),
    function("aggregate", 1, 2, utility::aggregate),
    function("iif", 2, 3, utility::iif),
    function("trace", 1, 2, utility::trace),
    function("now", 0, 0, utility::now),
    function("today", 0, 0, utility::today),
    function("timeOfDay", 0, 0, utility::time_of_day),
    function("type", 0, 0, utility::type_),
    function("toBoolean", 0, 0, conversion::to_boolean),
    function("convertsToBoolean", 0, 0, |work, call| {
        conversion::converts(work, call, conversion::to_boolean)
    }),
    function("toInteger", 0, 0, conversion::to_integer),
    function("convertsToInteger", 0, 0, |work, call| {
        conversion::converts(work, call, conversion::to_integer)
    }),
    function("toDecimal", 0, 0, conversion::to_decimal),
    function("convertsToDecimal", 0, 0, |work, call| {
        conversion::converts(work, call, conversion::to_decimal)
    }),
    function("toString", 0, 0, conversion::to_string),
    function("convertsToString", 0, 0, |work, call| conversion::converts(work, call, conversion::to_string)),
    function("toDate", 0, 0, conversion::to_date),
    function("convertsToDate", 0, 0, |work, call| conversion::converts(work, call, conversion::to_date)),
    function("toDateTime", 0, 0, conversion::to_date_time),
    function("convertsToDateTime", 0, 0, |work, call| {
        conversion::converts(work, call, conversion::to_date_time)
    }),
    function("toTime", 0, 0, conversion::to_time),
    function("convertsToTime", 0, 0, |work, call| conversion::converts(work, call, conversion::to_time)),
    function("toQuantity", 0, 1, conversion::to_quantity),
    function("convertsToQuantity", 0, 1, |work, call| {
        conversion::converts(work, call, conversion::to_quantity)
    }),
    function("indexOf", 1, 1, strings::index_of),
    function("lastIndexOf", 1, 1, strings::last_index_of),
    function("substring", 1, 2, strings::substring),
    function("startsWith", 1, 1, |work, call| {
        strings::test(work, &call, |text, part| text.starts_with(part))
    }),
    function("endsWith", 1, 1, |work, call| strings::test(work, &call, |text, part| text.ends_with(part))),
    function("contains", 1, 1, |work, call| strings::test(work, &call, |text, part| text.contains(part))),
    function("upper", 0, 0, |work, call| strings::mapped(work, &call, str::to_uppercase)),
    function("lower", 0, 0, |work, call| strings::mapped(work, &call, str::to_lowercase)),
    function("trim", 0, 0, |work, call| strings::mapped(work, &call, |text| text.trim().to_owned())),
    function("replace", 2, 2, strings::replace),
    function("matches", 1, 2, |work, call| strings::matches(work, &call, false)),
    function("matchesFull", 1, 2, |work, call| strings::matches(work, &call, true)),
    function("replaceMatches", 2, 3, strings::replace_matches),
    function("length", 0, 0, strings::length),
    function("toChars", 0, 0, strings::to_chars),
    function("split", 1, 1, strings::split),
    function("join", 0, 1, strings::join),
    function("encode", 1, 1, strings::encode),
    function("decode", 1, 1, strings::decode),
    function("escape", 1, 1, strings::escape),
    function("unescape", 1, 1, strings::unescape),
    function("abs", 0, 0, math::abs),
    function("ceiling", 0, 0, |_, call| math::whole(&call, |value| value.ceil())),
    function("floor", 0, 0, |_, call| math::whole(&call, |value| value.floor())),
    function("truncate", 0, 0, |_, call| math::whole(&call, |value| value.trunc())),
    function("exp", 0, 0, |_, call| math::real(&call, f64::exp)),
    function("ln", 0, 0, |_, call| math::real(&call, f64::ln)),
    function("sqrt", 0, 0, |_, call| math::real(&call, f64::sqrt)),
    function("log", 1, 1, math::log),
    function("power", 1, 1, math::power),
    function("round", 0, 1, math::round),
    function("lowBoundary", 0, 1, |work, call| boundary::boundary(work, &call, false)),
    function("highBoundary", 0, 1, |work, call| boundary::boundary(work, &call, true)),
    function("precision", 0, 0, boundary::precision),
    function("comparable", 1, 1, boundary::comparable),
    function("extension", 1, 1, fhir::extension),
    function("hasValue", 0, 0, fhir::has_value),
    function("getValue", 0, 0, fhir::get_value),
    function("resolve", 0, 0, fhir::resolve),
    function("htmlChecks", 0, 0, fhir::html_checks),
    function("conformsTo", 1, 1, fhir::conforms_to),
    function("memberOf", 1, 1, fhir::terminology),
    function("subsumes", 1, 1, fhir::terminology),
    function("subsumedBy", 1, 1, fhir::terminology),
    function("elementDefinition", 0, 0, fhir::profiles),
    function("slice", 2, 2, fhir::profiles),
    function("checkModifiers", 0, ANY, fhir::profiles),
];
