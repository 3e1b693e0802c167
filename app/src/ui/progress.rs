//! How far something is.

use leptos::prelude::*;

use super::format;

/// A native progress bar with its share in words. `class` colours it (`v-xiaomi`, …).
#[component]
pub fn Bar(
    #[prop(into)] value: Signal<u64>,
    #[prop(into)] max: Signal<u64>,
    #[prop(into)] label: String,
    #[prop(optional)] class: &'static str,
) -> impl IntoView {
    view! {
        <progress
            class=format!("bar {class}")
            value=move || value.get().to_string()
            max=move || max.get().max(1).to_string()
            aria-label=label
            title=move || format!("{} / {}", format::exact(value.get()), format::exact(max.get()))
        >
            {move || format::percent(value.get(), max.get())}
        </progress>
    }
    .into_any()
}
