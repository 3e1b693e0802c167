//! The audit log in words: what an action is called, what it was done to, what changed. Codes stay in the log and in the filter.

use std::collections::BTreeMap;

use serde_json::Value;
use types::text::{Text, Words};
use types::vendor::Vendor;
use types::views::people::ChangeView;

/// Longest value shown; the rest is in the log.
const VALUE_MAX: usize = 160;

/// What was done, by its code.
pub fn deed(action: &str) -> Words {
    let text = match action {
        "app.create" => Text::new("登记应用", "Registered an app"),
        "app.change" => Text::new("修改应用", "Changed an app"),
        "app.secret_add" => Text::new("新增应用密钥", "Added an app secret"),
        "app.secret_end" => Text::new("停用应用密钥", "Ended an app secret"),
        "credential.put" => Text::new("填写厂商凭据", "Entered a vendor credential"),
        "credential.drop" => Text::new("删除厂商凭据", "Deleted a vendor credential"),
        "lane.put" => Text::new("修改通道设置", "Changed a lane's settings"),
        "lane.pause" => Text::new("停住通道", "Stopped a lane"),
        "lane.resume" => Text::new("恢复通道", "Let a lane go on"),
        "device.test" => Text::new("设置测试终端", "Marked a test device"),
        "person.create" => Text::new("添加人员", "Added a person"),
        "person.change" => Text::new("修改人员或角色", "Changed a person or role"),
        "person.password" => Text::new("修改密码", "Changed the password"),
        "person.password_by_link" => Text::new("用链接设置密码", "Set the password by link"),
        "link.create" => Text::new("发一次性链接", "Made a one-time link"),
        "session.sign_in" => Text::new("登录", "Signed in"),
        "session.code_refused" => Text::new("登录验证码被拒", "A sign-in code was refused"),
        "session.end" => Text::new("结束一处登录", "Ended a sign-in"),
        "person.second_step_on" => Text::new("开启两步登录", "Switched the second step on"),
        "person.second_step_proved" => Text::new("用验证码确认身份", "Proved it with a code"),
        "person.second_step_off" => Text::new("关闭两步登录", "Took the second step away"),
        "audit.export" => Text::new("导出审计日志", "Exported the audit log"),
        "session.refused" => Text::new("登录被拒", "Sign-in refused"),
        "session.sign_out" => Text::new("退出登录", "Signed out"),
        "crowd.upload" => Text::new("上传人群文件", "Uploaded a crowd file"),
        "crowd.confirm" => Text::new("确认人群包", "Confirmed a crowd"),
        "crowd.combine" => Text::new("由别的人群包生成人群包", "Made a crowd out of others"),
        "crowd.stop_making" => Text::new("停止生成人群包", "Stopped the making of a crowd"),
        "crowd.tag" => Text::new("给人群包加标签", "Tagged a crowd"),
        "crowd.discard" => Text::new("放弃上传", "Discarded an upload"),
        "crowd.rejects" => Text::new("下载未收入的行", "Downloaded rejected rows"),
        "copy.create" => Text::new("新建文案", "Wrote a copy"),
        "copy.save" => Text::new("保存文案新版本", "Saved a new version of a copy"),
        "copy.archive" => Text::new("归档文案", "Archived a copy"),
        "copy.restore" => Text::new("恢复文案", "Restored a copy"),
        "campaign.create" => Text::new("新建推送任务", "Composed a campaign"),
        "campaign.save" => Text::new("保存推送任务", "Saved a campaign"),
        "campaign.test" => Text::new("测试发送", "Sent a test"),
        "campaign.schedule" => Text::new("安排推送任务", "Scheduled a campaign"),
        "campaign.unschedule" => Text::new("撤回安排", "Took a campaign off the schedule"),
        "campaign.start" => Text::new("开始推送任务", "Started a campaign"),
        "campaign.start_failed" => Text::new("推送任务未能开始", "A campaign could not start"),
        "campaign.timing" => Text::new("修改任务的时段与误点规则", "Changed a campaign's hours or its rule for being late"),
        "campaign.late" => Text::new("任务误点，等人决定", "A campaign missed its time and asks"),
        "campaign.send_late" => Text::new("误点的任务现在发送", "Sent a campaign that had missed its time"),
        "campaign.drop_late" => Text::new("放弃误点的任务", "Dropped a campaign that had missed its time"),
        "campaign.overrule" => Text::new("明知误点仍开始", "Started a campaign that misses its deadline"),
        "campaign.ask" => Text::new("请求审批", "Asked for approval"),
        "campaign.approve" => Text::new("审批通过", "Approved a campaign"),
        "campaign.refuse" => Text::new("审批驳回", "Refused a campaign"),
        "campaign.export" => Text::new("导出任务结果", "Exported a campaign's outcomes"),
        "message.export" => Text::new("导出消息结果", "Exported a message's outcomes"),
        "campaign.pause" => Text::new("暂停推送任务", "Paused a campaign"),
        "campaign.resume" => Text::new("继续推送任务", "Resumed a campaign"),
        "campaign.held" => Text::new("失败过多，自动暂停", "Paused itself for too many failures"),
        "campaign.ramp" => Text::new("选择怎样开始", "Chose how a campaign begins"),
        "campaign.ramp_on" => Text::new("灰度继续", "Let a ramp go on"),
        "campaign.ramp_stop" => Text::new("灰度自动停住", "A ramp stopped itself"),
        "campaign.recall" => Text::new("召回推送任务", "Recalled a campaign"),
        "message.recall" => Text::new("召回消息", "Recalled a message"),
        "campaign.cancel" => Text::new("取消推送任务", "Cancelled a campaign"),
        "dead_letters.replay" => Text::new("补发死信", "Replayed dead letters"),
        "dead_letters.try_again" => Text::new("隔离的批次再试", "Tried a set-aside chunk again"),
        "dead_letters.give_up" => Text::new("放弃隔离的批次", "Gave a set-aside chunk up"),
        "lane.breaker" => Text::new("修改熔断规则", "Changed breaker rules"),
        "lane.follow" => Text::new("修改重发与批量配额", "Changed resends and bulk quota"),
        "message.resend_silent" => Text::new("手动重发没有回执的", "Sent again to those without a receipt"),
        "dead_letters.export" => Text::new("导出死信接收人", "Exported recipients of dead letters"),
        "campaign.resend" => Text::new("补发", "Resent to those not reached"),
        "message.cancel" => Text::new("取消消息", "Cancelled a message"),
        "message.pause" => Text::new("暂停消息", "Paused a message"),
        "message.resume" => Text::new("继续消息", "Resumed a message"),
        "message.resend" => Text::new("补发消息", "Resent a message"),
        "policy.rules" => Text::new("修改策略", "Changed the policy"),
        "policy.stop" => Text::new("全部停发", "Stopped all sending"),
        "policy.go_on" => Text::new("恢复发送", "Let sending go on"),
        "blacklist.add" => Text::new("加入黑名单", "Added to the blacklist"),
        "blacklist.file" => Text::new("从文件加入黑名单", "Added a file to the blacklist"),
        "blacklist.remove" => Text::new("移出黑名单", "Removed from the blacklist"),
        "words.add" => Text::new("加入敏感词", "Added sensitive words"),
        "words.remove" => Text::new("移除敏感词", "Removed a sensitive word"),
        "crowd.export" => Text::new("导出缺变量的行", "Exported rows that lack a variable"),
        "laboratory.dials" => Text::new("调仿真器的旋钮", "Turned dials of the simulator"),
        "laboratory.script" => Text::new("开始实验脚本", "Started a laboratory script"),
        "laboratory.stop" => Text::new("停止实验脚本", "Stopped a laboratory script"),
        other => return Words::new(other, other),
    };
    text.into()
}

/// What it was done to: the noun and the name, where there is one. `names` = ids and what they are called.
pub fn about(action: &str, object: &str, names: &BTreeMap<String, String>, before: Option<&Value>, after: Option<&Value>) -> Words {
    let told = |value: Option<&Value>| value.and_then(|v| v.get("name")).and_then(Value::as_str).map(str::to_owned);
    let named = |id: &str| names.get(id).cloned();
    // `app_…/xiaomi`: a lane.
    if let Some((app, lane)) = object.split_once('/')
        && let Some(vendor) = Vendor::parse(lane)
    {
        let app = named(app).unwrap_or_else(|| app.to_owned());
        return Words::new(format!("{app} · {}", vendor.name().zh), format!("{app} · {}", vendor.name().en));
    }
    if let Some(vendor) = Vendor::parse(object).filter(|_| action.starts_with("laboratory.")) {
        return vendor.name().into();
    }
    let name = told(after).or_else(|| told(before)).or_else(|| named(object)).unwrap_or_else(|| object.to_owned());
    Words::new(name.clone(), name)
}

fn label(field: &str) -> Words {
    let text = match field {
        "name" => Text::new("名称", "Name"),
        "description" => Text::new("说明", "Description"),
        "default_title" => Text::new("默认标题", "Default title"),
        "environment" => Text::new("环境", "Environment"),
        "vendor_order" => Text::new("厂商顺序", "Vendor order"),
        "services" => Text::new("服务", "Services"),
        "email" => Text::new("邮箱", "E-mail"),
        "rights" => Text::new("角色", "Roles"),
        "disabled" => Text::new("停用", "Switched off"),
        "enabled" => Text::new("启用", "In use"),
        "base_url" => Text::new("厂商地址", "Vendor address"),
        "pace_per_second" => Text::new("速率", "Pace"),
        "batch" => Text::new("每请求接收人", "Recipients a request"),
        "in_flight" => Text::new("在途", "In flight"),
        "daily_quota" => Text::new("每日配额", "Daily quota"),
        "egress_proxy" => Text::new("出口代理", "Egress proxy"),
        "breaker" => Text::new("熔断规则", "Breaker rules"),
        "follow" => Text::new("发送之后", "After sending"),
        "ways" => Text::new("出口", "Ways out"),
        "timeout_ms" => Text::new("超时（毫秒）", "Time-out (ms)"),
        "receipt_wait_s" => Text::new("等待回执（秒）", "Wait for a receipt (s)"),
        "next_lane_for_bulk" => Text::new("批量也改走", "Bulk goes on, too"),
        "paused" => Text::new("停住的原因", "Stopped because"),
        "secret_no" => Text::new("密钥编号", "Number of the secret"),
        "expires_at" => Text::new("有效至", "Good until"),
        "test" => Text::new("测试终端", "Test device"),
        "file" => Text::new("文件", "File"),
        "second_step" => Text::new("第二步", "Second step"),
        "filter" => Text::new("条件", "Filter"),
        "tags" => Text::new("标签", "Tags"),
        "formula" => Text::new("算法", "How"),
        "crowd" => Text::new("人群包", "Crowd"),
        "copy" => Text::new("文案", "Copy"),
        "copy_version" => Text::new("文案版本", "Version of the copy"),
        "message" => Text::new("消息", "Message"),
        "local" => Text::new("开始时间", "Start time"),
        "deadline" => Text::new("截止时间", "Deadline"),
        "lanes" => Text::new("通道", "Lanes"),
        "version" => Text::new("版本", "Version"),
        "text" => Text::new("脚本", "Script"),
        "why" => Text::new("原因", "Why"),
        "messages" => Text::new("消息数", "Messages"),
        "missed" => Text::new("赶不上截止的设备", "Devices that miss the deadline"),
        "devices" => Text::new("设备", "Devices"),
        "sections" => Text::new("部分", "Sections"),
        "comment" => Text::new("意见", "Comment"),
        "made_of" => Text::new("内容摘要", "Digest"),
        "at" => Text::new("时间", "Time"),
        other => match types::views::laboratory::dial_named(other) {
            Some(dial) => dial.label,
            None => return Words::new(other, other),
        },
    };
    text.into()
}

fn value(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "✓".to_owned(),
        Some(Value::Bool(false)) => "✗".to_owned(),
        Some(Value::Array(list)) => list.iter().map(|v| self::value(Some(v))).collect::<Vec<_>>().join(", "),
        Some(Value::Object(map)) => {
            map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| format!("{k}: {}", self::value(Some(v)))).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    };
    if text.chars().count() <= VALUE_MAX { text } else { text.chars().take(VALUE_MAX).chain(['…']).collect() }
}

/// Field by field, what was and what is; fields that stayed are left out.
pub fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<ChangeView> {
    let mut fields: Vec<&String> = Vec::new();
    for side in [before, after].into_iter().flatten() {
        let Value::Object(map) = side else { continue };
        fields.extend(map.keys().filter(|key| !fields.contains(key)).collect::<Vec<_>>());
    }
    let of = |side: Option<&Value>, field: &str| side.and_then(|v| v.get(field)).cloned();
    fields
        .into_iter()
        .map(|field| (field, of(before, field), of(after, field)))
        .filter(|(_, was, is)| was != is)
        .map(|(field, was, is)| ChangeView { label: label(field), was: value(was.as_ref()), is: value(is.as_ref()) })
        .filter(|change| change.was != change.is)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_of_a_lane_reads_as_a_sentence() {
        let names = BTreeMap::from([("app_1".to_owned(), "晨钟".to_owned())]);
        assert_eq!(deed("lane.put").en, "Changed a lane's settings");
        assert_eq!(about("lane.put", "app_1/huawei", &names, None, None), Words::new("晨钟 · 华为", "晨钟 · Huawei"));
        let (before, after) = (json!({ "batch": 100, "enabled": true }), json!({ "batch": 5, "enabled": true }));
        let changed = changes(Some(&before), Some(&after));
        assert_eq!(changed.len(), 1);
        assert_eq!((changed[0].label.zh.as_str(), changed[0].was.as_str(), changed[0].is.as_str()), ("每请求接收人", "100", "5"));
    }

    #[test]
    fn what_is_new_or_gone_has_one_side_and_long_values_end() {
        let made = changes(None, Some(&json!({ "name": "x".repeat(500), "rights": { "role": "viewer", "apps": {} } })));
        assert_eq!(made[0].was, "");
        assert_eq!(made[0].is.chars().count(), VALUE_MAX + 1);
        assert!(made[1].is.contains("role: viewer"), "{}", made[1].is);
        assert!(changes(None, None).is_empty());
        assert_eq!(about("app.create", "app_2", &BTreeMap::new(), None, Some(&json!({ "name": "新应用" }))).zh, "新应用");
        assert_eq!(deed("unheard.of").zh, "unheard.of");
    }

    /// Every code that stands in the sources has a name.
    #[test]
    fn every_action_has_a_name() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let nouns = [
            "app",
            "credential",
            "lane",
            "device",
            "person",
            "link",
            "session",
            "crowd",
            "copy",
            "campaign",
            "message",
            "laboratory",
            "policy",
            "blacklist",
            "words",
        ];
        let mut folders = vec![root.join("src/console"), root.join("src/api"), root.join("pipeline/src/access")];
        let mut files = vec![root.join("src/session.rs")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        let mut seen = 0;
        for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "rs")) {
            let text = std::fs::read_to_string(file).unwrap();
            for (at, _) in text.match_indices("entry(").chain(text.match_indices("audit(")).chain(text.match_indices("note(")) {
                let near: String = text[at..].chars().take(160).collect();
                for code in near.split('"').skip(1).step_by(2) {
                    let is_code = code.split_once('.').is_some_and(|(noun, verb)| nouns.contains(&noun) && !verb.contains([' ', '/', '.']));
                    if is_code {
                        seen += 1;
                        assert_ne!(deed(code).en, code, "{code} of {} has no name", file.display());
                    }
                }
            }
        }
        assert!(seen > 20, "only {seen} codes found");
    }
}
