//! THE FRAME: wiring only. Settings, roles, axum routes, sign-in, and the implementations of app's ports.
//!
//! Comes in: flags, environment, HTTP. Goes out: pages, answers, a running house. Never: a decision about a push, SQL.
//! How to add a page's port: a file in `console/`, a field in `app::ports::Ports`, a line in `console::ports`.
//! How to add routes outside the console: a file with `pub fn routes(…) -> axum::Router`, a line in `web::open_routes` or `web::signed_in_routes`.

pub mod admin;
pub mod api;
pub mod charts;
pub mod console;
pub mod demo;
pub mod live;
pub mod passwords;
pub mod problem;
pub mod returned;
pub mod run;
pub mod second_step;
pub mod session;
pub mod settings;
pub mod site;
pub mod telemetry;
pub mod totp;
pub mod web;
pub mod zone;
