//! An empty list leads on.

use leptos::prelude::*;

use super::icon::{Icon, IconView};

/// One sentence, one picture, one button (none when the person may not).
#[component]
pub fn Empty(
    icon: Icon,
    #[prop(into)] sentence: String,
    /// Address and label of the next step.
    #[prop(optional, into)]
    next: Option<(String, String)>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <IconView icon=icon />
            <p>{sentence}</p>
            {next
                .map(|(href, label)| {
                    view! {
                        <a class="btn act" href=href>
                            {label}
                        </a>
                    }
                })}
        </div>
    }
    .into_any()
}
