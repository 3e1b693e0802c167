//! The desk where rules, the stop switch and the blacklist are changed, and where is counted whom they affect now.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::json;
use types::Millis;
use types::field::FieldError;
use types::policy::{BUSINESS_MAX, REASON_MAX, Rules, Span, Stopped, ZoneOf};
use types::problem::{Code, Problem};
use types::text::{Text, Words};
use types::views::policy::{Affected, AtCap, HeldNow, Hushed};

use super::accept::store_problem;
use super::actor::Actor;
use crate::broker::policies::Policies;
use crate::broker::wakes;
use crate::coordination::Coordination;
use crate::policy::caps::Windows;
use crate::policy::quiet;
use crate::storage::Storage;
use crate::storage::StorageError;
use crate::storage::apps::App;
use crate::storage::people::AuditEntry;
use crate::storage::policy::{AppPolicy, NewBlocked};
use crate::world::World;

/// Accounts in one call or one file; bytes of an account's name.
pub const ENTRIES_MAX: usize = 100_000;
pub(super) const USER_MAX: usize = 256;

#[derive(Clone)]
pub struct PolicyDesk {
    storage: Storage,
    coordination: Coordination,
    world: World,
    policies: Policies,
}

impl PolicyDesk {
    pub fn new(storage: Storage, coordination: Coordination, world: World, policies: Policies) -> PolicyDesk {
        PolicyDesk { storage, coordination, world, policies }
    }

    /// As it stands in the store, not as it was half a second ago.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(&self, app: &App) -> Result<Arc<AppPolicy>, Problem> {
        self.policies.read(app.no).await.map_err(|e| store_problem(&e))
    }

    /// Replaces all rules. `seen` = the revision they were edited from.
    ///
    /// # Errors
    /// Field errors; `Conflict` when somebody was faster.
    pub async fn save(&self, app: &App, seen: i64, rules: Rules, actor: &Actor) -> Result<i64, Problem> {
        let mut errors = rules.check();
        if TimeZone::get(&rules.zone).is_err() {
            errors.push(FieldError::new(
                "zone",
                Text::new("没有这个时区；写成 Asia/Shanghai 的形式", "no such zone; write it as Asia/Shanghai"),
            ));
        }
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
        let before = self.of(app).await?;
        let (old, new) = (json!(before.rules), json!(rules));
        let entry = actor.entry(&self.world, "policy.rules", app.id.as_str(), Some(&app.id), Some(old), Some(new));
        let saved = self.storage.policy.put_rules(app.no, seen, &rules, &actor.name, self.world.now(), Some(entry)).await;
        let revision = saved.map_err(|error| match error {
            StorageError::Stale(_) => Problem::because(
                Code::Conflict,
                Text::new("规则刚被别人改过；刷新后再改", "somebody changed the rules first; reload and change them again"),
            ),
            other => store_problem(&other),
        })?;
        self.changed(app).await?;
        Ok(revision)
    }

    /// Stops everything of the app, or lets it go on. No request starts after this returns.
    ///
    /// # Errors
    /// A reason that is empty or too long; when the store fails.
    pub async fn stop(&self, app: &App, why: Option<&str>, actor: &Actor) -> Result<(), Problem> {
        let stopped = match why.map(str::trim) {
            Some(why) if why.is_empty() || why.chars().count() > REASON_MAX => {
                return Err(Problem::field("why", Text::new("写明原因，最多 200 字", "say why, at most 200 characters")));
            }
            Some(why) => Some(Stopped { by: actor.name.clone(), at: self.world.now(), why: why.to_owned() }),
            None => None,
        };
        let action = if stopped.is_some() { "policy.stop" } else { "policy.go_on" };
        let entry = actor.entry(&self.world, action, app.id.as_str(), Some(&app.id), None, Some(json!(stopped)));
        self.storage.policy.set_stop(app.no, stopped, self.world.now(), Some(entry)).await.map_err(|e| store_problem(&e))?;
        self.changed(app).await
    }

    /// Puts accounts on the blacklist.
    ///
    /// # Errors
    /// Field errors, each with the place of the entry; nothing is stored then.
    pub async fn block(&self, app: &App, entries: Vec<NewBlocked>, actor: &Actor) -> Result<u64, Problem> {
        let errors = check_entries(&entries);
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
        // The last word about an account and group counts.
        let entries: BTreeMap<(String, String), NewBlocked> =
            entries.into_iter().map(|entry| ((entry.user_id.clone(), entry.group.clone()), entry)).collect();
        let entries: Vec<NewBlocked> = entries.into_values().collect();
        let told = told(entries.iter().map(|e| (e.user_id.as_str(), e.group.as_str())));
        let entry = actor.entry(&self.world, "blacklist.add", app.id.as_str(), Some(&app.id), None, Some(told));
        self.storage.policy.block(app.no, &entries, &actor.name, self.world.now(), Some(entry)).await.map_err(|e| store_problem(&e))?;
        self.changed(app).await?;
        Ok(entries.len() as u64)
    }

    pub(super) const fn world(&self) -> &World {
        &self.world
    }

    /// A part of a file, checked already; the entry is that of the whole file.
    pub(super) async fn put_part(&self, app: &App, part: &[NewBlocked], actor: &Actor, entry: Option<AuditEntry>) -> Result<(), Problem> {
        self.storage.policy.block(app.no, part, &actor.name, self.world.now(), entry).await.map_err(|e| store_problem(&e))
    }

    pub(super) async fn settled(&self, app: &App) -> Result<(), Problem> {
        self.changed(app).await
    }

    /// Takes accounts off it again. Returns how many entries there were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unblock(&self, app: &App, entries: &[(String, String)], actor: &Actor) -> Result<u64, Problem> {
        let told = told(entries.iter().map(|(user, group)| (user.as_str(), group.as_str())));
        let entry = actor.entry(&self.world, "blacklist.remove", app.id.as_str(), Some(&app.id), Some(told), None);
        let gone = self.storage.policy.unblock(app.no, entries, Some(entry)).await.map_err(|e| store_problem(&e))?;
        self.changed(app).await?;
        Ok(gone)
    }

    /// Known at once in this process; lanes look again, for what was held may go.
    async fn changed(&self, app: &App) -> Result<(), Problem> {
        self.policies.read(app.no).await.map_err(|e| store_problem(&e))?;
        for lane in self.storage.apps.lanes_of(app.no).await.map_err(|e| store_problem(&e))? {
            self.coordination.wakes.wake(&wakes::lane(lane.no));
        }
        Ok(())
    }

    /// Whom the rules affect now: counted, not guessed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn affected(&self, app: &App, rules: &Rules) -> Result<Affected, Problem> {
        self.count(app, rules).await.map_err(|e| store_problem(&e))
    }

    async fn count(&self, app: &App, rules: &Rules) -> Result<Affected, StorageError> {
        let (store, now) = (&self.storage.policy, self.world.now());
        let windows = Windows::of(rules, now);
        let mut caps = Vec::with_capacity(rules.caps.len());
        for cap in &rules.caps {
            let since = match cap.per {
                Span::Day => windows.day,
                Span::Week => windows.week,
            };
            let persons = store.at_cap(app.no, cap.business.as_deref(), cap.transactional_exempt, since, cap.most).await?;
            caps.push(AtCap { since, persons });
        }
        let held = store.held(app.no, now).await?;
        let (blocked_entries, blocked_accounts) = store.blocked_count(app.no).await?;
        Ok(Affected {
            at: now,
            caps,
            blocked_entries,
            blocked_accounts,
            held: HeldNow { chunks: held.chunks, devices: held.devices, first: held.first, last: held.last },
            quiet: self.hushed(app, rules, now).await?,
        })
    }

    /// For each rule of quiet hours: the devices for which it is quiet now, and until when at the latest.
    async fn hushed(&self, app: &App, rules: &Rules, now: Millis) -> Result<Vec<Hushed>, StorageError> {
        if rules.quiet.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.storage.devices.count(app.no).await?;
        let zones = if rules.quiet.iter().any(|q| q.by == ZoneOf::User) { self.storage.policy.zones(app.no).await? } else { Vec::new() };
        let named: u64 = zones.iter().map(|(_, n)| n).sum();
        let mut out = Vec::with_capacity(rules.quiet.len());
        for rule in &rules.quiet {
            let by_zone: Vec<(&str, u64)> = match rule.by {
                ZoneOf::App => vec![(rules.zone.as_str(), all)],
                ZoneOf::User => {
                    let silent = (rules.zone.as_str(), all.saturating_sub(named));
                    zones.iter().map(|(zone, n)| (zone.as_str(), *n)).chain([silent]).collect()
                }
            };
            let quiet: Vec<(u64, Millis)> =
                by_zone.into_iter().filter_map(|(zone, n)| Some((n, quiet::until(rule, &quiet::zone(zone), now)?))).collect();
            out.push(Hushed { devices: quiet.iter().map(|(n, _)| n).sum(), until: quiet.iter().map(|(_, until)| *until).max() });
        }
        Ok(out)
    }
}

/// What the audit log keeps of a long list: how many, and the first few.
fn told<'a>(entries: impl ExactSizeIterator<Item = (&'a str, &'a str)>) -> serde_json::Value {
    let n = entries.len();
    json!({ "entries": n, "first": entries.take(20).collect::<Vec<_>>() })
}

fn check_entries(entries: &[NewBlocked]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if entries.is_empty() || entries.len() > ENTRIES_MAX {
        let n = entries.len();
        let reason = Words::new(format!("一次 1 到 {ENTRIES_MAX} 个，现在 {n} 个"), format!("1 to {ENTRIES_MAX} in one call, has {n}"));
        errors.push(FieldError::new("entries", reason));
    }
    for (i, entry) in entries.iter().enumerate() {
        let user = &entry.user_id;
        if user.trim().is_empty() || user.len() > USER_MAX || user.chars().any(char::is_control) {
            let reason = Text::new("账号 1–256 字节，不含控制字符", "an account has 1 to 256 bytes and no control characters");
            errors.push(FieldError::new(format!("entries[{i}].user_id"), reason));
        }
        if entry.group.chars().count() > BUSINESS_MAX || entry.reason.chars().count() > REASON_MAX {
            let reason = Text::new("分组最多 40 字，原因最多 200 字", "a group has at most 40 characters, a reason 200");
            errors.push(FieldError::new(format!("entries[{i}].reason"), reason));
        }
        if errors.len() >= 20 {
            break;
        }
    }
    errors
}

/// Accounts from pasted text or a CSV file, one a line: `account`, `account,group` or `account,group,reason`; `all` is every
/// business type. A first line that names the column is passed over.
pub fn read_entries(text: &str, group: &str, reason: &str) -> Vec<NewBlocked> {
    let all = |group: &str| if matches!(group, "all" | "全部") { String::new() } else { group.to_owned() };
    let mut out = Vec::new();
    for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let mut cells = line.split([',', '\t']).map(|cell| cell.trim().trim_matches('"'));
        let user = cells.next().unwrap_or("");
        let heading = i == 0 && ["user_id", "userid", "user", "account", "账号", "用户"].contains(&user.to_lowercase().as_str());
        if user.is_empty() || heading {
            continue;
        }
        let or = |cell: Option<&str>, other: &str| cell.filter(|c| !c.is_empty()).unwrap_or(other).to_owned();
        let (own_group, own_reason) = (cells.next(), cells.next());
        out.push(NewBlocked { user_id: user.to_owned(), group: all(&or(own_group, group)), reason: or(own_reason, reason) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_people_write_them() {
        let text = "\u{feff}user_id,group,reason\r\nu1\n\n \"u2\" ,news, asked twice\nu3\tall\n账号,四\n";
        let got: Vec<(String, String, String)> =
            read_entries(text, "visit", "paste").into_iter().map(|e| (e.user_id, e.group, e.reason)).collect();
        let entry = |user: &str, group: &str, reason: &str| (user.to_owned(), group.to_owned(), reason.to_owned());
        assert_eq!(
            got,
            [entry("u1", "visit", "paste"), entry("u2", "news", "asked twice"), entry("u3", "", "paste"), entry("账号", "四", "paste")]
        );
    }

    #[test]
    fn a_bad_entry_is_named_by_its_place() {
        let entry = |user: &str| NewBlocked { user_id: user.into(), group: String::new(), reason: String::new() };
        let fields: Vec<String> = check_entries(&[entry("ok"), entry(" "), entry("a\u{7}")]).into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["entries[1].user_id", "entries[2].user_id"]);
        assert_eq!(check_entries(&[]).len(), 1);
    }
}
