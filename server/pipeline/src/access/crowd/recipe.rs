//! The form of a making, read: which sets, which rules, in which order. Pure.

use types::crowd::KeyKind;
use types::field::FieldError;
use types::ids::{CampaignId, CrowdId};
use types::making::{Deed, DeviceRule, SetOp};
use types::policy::Versions;
use types::problem::Problem;
use types::text::Words;
use types::vendor::Vendor;
use types::views::crowds::{ALL_DEVICES, CombineForm};

/// Days a rule may look back: ten years.
const DAYS_MAX: u32 = 3_660;
const MODEL_MAX: usize = 60;

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub name: String,
    /// When no crowd says it.
    pub key: KeyKind,
    pub drafts: Vec<Draft>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Of the form, for complaints.
    pub field: &'static str,
    pub op: SetOp,
    pub source: Drafted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drafted {
    Crowd(CrowdId),
    Devices(DeviceRule),
    Deeds { deed: Deed, campaign: Option<CampaignId>, days: Option<u32> },
}

struct Reading {
    errors: Vec<FieldError>,
}

impl Reading {
    fn bad(&mut self, field: &str, zh: impl Into<String>, en: impl Into<String>) {
        self.errors.push(FieldError { field: field.to_owned(), reason: Words::new(zh, en) });
    }

    fn crowd(&mut self, field: &str, text: &str) -> Option<CrowdId> {
        let id = CrowdId::parse(text);
        if id.is_none() {
            self.bad(field, "没有这个人群包", "there is no such crowd");
        }
        id
    }

    /// `Some` when the section is in use.
    fn op(&mut self, field: &str, text: &str) -> Option<SetOp> {
        let op = SetOp::parse(text);
        if op.is_none() && !text.is_empty() {
            self.bad(field, "请从列表中选择", "choose one of the list");
        }
        op
    }

    fn days(&mut self, field: &str, text: &str) -> Option<u32> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let days = text.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
        if days.is_none() {
            self.bad(field, format!("请填写 1 到 {DAYS_MAX} 的整数"), format!("give a whole number from 1 to {DAYS_MAX}"));
        }
        days
    }

    fn versions(&mut self, field: &str, min: &str, max: &str) -> Versions {
        let versions = Versions::of(min, max).unwrap_or_default();
        self.errors.extend(versions.check(field).into_iter().map(|error| FieldError { field: error.field.replace('.', "_"), ..error }));
        versions
    }

    fn devices(&mut self, form: &CombineForm) -> DeviceRule {
        let vendor = Vendor::parse(&form.vendor);
        if vendor.is_none() && !form.vendor.is_empty() {
            self.bad("vendor", "没有这个厂商", "there is no such vendor");
        }
        let model = form.model.trim().to_owned();
        if model.chars().count() > MODEL_MAX {
            self.bad("model", format!("最多 {MODEL_MAX} 个字符"), format!("at most {MODEL_MAX} characters"));
        }
        let rule = DeviceRule {
            vendor,
            model,
            os: self.versions("os", &form.os_min, &form.os_max),
            app: self.versions("app", &form.app_min, &form.app_max),
            seen_days: self.days("seen_days", &form.seen_days),
            unseen_days: self.days("unseen_days", &form.unseen_days),
        };
        if rule == DeviceRule::default() && self.errors.is_empty() {
            self.bad("device_op", "请至少填写一个终端条件", "give at least one fact of devices");
        }
        rule
    }
}

/// # Errors
/// Field errors, by the form's names.
pub fn read(form: &CombineForm) -> Result<Order, Problem> {
    let mut reading = Reading { errors: Vec::new() };
    let mut drafts = Vec::new();
    let mut add = |field: &'static str, op: SetOp, source: Drafted| drafts.push(Draft { field, op, source });
    let device_op = reading.op("device_op", &form.device_op);
    let rule = device_op.map(|_| reading.devices(form));
    let all = form.start == ALL_DEVICES;
    // "All devices, only those that …" walks them once.
    let narrowed = all && device_op == Some(SetOp::Intersect);
    match &rule {
        Some(rule) if narrowed => add("start", SetOp::Union, Drafted::Devices(rule.clone())),
        _ if all => add("start", SetOp::Union, Drafted::Devices(DeviceRule::default())),
        _ => {
            if let Some(id) = reading.crowd("start", &form.start) {
                add("start", SetOp::Union, Drafted::Crowd(id));
            }
        }
    }
    let sets: [(&'static str, &str, &str); 3] =
        [("set1", &form.op1, &form.set1), ("set2", &form.op2, &form.set2), ("set3", &form.op3, &form.set3)];
    for (field, op, set) in sets {
        if set.is_empty() {
            continue;
        }
        let op = reading.op(field, op).unwrap_or_default();
        if let Some(id) = reading.crowd(field, set) {
            add(field, op, Drafted::Crowd(id));
        }
    }
    if let (Some(op), Some(rule), false) = (device_op, rule, narrowed) {
        add("device_op", op, Drafted::Devices(rule));
    }
    if let Some(op) = reading.op("deed_op", &form.deed_op) {
        let days = reading.days("deed_days", &form.deed_days);
        let campaign = CampaignId::parse(&form.campaign);
        if campaign.is_none() && !form.campaign.is_empty() {
            reading.bad("campaign", "没有这个推送任务", "there is no such campaign");
        }
        match Deed::parse(&form.deed) {
            Some(deed) => add("campaign", op, Drafted::Deeds { deed, campaign, days }),
            None => reading.bad("deed", "请选择做了什么", "choose what they did"),
        }
    }
    if drafts.len() == 1 && drafts.iter().all(|d| matches!(d.source, Drafted::Crowd(_))) && reading.errors.is_empty() {
        reading.bad("set1", "只有一个人群包：请再选一个，或加一条规则", "this is one crowd as it is: choose another one, or a rule");
    }
    if reading.errors.is_empty() {
        let key = KeyKind::parse(&form.key).unwrap_or_default();
        Ok(Order { name: form.name.clone(), key, drafts })
    } else {
        Err(Problem::fields(reading.errors))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(n: u8) -> String {
        CrowdId::from_bytes([n; 16]).as_str().to_owned()
    }

    fn fields(form: &CombineForm) -> Vec<String> {
        read(form).unwrap_err().errors.into_iter().map(|e| e.field).collect()
    }

    #[test]
    fn a_form_becomes_steps() {
        let form = CombineForm {
            name: "x".into(),
            start: crowd(1),
            op1: "minus".into(),
            set1: crowd(2),
            device_op: "intersect".into(),
            vendor: "xiaomi".into(),
            seen_days: "30".into(),
            deed_op: "minus".into(),
            deed: "clicked".into(),
            deed_days: "7".into(),
            ..CombineForm::default()
        };
        let order = read(&form).unwrap();
        let ops: Vec<SetOp> = order.drafts.iter().map(|d| d.op).collect();
        assert_eq!(ops, [SetOp::Union, SetOp::Minus, SetOp::Intersect, SetOp::Minus]);
        let Drafted::Devices(rule) = &order.drafts[2].source else { panic!("a device rule") };
        assert_eq!((rule.vendor, rule.seen_days), (Some(Vendor::Xiaomi), Some(30)));
        assert_eq!(order.drafts[3].source, Drafted::Deeds { deed: Deed::Clicked, campaign: None, days: Some(7) });
    }

    #[test]
    fn all_devices_that_fit_are_one_walk() {
        let form = CombineForm {
            start: ALL_DEVICES.into(),
            key: "device".into(),
            device_op: "intersect".into(),
            app_min: "2.0".into(),
            ..CombineForm::default()
        };
        let order = read(&form).unwrap();
        assert_eq!((order.drafts.len(), order.key), (1, KeyKind::Device));
        let form = CombineForm { device_op: "minus".into(), ..form };
        assert_eq!(read(&form).unwrap().drafts.len(), 2);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_at_its_field() {
        assert_eq!(fields(&CombineForm { start: "x".into(), ..CombineForm::default() }), ["start"]);
        assert_eq!(fields(&CombineForm { start: crowd(1), ..CombineForm::default() }), ["set1"], "a copy is no crowd of its own");
        let rule = CombineForm { start: crowd(1), device_op: "minus".into(), ..CombineForm::default() };
        assert_eq!(fields(&rule), ["device_op"], "a rule that says nothing");
        let bad = CombineForm { seen_days: "0".into(), app_min: "x".into(), vendor: "nokia".into(), ..rule };
        assert_eq!(fields(&bad), ["vendor", "app_min", "seen_days"]);
        let deed = CombineForm { start: crowd(1), deed_op: "minus".into(), campaign: "y".into(), ..CombineForm::default() };
        assert_eq!(fields(&deed), ["campaign", "deed"]);
    }
}
