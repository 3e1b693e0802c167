//! Stands in the browser's part for a page that only the server writes: the page is fetched as a document.

use leptos::prelude::*;
use leptos_router::hooks::use_url;

/// See [`crate::routes::PLAIN`].
#[component]
pub fn Plain() -> impl IntoView {
    let url = use_url();
    Effect::new(move |_| {
        // The router may not have written the address yet.
        let to = url.with(|url| format!("{}{}{}", url.path(), if url.search().is_empty() { "" } else { "?" }, url.search()));
        let _: Result<(), _> = window().location().assign(&to);
    });
}
