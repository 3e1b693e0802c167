//! The funnel as bars: stage, count, denominator, rate, who says so. No rate where somebody cannot be measured.

use leptos::prelude::*;
use types::funnel::{Funnel, FunnelLane, Source, Stage};

use crate::ui::format;
use crate::ui::prelude::*;

const FUNNEL: Text = Text::new("漏斗", "Funnel");
const STAGE: Text = Text::new("阶段", "Stage");
const BAR: Text = Text::new("占计划", "Of planned");
const ALL: Text = Text::new("合计", "All");
const RATE: Text = Text::new("比率", "Rate");
const SOURCE: Text = Text::new("来源", "Source");
const WHAT: Text = Text::new("定义", "Definition");
const NOT_MEASURABLE: Text = Text::new("不可测", "not measurable");
/// {0} denominator name, {1} its count.
const OVER: Text = Text::new("分母：{0} {1}", "of {0}: {1}");
const LEFT_OUT: Text = Text::new("不含不可测的 {0}", "without {0}, not measurable");

/// Who says the total of a stage: each source once.
pub fn sources(funnel: &Funnel, stage: Stage) -> Vec<Source> {
    let mut out: Vec<Source> = Vec::new();
    for lane in &funnel.lanes {
        // Recipients without a lane were never handed to anybody: nobody speaks of them.
        let before_any_vendor = matches!(stage, Stage::Planned | Stage::Filtered);
        if lane.vendor.is_none() && !before_any_vendor {
            continue;
        }
        let source = lane.vendor.map_or(Source::Measured, |vendor| vendor.source_of(stage));
        if lane.equation.planned > 0 && source != Source::NotMeasurable && !out.contains(&source) {
            out.push(source);
        }
    }
    if out.is_empty() && !funnel.lanes.is_empty() {
        out.push(Source::NotMeasurable);
    }
    out
}

/// Vendors of the funnel that cannot measure a stage.
fn left_out(funnel: &Funnel, stage: Stage, lang: Lang) -> String {
    let names: Vec<&str> = funnel
        .lanes
        .iter()
        .filter(|lane| lane.equation.accepted > 0 && lane.stage(stage).is_none())
        .filter_map(|lane| lane.vendor.map(|v| v.name().get(lang)))
        .collect();
    names.join(if lang == Lang::Zh { "、" } else { ", " })
}

#[component]
pub fn Signs(sources: Vec<Source>) -> impl IntoView {
    sources.into_iter().map(|source| view! { <SourceSign source=source /> }).collect_view()
}

/// `分母：已提交 1,201,300`.
pub fn denominator(stage: Stage, n: u64, lang: Lang) -> Option<String> {
    stage.denominator().map(|below| OVER.fill(lang, &[below.name().get(lang), &format::short(n, lang)]))
}

/// A bar of `value` in `whole`, drawn with attributes (no style).
#[component]
pub fn StageBar(value: u64, whole: u64, class: &'static str, label: String) -> impl IntoView {
    let width = value as f64 * 1_000.0 / whole.max(1) as f64;
    view! {
        <svg class="stage-bar" viewBox="0 0 1000 26" preserveAspectRatio="none" role="img" aria-label=label>
            <rect class="stage-rest" x="0" y="0" width="1000" height="26"></rect>
            <rect class=class x="0" y="0" width=format!("{:.2}", width.min(1_000.0)) height="26"></rect>
        </svg>
    }
}

pub const fn bar_class(stage: Stage) -> &'static str {
    match stage {
        Stage::Planned | Stage::Submitted | Stage::Accepted => "stage-sent",
        Stage::Filtered => "stage-loss",
        Stage::Delivered | Stage::Displayed => "stage-arrived",
        Stage::Clicked => "stage-clicked",
    }
}

/// The exact meaning behind a (?), open without scripts.
#[component]
pub fn Definition(stage: Stage) -> impl IntoView {
    let lang = use_lang();
    view! {
        <details class="what">
            <summary title=t(WHAT) aria-label=format!("{} {}", t(WHAT), stage.name().get(lang))>
                "?"
            </summary>
            <p class="help">{stage.definition().get(lang)}</p>
        </details>
    }
}

#[component]
fn LaneCell(lane: FunnelLane, stage: Stage) -> impl IntoView {
    let lang = use_lang();
    let source = lane.vendor.map_or(Source::Measured, |vendor| vendor.source_of(stage));
    match lane.stage(stage) {
        None => view! { <td class="n sub">{t(NOT_MEASURABLE)} " " <SourceSign source=source /></td> }.into_any(),
        Some(value) => {
            let rate = stage.denominator().and_then(|below| lane.stage(below).map(|n| (below, n)));
            let rate = rate.map(|(below, n)| {
                let title = OVER.fill(lang, &[below.name().get(lang), &format::exact(n)]);
                view! { <span class="sub num" title=title>" " {format::percent(value, n)}</span> }
            });
            view! { <td class="n"><Num value=value /> {rate} " " <SourceSign source=source /></td> }.into_any()
        }
    }
}

/// Every stage: total with bar, and one column per vendor.
#[component]
pub fn FunnelTable(funnel: Funnel) -> impl IntoView {
    let lang = use_lang();
    let lanes: Vec<FunnelLane> = funnel.lanes.iter().filter(|lane| lane.vendor.is_some()).cloned().collect();
    let mut columns =
        vec![Column::text(t(STAGE)), Column::text(t(BAR)), Column::number(t(ALL)), Column::number(t(RATE)), Column::text(t(SOURCE))];
    columns.extend(lanes.iter().filter_map(|lane| lane.vendor.map(|v| Column::number(v.name().get(lang)))));
    let planned = funnel.total.planned;
    let rows = Stage::ALL
        .map(|stage| {
            let total = funnel.stage(stage);
            let nobody = sources(&funnel, stage) == [Source::NotMeasurable];
            let name = stage.name().get(lang);
            let label = format!("{name} {} / {}", format::exact(total.value), format::exact(planned));
            let without = left_out(&funnel, stage, lang);
            let cells = lanes.iter().cloned().map(|lane| view! { <LaneCell lane=lane stage=stage /> }).collect_view();
            view! {
                <tr>
                    <th scope="row" class="stage-name">{name} <Definition stage=stage /></th>
                    <td class="stage-cell">
                        {(!nobody).then(|| view! { <StageBar value=total.value whole=planned class=bar_class(stage) label=label /> })}
                    </td>
                    <td class="n">
                        {if nobody { t(NOT_MEASURABLE).into_any() } else { view! { <Num value=total.value /> }.into_any() }}
                    </td>
                    <td class="n">
                        {(!nobody).then(|| stage.denominator().map(|_| view! { <Rate part=total.value whole=total.denominator /> }))}
                        {(!nobody).then(|| denominator(stage, total.denominator, lang).map(|text| view! { <div class="sub">{text}</div> }))}
                        {(!nobody && !without.is_empty()).then(|| view! { <div class="sub">{LEFT_OUT.fill(lang, &[&without])}</div> })}
                    </td>
                    <td><Signs sources=sources(&funnel, stage) /></td>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table caption=t(FUNNEL) columns=columns>
            {rows}
        </Table>
    }
    .into_any()
}

/// The short form for the overview: bar, count, rate, sign.
#[component]
pub fn FunnelShort(funnel: Funnel) -> impl IntoView {
    let lang = use_lang();
    let planned = funnel.total.planned;
    let columns =
        vec![Column::text(t(STAGE)), Column::text(t(BAR)), Column::number(t(ALL)), Column::number(t(RATE)), Column::text(t(SOURCE))];
    let rows = [Stage::Planned, Stage::Submitted, Stage::Accepted, Stage::Delivered, Stage::Displayed, Stage::Clicked]
        .map(|stage| {
            let total = funnel.stage(stage);
            let nobody = sources(&funnel, stage) == [Source::NotMeasurable];
            let name = stage.name().get(lang);
            let label = format!("{name} {} / {}", format::exact(total.value), format::exact(planned));
            view! {
                <tr>
                    <th scope="row" class="stage-name">{name}</th>
                    <td class="stage-cell">
                        {(!nobody).then(|| view! { <StageBar value=total.value whole=planned class=bar_class(stage) label=label /> })}
                    </td>
                    <td class="n">{if nobody { t(NOT_MEASURABLE).into_any() } else { view! { <Num value=total.value /> }.into_any() }}</td>
                    <td class="n">
                        {(!nobody).then(|| stage.denominator().map(|_| view! { <Rate part=total.value whole=total.denominator /> }))}
                    </td>
                    <td><Signs sources=sources(&funnel, stage) /></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table caption=t(FUNNEL) columns=columns>
            {rows}
        </Table>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::funnel::Equation;
    use types::vendor::Vendor;

    #[test]
    fn a_total_names_everybody_who_says_it() {
        let lane = |vendor| FunnelLane {
            vendor: Some(vendor),
            equation: Equation { planned: 1, accepted: 1, ..Equation::default() },
            ..FunnelLane::default()
        };
        let both = Funnel { lanes: vec![lane(Vendor::Apns), lane(Vendor::Xiaomi)], ..Funnel::default() };
        assert_eq!(sources(&both, Stage::Delivered), [Source::Measured, Source::Vendor]);
        assert_eq!(sources(&both, Stage::Displayed), [Source::Inferred]);
        assert_eq!(left_out(&both, Stage::Displayed, Lang::En), "APNs");
        let apns = Funnel { lanes: vec![lane(Vendor::Apns)], ..Funnel::default() };
        assert_eq!(sources(&apns, Stage::Displayed), [Source::NotMeasurable]);
        assert!(sources(&Funnel::default(), Stage::Planned).is_empty());
        let nobody = FunnelLane { vendor: None, ..lane(Vendor::Apns) };
        let with_nobody = Funnel { lanes: vec![nobody, lane(Vendor::Xiaomi)], ..Funnel::default() };
        assert_eq!(sources(&with_nobody, Stage::Accepted), [Source::Vendor], "who has no lane has no say");
    }
}
