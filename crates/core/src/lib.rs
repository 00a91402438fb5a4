//! Every decision of Relaykeep, without input or output: what a site is, what a sync changes,
//! which keys to reveal, how records are sealed. It never reads a clock, rolls dice or prints;
//! what it needs from the world comes in through the ports.

#[cfg(feature = "vault")]
mod body;
#[cfg(all(feature = "sites", feature = "vault"))]
pub mod book;
pub mod form;
pub mod json;
pub mod keys;
#[cfg(any(feature = "sites", feature = "vault"))]
pub mod platform;
pub mod ports;
pub mod search;
pub mod sorted;
pub mod text;
pub mod units;

#[cfg(any(feature = "sites", feature = "vault"))]
pub mod secret;

#[cfg(feature = "sites")]
pub mod http;
#[cfg(feature = "sites")]
pub mod site;

#[cfg(feature = "vault")]
pub mod vault;
