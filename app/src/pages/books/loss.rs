//! Losses by reason: what, how many, what to do, who.

use leptos::prelude::*;
use types::failure::FailureClass;
use types::funnel::{Funnel, Loss};
use types::ids::MessageId;
use types::life::{FilterRule, Outcome};
use types::receipt::ReceiptKind;

use crate::ui::format;
use crate::ui::prelude::*;

const LOSSES: Text = Text::new("按原因的折损", "Losses by reason");
const NONE: Text = Text::new("没有折损。", "No losses.");
const VENDOR: Text = Text::new("厂商", "Vendor");
const OUTCOME: Text = Text::new("结果", "Outcome");
const REASON: Text = Text::new("原因", "Reason");
const WORDS: Text = Text::new("厂商原话", "The vendor's words");
const DEVICES: Text = Text::new("设备", "Devices");
const SHARE: Text = Text::new("占计划", "Of planned");
const REMEDY: Text = Text::new("怎么办", "What to do");
const WHO: Text = Text::new("接收人", "Recipients");
const SEE: Text = Text::new("查看", "show");
const LATER: Text = Text::new("接收之后的折损（回执）", "Losses after acceptance (receipts)");
const NO_LANE: Text = Text::new("无通道", "no lane");
const OF_ACCEPTED: Text = Text::new("占接收", "Of accepted");

const SET_ASIDE: Text = Text::new("批次已放弃", "Chunk given up");

/// The name of a reason slug; the slug itself for one nobody has named.
pub fn reason_name(slug: &str, lang: Lang) -> String {
    let name = FilterRule::parse(slug).map(FilterRule::name).or_else(|| FailureClass::parse(slug).map(FailureClass::name));
    let name = name.or((slug == types::dead::POISONED).then_some(SET_ASIDE));
    name.map_or_else(|| slug.to_owned(), |n| n.get(lang).to_owned())
}

const fn rule_remedy(rule: FilterRule) -> Text {
    match rule {
        FilterRule::NoDevice => Text::new(
            "用户还没有登记设备；客户端启动时应登记令牌",
            "No device is registered; the client should register its token at start",
        ),
        FilterRule::SwitchOff => {
            Text::new("用户关闭了通知；可在应用内提示重新打开", "The person switched notifications off; the app may ask for them again")
        }
        FilterRule::Environment => Text::new(
            "令牌属于另一个环境；检查客户端登记的环境",
            "The token belongs to the other environment; check what the client registers",
        ),
        FilterRule::Quarantined => {
            Text::new("令牌已隔离；用户重新打开应用后恢复", "The token was set aside; it returns when the app registers again")
        }
        FilterRule::NoLane => Text::new("为该厂商填写凭据并启用通道", "Enter this vendor's credential and switch its lane on"),
        FilterRule::NotTestDevice => {
            Text::new("测试发送只到测试设备；先在设备页标记", "Test sends reach test devices only; mark one on the device page")
        }
        FilterRule::Content => Text::new("缩短文案，或为该厂商单独写一版", "Shorten the copy, or write a version for this vendor"),
        FilterRule::Blacklist
        | FilterRule::Version
        | FilterRule::QuietHours
        | FilterRule::Cap
        | FilterRule::SameContent
        | FilterRule::VendorCap => Text::new("按应用的策略留下；规则见“策略”页", "Left out by the app's rules; see the policy page"),
        FilterRule::NoRecall | FilterRule::Opened => rule.name(),
    }
}

/// What to do about a loss.
pub fn remedy(loss: &Loss, lang: Lang) -> String {
    const UNCERTAIN: Text = Text::new(
        "已交给厂商但没等到应答；按厂商的重复规则处理，可手动补发",
        "Handed over, no answer came; handled by the vendor's repeat rule, or resend by hand",
    );
    const EXPIRED: Text =
        Text::new("截止时间前没发出；检查通道速率或放宽截止时间", "Not sent before the deadline; check the lane's pace or allow more time");
    const CANCELLED: Text = Text::new("被人取消", "Somebody cancelled it");
    if let Some(rule) = FilterRule::parse(&loss.reason) {
        return rule_remedy(rule).get(lang).to_owned();
    }
    if let Some(class) = FailureClass::parse(&loss.reason) {
        return class.remedy().get(lang).to_owned();
    }
    match loss.outcome {
        Outcome::Uncertain => UNCERTAIN.get(lang).to_owned(),
        Outcome::Expired => EXPIRED.get(lang).to_owned(),
        Outcome::Cancelled => CANCELLED.get(lang).to_owned(),
        _ => String::new(),
    }
}

/// Percent-encoding for a query value.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// Address of the recipients behind a number.
pub fn recipients_href(app: &str, message: &MessageId, loss: &Loss) -> String {
    let vendor = loss.vendor.map_or("none", |v| v.slug());
    let mut href = format!("/apps/{app}/messages/{message}?vendor={vendor}&outcome={}", loss.outcome.slug());
    if !loss.reason.is_empty() {
        href.push_str(&format!("&reason={}", loss.reason));
    }
    // `-` asks for those without words of the vendor.
    let words = if loss.words.is_empty() { "-".to_owned() } else { encode(&loss.words) };
    href.push_str(&format!("&words={words}"));
    href.push_str("#recipients");
    href
}

#[component]
pub fn VendorCell(vendor: Option<types::vendor::Vendor>) -> impl IntoView {
    match vendor {
        Some(vendor) => view! { <VendorDot vendor=vendor /> }.into_any(),
        None => view! { <span class="sub">{t(NO_LANE)}</span> }.into_any(),
    }
}

/// `message` = whose recipients the links lead to; without one there are no links.
#[component]
pub fn Losses(funnel: Funnel, app: String, message: Option<MessageId>) -> impl IntoView {
    let lang = use_lang();
    let planned = funnel.total.planned;
    let mut columns = vec![
        Column::text(t(VENDOR)),
        Column::text(t(OUTCOME)),
        Column::text(t(REASON)),
        Column::text(t(WORDS)),
        Column::number(t(DEVICES)),
        Column::number(t(SHARE)),
        Column::text(t(REMEDY)),
    ];
    if message.is_some() {
        columns.push(Column::text(t(WHO)));
    }
    let empty = funnel.losses.is_empty();
    let rows = funnel
        .losses
        .iter()
        .map(|loss| {
            let link = message.as_ref().map(|id| {
                let label = format!("{} {}", t(SEE), reason_name(&loss.reason, lang));
                view! { <td><a href=recipients_href(&app, id, loss) aria-label=label>{t(SEE)}</a></td> }
            });
            view! {
                <tr>
                    <td><VendorCell vendor=loss.vendor /></td>
                    <td>{loss.outcome.name().get(lang)}</td>
                    <td>{reason_name(&loss.reason, lang)}</td>
                    <td><code class="words">{loss.words.clone()}</code></td>
                    <td class="n"><Num value=loss.devices /></td>
                    <td class="n">{format::percent(loss.devices, planned)}</td>
                    <td class="sub">{remedy(loss, lang)}</td>
                    {link}
                </tr>
            }
        })
        .collect_view();
    let later: Vec<_> = funnel
        .lanes
        .iter()
        .flat_map(|lane| {
            let kinds = [ReceiptKind::TokenDead, ReceiptKind::OverQuota, ReceiptKind::Discarded, ReceiptKind::SwitchOff];
            kinds.into_iter().filter_map(|kind| {
                let n = lane.receipts.get(kind.slug()).copied().filter(|n| *n > 0)?;
                Some((lane.vendor, kind, n, lane.equation.accepted))
            })
        })
        .collect();
    view! {
        <Card title=t(LOSSES)>
            {if empty {
                view! { <p class="sub">{t(NONE)}</p> }.into_any()
            } else {
                view! { <Table caption=t(LOSSES) columns=columns>{rows}</Table> }.into_any()
            }}
        </Card>
        {(!later.is_empty()).then(|| view! { <Later later=later app=app message=message /> })}
    }
    .into_any()
}

type LaterLoss = (Option<types::vendor::Vendor>, ReceiptKind, u64, u64);

#[component]
fn Later(later: Vec<LaterLoss>, app: String, message: Option<MessageId>) -> impl IntoView {
    let lang = use_lang();
    let mut columns = vec![Column::text(t(VENDOR)), Column::text(t(REASON)), Column::number(t(DEVICES)), Column::number(t(OF_ACCEPTED))];
    if message.is_some() {
        columns.push(Column::text(t(WHO)));
    }
    let rows = later
        .into_iter()
        .map(|(vendor, kind, n, accepted)| {
            let link = message.as_ref().map(|id| {
                let vendor = vendor.map_or("none", |v| v.slug());
                let href = format!("/apps/{app}/messages/{id}?vendor={vendor}&receipt={}#recipients", kind.slug());
                let label = format!("{} {}", t(SEE), kind.name().get(lang));
                view! { <td><a href=href aria-label=label>{t(SEE)}</a></td> }
            });
            view! {
                <tr>
                    <td><VendorCell vendor=vendor /></td>
                    <td>{kind.name().get(lang)}</td>
                    <td class="n"><Num value=n /></td>
                    <td class="n">{format::percent(n, accepted)}</td>
                    {link}
                </tr>
            }
        })
        .collect_view();
    view! {
        <Card title=t(LATER)>
            <Table caption=t(LATER) columns=columns>
                {rows}
            </Table>
        </Card>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::vendor::Vendor;

    #[test]
    fn every_reason_has_a_remedy_in_both_languages() {
        let loss = |outcome, reason: &str| Loss { vendor: None, outcome, reason: reason.into(), words: String::new(), devices: 1 };
        for lang in [Lang::Zh, Lang::En] {
            for rule in FilterRule::ALL {
                assert!(!remedy(&loss(Outcome::Filtered, rule.slug()), lang).is_empty(), "{}", rule.slug());
            }
            for class in FailureClass::ALL {
                assert!(!remedy(&loss(Outcome::Refused, class.slug()), lang).is_empty(), "{}", class.slug());
            }
            for outcome in [Outcome::Uncertain, Outcome::Expired, Outcome::Cancelled] {
                assert!(!remedy(&loss(outcome, ""), lang).is_empty(), "{}", outcome.slug());
            }
        }
    }

    #[test]
    fn a_number_leads_to_its_recipients() {
        let id = MessageId::from_bytes([1; 16]);
        let mut loss = Loss {
            vendor: Some(Vendor::Apns),
            outcome: Outcome::Refused,
            reason: "invalid_token".into(),
            words: "410 a&b".into(),
            devices: 1,
        };
        let expected = format!("/apps/a/messages/{id}?vendor=apns&outcome=refused&reason=invalid_token&words=410%20a%26b#recipients");
        assert_eq!(recipients_href("a", &id, &loss), expected);
        (loss.vendor, loss.reason, loss.words) = (None, String::new(), String::new());
        assert_eq!(recipients_href("a", &id, &loss), format!("/apps/a/messages/{id}?vendor=none&outcome=refused&words=-#recipients"));
    }
}
