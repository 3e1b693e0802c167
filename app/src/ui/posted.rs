//! A form posted to its own plain page: the page is written anew from what was typed. Nothing is stored by it.
//!
//! `<form method="post" action=(the page) data-renews="id id …">`: `assets/renew.js` posts it after a pause in typing and puts the
//! answer's elements of these ids in the place of those shown; without scripts its button does the same for the whole page.

use leptos::prelude::use_context;
use serde::de::DeserializeOwned;

/// The body of the post; put into the request by the server.
#[derive(Clone, Debug)]
pub struct Posted(pub String);

/// Nested fields, as server functions read them.
const DEPTH: usize = 5;

/// The form as posted, or else the query of the address; what cannot be read is as if nothing was said.
pub fn asked<T: DeserializeOwned + Default>() -> T {
    let Some(parts) = use_context::<http::request::Parts>() else { return T::default() };
    let text = match parts.extensions.get::<Posted>() {
        Some(Posted(body)) => body.clone(),
        None => parts.uri.query().unwrap_or_default().to_owned(),
    };
    serde_qs::Config::new(DEPTH, false).deserialize_str(&text).unwrap_or_default()
}
