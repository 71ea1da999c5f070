//! The OAuth 2.0 / SMART App Launch authorization server, from outside. Numbers in names and tables are those of the
//! attack catalogue the server is held to (A: 1–80 OAuth flow, B: 81–113 token forging, C: 114–132 scope).

mod assertion;
mod client_authentication;
mod code;
mod cors;
mod discovery;
mod endpoint;
mod flow;
mod forgery;
mod grant;
mod jws;
mod key_host;
mod keys;
mod openid;
mod pages;
mod redirect;
mod refresh;
mod remote_keys;
mod revocation;
mod scope;
mod throttle;
