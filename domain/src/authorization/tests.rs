//! Tests of the authorization server over a map of records.
