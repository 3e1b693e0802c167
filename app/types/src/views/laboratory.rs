//! The laboratory: the simulator's dials, scripts and ledger, as pages show them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::text::Text;
use crate::vendor::Vendor;

/// What a dial takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialKind {
    /// A share of everything, shown in percent.
    Share,
    Number,
    /// A code in the vendor's words.
    Word,
    Switch,
    Choice(&'static [(&'static str, Text)]),
}

/// Where a dial stands on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialGroup {
    Answer,
    Token,
    Wire,
    Limit,
    Receipt,
}

impl DialGroup {
    pub const ALL: [DialGroup; 5] = [DialGroup::Answer, DialGroup::Wire, DialGroup::Token, DialGroup::Limit, DialGroup::Receipt];

    pub const fn name(self) -> Text {
        match self {
            DialGroup::Answer => Text::new("回答", "Answers"),
            DialGroup::Token => Text::new("令牌与部分失败", "Tokens and partial failure"),
            DialGroup::Wire => Text::new("连接", "Connections"),
            DialGroup::Limit => Text::new("速率与配额", "Pace and quota"),
            DialGroup::Receipt => Text::new("回执", "Receipts"),
        }
    }
}

/// One dial of the control API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dial {
    /// As the control API spells it; `receipts.…` stands in the object `receipts`.
    pub name: &'static str,
    pub label: Text,
    pub kind: DialKind,
    /// The value of a vendor in good health, as the form shows it.
    pub rest: &'static str,
    pub group: DialGroup,
}

const OUTAGES: &[(&str, Text)] = &[
    ("none", Text::new("无", "none")),
    ("error", Text::new("全部 503", "503 to everything")),
    ("hang", Text::new("不回答", "no answer")),
    ("refuse", Text::new("关闭连接", "connections closed")),
];
const GARBAGE: &[(&str, Text)] = &[
    ("empty", Text::new("空", "empty")),
    ("html", Text::new("HTML 页面", "an HTML page")),
    ("truncated_json", Text::new("断掉的 JSON", "truncated JSON")),
    ("wrong_types", Text::new("类型错误", "wrong types")),
    ("nan", Text::new("非数字", "not a number")),
    ("other_vendor", Text::new("别家的回答", "another vendor's answer")),
    ("gzip_bomb", Text::new("压缩炸弹", "a gzip bomb")),
    ("huge", Text::new("100 MiB", "100 MiB")),
];

const fn dial(group: DialGroup, kind: DialKind, name: &'static str, rest: &'static str, zh: &'static str, en: &'static str) -> Dial {
    Dial { name, label: Text::new(zh, en), kind, rest, group }
}

use DialGroup::{Answer, Limit, Receipt, Token, Wire};
use DialKind::{Choice, Number, Share, Switch, Word};

/// Every dial of the page, in its order.
pub const DIALS: &[Dial] = &[
    dial(Answer, Choice(OUTAGES), "outage", "none", "中断", "Outage"),
    dial(Answer, Number, "latency_ms", "0", "延迟（毫秒）", "Latency (ms)"),
    dial(Answer, Number, "jitter_ms", "0", "抖动（毫秒）", "Jitter (ms)"),
    dial(Answer, Share, "slow_share", "0", "缓慢的份额（%）", "Slow share (%)"),
    dial(Answer, Number, "slow_ms", "3000", "慢多久（毫秒）", "Slower by (ms)"),
    dial(Answer, Share, "error_share", "0", "厂商错误（%）", "Vendor errors (%)"),
    dial(Answer, Word, "error", "", "错误码", "Error code"),
    dial(Answer, Share, "http_share", "0", "HTTP 错误（%）", "HTTP errors (%)"),
    dial(Answer, Number, "http_status", "429", "HTTP 状态", "HTTP status"),
    dial(Answer, Number, "retry_after_s", "0", "Retry-After（秒）", "Retry-After (s)"),
    dial(Answer, Share, "garbage_share", "0", "乱码回答（%）", "Garbage (%)"),
    dial(Answer, Choice(GARBAGE), "garbage", "empty", "乱码种类", "Kind of garbage"),
    dial(Wire, Share, "reset_share", "0", "请求前断开（%）", "Closed before reading (%)"),
    dial(Wire, Share, "mid_request_share", "0", "读取中断开（%）", "Closed while reading (%)"),
    dial(Wire, Share, "cut_share", "0", "已收下、回答中断（%）", "Taken, answer cut (%)"),
    dial(Wire, Number, "goaway_every", "0", "每多少请求 GOAWAY（0 = 无）", "GOAWAY every … requests (0 = never)"),
    dial(Wire, Switch, "goaway_error", "false", "GOAWAY 带错误", "GOAWAY with an error"),
    dial(Wire, Number, "first_streams", "1", "首个令牌前的流数", "Streams before the first token"),
    dial(Wire, Number, "max_streams", "1000", "流数上限", "Stream limit"),
    dial(Token, Share, "token_fault_share", "0", "失效令牌（%）", "Dead tokens (%)"),
    dial(Token, Word, "token_fault", "Unregistered", "失效原因（APNs）", "Reason (APNs)"),
    dial(Token, Share, "partial_share", "0", "部分失败（%）", "Partial failure (%)"),
    dial(Token, Share, "pass_error_share", "0", "取令牌失败（%）", "Access token calls failing (%)"),
    dial(Token, Number, "pass_seconds", "0", "访问令牌寿命（秒，0 = 厂商默认）", "Access token life (s, 0 = the vendor's)"),
    dial(Limit, Number, "pace_per_second", "0", "每秒请求（0 = 不限）", "Requests a second (0 = no limit)"),
    dial(Limit, Number, "daily_quota", "0", "每日配额（0 = 不限）", "Daily quota (0 = no limit)"),
    dial(Receipt, Share, "receipts.delivered_share", "0", "送达（%）", "Delivered (%)"),
    dial(Receipt, Share, "receipts.clicked_share", "0", "点击（%）", "Clicked (%)"),
    dial(Receipt, Share, "receipts.switch_off_share", "0", "通知关闭（%）", "Switched off (%)"),
    dial(Receipt, Number, "receipts.delay_ms", "0", "延迟（毫秒）", "Delay (ms)"),
    dial(Receipt, Share, "receipts.duplicate_share", "0", "重复（%）", "Twice (%)"),
    dial(Receipt, Switch, "receipts.out_of_order", "false", "乱序", "Out of order"),
    dial(Receipt, Switch, "receipts.never", "false", "从不发回执", "Never"),
];

/// The dial of this name.
pub fn dial_named(name: &str) -> Option<&'static Dial> {
    DIALS.iter().find(|dial| dial.name == name)
}

/// What a quick script does to a vendor, and the dials that say so: while it lasts, and after it.
pub struct Effect {
    pub slug: &'static str,
    pub name: Text,
    pub on: &'static str,
    pub off: &'static str,
}

pub const EFFECTS: &[Effect] = &[
    Effect { slug: "down", name: Text::new("中断（503）", "down (503)"), on: "outage=error", off: "outage=none" },
    Effect { slug: "silent", name: Text::new("不回答", "silent"), on: "outage=hang", off: "outage=none" },
    Effect { slug: "closed", name: Text::new("拒绝连接", "closing connections"), on: "outage=refuse", off: "outage=none" },
    Effect { slug: "slow", name: Text::new("慢 3 秒", "3 s slower"), on: "latency_ms=3000", off: "latency_ms=0" },
    Effect {
        slug: "flaky",
        name: Text::new("三成 HTTP 500", "30 % HTTP 500"),
        on: "http_share=30% http_status=500",
        off: "http_share=0% http_status=429",
    },
    Effect { slug: "spent", name: Text::new("配额用尽", "quota used up"), on: "daily_quota=1", off: "daily_quota=0" },
];

/// What a person wrote: either `text`, or the fields of the short form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScriptForm {
    pub name: String,
    /// One step a line: `12:03 huawei outage=error`, `+5m huawei outage=none`.
    pub text: String,
    pub vendor: String,
    /// Slug of an [`Effect`].
    pub effect: String,
    /// `HH:MM` in the console's zone; empty = at once.
    pub at: String,
    pub minutes: String,
}

/// One vendor on the bench.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BenchView {
    pub vendor: Vendor,
    /// Dials that are not at rest: name and value.
    pub turned: Vec<(String, String)>,
    /// Requests by the vendor's code or reason.
    pub answers: Vec<(String, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptView {
    pub id: u64,
    pub name: String,
    pub text: String,
    /// `playing`, `done`, `stopped`, `failed`.
    pub state: String,
    pub trouble: String,
    pub taken: u64,
    /// When, whom, which dials.
    pub steps: Vec<(Millis, Vendor, String)>,
}

/// One device message of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    pub at: Millis,
    pub vendor: Vendor,
    pub verdict: String,
    pub key: String,
    pub token: String,
    pub title: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaboratoryView {
    /// Of the control API.
    pub address: String,
    /// Device messages that phones would have got.
    pub taken: u64,
    /// Receipts posted, and waiting for their time.
    pub posted: u64,
    pub due: u64,
    pub benches: Vec<BenchView>,
    pub scripts: Vec<ScriptView>,
    pub last: Vec<LedgerLine>,
}

/// The dials of one vendor by name, as the form shows them.
pub type DialValues = BTreeMap<String, String>;

/// What the ledger says of a device message.
pub fn verdict_name(slug: &str) -> Text {
    match slug {
        "accepted" => Text::new("收下", "taken"),
        "accepted_unheard" => Text::new("收下，回答未送到", "taken, answer unheard"),
        "bad_token" => Text::new("令牌无效", "bad token"),
        "dropped" => Text::new("重复，已丢弃", "dropped as a repeat"),
        _ => Text::new("拒绝", "refused"),
    }
}

pub fn state_name(slug: &str) -> Text {
    match slug {
        "playing" => Text::new("进行中", "playing"),
        "done" => Text::new("已完成", "done"),
        "stopped" => Text::new("已停止并复原", "stopped, put back"),
        _ => Text::new("失败", "failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dial_has_one_name_and_a_rest_of_its_kind() {
        for (i, dial) in DIALS.iter().enumerate() {
            assert!(DIALS[i + 1..].iter().all(|other| other.name != dial.name), "{}", dial.name);
            match dial.kind {
                Share | Number => assert!(dial.rest.parse::<f64>().is_ok(), "{}", dial.name),
                Switch => assert_eq!(dial.rest, "false", "{}", dial.name),
                Choice(all) => assert!(all.iter().any(|(slug, _)| *slug == dial.rest), "{}", dial.name),
                Word => {}
            }
        }
        for effect in EFFECTS {
            for part in effect.on.split(' ').chain(effect.off.split(' ')) {
                let (name, _) = part.split_once('=').unwrap();
                assert!(dial_named(name).is_some(), "{part}");
            }
        }
    }
}
