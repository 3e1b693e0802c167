//! Figures and times in a line of text.

use leptos::prelude::*;
use types::Millis;
use types::funnel::Source;
use types::text::Text;

use super::format;
use super::shell_state::use_shell;
use crate::i18n::use_lang;

/// A count: short form, exact figure on hover.
#[component]
pub fn Num(#[prop(into)] value: Signal<u64>) -> impl IntoView {
    let lang = use_lang();
    view! {
        <span class="num" title=move || format::exact(value.get())>
            {move || format::short(value.get(), lang)}
        </span>
    }
    .into_any()
}

/// A share with its numerator and denominator on hover.
#[component]
pub fn Rate(#[prop(into)] part: Signal<u64>, #[prop(into)] whole: Signal<u64>) -> impl IntoView {
    view! {
        <span class="num" title=move || format!("{} / {}", format::exact(part.get()), format::exact(whole.get()))>
            {move || format::percent(part.get(), whole.get())}
        </span>
    }
    .into_any()
}

/// A time in the console's zone; UTC on hover. `brief` leaves out year and seconds.
#[component]
pub fn Time(at: Millis, #[prop(optional)] brief: bool) -> impl IntoView {
    let utc = format::rfc3339(at);
    let text = use_shell().with(|s| if brief { format::stamp_short(at, &s.zone) } else { format::stamp(at, &s.zone) });
    view! {
        <time class="num" datetime=utc.clone() title=utc>
            {text}
        </time>
    }
    .into_any()
}

/// ● ◐ ○ – with the word for those who cannot see or know the sign.
#[component]
pub fn SourceSign(source: Source) -> impl IntoView {
    let lang = use_lang();
    let word = source.name().get(lang);
    view! {
        <span class="src" role="img" title=word aria-label=word>
            {source.sign()}
        </span>
    }
    .into_any()
}

/// The line that explains the signs.
#[component]
pub fn SourceLegend() -> impl IntoView {
    let lang = use_lang();
    const EXPLAIN: Text = Text::new("数字来源", "Source of figures");
    view! {
        <span class="src" aria-label=EXPLAIN.get(lang)>
            {[Source::Measured, Source::Vendor, Source::Inferred, Source::NotMeasurable]
                .map(|s| format!("{} {}  ", s.sign(), s.name().get(lang)))
                .concat()}
        </span>
    }
    .into_any()
}
