//! Small marks: colour always with a word.

use leptos::prelude::*;
use types::vendor::{Environment, Vendor};

use crate::i18n::use_lang;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Mute,
    Ok,
    Warn,
    Bad,
    Act,
}

impl Tone {
    pub const fn class(self) -> &'static str {
        match self {
            Tone::Mute => "pill mute",
            Tone::Ok => "pill ok",
            Tone::Warn => "pill warn",
            Tone::Bad => "pill bad",
            Tone::Act => "pill act",
        }
    }
}

#[component]
pub fn Pill(#[prop(optional)] tone: Tone, children: Children) -> impl IntoView {
    view! { <span class=tone.class()>{children()}</span> }.into_any()
}

/// The environment as word and colour.
#[component]
pub fn EnvPill(environment: Environment) -> impl IntoView {
    let lang = use_lang();
    view! { <span class=format!("env {}", environment.slug())>{environment.name().get(lang)}</span> }.into_any()
}

/// The vendor's colour and name.
#[component]
pub fn VendorDot(vendor: Vendor) -> impl IntoView {
    let lang = use_lang();
    view! {
        <span class="vendor">
            <span class=format!("dot v-{}", vendor.slug()) aria-hidden="true"></span>
            {vendor.name().get(lang)}
        </span>
    }
    .into_any()
}
