//! The HTTP API: `/v1` (signed), `/v1/client` (client key), `/callbacks`, `/openapi.json`, `/docs/api`.
//!
//! Comes in: HTTP. Goes out: calls into `House`, problems as `application/problem+json`.
//! Never: SQL, a vendor, a decision (those live in the pipeline). How to add a call: a handler with `#[utoipa::path]`
//! in the file of its noun, a line in `router`; `docs.rs` and its tests find it by itself.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use pipeline::house::House;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

mod callbacks;
mod caller;
mod client;
mod crowds;
mod dead_letters;
mod devices;
mod docs;
mod frame;
pub mod limit;
mod messages;
mod policy;
mod recall;
mod recipients;
mod shapes;
mod signed;
#[cfg(test)]
mod tests;

/// What every handler gets.
#[derive(Clone)]
pub struct Api {
    house: Arc<House>,
    callers: Arc<caller::Callers>,
    limits: limit::Limits,
}

/// The whole API; merge it beside the console. Wants no session, no CSRF layer, and its own body limits.
pub fn router(house: Arc<House>, limits: limit::Limits) -> Router {
    let api = Api { callers: Arc::new(caller::Callers::new(&house)), house, limits };
    let signed = OpenApiRouter::new()
        .routes(routes!(devices::list, devices::register))
        .routes(routes!(devices::get, devices::put))
        .routes(routes!(devices::drop_token))
        .routes(routes!(messages::list, messages::send))
        .routes(routes!(recipients::list))
        .routes(routes!(recall::get, recall::post))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::replay))
        .routes(routes!(policy::read, policy::replace))
        .routes(routes!(policy::list, policy::add, policy::remove))
        // One segment carries id and verb: `msg_…` and `msg_…:cancel`.
        .route("/v1/messages/{id}", axum::routing::get(messages::get).post(messages::verb))
        .route_layer(from_fn_with_state(api.clone(), signed::signed));
    let crowds = OpenApiRouter::new()
        .routes(routes!(crowds::list, crowds::upload))
        .routes(routes!(crowds::get))
        .routes(routes!(crowds::rejects))
        .routes(routes!(policy::add_file))
        .route_layer(from_fn_with_state(api.clone(), signed::signed_stream));
    let client = OpenApiRouter::new()
        .routes(routes!(client::reports))
        .routes(routes!(client::register))
        .route_layer(from_fn_with_state(api.clone(), limit::clients))
        .route_layer(DefaultBodyLimit::max(client::BODY_MAX));
    let callbacks =
        OpenApiRouter::new().routes(routes!(callbacks::take, callbacks::look)).route_layer(DefaultBodyLimit::max(callbacks::BODY_MAX));
    let (router, described) =
        OpenApiRouter::with_openapi(docs::base()).merge(signed).merge(crowds).merge(client).merge(callbacks).split_for_parts();
    let v1 = router.with_state(api.clone()).method_not_allowed_fallback(frame::no_such_method).layer(from_fn_with_state(api, frame::frame));
    v1.merge(docs::router(described).layer(from_fn(docs::own_policy)))
}
