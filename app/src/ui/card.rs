//! Surfaces and headings.

use leptos::prelude::*;
use leptos_meta::Title;

/// The top of a page: title (also of the document), one line below, actions at the right.
#[component]
pub fn PageHead(
    #[prop(into)] title: String,
    #[prop(optional, into)] sub: Option<String>,
    /// Buttons at the right.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <Title text=title.clone() />
        <header class="page-head">
            <div class="grow">
                <h1>{title}</h1>
                {sub.map(|sub| view! { <p class="sub">{sub}</p> })}
            </div>
            {children.map(|actions| view! { <div class="actions">{actions()}</div> })}
        </header>
    }
    .into_any()
}

#[component]
pub fn Card(
    #[prop(optional, into)] title: Option<String>,
    /// A remark at the right of the title.
    #[prop(optional, into)]
    note: Option<String>,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="card">
            {title
                .map(|title| {
                    view! {
                        <header class="card-head">
                            <h2>{title}</h2>
                            {note.map(|note| view! { <span class="sub">{note}</span> })}
                        </header>
                    }
                })}
            {children()}
        </section>
    }
    .into_any()
}

/// A big figure with its label; the children are the line below (denominator, source).
#[component]
pub fn Figure(
    #[prop(into)] label: String,
    #[prop(into)] value: Signal<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="card kpi">
            <span class="sub">{label}</span>
            <b class="num">{move || value.get()}</b>
            {children.map(|line| view! { <span class="d">{line()}</span> })}
        </div>
    }
    .into_any()
}
