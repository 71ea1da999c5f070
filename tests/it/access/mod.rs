//! Who may do what, from outside. Numbers in names and tables are those of the attack catalogue the server is held to
//! (C: 114–132 scope, D: 133–168 compartment escape).

mod bundle;
mod compartment;
mod documented;
pub(crate) mod record;
mod scope;
mod search;
mod store;
mod unauthenticated;
mod versions;
mod write;
