//! planned = filtered + accepted + refused + expired + cancelled + uncertain + waiting, as a sentence and a bar.

use leptos::prelude::*;
use types::funnel::Equation;
use types::life::Outcome;
use types::text::Text;

use super::format;
use super::pill::{Pill, Tone};
use crate::i18n::use_lang;

const TITLE: Text = Text::new("账实相符", "The equation");
const PLANNED: Text = Text::new("计划", "planned");
const TRUE: Text = Text::new("✓ 平", "✓ holds");
const FALSE: Text = Text::new("✗ 不平", "✗ broken");

const PARTS: [(Outcome, &str); 7] = [
    (Outcome::Filtered, "eq-filtered"),
    (Outcome::Accepted, "eq-accepted"),
    (Outcome::Refused, "eq-refused"),
    (Outcome::Expired, "eq-expired"),
    (Outcome::Cancelled, "eq-cancelled"),
    (Outcome::Uncertain, "eq-uncertain"),
    (Outcome::Waiting, "eq-waiting"),
];

#[component]
pub fn EquationBar(#[prop(into)] equation: Signal<Equation>) -> impl IntoView {
    let lang = use_lang();
    let sum = move |e: &Equation| PARTS.iter().map(|(o, _)| e.get(*o)).sum::<u64>();
    let sentence = move || {
        let e = equation.get();
        let parts: Vec<String> = PARTS
            .iter()
            .filter(|(o, _)| e.get(*o) > 0)
            .map(|(o, _)| format!("{} {}", o.name().get(lang), format::exact(e.get(*o))))
            .collect();
        let right = if parts.is_empty() { "0".to_owned() } else { parts.join(" + ") };
        format!("{} {} = {right}", PLANNED.get(lang), format::exact(e.planned))
    };
    // Widths are SVG attributes: the CSP allows no style attributes.
    let bars = move || {
        let e = equation.get();
        let whole = e.planned.max(1) as f64;
        let mut x = 0.0;
        PARTS
            .iter()
            .filter(|(o, _)| e.get(*o) > 0)
            .map(|(o, class)| {
                let width = e.get(*o) as f64 * 1_000.0 / whole;
                let start = x;
                x += width;
                let label = format!("{} {}", o.name().get(lang), format::percent(e.get(*o), e.planned));
                view! {
                    <rect class=*class x=format!("{start:.2}") y="0" width=format!("{width:.2}") height="34">
                        <title>{label}</title>
                    </rect>
                }
            })
            .collect_view()
    };
    let legend = move || {
        let e = equation.get();
        PARTS
            .iter()
            .filter(|(o, _)| e.get(*o) > 0)
            .map(|(o, class)| {
                view! {
                    <li>
                        <span class=format!("dot {class}") aria-hidden="true"></span>
                        {format!("{} {}", o.name().get(lang), format::percent(e.get(*o), e.planned))}
                    </li>
                }
            })
            .collect_view()
    };
    view! {
        <section class="card equation">
            <header class="card-head">
                <h2>{TITLE.get(lang)}</h2>
                <span class="sub num grow">{sentence}</span>
                {move || {
                    let e = equation.get();
                    if sum(&e) == e.planned {
                        view! { <Pill tone=Tone::Ok>{TRUE.get(lang)}</Pill> }.into_any()
                    } else {
                        view! { <Pill tone=Tone::Bad>{FALSE.get(lang)}</Pill> }.into_any()
                    }
                }}
            </header>
            <svg class="eq" viewBox="0 0 1000 34" preserveAspectRatio="none" role="img" aria-label=sentence>
                <rect class="eq-rest" x="0" y="0" width="1000" height="34"></rect>
                {bars}
            </svg>
            <ul class="legend">{legend}</ul>
        </section>
    }
    .into_any()
}
