//! One JSON document into the store: transactions and batches as they are, the resources of other Bundles each by `PUT`.

use super::Report;
use crate::worker::Worker;
use domain::access::actor::Actor;
use domain::conformance::Definitions;
use domain::id::Id;
use domain::interaction::{Interaction, Prefer, Request, Return};
use domain::server::{Prepared, Server};
use domain::{Error, ErrorCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Resources that share a transaction.
const GROUP: usize = 100;

/// What is needed of a resource or Bundle to know what to do with it.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "resourceType")]
    resource_type: Option<String>,
    id: Option<String>,
    #[serde(rename = "type")]
    type_: Option<&'a RawValue>,
    #[serde(borrow, default)]
    entry: Option<&'a RawValue>,
}

/// The part of a Bundle's entry that is looked at.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
}

/// Puts documents into the store as the operator.
pub(crate) struct Loader {
    server: Arc<Server>,
    worker: Worker,
    actor: Arc<Actor>,
}

impl Loader {
    /// A loader into a store.
    pub(crate) fn new(server: Server, worker: Worker) -> Loader {
        Loader { server: Arc::new(server), worker, actor: Arc::new(Actor::open()) }
    }

    /// Stores a document, and reports what became of each resource in it.
    pub(crate) fn load(&self, file: &str, document: &[u8], report: &mut Report) {
        let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
        let head: Head<'_> = match serde_json::from_slice(document) {
            Ok(head) => head,
            Err(_) => {
                let error = Error::new(ErrorCode::MalformedBody, "The document is not JSON of a resource.");
                return report.refuse(file, "?", 1, &error);
            }
        };
        let is_bundle = head.resource_type.as_deref() == Some("Bundle");
        match head.type_.filter(|_| is_bundle).map(RawValue::get) {
            Some("\"transaction\"" | "\"batch\"") => self.bundle(file, document, &head, report),
            Some("\"collection\"" | "\"searchset\"" | "\"history\"") => {
                self.resources(file, &entries(&head), report);
            }
            _ => {
                let Ok(whole) = serde_json::from_slice::<&RawValue>(document) else { return };
                self.resources(file, &[whole], report);
            }
        }
    }

    /// Performs a batch or transaction.
    fn bundle(&self, file: &str, document: &[u8], head: &Head<'_>, report: &mut Report) {
        let types: Vec<String> = entries(head).iter().map(|entry| type_of(entry)).collect();
        let mut request = Request::new(Interaction::Bundle(document.to_vec()));
        request.prefer = Prefer { return_: Some(Return::OperationOutcome), lenient: None };
        let answer = self.server.prepare(&self.actor, request).and_then(|prepared| {
            let (server, actor) = (Arc::clone(&self.server), Arc::clone(&self.actor));
            self.worker.write_blocking(move |tx| server.perform_write(tx, &actor, &prepared))
        });
        match answer {
            Ok(answer) => report.answered(file, &types, &answer.body.unwrap_or_default()),
            Err(error) => report.refuse(file, "Bundle", types.len().max(1), &error),
        }
    }

    /// Stores resources by `PUT` under their ids, a group in a transaction; when a group fails, each alone.
    fn resources(&self, file: &str, resources: &[&RawValue], report: &mut Report) {
        for group in resources.chunks(GROUP) {
            let mut prepared = Vec::with_capacity(group.len());
            for resource in group {
                match self.prepare(resource) {
                    Ok(ready) => prepared.push((type_of(resource), ready)),
                    Err(error) => report.refuse(file, &type_of(resource), 1, &error),
                }
            }
            let all: Vec<Prepared> = prepared.iter().map(|(_, ready)| ready.clone()).collect();
            if self.write(all).is_ok() {
                prepared.iter().for_each(|(type_, _)| report.store(type_, 1));
                continue;
            }
            for (type_, ready) in prepared {
                match self.write(vec![ready]) {
                    Ok(()) => report.store(&type_, 1),
                    Err(error) => report.refuse(file, &type_, 1, &error),
                }
            }
        }
    }

    fn prepare(&self, resource: &RawValue) -> Result<Prepared, Error> {
        let body = resource.get().as_bytes().to_vec();
        let head: Head<'_> = serde_json::from_slice(&body)
            .map_err(|_| Error::new(ErrorCode::InvalidStructure, "The document is not a resource."))?;
        let name = head.resource_type.unwrap_or_default();
        let type_ = Definitions::r4()
            .endpoint(&name)
            .ok_or_else(|| Error::new(ErrorCode::UnknownType, "resourceType names no type of FHIR R4."))?;
        let id = head.id.map(|id| Id::parse(&id)).transpose()?;
        let interaction = match id {
            Some(id) => Interaction::Update(type_, id, body),
            None => Interaction::Create(type_, body),
        };
        let mut request = Request::new(interaction);
        request.prefer.return_ = Some(Return::Minimal);
        self.server.prepare(&self.actor, request)
    }

    fn write(&self, prepared: Vec<Prepared>) -> Result<(), Error> {
        let (server, actor) = (Arc::clone(&self.server), Arc::clone(&self.actor));
        self.worker.write_blocking(move |tx| {
            prepared.iter().try_for_each(|ready| server.perform_write(tx, &actor, ready).map(|_| ()))
        })
    }
}

fn entries<'a>(head: &Head<'a>) -> Vec<&'a RawValue> {
    let entries: Vec<Entry<'a>> =
        head.entry.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    entries.into_iter().filter_map(|entry| entry.resource).collect()
}

fn type_of(resource: &RawValue) -> String {
    let head: Result<Head<'_>, _> = serde_json::from_str(resource.get());
    head.ok().and_then(|head| head.resource_type).unwrap_or_else(|| "?".into())
}
