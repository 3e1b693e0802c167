//! Stands in the browser's part for a page that only the server writes: the page is fetched as a document.

use leptos::prelude::*;

/// See [`crate::routes::PLAIN`].
#[component]
pub fn Plain() -> impl IntoView {
    // The router has written the address already.
    Effect::new(|_| {
        let _: Result<(), _> = window().location().reload();
    });
}
