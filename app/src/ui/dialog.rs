//! Asking back before something that cannot be taken back.

use leptos::html;
use leptos::prelude::*;
use types::text::Text;

use super::button::Kind;
use crate::i18n::t;

const CLOSE: Text = Text::new("关闭", "Close");

/// A question that opens in place; works without scripts. Children: the sentence of what will happen, and a form with the button.
#[component]
pub fn Confirm(#[prop(into)] label: String, #[prop(optional)] kind: Kind, children: Children) -> impl IntoView {
    view! {
        <details class="confirm">
            <summary class=kind.class()>{label}</summary>
            <div class="confirm-body card">{children()}</div>
        </details>
    }
    .into_any()
}

/// A native modal dialog: focus stays inside and returns to where it came from. `open` shows it; it sets `open` to false when closed.
#[component]
pub fn Dialog(#[prop(into)] title: String, open: RwSignal<bool>, children: Children) -> impl IntoView {
    let node: NodeRef<html::Dialog> = NodeRef::new();
    Effect::new(move |_| {
        if let Some(dialog) = node.get() {
            if open.get() {
                if !dialog.open() {
                    // Fails only when the element left the document.
                    let _ = dialog.show_modal();
                }
            } else if dialog.open() {
                dialog.close();
            }
        }
    });
    let label = title.clone();
    view! {
        <dialog node_ref=node class="dialog" aria-label=label on:close=move |_| open.set(false)>
            <header class="card-head">
                <h2>{title}</h2>
                <button type="button" class="btn" on:click=move |_| open.set(false)>
                    {t(CLOSE)}
                </button>
            </header>
            {children()}
        </dialog>
    }
    .into_any()
}
