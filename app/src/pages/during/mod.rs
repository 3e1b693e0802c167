//! Beside a running campaign: it begins with a few, what was sent is taken back. Plain pages, one address a step.

pub mod calls;
mod ramp;
mod recall;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

pub use ramp::{RampPage, TITLE as RAMP, ramp_words};
pub use recall::RecallPage;

/// `/apps/:app/messages/:message/recall`
#[component]
pub fn MessageRecall() -> impl IntoView {
    let id = use_params_map().read_untracked().get("message").unwrap_or_default();
    view! { <RecallPage id=id /> }
}
