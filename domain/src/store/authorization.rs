//! What the authorization server asks of a store: clients, users, keys, codes, refresh tokens.

/// Reading the authorization server's state.
pub trait AuthorizationRead {}

/// Changing the authorization server's state; single-use state is consumed by compare-and-set.
pub trait AuthorizationWrite: AuthorizationRead {}
