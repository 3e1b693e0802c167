//! Buttons and links that look like buttons.

use leptos::prelude::*;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Plain,
    /// The primary action: one a page.
    Act,
    /// Destroys or sends something that cannot be taken back.
    Danger,
}

impl Kind {
    pub const fn class(self) -> &'static str {
        match self {
            Kind::Plain => "btn",
            Kind::Act => "btn act",
            Kind::Danger => "btn bad",
        }
    }
}

/// `<button type=submit>`; with `name` and `value` when the form needs to know which one. `why` = why it is disabled, shown on hover.
#[component]
pub fn Button(
    #[prop(optional)] kind: Kind,
    #[prop(optional, into)] name: Option<String>,
    #[prop(optional, into)] value: Option<String>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional, into)] why: Option<String>,
    /// The id of the form it sends, when it stands outside of it.
    #[prop(optional, into)]
    form: Option<String>,
    children: Children,
) -> impl IntoView {
    view! {
        <button class=kind.class() type="submit" name=name value=value disabled=move || disabled.get() title=why form=form>
            {children()}
        </button>
    }
    .into_any()
}

/// A link in the shape of a button.
#[component]
pub fn LinkButton(
    #[prop(optional)] kind: Kind,
    #[prop(into)] href: String,
    /// The browser loads it itself (downloads, pages outside the console).
    #[prop(optional)]
    external: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <a class=kind.class() href=href rel=external.then_some("external")>
            {children()}
        </a>
    }
    .into_any()
}
