//! What a vendor can do about a push it has taken (`vendors/*.md`, sections 2 and 7). Said before a recall and after it; a vendor
//! without means is named as such.

use serde::{Deserialize, Serialize};

use super::Vendor;
use crate::text::Text;

/// How a push is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecallMeans {
    /// The vendor is told the id of the request: what waits is not shown, what is shown goes.
    Withdraw,
    /// A silent notice under the same id takes the place of what is shown. The phone does not confirm it.
    Overwrite,
    Nothing,
}

impl RecallMeans {
    pub const fn name(self) -> Text {
        match self {
            RecallMeans::Withdraw => Text::new("撤回", "Withdrawn"),
            RecallMeans::Overwrite => Text::new("覆盖", "Overwritten"),
            RecallMeans::Nothing => Text::new("收不回", "No means"),
        }
    }

    pub const fn slug(self) -> &'static str {
        match self {
            RecallMeans::Withdraw => "withdraw",
            RecallMeans::Overwrite => "overwrite",
            RecallMeans::Nothing => "nothing",
        }
    }
}

/// How sure the sources are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// Written in the vendor's document, or in two sources.
    Documented,
    /// Named in one source, without details.
    OneSource,
}

impl Certainty {
    pub const fn name(self) -> Text {
        match self {
            Certainty::Documented => Text::new("文档写明", "Documented"),
            Certainty::OneSource => Text::new("仅一处来源提到", "Named in one source only"),
        }
    }
}

/// What one vendor can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recall {
    pub means: RecallMeans,
    pub certainty: Certainty,
    pub words: Text,
}

impl Vendor {
    pub const fn recall(self) -> Recall {
        use Certainty::{Documented, OneSource};
        use RecallMeans::{Nothing, Overwrite, Withdraw};
        let (means, certainty, words) = match self {
            Vendor::Apns => {
                (Overwrite, Documented, Text::new("同一 apns-collapse-id 覆盖已显示的", "the same apns-collapse-id replaces what is shown"))
            }
            Vendor::Fcm => (Overwrite, Documented, Text::new("同一 tag 覆盖已显示的", "the same tag replaces what is shown")),
            Vendor::Xiaomi => {
                (Overwrite, Documented, Text::new("同一 notify_id 覆盖已显示的", "the same notify_id replaces what is shown"))
            }
            Vendor::Huawei => {
                (Overwrite, Documented, Text::new("同一 notify_id 覆盖已显示的", "the same notify_id replaces what is shown"))
            }
            Vendor::Harmony | Vendor::Honor => {
                (Overwrite, Documented, Text::new("同一 notifyId 覆盖已显示的", "the same notifyId replaces what is shown"))
            }
            Vendor::Oppo => (Overwrite, Documented, Text::new("同一 notify_id 覆盖已显示的", "the same notify_id replaces what is shown")),
            Vendor::Vivo => (
                Overwrite,
                Documented,
                Text::new(
                    "只有单推带 notifyId，能覆盖；列表推送不带，收不回",
                    "only single sends carry a notifyId and are replaced; list pushes carry none and cannot be recalled",
                ),
            ),
            Vendor::Meizu => (Overwrite, Documented, Text::new("同一 notifyKey 覆盖已显示的", "the same notifyKey replaces what is shown")),
            Vendor::Getui => (
                Withdraw,
                OneSource,
                Text::new(
                    "按任务号撤回（revoke），只走个推自己的通道；由手机厂商代发的收不回",
                    "revoked by task id on Getui's own channel; what a phone's vendor showed for it stays",
                ),
            ),
            Vendor::Jpush => (Withdraw, OneSource, Text::new("按消息号撤回（DELETE）", "withdrawn by message id (DELETE)")),
            Vendor::Umeng => (
                Nothing,
                Documented,
                Text::new(
                    "只有任务类推送能取消；单播和列播没有任务号，也没有可覆盖的编号",
                    "only task pushes can be cancelled; unicast and listcast have no task, and no id to be replaced under",
                ),
            ),
        };
        Recall { means, certainty, words }
    }
}
