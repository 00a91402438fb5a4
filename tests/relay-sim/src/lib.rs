//! Simulated relay sites over real HTTP: New API of three generations and One API, each as its
//! source and the recorded answers under `tests/fixtures/sites` say, with faults on request.

mod account;
mod answer;
mod args;
mod ask;
mod auth;
mod billing;
mod chat;
mod control;
mod cookie;
mod daily;
mod dice;
mod edit;
mod fault;
mod hub;
mod jwt;
mod kind;
mod limits;
mod list;
mod log;
mod login;
mod logs;
mod managed;
mod page;
mod relay;
mod reveal;
mod route;
mod seed;
mod serve;
mod session;
mod site;
mod state;
mod status;
mod step_up;
mod sub2api;
mod text;
mod view;
mod wire;

pub use args::{Args, SiteArgs, USAGE};
pub use kind::Kind;
pub use serve::{Running, start};
