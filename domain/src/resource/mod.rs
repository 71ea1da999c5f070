//! Resources as they travel: the parsed tree, ids and instants, references and their rewriting.

pub mod json;
mod parse;
