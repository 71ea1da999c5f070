//! The only door: a [`Request`] is prepared without a database, then performed inside a transaction.

use crate::access::actor::Actor;
use crate::access::decision::{self, require};
use crate::access::scope::Letter;
use crate::clock::Clock;
use crate::conformance::capability::{self, Installation};
use crate::conformance::registry::Registry;
use crate::conformance::validation::ValidationSettings;
use crate::conformance::{Definitions, SearchParameters, TypeId};
use crate::error::{Error, ErrorCode};
use crate::id::{Id, IdSource};
use crate::interaction::condition::Conditions;
use crate::interaction::conditional::Condition;
use crate::interaction::history::PreparedHistory;
use crate::interaction::patch::Patching;
use crate::interaction::read::PreparedRead;
use crate::interaction::search::PreparedSearch;
use crate::interaction::write::{Content, Kind, Naming, PreparedWrite};
use crate::interaction::{
    Answer, Interaction, Parameters, Prefer, Request, Return, batch, bundle, content, delete, provenance,
    transaction,
};
use crate::job::status::PreparedStatus;
use crate::operation::PreparedOperation;
use crate::resource::json::Json;
use crate::resource::link::Links;
use crate::resource::subset::{Role, Subset};
use crate::search::Limits;
use crate::search::control::View;
use crate::search_parameter::Known;
use crate::store::{ReadTx, WriteTx};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

/// What this server is: its address, limits and sources of time and ids.
pub struct Server {
    /// Settings.
    pub settings: Settings,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids and randomness.
    pub ids: Arc<dyn IdSource>,
    /// What can be searched by.
    known: Known,
    /// The CapabilityStatement of a generation of what can be searched by, once it was asked for.
    capabilities: Mutex<Option<(i64, Vec<u8>)>>,
}

/// What an operator chose.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `{public_url}/FHIR/R4`, without a slash at the end.
    pub base: String,
    /// Key that signs page cursors.
    pub cursor_key: [u8; 32],
    /// Whether tokens are asked for (not with `serve --open`).
    pub tokens: bool,
    /// `{public_url}`, without a slash at the end.
    pub public_url: String,
    /// What is refused and what only told.
    pub validation: ValidationSettings,
    /// Most entries of a batch or transaction.
    pub max_entries: usize,
    /// Most resources that one conditional delete deletes; 1: `conditionalDelete` is `single`.
    pub max_conditional_deletes: usize,
    /// How much a search may ask for.
    pub search: Limits,
    /// Whether unknown search parameters are ignored, and reported, unless `Prefer: handling=strict` is sent; otherwise
    /// refused, unless `handling=lenient` is.
    pub ignore_unknown: bool,
}

/// A request that has been parsed, validated and indexed, ready for a transaction.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What is left to do.
    pub work: Work,
    /// Whether the answer is to have no body (an entry with the method HEAD).
    pub head: bool,
    /// The Provenance that is stored with what it writes.
    pub provenance: Option<Box<PreparedWrite>>,
}

/// What a prepared request does in its transaction.
#[derive(Debug, Clone)]
pub enum Work {
    /// The CapabilityStatement, or a part of it.
    Capabilities(Subset),
    /// A read or vread.
    Read(PreparedRead),
    /// A history.
    History(Box<PreparedHistory>),
    /// A search.
    Search(Box<PreparedSearch>),
    /// A create, update, patch or delete.
    Write(Box<PreparedWrite>),
    /// A batch.
    Batch(batch::PreparedBatch),
    /// A transaction.
    Transaction(transaction::PreparedTransaction),
    /// An operation.
    Operation(Box<PreparedOperation>),
    /// A question after a job, or the wish to cancel it.
    Job(PreparedStatus),
}

impl Prepared {
    /// Work that is answered in full.
    pub(crate) const fn new(work: Work) -> Prepared {
        Prepared { work, head: false, provenance: None }
    }

    /// Whether it may change what is searched by.
    pub fn defines_parameters(&self) -> bool {
        match &self.work {
            Work::Write(write) => write.defines_parameters(),
            Work::Batch(batch) => batch.entries().any(Prepared::defines_parameters),
            Work::Transaction(transaction) => transaction.writes().any(PreparedWrite::defines_parameters),
            _ => false,
        }
    }

    /// Whether it needs a write transaction.
    pub fn writes(&self) -> bool {
        match &self.work {
            Work::Capabilities(_) | Work::Read(_) | Work::History(_) | Work::Search(_) => false,
            Work::Write(_) | Work::Transaction(_) | Work::Operation(_) => true,
            Work::Job(status) => status.cancels(),
            Work::Batch(batch) => batch.writes(),
        }
    }
}

/// What an entry of a Bundle gives for its request, apart from it.
#[derive(Debug, Default)]
pub(crate) struct Given<'a> {
    /// Its resource, parsed.
    pub(crate) resource: Option<Json<'a>>,
    /// The id of a create.
    pub(crate) id: Option<Id>,
    /// The links of the transaction and the entry's `fullUrl`, where oids or uuids of the resource are links.
    pub(crate) links: Option<(&'a Links, Option<&'a str>)>,
    /// Whether the resource has links to what only the store knows.
    pub(crate) provisional: bool,
}

/// What the writes of a request have in common.
struct Writing<'a> {
    actor: &'a Actor,
    conditions: &'a Conditions,
    prefer: Prefer,
}

impl Writing<'_> {
    fn prepare(
        &self,
        kind: Kind,
        (type_, id, naming): (TypeId, Id, Naming),
        content: Option<Content>,
        condition: Option<Condition>,
    ) -> Result<Prepared, Error> {
        let access = require(self.actor, letter(kind), type_)?;
        let mut answer = self.prefer.return_.unwrap_or(Return::Representation);
        if answer == Return::Representation && !decision::allows(self.actor, Letter::Read, type_) {
            answer = Return::Minimal;
        }
        let condition = condition.map(Box::new);
        let conditions = self.conditions.clone();
        let patch = None;
        let write =
            PreparedWrite { kind, type_, id, naming, condition, content, patch, conditions, access, answer };
        Ok(Prepared::new(Work::Write(Box::new(write))))
    }

    /// Prepares a patch, which needs the rights to read and to update.
    fn patch(
        &self,
        (type_, id, naming): (TypeId, Id, Naming),
        (media_type, body): (&str, &[u8]),
        given: Given<'_>,
        condition: Option<Condition>,
    ) -> Result<Prepared, Error> {
        let update = require(self.actor, Letter::Update, type_)?;
        let read = Some(require(self.actor, Letter::Read, type_)?).filter(|read| *read != update);
        let patching = Patching::new(media_type, body, given, read)?;
        let mut prepared = self.prepare(Kind::Patch, (type_, id, naming), None, condition)?;
        if let Work::Write(write) = &mut prepared.work {
            write.patch = Some(Arc::new(patching));
        }
        Ok(prepared)
    }
}

impl Server {
    /// A server with these settings and sources.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Server {
        Server { settings, clock, ids, known: Known::new(), capabilities: Mutex::default() }
    }

    /// What can be searched by now.
    pub fn parameters(&self) -> Arc<SearchParameters> {
        self.known.parameters()
    }

    /// What can be searched by, as the store has it: what a write is indexed under.
    ///
    /// Errors: [`ErrorCode::Busy`] where a later version of this server has taken over the store.
    pub fn confirmed(&self, tx: &mut dyn ReadTx) -> Result<Arc<SearchParameters>, Error> {
        self.known.confirmed(tx, self.clock.now())
    }

    /// Learns from the store what can be searched by. To be called every second, and after a write that changed it.
    pub fn learn(&self, tx: &mut dyn ReadTx) -> Result<(), Error> {
        let now = self.clock.now();
        self.known.learn(tx, now)
    }

    /// Does what needs no database: decides access, parses, validates, assigns ids, rewrites links, extracts index rows.
    ///
    /// Errors: whatever is wrong with the request in itself, and [`ErrorCode::Forbidden`].
    pub fn prepare(&self, actor: &Actor, request: Request) -> Result<Prepared, Error> {
        let mut request = request;
        let header = request.provenance.take();
        let mut prepared = match &request.interaction {
            Interaction::Bundle(body) => bundle::prepare(self, actor, body, request.prefer)?,
            _ => self.prepare_entry(actor, request, Given::default())?,
        };
        if let Some(header) = header {
            let provenance = provenance::prepare(self, actor, &prepared.work, &header)?;
            prepared.provenance = Some(Box::new(provenance));
        }
        Ok(prepared)
    }

    /// Prepares an interaction, with what an entry of a Bundle gives for it.
    pub(crate) fn prepare_entry(
        &self,
        actor: &Actor,
        request: Request,
        given: Given<'_>,
    ) -> Result<Prepared, Error> {
        let Request { interaction, conditions, if_none_exist, prefer, .. } = request;
        let read = |type_, id, version, parameters: &Parameters| -> Result<Prepared, Error> {
            let access = require(actor, Letter::Read, type_)?;
            let subset = View::of_read(type_, parameters)?;
            let conditions = conditions.clone();
            let read = PreparedRead { type_, id, version, conditions, subset, access };
            Ok(Prepared::new(Work::Read(read)))
        };
        let write = Writing { actor, conditions: &conditions, prefer };
        match interaction {
            Interaction::Read(type_, id, parameters) => read(type_, id, None, &parameters),
            Interaction::Vread(type_, id, version, parameters) => read(type_, id, Some(version), &parameters),
            Interaction::Create(type_, body) => {
                require(actor, Letter::Create, type_)?;
                let condition = if_none_exist
                    .map(|text| Condition::if_none_exist(self, actor, type_, &text))
                    .transpose()?;
                let id = given.id.clone().unwrap_or_else(|| self.ids.resource_id());
                let source = content::Source::of(&body, given)?;
                let content = content::prepare(self, type_, &id, source, content::Write::Create)?;
                write.prepare(Kind::Create, (type_, id, Naming::Server), Some(content), condition)
            }
            Interaction::Update(type_, id, body) => {
                require(actor, Letter::Update, type_)?;
                let source = content::Source::of(&body, given)?;
                let content = content::prepare(self, type_, &id, source, content::Write::Update)?;
                write.prepare(Kind::Update, (type_, id, Naming::Address), Some(content), None)
            }
            Interaction::ConditionalUpdate(type_, parameters, body) => {
                require(actor, Letter::Update, type_)?;
                let condition = Condition::new(self, actor, type_, &parameters)?;
                let source = content::Source::of(&body, given)?;
                let (id, naming) = match source.id()? {
                    Some(id) => (id, Naming::Unmatched),
                    None => (self.ids.resource_id(), Naming::Server),
                };
                let content = content::prepare(self, type_, &id, source, content::Write::ConditionalUpdate)?;
                write.prepare(Kind::Update, (type_, id, naming), Some(content), Some(condition))
            }
            Interaction::Delete(type_, id) => {
                write.prepare(Kind::Delete, (type_, id, Naming::Address), None, None)
            }
            Interaction::ConditionalDelete(type_, parameters) => {
                let (most, criteria) = delete::bound(self, parameters)?;
                let condition = Condition::new(self, actor, type_, &criteria)?.at_most(most);
                // It selects its resources itself: no resource has this id.
                let id = self.ids.resource_id();
                write.prepare(Kind::Delete, (type_, id, Naming::Server), None, Some(condition))
            }
            Interaction::Capabilities(parameters) => {
                capability::check_mode(&parameters)?;
                let type_ = Definitions::r4().type_id("CapabilityStatement");
                let type_ = type_.ok_or_else(|| Error::internal("R4 has CapabilityStatements"))?;
                Ok(Prepared::new(Work::Capabilities(View::of_read(type_, &parameters)?)))
            }
            Interaction::History(scope, parameters) => {
                let history = PreparedHistory::new(self, actor, scope, &parameters)?;
                Ok(Prepared::new(Work::History(Box::new(history))))
            }
            Interaction::Search(scope, parameters) => {
                let search = PreparedSearch::new(self, actor, scope, &parameters, prefer)?;
                Ok(Prepared::new(Work::Search(Box::new(search))))
            }
            Interaction::Patch(type_, id, media_type, body) => {
                write.patch((type_, id, Naming::Address), (&media_type, &body), given, None)
            }
            Interaction::ConditionalPatch(type_, parameters, media_type, body) => {
                require(actor, Letter::Update, type_)?;
                let condition = Condition::new(self, actor, type_, &parameters)?;
                let id = self.ids.resource_id();
                write.patch((type_, id, Naming::Server), (&media_type, &body), given, Some(condition))
            }
            Interaction::Operation(operation, target, query, body) => {
                let asked = (operation, target);
                let operation = PreparedOperation::new(self, actor, asked, &query, &body)?;
                Ok(Prepared::new(Work::Operation(Box::new(operation))))
            }
            Interaction::JobStatus(id) => {
                Ok(Prepared::new(Work::Job(PreparedStatus::new(actor, id, false)?)))
            }
            Interaction::CancelJob(id) => Ok(Prepared::new(Work::Job(PreparedStatus::new(actor, id, true)?))),
            Interaction::Bundle(_) => {
                Err(Error::new(ErrorCode::NotSupported, "An entry may not hold a batch."))
            }
        }
    }

    /// Performs a request that only reads.
    pub fn perform_read(
        &self,
        tx: &mut dyn ReadTx,
        actor: &Actor,
        prepared: &Prepared,
    ) -> Result<Answer, Error> {
        let answer = self.answer_read(tx, actor, &prepared.work)?;
        Ok(if prepared.head { Answer { body: None, ..answer } } else { answer })
    }

    fn answer_read(&self, tx: &mut dyn ReadTx, actor: &Actor, work: &Work) -> Result<Answer, Error> {
        match work {
            Work::Capabilities(subset) => Ok(self.capabilities(subset)),
            Work::Read(read) => read.perform(self, tx),
            Work::History(history) => history.perform(self, tx),
            Work::Search(search) => search.perform(self, tx),
            Work::Batch(batch) => batch.perform_read(self, tx, actor),
            Work::Job(status) if !status.cancels() => status.tell(self, tx),
            Work::Write(_) | Work::Transaction(_) | Work::Operation(_) | Work::Job(_) => {
                Err(Error::internal("a write came to a read transaction"))
            }
        }
    }

    /// Performs a request that may write.
    pub fn perform_write(
        &self,
        tx: &mut dyn WriteTx,
        actor: &Actor,
        prepared: &Prepared,
    ) -> Result<Answer, Error> {
        match &prepared.work {
            Work::Capabilities(_) | Work::Read(_) | Work::History(_) | Work::Search(_) => {
                self.perform_read(tx, actor, prepared)
            }
            Work::Operation(operation) => operation.perform(self, tx),
            Work::Job(status) if status.cancels() => status.cancel(self, tx),
            Work::Job(_) => self.perform_read(tx, actor, prepared),
            Work::Write(write) => match &prepared.provenance {
                None => write.perform(self, tx),
                Some(provenance) => {
                    let mut written = Vec::new();
                    let answer = write.perform_telling(self, tx, &mut written)?;
                    provenance::store(provenance, self, tx, &written).map(|()| answer)
                }
            },
            Work::Batch(batch) => batch.perform(self, tx, actor),
            Work::Transaction(transaction) => {
                transaction.perform(self, tx, actor, prepared.provenance.as_deref())
            }
        }
    }

    /// `FHIR R4 http.html#capabilities`: what the Registry says, at this address; all of it or a part.
    pub fn capabilities(&self, subset: &Subset) -> Answer {
        let parameters = self.parameters();
        let mut kept = self.capabilities.lock().unwrap_or_else(PoisonError::into_inner);
        let body = match &*kept {
            Some((generation, body)) if *generation == parameters.generation() => body.clone(),
            _ => {
                let body = self.statement(&parameters).to_string().into_bytes();
                *kept = Some((parameters.generation(), body.clone()));
                body
            }
        };
        let body = match subset.of(&body, Role::Match) {
            Cow::Owned(part) => part,
            Cow::Borrowed(_) => body,
        };
        Answer::of(200, body)
    }

    fn statement(&self, parameters: &SearchParameters) -> serde_json::Value {
        let installation = Installation {
            public_url: &self.settings.public_url,
            base: &self.settings.base,
            date: capability::RELEASED,
            version: env!("CARGO_PKG_VERSION"),
            tokens: self.settings.tokens,
            deletes_several: self.settings.max_conditional_deletes > 1,
        };
        capability::statement(Registry::r4(), parameters, &installation)
    }
}

/// The letter of a scope that a write needs.
const fn letter(kind: Kind) -> Letter {
    match kind {
        Kind::Create => Letter::Create,
        Kind::Update | Kind::Patch => Letter::Update,
        Kind::Delete => Letter::Delete,
    }
}
