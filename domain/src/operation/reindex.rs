//! `$reindex`: resources are indexed as they would be if they were written now, in the background. It is Binnacle's own;
//! the answer names the address at which the progress is told (`FHIR R4 async.html`).

use super::{Operation, Takes, Target, text};
use crate::access::Access;
use crate::access::actor::Actor;
use crate::access::decision::require_all;
use crate::access::scope::Letter;
use crate::conformance::registry::Level;
use crate::conformance::{Definitions, TypeId};
use crate::error::{Error, ErrorCode, information};
use crate::id::Id;
use crate::interaction::Answer;
use crate::job::{reindex, status};
use crate::resource::json::{Json, Object};
use crate::search_parameter::code_and_url;
use crate::server::Server;
use crate::store::index::Phase;
use crate::store::job::Job;
use crate::store::{Method, WriteTx};

/// The id of its OperationDefinition.
pub(super) const ID: &str = "binnacle-reindex";

/// The scope that it needs, whatever it reindexes.
pub(super) const SCOPE: &str = "system/SearchParameter.u";

/// Jobs that callers may have open at a time.
const MOST_OPEN: usize = 20;

/// Parameters of one call.
const MOST_NAMED: usize = 500;

const TYPE: &str = "type";
const PARAMETER: &str = "parameter";

/// What it takes.
pub(super) const TAKES: &[Takes] = &[
    Takes {
        name: TYPE,
        levels: &[Level::System],
        type_: "code",
        values: &["valueCode", "valueString"],
        description: "Only resources of this type; repeat it for several. Not where the address names a type.",
    },
    Takes {
        name: PARAMETER,
        levels: &[Level::System, Level::Type],
        type_: "canonical",
        values: &["valueCanonical", "valueUri", "valueString", "valueReference"],
        description: "Only resources of the types of this search parameter, named by its canonical URL or as `SearchParameter/id`; repeat it for several.",
    },
];

/// A `$reindex` that has been read.
#[derive(Debug, Clone)]
pub struct PreparedReindex {
    /// The types it is held to; none: all.
    types: Vec<TypeId>,
    /// The parameters it is held to, each with its place in the request; none: all.
    parameters: Vec<(Named, Option<String>)>,
    /// The client that asks.
    client: String,
    /// Which SearchParameters the caller may read.
    access: Access,
}

/// How a search parameter is named.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    Canonical(String),
    Resource(Id),
}

/// Whether a caller may reindex, and ask after what it asked for.
///
/// Errors: [`ErrorCode::Forbidden`].
pub(crate) fn may(actor: &Actor) -> Result<Access, Error> {
    let type_ = Definitions::r4().endpoint("SearchParameter");
    require_all(actor, Letter::Update, type_.ok_or_else(|| Error::internal("R4 has SearchParameter"))?)
}

impl PreparedReindex {
    pub(super) fn new(
        server: &Server,
        actor: &Actor,
        target: Target,
        body: &Json<'_>,
    ) -> Result<PreparedReindex, Error> {
        let access = may(actor)?;
        let client = status::client(actor);
        let mut prepared = PreparedReindex { types: Vec::new(), parameters: Vec::new(), client, access };
        let all = body.get("parameter").map(Json::each).unwrap_or_default();
        if all.len() > MOST_NAMED {
            let message = format!("$reindex takes {MOST_NAMED} parameters in one request.");
            return Err(Error::new(ErrorCode::TooLarge, message).at("Parameters.parameter"));
        }
        for (place, parameter) in all.iter().filter_map(Json::as_object).enumerate() {
            let at = format!("Parameters.parameter[{place}]");
            prepared.take(server, target.level(), parameter, &at).map_err(|error| error.at(at))?;
        }
        match target {
            Target::System => {}
            Target::Type(type_) => prepared.types = vec![type_],
            Target::Instance(_, id) => prepared.parameters = vec![(Named::Resource(id), None)],
        }
        Ok(prepared)
    }

    fn take(&mut self, server: &Server, level: Level, parameter: &Object<'_>, at: &str) -> Result<(), Error> {
        let name = parameter.str("name").unwrap_or_default();
        let takes = || Operation::Reindex.takes_at(level);
        let Some(taken) = takes().find(|taken| taken.name == name) else {
            let names: Vec<&str> = takes().map(|taken| taken.name).collect();
            let takes = if names.is_empty() { "no parameter".to_owned() } else { names.join(" and ") };
            let message = format!("'{name}' is no parameter of $reindex here; it takes {takes}.");
            return Err(Error::new(ErrorCode::InvalidParameter, message));
        };
        let text = text(parameter, taken.values)?;
        if name == TYPE {
            let type_ = Definitions::r4().endpoint(text).ok_or_else(|| {
                let message = format!("'{text}' is no resource type of FHIR R4.");
                Error::new(ErrorCode::InvalidParameter, message)
            })?;
            self.types.push(type_);
        } else {
            self.parameters.push((Named::read(text, &server.settings.base), Some(at.to_owned())));
        }
        Ok(())
    }

    /// Adds the job.
    ///
    /// Errors: [`ErrorCode::NotFound`] or [`ErrorCode::Gone`] where the address names a SearchParameter that is not
    /// there; [`ErrorCode::InvalidParameter`] for one that is not searched by; [`ErrorCode::Throttled`].
    pub(super) fn perform(&self, server: &Server, tx: &mut dyn WriteTx) -> Result<Answer, Error> {
        let types = self.types(tx)?;
        let asked = tx.open_jobs()?.iter().filter(|job| !job.client.is_empty()).count();
        if asked >= MOST_OPEN {
            let message =
                "As many reindexings wait as may. Ask again when one of them is done, or cancel one.";
            let mut error = Error::new(ErrorCode::Throttled, message);
            error.retry_after = Some(30);
            return Err(error);
        }
        let names = types.into_iter().map(|type_| Definitions::r4().type_name(type_).to_owned());
        let input = reindex::Input { types: names.collect(), ..reindex::Input::default() };
        let job = input.job(server.ids.resource_id(), server.clock.now())?;
        tx.add_job(&Job { client: self.client.clone(), ..job.clone() })?;
        let address = status::address(&server.settings.base, &job.id);
        Ok(Answer {
            headers: vec![("Content-Location", address)],
            ..Answer::of(
                202,
                information("It is done in the background; Content-Location tells how far it is."),
            )
        })
    }

    /// The types whose resources are reindexed, in the order of their names.
    fn types(&self, tx: &mut dyn WriteTx) -> Result<Vec<TypeId>, Error> {
        let definitions = Definitions::r4();
        let mut named = Vec::new();
        for (parameter, place) in &self.parameters {
            named.extend(self.types_of(tx, parameter).map_err(|error| match place {
                Some(place) => error.at(place),
                None => error,
            })?);
        }
        let wanted = |type_: &TypeId| {
            (self.types.is_empty() || self.types.contains(type_))
                && (self.parameters.is_empty() || named.contains(type_))
        };
        let types: Vec<TypeId> = definitions.endpoints().filter(wanted).collect();
        if types.is_empty() {
            let message = "None of the types named has one of the search parameters named.";
            return Err(Error::new(ErrorCode::InvalidParameter, message));
        }
        Ok(types)
    }

    /// The types that have a search parameter.
    fn types_of(&self, tx: &mut dyn WriteTx, named: &Named) -> Result<Vec<TypeId>, Error> {
        let definitions = Definitions::r4();
        let own = tx.defined()?.into_iter().filter(|own| own.phase != Phase::Leaving);
        let own = own.filter(|own| match named {
            Named::Resource(id) => own.resource == *id,
            Named::Canonical(url) => code_and_url(own).is_some_and(|(_, own)| own == *url),
        });
        let own: Vec<TypeId> = own.filter_map(|own| definitions.endpoint(&own.base)).collect();
        if !own.is_empty() {
            return Ok(own);
        }
        let found = match named {
            Named::Canonical(url) => of_r4(url, None),
            Named::Resource(id) => self.restated(tx, id)?,
        };
        if found.is_empty() {
            let message = "This search parameter is not searched by: it is not active, or not known here.";
            return Err(Error::new(ErrorCode::InvalidParameter, message));
        }
        Ok(found)
    }

    /// The types of a stored SearchParameter that is one of R4's or restates one.
    fn restated(&self, tx: &mut dyn WriteTx, id: &Id) -> Result<Vec<TypeId>, Error> {
        let type_ = Definitions::r4().endpoint("SearchParameter");
        let stored = type_.map(|type_| tx.read(&self.access, type_, id)).transpose()?.flatten();
        let stored = stored.ok_or_else(|| {
            Error::new(ErrorCode::NotFound, format!("There is no SearchParameter with the id '{id}'."))
        })?;
        if stored.method == Method::Delete {
            return Err(Error::new(ErrorCode::Gone, format!("SearchParameter/{id} was deleted.")));
        }
        let resource = Json::parse(&stored.body)?;
        let Some(resource) = resource.as_object().filter(|own| own.str("status") == Some("active")) else {
            return Ok(Vec::new());
        };
        let urls = ["url", "derivedFrom"].into_iter().filter_map(|member| resource.str(member));
        Ok(urls
            .flat_map(|url| of_r4(url.split('|').next().unwrap_or_default(), resource.str("code")))
            .collect())
    }
}

impl Named {
    /// `SearchParameter/id`, also below our own base, is a resource; anything else a canonical URL, whose version does
    /// not matter: a server searches by one.
    fn read(text: &str, base: &str) -> Named {
        let relative = text.strip_prefix(base).map_or(text, |rest| rest.trim_start_matches('/'));
        let id = relative.strip_prefix("SearchParameter/").and_then(|id| Id::parse(id).ok());
        let canonical = || Named::Canonical(text.split('|').next().unwrap_or_default().to_owned());
        id.map_or_else(canonical, Named::Resource)
    }
}

/// The types that have R4's search parameter of this URL (and code, where R4 gives several the same URL).
fn of_r4(url: &str, code: Option<&str>) -> Vec<TypeId> {
    let definitions = Definitions::r4();
    let is_it = |own: &&crate::conformance::definitions::SearchParameter| {
        own.url == url && code.is_none_or(|code| own.code == code)
    };
    let bases: Vec<&str> = definitions.parameters().iter().filter(is_it).map(|own| own.base).collect();
    if bases.iter().any(|base| matches!(*base, "Resource" | "DomainResource")) {
        return definitions.endpoints().collect();
    }
    bases.into_iter().filter_map(|base| definitions.endpoint(base)).collect()
}
