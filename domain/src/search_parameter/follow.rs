//! What follows from a version of a SearchParameter, in the transaction that stores it: parameters begin to be indexed,
//! others cease to be searched by.

use super::definition::Definition;
use super::reading;
use crate::conformance::Definitions;
use crate::error::{Error, ErrorCode};
use crate::id::Id;
use crate::index::computed;
use crate::job::{reindex, removal};
use crate::resource::json::Json;
use crate::server::Server;
use crate::store::index::{Defined, Phase};
use crate::store::{Method, NewVersion, WriteTx};

/// Custom search parameters that a store may have at a time, one for each type counted.
const MOST: usize = 500;

/// Takes the new versions of SearchParameters into account.
///
/// Errors: [`ErrorCode::Invariant`] (422) where one cannot be searched by.
pub(crate) fn follow(server: &Server, tx: &mut dyn WriteTx, versions: &[NewVersion]) -> Result<(), Error> {
    for version in versions {
        if Definitions::r4().type_name(version.type_) != "SearchParameter" {
            continue;
        }
        let wanted = match version.method {
            Method::Delete => Vec::new(),
            _ => reading::read(&Json::parse(&version.body)?)?,
        };
        let name = |type_| Definitions::r4().type_name(type_).to_owned();
        let wanted = wanted.into_iter().map(|(type_, definition)| Ok((name(type_), text(&definition)?)));
        change(server, tx, &version.id, wanted.collect::<Result<_, Error>>()?)?;
    }
    Ok(())
}

fn text(definition: &Definition) -> Result<(String, String), Error> {
    Ok((definition.code.clone(), serde_json::to_string(definition).map_err(Error::internal)?))
}

/// A type, and code and text of a definition.
type Wanted = (String, (String, String));

/// Makes the parameters of the SearchParameter `id` those of `wanted`.
fn change(server: &Server, tx: &mut dyn WriteTx, id: &Id, wanted: Vec<Wanted>) -> Result<(), Error> {
    let is_it = |own: &Defined, (base, (_, definition)): &Wanted| {
        own.base == *base && own.phase != Phase::Leaving && same(&own.definition, definition)
    };
    let is_written_so = |own: &Defined, wanted: &Wanted| is_it(own, wanted) && own.definition == wanted.1.1;
    let settled = |all: &[Defined]| {
        let own = || all.iter().filter(|own| own.resource == *id && own.phase != Phase::Leaving);
        own().all(|own| wanted.iter().any(|wanted| is_written_so(own, wanted)))
            && wanted.iter().all(|wanted| own().any(|own| is_written_so(own, wanted)))
    };
    if settled(&tx.defined()?) {
        return Ok(());
    }
    // From here on one transaction at a time changes what is searched by.
    let mut generation = tx.next_generation()?;
    let all = tx.defined()?;
    let living = || all.iter().filter(|own| own.phase != Phase::Leaving);
    let (own, others): (Vec<&Defined>, Vec<&Defined>) = living().partition(|own| own.resource == *id);
    for (base, (code, _)) in &wanted {
        if let Some(other) = others.iter().find(|other| other.base == *base && other.code == *code) {
            return Err(refused(format!(
                "{base} has the search parameter '{code}' of SearchParameter/{}. Retire that one first",
                other.resource
            )));
        }
    }
    let new: Vec<&Wanted> =
        wanted.iter().filter(|wanted| !own.iter().any(|own| is_it(own, wanted))).collect();
    if others.len() + wanted.len() > MOST {
        return Err(refused(format!("this server has {MOST} search parameters of its own, and no more")));
    }
    check_work(&others, &wanted)?;
    for own in &own {
        // What is said about it may change without its rows.
        if let Some((_, (_, definition))) = wanted.iter().find(|wanted| is_it(own, wanted)) {
            tx.define(&Defined { definition: definition.clone(), ..(*own).clone() })?;
        }
    }
    let gone = own.into_iter().filter(|own| !wanted.iter().any(|wanted| is_it(own, wanted)));
    remove(server, tx, gone.cloned().collect())?;
    let (mut parameters, mut types, mut begun) = (Vec::new(), Vec::new(), Vec::new());
    for (base, (code, definition)) in new {
        if !parameters.is_empty() {
            generation = tx.next_generation()?;
        }
        let number = u32::try_from(generation).map_err(Error::internal)?;
        parameters.push(number);
        types.push(base.clone());
        begun.push(Defined {
            number,
            base: base.clone(),
            code: code.clone(),
            resource: id.clone(),
            phase: Phase::Indexing,
            job: String::new(),
            definition: definition.clone(),
        });
    }
    if !begun.is_empty() {
        let input = reindex::Input { types, parameters, format: None };
        let job = input.job(server.ids.resource_id(), server.clock.now())?;
        tx.add_job(&job)?;
        for own in begun {
            tx.define(&Defined { job: job.id.to_string(), ..own })?;
        }
    }
    Ok(())
}

/// Refuses more parameters of a type than a write can evaluate.
fn check_work(others: &[&Defined], wanted: &[Wanted]) -> Result<(), Error> {
    let evaluated = |base: &str, text: &str| {
        let definition = serde_json::from_str::<Definition>(text).ok();
        definition.is_some_and(|definition| definition.is_evaluated(base))
    };
    for (base, _) in wanted.iter().filter(|(base, (_, text))| evaluated(base, text)) {
        let of_base = others.iter().filter(|other| other.base == *base);
        if of_base.filter(|other| evaluated(base, &other.definition)).count() >= computed::MOST {
            let most = computed::MOST;
            let reason = format!(
                "{base} has {most} search parameters whose expressions are evaluated, and no more; a path like \
                 '{base}.element.where(system='x')' is not among those"
            );
            return Err(refused(reason));
        }
    }
    Ok(())
}

/// Whether two definitions, as kept, mean the same rows.
fn same(one: &str, other: &str) -> bool {
    let read = |text| serde_json::from_str::<Definition>(text).ok();
    read(one).zip(read(other)).is_some_and(|(one, other)| one.means_the_same(&other))
}

/// Ceases to search by parameters: a job removes their rows.
fn remove(server: &Server, tx: &mut dyn WriteTx, gone: Vec<Defined>) -> Result<(), Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let input = removal::Input { parameters: gone.iter().map(|own| own.number).collect() };
    let job = input.job(server.ids.resource_id(), server.clock.now())?;
    tx.add_job(&job)?;
    for own in gone {
        tx.define(&Defined { phase: Phase::Leaving, job: job.id.to_string(), ..own })?;
    }
    Ok(())
}

fn refused(reason: String) -> Error {
    let message = format!("This search parameter cannot be searched by: {reason}.");
    Error::new(ErrorCode::Invariant, message).at("SearchParameter.code")
}
