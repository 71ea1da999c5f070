//! The addresses below the FHIR base: method, path template and interaction (`FHIR R4 http.html#summary`).

use crate::operation::Operation;

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Also answers HEAD.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Method {
    /// The method as HTTP writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// What an interaction is about (`FHIR R4 http.html#general`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The whole server.
    System,
    /// One resource type.
    Type,
    /// The compartment of one resource, for the types that have one (`FHIR R4 compartmentdefinition.html`).
    Compartment,
    /// One resource.
    Instance,
}

/// The interactions (`FHIR R4 http.html`, codes of `valueset-restful-interaction`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InteractionCode {
    /// `GET /metadata`
    Capabilities,
    /// A batch or a transaction: both come to the same address.
    Bundle,
    /// History of the whole server.
    HistorySystem,
    /// Search in all types.
    SearchSystem,
    /// Create.
    Create,
    /// Search in one type.
    SearchType,
    /// Search in all types of a compartment.
    SearchCompartment,
    /// Search in one type of a compartment.
    SearchCompartmentType,
    /// History of one type.
    HistoryType,
    /// Read.
    Read,
    /// Read of one version.
    Vread,
    /// Update, or create with the client's id.
    Update,
    /// Delete.
    Delete,
    /// History of one resource.
    HistoryInstance,
    /// Patch.
    Patch,
    /// Patch of the resource that a search finds.
    ConditionalPatch,
    /// Update of the resource that a search finds.
    ConditionalUpdate,
    /// Delete of what a search finds.
    ConditionalDelete,
    /// An operation, at a level.
    Operation(Operation, Level),
    /// How far work in the background is.
    JobStatus,
    /// Cancelling such work.
    CancelJob,
}

impl InteractionCode {
    /// FHIR's codes for it; a bundle is two.
    pub const fn codes(self) -> &'static [&'static str] {
        match self {
            // Not codes of CapabilityStatement.rest.interaction: every server has the one, `rest.compartment` and
            // `operation` tell others, and jobs are told by `Content-Location`.
            InteractionCode::Capabilities
            | InteractionCode::SearchCompartment
            | InteractionCode::SearchCompartmentType
            | InteractionCode::Operation(..)
            | InteractionCode::JobStatus
            | InteractionCode::CancelJob => &[],
            InteractionCode::Bundle => &["batch", "transaction"],
            InteractionCode::HistorySystem => &["history-system"],
            InteractionCode::SearchSystem => &["search-system"],
            InteractionCode::Create => &["create"],
            InteractionCode::SearchType => &["search-type"],
            InteractionCode::HistoryType => &["history-type"],
            InteractionCode::Read => &["read"],
            InteractionCode::Vread => &["vread"],
            InteractionCode::Update | InteractionCode::ConditionalUpdate => &["update"],
            InteractionCode::Patch | InteractionCode::ConditionalPatch => &["patch"],
            InteractionCode::Delete | InteractionCode::ConditionalDelete => &["delete"],
            InteractionCode::HistoryInstance => &["history-instance"],
        }
    }

    /// What it is about.
    pub const fn level(self) -> Level {
        match self {
            InteractionCode::Operation(_, level) => level,
            InteractionCode::Capabilities
            | InteractionCode::Bundle
            | InteractionCode::HistorySystem
            | InteractionCode::SearchSystem
            | InteractionCode::JobStatus
            | InteractionCode::CancelJob => Level::System,
            InteractionCode::Create
            | InteractionCode::SearchType
            | InteractionCode::HistoryType
            | InteractionCode::ConditionalUpdate
            | InteractionCode::ConditionalPatch
            | InteractionCode::ConditionalDelete => Level::Type,
            InteractionCode::SearchCompartment | InteractionCode::SearchCompartmentType => Level::Compartment,
            InteractionCode::Read
            | InteractionCode::Vread
            | InteractionCode::Update
            | InteractionCode::Patch
            | InteractionCode::Delete
            | InteractionCode::HistoryInstance => Level::Instance,
        }
    }

    /// The letters of `cruds` that a token needs for it (`SMART App Launch 2.2, scopes-and-launch-context`): a condition is
    /// a search, and a patch tells of what it changes. A create with `If-None-Exist` needs `s` too; the entries of a bundle
    /// need theirs.
    pub const fn letters(self) -> &'static [char] {
        match self {
            InteractionCode::Capabilities
            | InteractionCode::Bundle
            | InteractionCode::Operation(..)
            | InteractionCode::JobStatus
            | InteractionCode::CancelJob => &[],
            InteractionCode::Create => &['c'],
            InteractionCode::Read | InteractionCode::Vread | InteractionCode::HistoryInstance => &['r'],
            InteractionCode::Update => &['u'],
            InteractionCode::ConditionalUpdate => &['u', 's'],
            InteractionCode::Patch => &['r', 'u'],
            InteractionCode::ConditionalPatch => &['r', 'u', 's'],
            InteractionCode::Delete => &['d'],
            InteractionCode::ConditionalDelete => &['d', 's'],
            InteractionCode::SearchSystem
            | InteractionCode::SearchType
            | InteractionCode::SearchCompartment
            | InteractionCode::SearchCompartmentType
            | InteractionCode::HistorySystem
            | InteractionCode::HistoryType => &['s'],
        }
    }

    /// The one scope that a token needs, where it is not told by [`Self::letters`] and the type.
    pub const fn scope(self) -> Option<&'static str> {
        match self {
            InteractionCode::Operation(operation, _) => Some(operation.scope()),
            InteractionCode::JobStatus | InteractionCode::CancelJob => Some(Operation::Reindex.scope()),
            _ => None,
        }
    }

    /// Whether it answers with a page of resources.
    pub const fn pages(self) -> bool {
        self.searches() || self.tells_history()
    }

    /// Whether a search stands in place of an id.
    pub const fn is_conditional(self) -> bool {
        matches!(
            self,
            InteractionCode::ConditionalUpdate
                | InteractionCode::ConditionalPatch
                | InteractionCode::ConditionalDelete
        )
    }

    /// Whether it is a search.
    pub const fn searches(self) -> bool {
        matches!(
            self,
            InteractionCode::SearchSystem
                | InteractionCode::SearchType
                | InteractionCode::SearchCompartment
                | InteractionCode::SearchCompartmentType
        )
    }

    /// Whether it is a search of more than one type, which `_type` may name.
    pub const fn searches_types(self) -> bool {
        matches!(self, InteractionCode::SearchSystem | InteractionCode::SearchCompartment)
    }

    /// Whether it is a history.
    pub const fn tells_history(self) -> bool {
        matches!(
            self,
            InteractionCode::HistorySystem | InteractionCode::HistoryType | InteractionCode::HistoryInstance
        )
    }
}

/// One method at one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// Path below the FHIR base, with `{type}`, `{id}`, `{version}`, `{job}` and `{member}`, a type of a compartment; the
    /// base itself is empty.
    pub path: &'static str,
    /// What it does.
    pub interaction: InteractionCode,
    /// Whether the parameters come in the body, as a form (`_search`).
    pub form: bool,
    /// The one type that has it; `None`: all types.
    pub only: Option<&'static str>,
}

impl Route {
    /// Whether resources of a type have it, or it is of no type.
    pub fn is_for(&self, type_: &str) -> bool {
        self.only.is_none_or(|only| only == type_)
    }
}

const fn route(method: Method, path: &'static str, interaction: InteractionCode) -> Route {
    Route { method, path, interaction, form: false, only: None }
}

const fn form(path: &'static str, interaction: InteractionCode) -> Route {
    Route { method: Method::Post, path, interaction, form: true, only: None }
}

const fn operation(path: &'static str, operation: Operation, level: Level) -> Route {
    route(Method::Post, path, InteractionCode::Operation(operation, level))
}

const fn of_type(type_: &'static str, route: Route) -> Route {
    Route { only: Some(type_), ..route }
}

/// Every route, for the types that [`Registry::types`](super::Registry::types) lists.
pub(super) const ROUTES: &[Route] = &[
    route(Method::Get, "/metadata", InteractionCode::Capabilities),
    route(Method::Post, "", InteractionCode::Bundle),
    route(Method::Get, "", InteractionCode::SearchSystem),
    form("/_search", InteractionCode::SearchSystem),
    route(Method::Get, "/_history", InteractionCode::HistorySystem),
    route(Method::Get, "/{type}", InteractionCode::SearchType),
    route(Method::Post, "/{type}", InteractionCode::Create),
    route(Method::Put, "/{type}", InteractionCode::ConditionalUpdate),
    route(Method::Patch, "/{type}", InteractionCode::ConditionalPatch),
    route(Method::Delete, "/{type}", InteractionCode::ConditionalDelete),
    form("/{type}/_search", InteractionCode::SearchType),
    route(Method::Get, "/{type}/_history", InteractionCode::HistoryType),
    route(Method::Get, "/{type}/{id}", InteractionCode::Read),
    route(Method::Put, "/{type}/{id}", InteractionCode::Update),
    route(Method::Patch, "/{type}/{id}", InteractionCode::Patch),
    route(Method::Delete, "/{type}/{id}", InteractionCode::Delete),
    route(Method::Get, "/{type}/{id}/_history", InteractionCode::HistoryInstance),
    route(Method::Get, "/{type}/{id}/_history/{version}", InteractionCode::Vread),
    route(Method::Get, "/{type}/{id}/*", InteractionCode::SearchCompartment),
    form("/{type}/{id}/_search", InteractionCode::SearchCompartment),
    route(Method::Get, "/{type}/{id}/{member}", InteractionCode::SearchCompartmentType),
    form("/{type}/{id}/{member}/_search", InteractionCode::SearchCompartmentType),
    operation("/$reindex", Operation::Reindex, Level::System),
    operation("/{type}/$reindex", Operation::Reindex, Level::Type),
    of_type("SearchParameter", operation("/{type}/{id}/$reindex", Operation::Reindex, Level::Instance)),
    route(Method::Get, "/_jobs/{job}", InteractionCode::JobStatus),
    route(Method::Delete, "/_jobs/{job}", InteractionCode::CancelJob),
];
