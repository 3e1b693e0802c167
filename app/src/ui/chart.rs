//! A chart drawn by the server (charts-rs, its own route) with a summary and a table twin.

use leptos::prelude::*;
use types::text::Text;

use crate::i18n::t;

const SHOW_DATA: Text = Text::new("查看数据", "Show data");

/// `src`: address of the picture; `summary`: what it shows, in words; children: the same figures as a [`super::table::Table`].
#[component]
pub fn Chart(
    #[prop(into)] src: Signal<String>,
    #[prop(into)] summary: Signal<String>,
    width: u32,
    height: u32,
    children: Children,
) -> impl IntoView {
    view! {
        <figure class="chart">
            <img src=move || src.get() alt=move || summary.get() width=width height=height loading="lazy" decoding="async" />
            <figcaption class="sub">{move || summary.get()}</figcaption>
            <details>
                <summary>{t(SHOW_DATA)}</summary>
                {children()}
            </details>
        </figure>
    }
    .into_any()
}
