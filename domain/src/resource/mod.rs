//! Resources as they travel: the parsed tree, the stored bytes, links between resources and their rewriting.

pub mod body;
pub mod json;
pub mod link;
mod parse;
pub mod patch;
pub mod subset;
