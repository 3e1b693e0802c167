//! Forecast against fact, side by side.

use leptos::prelude::*;
use types::Millis;
use types::views::forecast::{Facts, Forecast, LaneFact};

use crate::ui::format;
use crate::ui::prelude::*;

const RULES: Text = Text::new("推演与事实：每条规则", "Forecast and fact: every rule");
const LANES: Text = Text::new("推演与事实：各通道", "Forecast and fact: lanes");
const REASON: Text = Text::new("原因", "Reason");
const LANE: Text = Text::new("通道", "Lane");
const FORETOLD: Text = Text::new("推演", "Forecast");
const FACT: Text = Text::new("事实", "Fact");
const OFF: Text = Text::new("相差", "Off by");
const TOOK: Text = Text::new("用时：推演", "Time: forecast");
const TOOK_FACT: Text = Text::new("用时：事实", "Time: fact");
const EXACT: Text = Text::new("✓ 一致", "✓ as foretold");
const MOVES: Text = Text::new("还有 {0} 台在等，事实会继续变。", "{0} still wait: the facts go on.");
const ALL: Text = Text::new("计划", "Planned");
const NO_RULE: Text = Text::new("没有人被规则留下，推演里也没有。", "No rule left anybody out, and none was foretold.");

/// `+12`, `−3`, or that it came as foretold.
fn off(foretold: u64, fact: u64, lang: Lang) -> String {
    match fact.cmp(&foretold) {
        std::cmp::Ordering::Equal => EXACT.get(lang).to_owned(),
        std::cmp::Ordering::Greater => format!("+{}", format::exact(fact - foretold)),
        std::cmp::Ordering::Less => format!("−{}", format::exact(foretold - fact)),
    }
}

/// Of less than so much no percentage is worth telling.
const SHORT_MS: Millis = 10_000;

/// Difference of two lengths of time in percent of the foretold one, or in seconds where that is short.
fn off_time(foretold: Option<Millis>, fact: Option<Millis>) -> String {
    let (Some(foretold), Some(fact)) = (foretold, fact) else { return "–".to_owned() };
    if foretold.max(fact) < 1_000 {
        return "< 1 s".to_owned();
    }
    if foretold < SHORT_MS {
        return format!("{:+.1} s", (fact - foretold) as f64 / 1_000.0);
    }
    let percent = (fact - foretold) as f64 * 100.0 / foretold as f64;
    format!("{percent:+.0} %")
}

#[component]
pub fn Compare(forecast: Forecast, facts: Facts) -> impl IntoView {
    let lang = use_lang();
    let row = move |name: String, foretold: u64, fact: u64| {
        view! {
            <tr>
                <td>{name}</td>
                <td class="n">{format::exact(foretold)}</td>
                <td class="n">{format::exact(fact)}</td>
                <td class="n">{off(foretold, fact, lang)}</td>
            </tr>
        }
    };
    let none = facts.rules.is_empty().then(|| view! { <p class="sub">{NO_RULE.get(lang)}</p> });
    let rules = facts.rules.iter().map(|r| row(r.rule.name().get(lang).to_owned(), r.rule.devices, r.fact)).collect_view();
    let planned = row(ALL.get(lang).to_owned(), forecast.planned, facts.equation.planned);
    let columns = {
        vec![
            Column::text(REASON.get(lang)),
            Column::number(FORETOLD.get(lang)),
            Column::number(FACT.get(lang)),
            Column::number(OFF.get(lang)),
        ]
    };
    let (starts_at, started_at) = (forecast.starts_at, facts.started_at);
    let lanes = facts.lanes.iter().map(|lane| lane_row(lane, starts_at, started_at, lang)).collect_view();
    let numbers = [FORETOLD, FACT, OFF, TOOK, TOOK_FACT, OFF].map(|c| Column::number(c.get(lang)));
    let lane_columns = [Column::text(LANE.get(lang))].into_iter().chain(numbers).collect();
    let moves = (facts.equation.waiting > 0)
        .then(|| view! { <p class="note-box">{MOVES.fill(lang, &[&format::exact(facts.equation.waiting)])}</p> });
    view! {
        {moves}
        <Card title=RULES.get(lang)>
            <Table caption=RULES.get(lang) columns=columns>
                {planned}
                {rules}
            </Table>
            {none}
        </Card>
        <Card title=LANES.get(lang)>
            <Table caption=LANES.get(lang) columns=lane_columns>{lanes}</Table>
        </Card>
    }
}

fn lane_row(lane: &LaneFact, starts_at: Millis, started_at: Option<Millis>, lang: Lang) -> AnyView {
    let foretold = lane.forecast.as_ref();
    let devices = foretold.map_or(0, |f| f.devices);
    let took = foretold.and_then(|f| f.finish_at).map(|at| at - starts_at);
    let took_fact = lane.finished_at.zip(started_at).map(|(at, from)| at - from);
    let words = |ms: Option<Millis>| ms.map_or_else(|| "–".to_owned(), |ms| format::duration(ms, lang));
    view! {
        <tr>
            <td><VendorDot vendor=lane.vendor /></td>
            <td class="n">{format::exact(devices)}</td>
            <td class="n">{format::exact(lane.equation.planned)}</td>
            <td class="n">{off(devices, lane.equation.planned, lang)}</td>
            <td class="n">{words(took)}</td>
            <td class="n">{words(took_fact)}</td>
            <td class="n">{off_time(took, took_fact)}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_signed_and_agreement_is_said() {
        assert_eq!(off(5, 5, Lang::En), "✓ as foretold");
        assert_eq!(off(5, 7, Lang::En), "+2");
        assert_eq!(off(5, 0, Lang::En), "−5");
        assert_eq!(off_time(Some(10_000), Some(11_000)), "+10 %");
        assert_eq!(off_time(Some(10_000), Some(9_000)), "-10 %");
        assert_eq!(off_time(Some(200), Some(900)), "< 1 s");
        assert_eq!(off_time(Some(60), Some(1_860)), "+1.8 s", "not three thousand percent");
        assert_eq!(off_time(None, Some(900)), "–");
    }
}
