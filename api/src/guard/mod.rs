//! What stands before every handler: limits, tracing, browsers' origins, and who is asking.

mod bearer;
pub(crate) mod cors;
pub(crate) mod limit;
pub(crate) mod rate;
pub(crate) mod trace;
pub(crate) mod wire;

pub(crate) use bearer::{actor, token};
