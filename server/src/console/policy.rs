//! Rules, stop switch and blacklist over the house.

use std::sync::Arc;

use app::error::AppError;
use app::ports::Asked;
use app::ports::policy::PolicyPort;
use async_trait::async_trait;
use pipeline::access::policy::read_entries;
use pipeline::house::House;
use types::field::FieldError;
use types::ids::AppId;
use types::listing::{Page, PageRequest};
use types::policy::{Cap, Quiet, Rules, SameContent, Span, Then, VendorCap, ZoneOf};
use types::problem::Problem;
use types::text::Text;
use types::vendor::Vendor;
use types::views::policy::{BlockedView, PolicyForm, PolicyView};

use super::copies::{app_of, word};
use super::failed;

pub struct PolicyConsole {
    pub house: Arc<House>,
}

/// `22:30` in minutes; anything else is no time of day.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.get(..2).unwrap_or(minutes).parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// The rules of a form; rows left empty are none.
/// Business types with commas of either kind.
fn types_in(text: &str) -> Vec<String> {
    text.split([',', '，', '、']).map(str::trim).filter(|b| !b.is_empty()).map(str::to_owned).collect()
}

fn rules_of(form: PolicyForm) -> Result<Rules, Problem> {
    let mut errors: Vec<FieldError> = Vec::new();
    let number = Text::new("写一个整数", "write a whole number");
    let some = |text: &str| !text.trim().is_empty();
    let mut rules = Rules { zone: form.zone.trim().to_owned(), key_businesses: types_in(&form.key), ..Rules::default() };
    for row in form.quiet.iter().filter(|row| some(&row.from) || some(&row.to)) {
        let i = rules.quiet.len();
        let (Some(from), Some(to)) = (minutes(&row.from), minutes(&row.to)) else {
            errors.push(FieldError::new(format!("quiet[{i}].from"), Text::new("写成 22:00 的形式", "write it as 22:00")));
            continue;
        };
        rules.quiet.push(Quiet {
            businesses: types_in(&row.businesses),
            from,
            to,
            by: if row.by == "user" { ZoneOf::User } else { ZoneOf::App },
            then: if row.then == "drop" { Then::Drop } else { Then::Hold },
            transactional_exempt: row.exempt,
        });
    }
    for row in form.caps.iter().filter(|row| some(&row.most)) {
        let i = rules.caps.len();
        match row.most.trim().parse() {
            Ok(most) => rules.caps.push(Cap {
                business: word(&row.business),
                per: if row.per == "week" { Span::Week } else { Span::Day },
                most,
                transactional_exempt: row.exempt,
            }),
            Err(_) => errors.push(FieldError::new(format!("caps[{i}].most"), number)),
        }
    }
    if some(&form.same) {
        match form.same.trim().parse() {
            Ok(minutes) => rules.same_content = Some(SameContent { minutes, transactional_exempt: form.same_exempt }),
            Err(_) => errors.push(FieldError::new("same_content.minutes", number)),
        }
    }
    for (field, text, bound) in
        [("approve_above", &form.approve_above, &mut rules.approve_above), ("confirm_above", &form.confirm_above, &mut rules.confirm_above)]
    {
        match text.trim() {
            "" => *bound = 0,
            text => match text.parse() {
                Ok(n) => *bound = n,
                Err(_) => errors.push(FieldError::new(field, number)),
            },
        }
    }
    for row in form.vendors.iter().filter(|row| some(&row.most)) {
        let i = rules.vendor_caps.len();
        match (Vendor::parse(&row.vendor), row.most.trim().parse()) {
            (Some(vendor), Ok(most)) => {
                rules.vendor_caps.push(VendorCap { vendor, most, source: row.source.trim().to_owned(), as_of: row.as_of.trim().to_owned() })
            }
            _ => errors.push(FieldError::new(format!("vendor_caps[{i}].most"), number)),
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(Problem::fields(errors)) }
}

#[async_trait]
impl PolicyPort for PolicyConsole {
    async fn view(&self, app: &AppId) -> Result<PolicyView, AppError> {
        let app = app_of(&self.house, app).await?;
        let policy = self.house.policy.of(&app).await?;
        let affected = self.house.policy.affected(&app, &policy.rules).await?;
        Ok(PolicyView {
            revision: policy.revision,
            rules: policy.rules.clone(),
            stopped: policy.stopped.clone(),
            changed_by: policy.changed_by.clone(),
            changed_at: policy.changed_at,
            affected,
        })
    }

    async fn save(&self, asked: &Asked, app: &AppId, revision: i64, form: PolicyForm) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        self.house.policy.save(&app, revision, rules_of(form)?, &super::actor(asked)).await?;
        Ok(())
    }

    async fn stop(&self, asked: &Asked, app: &AppId, why: Option<String>) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        Ok(self.house.policy.stop(&app, why.as_deref(), &super::actor(asked)).await?)
    }

    async fn blocked(&self, app: &AppId, text: &str, after: Option<String>) -> Result<Page<BlockedView>, AppError> {
        let app = app_of(&self.house, app).await?;
        let page = PageRequest { after, ..PageRequest::default() };
        let found = self.house.storage.policy.blocked(app.no, word(text).as_deref(), None, &page).await.map_err(|e| failed(&e))?;
        Ok(found.map(|b| BlockedView { user_id: b.user_id, group: b.group, reason: b.reason, added_by: b.added_by, added_at: b.added_at }))
    }

    async fn block(&self, asked: &Asked, app: &AppId, list: String, group: String, reason: String) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        self.house.policy.block(&app, read_entries(&list, group.trim(), reason.trim()), &super::actor(asked)).await?;
        Ok(())
    }

    async fn unblock(&self, asked: &Asked, app: &AppId, user: String, group: String) -> Result<(), AppError> {
        let app = app_of(&self.house, app).await?;
        self.house.policy.unblock(&app, &[(user, group)], &super::actor(asked)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use types::views::policy::{CapRow, QuietRow, VendorRow};

    use super::*;

    #[test]
    fn a_form_becomes_rules_and_empty_rows_become_nothing() {
        let row = |from: &str, to: &str| QuietRow {
            from: from.into(),
            to: to.into(),
            businesses: "news， visit".into(),
            by: "user".into(),
            ..QuietRow::default()
        };
        let form = PolicyForm {
            zone: " UTC ".into(),
            quiet: vec![row("22:00", "08:30:00"), QuietRow::default()],
            caps: vec![CapRow { most: " 2".into(), per: "week".into(), ..CapRow::default() }, CapRow::default()],
            same: "30".into(),
            key: " 复诊、visit ，".into(),
            vendors: vec![
                VendorRow { vendor: "huawei".into(), most: "2".into(), ..VendorRow::default() },
                VendorRow { vendor: "oppo".into(), ..VendorRow::default() },
            ],
            ..PolicyForm::default()
        };
        let rules = rules_of(form.clone()).expect("rules");
        assert_eq!(rules.zone, "UTC");
        assert_eq!((rules.quiet[0].from, rules.quiet[0].to, rules.quiet[0].businesses.len()), (1_320, 510, 2));
        assert_eq!((rules.caps[0].per, rules.caps[0].most, rules.caps[0].business.clone()), (Span::Week, 2, None));
        assert_eq!(rules.key_businesses, ["复诊", "visit"]);
        assert_eq!((rules.quiet.len(), rules.caps.len(), rules.vendor_caps.len()), (1, 1, 1));
        assert_eq!(rules.check(), []);
        let bad = PolicyForm { quiet: vec![row("late", "8")], same: "soon".into(), ..form };
        let fields: Vec<String> = rules_of(bad).expect_err("refused").errors.into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["quiet[0].from", "same_content.minutes"]);
    }
}
