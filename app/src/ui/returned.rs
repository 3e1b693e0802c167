//! A form that came back refused, without scripts: what was typed is shown again instead of what is stored.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;
use serde::de::DeserializeOwned;
use types::problem::Problem;
use types::views::shell::Returned;

use super::shell_state::use_shell;

/// Name of the query value that ties a page to what came back.
pub const RETURNED: &str = "returned";

/// Depth of nested fields, as server functions read them.
const DEPTH: usize = 5;

fn returned_from(path: &str) -> Option<Returned> {
    let id = use_query_map().with_untracked(|query| query.get(RETURNED))?;
    use_shell().with(|shell| shell.returned.clone()).filter(|back| back.id == id && back.to == path)
}

/// What was typed into the form of a server function that refused it.
pub fn typed_into<S: ServerFn + DeserializeOwned>() -> Option<S> {
    let back = returned_from(S::PATH)?;
    serde_qs::Config::new(DEPTH, false).deserialize_str(&back.fields).ok()
}

/// What the server says of a form posted to `path` (no server function): its fields, as they were kept.
pub fn answer_of(path: &str) -> Option<String> {
    returned_from(path).filter(|back| back.problem.is_none()).map(|back| back.fields)
}

/// Why a form posted to `path` (no server function) was refused.
pub fn refusal_of(path: &str) -> Option<Problem> {
    returned_from(path)?.problem
}
