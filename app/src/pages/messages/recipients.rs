//! Recipients of a message one by one, with filters and paging in the URL.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::failure::FailureClass;
use types::life::{FilterRule, Outcome};
use types::listing::Page;
use types::receipt::ReceiptKind;
use types::vendor::Vendor;
use types::views::messages::{RecipientQuery, RecipientView};

use super::super::books::calls::list_recipients;
use super::super::books::loss::{VendorCell, reason_name};
use super::options;
use crate::ui::pager::AFTER;
use crate::ui::prelude::*;

type Rows = Page<RecipientView>;

const TITLE: Text = Text::new("接收人", "Recipients");
const NOTE: Text = Text::new("令牌只显示首尾", "tokens are masked");
const WHO: Text = Text::new("用户 / 设备", "User / device");
const TOKEN: Text = Text::new("令牌", "Token");
const VENDOR: Text = Text::new("厂商", "Vendor");
const OUTCOME: Text = Text::new("结果", "Outcome");
const REASON: Text = Text::new("原因", "Reason");
const WORDS: Text = Text::new("厂商原话", "The vendor's words");
const RECEIPTS: Text = Text::new("回执", "Receipts");
const CHANGED: Text = Text::new("批次更新", "Chunk changed");
const NO_LANE: Text = Text::new("无通道", "no lane");
const NONE: Text = Text::new("没有符合条件的接收人。", "No recipient matches.");
const SEARCHING: Text = Text::new("这一段里没有符合条件的；可继续往下找。", "None in this part; go on to look further.");

fn use_recipient_query() -> Memo<RecipientQuery> {
    let query = use_query_map();
    Memo::new(move |_| {
        let query = query.read();
        let text = |key: &str| query.get(key).unwrap_or_default();
        RecipientQuery {
            outcome: text("outcome"),
            vendor: text("vendor"),
            reason: text("reason"),
            words: text("words"),
            receipt: text("receipt"),
            after: text(AFTER),
        }
    })
}

#[component]
pub fn Recipients(app: Memo<String>, id: Memo<String>) -> impl IntoView {
    let lang = use_lang();
    let query = use_recipient_query();
    let list = Resource::new(move || (app.get(), id.get(), query.get()), |(app, id, query)| list_recipients(app, id, query));
    let outcomes = options(Outcome::ALL.map(|o| (o.slug(), o.name())), lang);
    let mut vendors = options(Vendor::ALL.map(|v| (v.slug(), v.name())), lang);
    vendors.push(("none".to_owned(), NO_LANE.get(lang).to_owned()));
    let reasons = FilterRule::ALL.map(|r| (r.slug(), r.name())).into_iter().chain(FailureClass::ALL.map(|c| (c.slug(), c.name())));
    let reasons = options(reasons, lang);
    let receipts = options(ReceiptKind::ALL.into_iter().filter(|k| *k != ReceiptKind::Unknown).map(|k| (k.slug(), k.name())), lang);
    view! {
        <section class="card" id="recipients">
            <header class="card-head">
                <h2>{TITLE.get(lang)}</h2>
                <span class="sub">{NOTE.get(lang)}</span>
            </header>
            <Filters>
                <SelectField name="outcome" label=OUTCOME.get(lang) options=outcomes value=Signal::derive(move || query.get().outcome) />
                <SelectField name="vendor" label=VENDOR.get(lang) options=vendors value=Signal::derive(move || query.get().vendor) />
                <SelectField name="reason" label=REASON.get(lang) options=reasons value=Signal::derive(move || query.get().reason) />
                <SelectField name="receipt" label=RECEIPTS.get(lang) options=receipts value=Signal::derive(move || query.get().receipt) />
            </Filters>
            <Load resource=list view=move |found: Rows| view! { <Found found=found app=app.get_untracked() /> } />
        </section>
    }
    .into_any()
}

/// The names of the marks, in the order of their bits.
fn mark_names(marks: u8, lang: Lang) -> String {
    let names: Vec<&str> =
        (0..8u8).map(|i| 1 << i).filter(|bit| marks & bit != 0).filter_map(ReceiptKind::of_bit).map(|k| k.name().get(lang)).collect();
    names.join(if lang == Lang::Zh { "、" } else { ", " })
}

#[component]
fn Found(found: Page<RecipientView>, app: String) -> impl IntoView {
    let lang = use_lang();
    if found.items.is_empty() {
        let sentence = if found.next.is_some() { SEARCHING } else { NONE };
        return view! {
            <p class="sub">{sentence.get(lang)}</p>
            <Pager next=found.next />
        }
        .into_any();
    }
    let columns = vec![
        Column::text(WHO.get(lang)),
        Column::text(TOKEN.get(lang)),
        Column::text(VENDOR.get(lang)),
        Column::text(OUTCOME.get(lang)),
        Column::text(REASON.get(lang)),
        Column::text(WORDS.get(lang)),
        Column::text(RECEIPTS.get(lang)),
        Column::text(CHANGED.get(lang)),
    ];
    let rows = found
        .items
        .into_iter()
        .map(|row| {
            let who = row.user.clone().unwrap_or_else(|| row.target.clone());
            let device = row.device.clone().map(|id| {
                view! { <div class="sub"><a href=format!("/apps/{app}/devices/{id}")><code>{id.to_string()}</code></a></div> }
            });
            view! {
                <tr>
                    <td>{who} {device}</td>
                    <td><code>{row.token}</code></td>
                    <td title=row.why.get(lang).to_owned()><VendorCell vendor=row.vendor /></td>
                    <td>{row.outcome.name().get(lang)}</td>
                    <td>{reason_name(&row.reason, lang)}</td>
                    <td><code class="words">{row.words}</code></td>
                    <td>{mark_names(row.marks, lang)}</td>
                    <td><Time at=row.at brief=true /></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table caption=TITLE.get(lang) columns=columns>
            {rows}
        </Table>
        <Pager next=found.next />
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_named_in_order() {
        assert_eq!(mark_names(7, Lang::En), "Delivered, Displayed, Clicked");
        assert_eq!(mark_names(0, Lang::Zh), "");
    }
}
