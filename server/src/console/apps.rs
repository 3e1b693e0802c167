//! Apps, secrets, credentials, lanes. The public functions are free of ports and HTTP: `carillon admin`, the demo and the pages use
//! the same ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::error::AppError;
use app::ports::apps::{AppForm, AppsPort, LaneForm};
use app::ports::{Asked, Who};
use async_trait::async_trait;
use pipeline::access::keys;
use pipeline::house::House;
use pipeline::storage::StorageError;
use pipeline::storage::apps::{App, AppChange, CredentialRow, Lane, LaneSettings, NewApp};
use pipeline::vendors::credential::credential_aad;
use pipeline::vendors::dialect::Credential;
use pipeline::vendors::registry;
use serde_json::json;
use types::breaker::BreakerSettings;
use types::field::FieldError;
use types::follow::FollowUp;
use types::funnel::{Source, Stage};
use types::ids::{AppId, DeviceId};
use types::listing::{PAGE_SIZE, Page, PageRequest};
use types::people::Permission;
use types::problem::{Code, Problem};
use types::text::Words;
use types::vendor::{Environment, Vendor};
use types::views::apps::{AppCard, AppDetail, CredentialView, DeviceQuery, DeviceView, LaneView, SecretView};
use types::views::lanes::{BreakerView, FollowView};

use super::lane_form::check_lane;
use super::once::Once;
use super::{Actor, devices, follow_up, store};
use crate::settings::Settings;

/// Common services an app may use.
pub const SERVICES: [&str; 3] = ["push", "feedback", "release"];

/// What registering gives; the secret is shown this once.
#[derive(Clone, Debug)]
pub struct Registered {
    pub app: App,
    pub app_secret: String,
}

fn bounded(field: &str, text: &str, min: usize, max: usize, errors: &mut Vec<FieldError>) {
    let n = text.chars().count();
    if n < min || n > max || text.chars().any(|c| c.is_control() && c != '\n') {
        let reason = Words::new(
            format!("需要 {min} 到 {max} 个字符，现在是 {n} 个"),
            format!("needs {min} to {max} characters without control characters, has {n}"),
        );
        errors.push(FieldError::new(field, reason));
    }
}

fn check_form(form: &AppForm) -> Result<AppForm, Problem> {
    let form = AppForm {
        name: form.name.trim().to_owned(),
        description: form.description.trim().replace("\r\n", "\n"),
        default_title: form.default_title.trim().to_owned(),
        ..form.clone()
    };
    let mut errors = Vec::new();
    bounded("name", &form.name, 1, 60, &mut errors);
    bounded("description", &form.description, 0, 500, &mut errors);
    bounded("default_title", &form.default_title, 0, 40, &mut errors);
    let mut seen = Vec::new();
    for vendor in &form.vendor_order {
        if seen.contains(vendor) {
            errors.push(FieldError::new("vendor_order", Words::new("同一厂商出现了两次", "one vendor stands there twice")));
            break;
        }
        seen.push(*vendor);
    }
    if form.services.iter().any(|s| !SERVICES.contains(&s.as_str())) {
        errors.push(FieldError::new("services", Words::new("未知的服务", "an unknown service")));
    }
    if errors.is_empty() { Ok(form) } else { Err(Problem::fields(errors)) }
}

fn complaint(error: &StorageError) -> Problem {
    match error {
        StorageError::Conflict("name") => Problem::field(
            "name",
            Words::new("这个环境里已有同名应用，请换一个名称", "an app of this name exists in this environment; choose another"),
        ),
        StorageError::Conflict("secrets") => Problem::because(
            Code::WrongState,
            Words::new("已有两个有效密钥；请先停用旧的一个", "Two secrets are live; end the old one first"),
        ),
        StorageError::Conflict("last secret") => Problem::because(
            Code::WrongState,
            Words::new("这是唯一有效的密钥；请先新增一个", "This is the only live secret; add another first"),
        ),
        other => store(other),
    }
}

/// Registers an app; its appKey, clientKey and callback path are made here.
///
/// # Errors
/// Field errors; `name` when taken in this environment.
pub async fn register(house: &House, actor: &Actor, form: &AppForm, environment: Environment) -> Result<Registered, Problem> {
    let form = check_form(form)?;
    let id = AppId::from_bytes(house.world.id());
    let app_secret = keys::fresh_app_secret(&house.world);
    let order = if form.vendor_order.is_empty() { Vendor::ALL.to_vec() } else { form.vendor_order.clone() };
    let new = NewApp {
        secret_sealed: keys::seal_secret(&house.vault, &id, &app_secret),
        id,
        name: form.name,
        description: form.description,
        environment,
        default_title: form.default_title,
        vendor_order: order,
        services: if form.services.is_empty() { vec!["push".to_owned()] } else { form.services },
        app_key: keys::fresh_app_key(&house.world),
        client_key: keys::fresh_client_key(&house.world),
        callback_secret: keys::fresh_callback_secret(&house.world),
        created_at: house.world.now(),
    };
    let after = json!({ "name": new.name, "environment": environment, "app_key": new.app_key });
    let entry = actor.entry(&house.world, "app.create", new.id.as_str(), Some(&new.id), None, Some(after));
    let app = house.storage.apps.create(new, Some(entry)).await.map_err(|e| complaint(&e))?;
    Ok(Registered { app, app_secret })
}

async fn known(house: &House, id: &AppId) -> Result<App, Problem> {
    house.storage.apps.get(id).await.map_err(|e| store(&e))?.ok_or_else(|| Problem::new(Code::NotFound))
}

fn summary(of: &AppChange) -> serde_json::Value {
    json!({ "name": of.name, "description": of.description, "default_title": of.default_title,
            "vendor_order": of.vendor_order, "services": of.services })
}

/// Changes what a person may change of an app.
///
/// # Errors
/// Field errors; `NotFound`.
pub async fn change(house: &House, actor: &Actor, id: &AppId, form: &AppForm) -> Result<App, Problem> {
    let form = check_form(form)?;
    let old = known(house, id).await?;
    let change = AppChange {
        name: form.name,
        description: form.description,
        default_title: form.default_title,
        vendor_order: form.vendor_order,
        services: form.services,
    };
    let before = AppChange {
        name: old.name,
        description: old.description,
        default_title: old.default_title,
        vendor_order: old.vendor_order,
        services: old.services,
    };
    let entry = actor.entry(&house.world, "app.change", id.as_str(), Some(id), Some(summary(&before)), Some(summary(&change)));
    house.storage.apps.change(id, change, Some(entry)).await.map_err(|e| complaint(&e))?.ok_or_else(|| Problem::new(Code::NotFound))
}

/// Adds a second live server secret and returns it, this once.
///
/// # Errors
/// `WrongState` when two are live.
pub async fn add_secret(house: &House, actor: &Actor, id: &AppId) -> Result<String, Problem> {
    let app = known(house, id).await?;
    let secret = keys::fresh_app_secret(&house.world);
    let sealed = keys::seal_secret(&house.vault, id, &secret);
    let entry = actor.entry(&house.world, "app.secret_add", id.as_str(), Some(id), None, None);
    house.storage.apps.add_secret(app.no, sealed, house.world.now(), Some(entry)).await.map_err(|e| complaint(&e))?;
    Ok(secret)
}

/// # Errors
/// `WrongState` when it is the only one; `NotFound`.
pub async fn end_secret(house: &House, actor: &Actor, id: &AppId, no: i64) -> Result<(), Problem> {
    let app = known(house, id).await?;
    let entry = actor.entry(&house.world, "app.secret_end", id.as_str(), Some(id), Some(json!({ "secret_no": no })), None);
    if house.storage.apps.end_secret(app.no, no, Some(entry)).await.map_err(|e| complaint(&e))? {
        Ok(())
    } else {
        Err(Problem::new(Code::NotFound))
    }
}

/// What may be shown of a credential: plain lines as they are, secrets as their last four characters.
fn hints(vendor: Vendor, fields: &BTreeMap<String, String>) -> Vec<(String, String)> {
    vendor
        .credential_fields()
        .iter()
        .filter_map(|field| {
            let value = fields.get(field.name)?;
            let hint = match field.kind {
                types::field::FieldKind::Line => value.clone(),
                types::field::FieldKind::Secret => {
                    let chars: Vec<char> = value.chars().collect();
                    format!("…{}", chars[chars.len().saturating_sub(4)..].iter().collect::<String>())
                }
                // The end of a PEM says nothing.
                types::field::FieldKind::SecretText => "…".to_owned(),
            };
            Some((field.name.to_owned(), hint))
        })
        .collect()
}

/// Checks, seals and stores a vendor credential; lifts a pause that a refused one had put on the lane.
///
/// # Errors
/// Field errors by the names of [`Vendor::credential_fields`]; nothing is stored then.
pub async fn put_credential(house: &House, actor: &Actor, id: &AppId, vendor: Vendor, given: &[(String, String)]) -> Result<(), Problem> {
    let app = known(house, id).await?;
    let mut fields = BTreeMap::new();
    let mut errors = Vec::new();
    for field in vendor.credential_fields() {
        let value = given.iter().find(|(name, _)| name == field.name).map_or("", |(_, value)| value.trim()).replace("\r\n", "\n");
        match field.check.complain(&value) {
            Some(reason) => errors.push(FieldError::new(field.name, reason)),
            None => {
                fields.insert(field.name.to_owned(), value);
            }
        }
    }
    for (name, _) in given {
        if !vendor.credential_fields().iter().any(|f| f.name == name) {
            errors.push(FieldError::new(name.clone(), Words::new("这个厂商没有这个字段", "this vendor has no such field")));
        }
    }
    if !errors.is_empty() {
        return Err(Problem::fields(errors));
    }
    let sealed_hints = hints(vendor, &fields);
    let plain = serde_json::to_vec(&fields).map_err(|_| Problem::new(Code::Internal))?;
    // A key that cannot be used is refused here, not at the first push.
    if let Err(error) = registry::dialect(vendor).pass_plan(&Credential { fields }) {
        tracing::info!(app = %id, vendor = vendor.slug(), %error, "a credential that cannot be used was refused");
        let name = vendor.credential_fields().iter().rev().find(|f| f.kind.is_secret()).map_or("credential", |f| f.name);
        return Err(Problem::field(
            name,
            Words::new(
                "这个密钥无法使用：请确认粘贴完整、类型正确",
                "this key cannot be used: check that it is whole and of the right kind",
            ),
        ));
    }
    let aad = credential_aad(id.as_str(), vendor);
    let aad: Vec<&str> = aad.iter().map(String::as_str).collect();
    let row = CredentialRow {
        vendor,
        sealed: house.vault.seal(&aad, &plain),
        hints: sealed_hints,
        updated_at: house.world.now(),
        updated_by: actor.name.clone(),
    };
    let entry = actor.entry(&house.world, "credential.put", &format!("{id}/{}", vendor.slug()), Some(id), None, None);
    house.storage.apps.put_credential(app.no, row, Some(entry)).await.map_err(|e| complaint(&e))
}

/// # Errors
/// `NotFound` when there is none.
pub async fn drop_credential(house: &House, actor: &Actor, id: &AppId, vendor: Vendor) -> Result<(), Problem> {
    let app = known(house, id).await?;
    let entry = actor.entry(&house.world, "credential.drop", &format!("{id}/{}", vendor.slug()), Some(id), None, None);
    if house.storage.apps.drop_credential(app.no, vendor, Some(entry)).await.map_err(|e| complaint(&e))? {
        Ok(())
    } else {
        Err(Problem::new(Code::NotFound))
    }
}

async fn lane_of(house: &House, app: &App, vendor: Vendor) -> Result<Lane, Problem> {
    let lanes = house.storage.apps.lanes_of(app.no).await.map_err(|e| store(&e))?;
    lanes.into_iter().find(|l| l.vendor == vendor).ok_or_else(|| Problem::new(Code::NotFound))
}

/// Changes a lane at run time; the lane takes it up within its next look at the settings.
///
/// # Errors
/// Field errors; `NotFound`.
pub async fn put_lane(house: &House, actor: &Actor, id: &AppId, vendor: Vendor, form: &LaneForm) -> Result<(), Problem> {
    let settings = check_lane(vendor, form)?;
    let old = lane_of(house, &known(house, id).await?, vendor).await?.settings;
    let settings = LaneSettings { breaker: old.breaker, ..follow_up::with(settings, follow_up::of(&old)) };
    put_lane_settings(house, actor, id, vendor, settings).await
}

/// Changes when a lane's breaker trips; in force within a second.
///
/// # Errors
/// `InvalidFields` with every field at fault; `NotFound`.
pub async fn put_breaker(house: &House, actor: &Actor, id: &AppId, vendor: Vendor, breaker: BreakerSettings) -> Result<(), Problem> {
    let errors = breaker.check("breaker");
    if !errors.is_empty() {
        return Err(Problem::fields(errors));
    }
    let app = known(house, id).await?;
    let old = lane_of(house, &app, vendor).await?;
    let brief = |set: &BreakerSettings| json!({ "breaker": set.told().en });
    let object = format!("{id}/{}", vendor.slug());
    let entry = actor.entry(&house.world, "lane.breaker", &object, Some(id), Some(brief(&old.settings.breaker)), Some(brief(&breaker)));
    let settings = LaneSettings { breaker, ..old.settings };
    house.storage.apps.put_lane(app.no, vendor, settings, Some(entry)).await.map_err(|e| complaint(&e))?;
    house.coordination.wakes.wake(pipeline::broker::wakes::LANES);
    Ok(())
}

/// As [`put_lane`], for settings that were made by the server itself (demo: address and CA of the simulator).
///
/// # Errors
/// `NotFound`.
pub async fn put_lane_settings(house: &House, actor: &Actor, id: &AppId, vendor: Vendor, settings: LaneSettings) -> Result<(), Problem> {
    let app = known(house, id).await?;
    let old = lane_of(house, &app, vendor).await?;
    let brief = |s: &LaneSettings| {
        json!({ "enabled": s.enabled, "base_url": s.base_url, "ca": s.ca_pem.is_some(), "pace_per_second": s.pace_per_second, "batch": s.batch,
                "in_flight": s.in_flight, "daily_quota": s.daily_quota, "reserve_percent": s.reserve_percent, "egress_proxy": s.egress_proxy, "ways": types::egress::lines(&s.ways), "timeout_ms": s.timeout_ms })
    };
    let after = brief(&settings);
    let object = format!("{id}/{}", vendor.slug());
    let entry = actor.entry(&house.world, "lane.put", &object, Some(id), Some(brief(&old.settings)), Some(after));
    house.storage.apps.put_lane(app.no, vendor, settings, Some(entry)).await.map(drop).map_err(|e| complaint(&e))
}

/// Stops a lane with a reason, or lets it go on with `None`.
///
/// # Errors
/// `why` longer than 200 characters; `NotFound`.
pub async fn pause_lane(house: &House, actor: &Actor, id: &AppId, vendor: Vendor, why: Option<String>) -> Result<(), Problem> {
    let app = known(house, id).await?;
    let lane = lane_of(house, &app, vendor).await?;
    let why = why.map(|w| w.trim().to_owned());
    if let Some(why) = &why {
        let mut errors = Vec::new();
        bounded("why", why, 1, 200, &mut errors);
        if !errors.is_empty() {
            return Err(Problem::fields(errors));
        }
    }
    let action = if why.is_some() { "lane.pause" } else { "lane.resume" };
    let (before, after) = (lane.paused.map(|w| json!({ "paused": w })), why.as_ref().map(|w| json!({ "paused": w })));
    let entry = actor.entry(&house.world, action, &format!("{id}/{}", vendor.slug()), Some(id), before, after);
    house.storage.apps.pause_lane(lane.no, why, Some(entry)).await.map_err(|e| complaint(&e))
}

pub struct AppsConsole {
    house: Arc<House>,
    /// Address of the console and API, for examples and callbacks.
    public_url: Option<String>,
    listen: String,
    fresh: Once<String>,
}

impl AppsConsole {
    pub fn new(house: Arc<House>, settings: &Settings) -> AppsConsole {
        AppsConsole {
            house,
            public_url: settings.public_url.clone(),
            listen: format!("http://{}", settings.listen),
            fresh: Once::default(),
        }
    }

    fn keep_secret(&self, asked: &Asked, app: &AppId, secret: String) {
        self.fresh.put(format!("{}/{app}", asked.who.id), secret, self.house.world.now());
    }
}

#[async_trait]
impl AppsPort for AppsConsole {
    async fn list(&self, who: &Who) -> Result<Vec<AppCard>, AppError> {
        let apps = &self.house.storage.apps;
        let mut out = Vec::new();
        for app in apps.list().await.map_err(|e| store(&e))? {
            if !who.rights.may(Permission::See, Some(&app.id)) {
                continue;
            }
            let ready = apps.credentials(app.no).await.map_err(|e| store(&e))?.into_iter().map(|c| c.vendor).collect();
            let devices = self.house.storage.devices.count(app.no).await.map_err(|e| store(&e))?;
            out.push(AppCard {
                id: app.id,
                name: app.name,
                description: app.description,
                environment: app.environment,
                app_key: app.app_key,
                devices,
                ready,
            });
        }
        out.sort_by(|a, b| (&a.name, a.environment).cmp(&(&b.name, b.environment)));
        Ok(out)
    }

    async fn register(&self, asked: &Asked, form: AppForm, environment: Environment) -> Result<AppId, AppError> {
        let made = register(&self.house, &super::actor(asked), &form, environment).await?;
        self.keep_secret(asked, &made.app.id, made.app_secret);
        Ok(made.app.id)
    }

    async fn change(&self, asked: &Asked, app: &AppId, form: AppForm) -> Result<(), AppError> {
        change(&self.house, &super::actor(asked), app, &form).await?;
        Ok(())
    }

    async fn detail(&self, asked: &Asked, id: &AppId) -> Result<AppDetail, AppError> {
        let app = known(&self.house, id).await?;
        let apps = &self.house.storage.apps;
        let mut credentials = apps.credentials(app.no).await.map_err(|e| store(&e))?;
        let lanes = apps.lanes_of(app.no).await.map_err(|e| store(&e))?;
        let secrets = apps.secrets(app.no).await.map_err(|e| store(&e))?;
        let lanes = lanes
            .into_iter()
            .map(|lane| {
                let at = credentials.iter().position(|c| c.vendor == lane.vendor);
                let credential = at.map(|i| credentials.swap_remove(i));
                let s = lane.settings;
                LaneView {
                    callback_url: self
                        .public_url
                        .as_ref()
                        .filter(|_| {
                            [Stage::Delivered, Stage::Displayed, Stage::Clicked].iter().any(|s| lane.vendor.source_of(*s) == Source::Vendor)
                        })
                        .map(|base| format!("{base}/callbacks/{}/{}", lane.vendor.slug(), app.callback_secret)),
                    vendor: lane.vendor,
                    enabled: s.enabled,
                    base_url: s.base_url,
                    ca_pem: s.ca_pem.unwrap_or_default(),
                    pace_per_second: s.pace_per_second,
                    batch: s.batch,
                    in_flight: s.in_flight,
                    daily_quota: s.daily_quota,
                    reserve_percent: s.reserve_percent,
                    egress_proxy: s.egress_proxy.unwrap_or_default(),
                    ways: types::egress::lines(&s.ways),
                    timeout_ms: s.timeout_ms,
                    paused: lane.paused,
                    credential: credential.map(|c| CredentialView { hints: c.hints, updated_at: c.updated_at, updated_by: c.updated_by }),
                }
            })
            .collect();
        Ok(AppDetail {
            fresh_secret: self.fresh.take(&format!("{}/{id}", asked.who.id), self.house.world.now()),
            id: app.id,
            name: app.name,
            description: app.description,
            environment: app.environment,
            default_title: app.default_title,
            vendor_order: app.vendor_order,
            services: app.services,
            app_key: app.app_key,
            client_key: app.client_key,
            created_at: app.created_at,
            secrets: secrets.into_iter().map(|s| SecretView { no: s.no, created_at: s.created_at, last_used_at: s.last_used_at }).collect(),
            lanes,
            public_url: self.public_url.clone().unwrap_or_else(|| self.listen.clone()),
        })
    }

    async fn add_secret(&self, asked: &Asked, app: &AppId) -> Result<(), AppError> {
        let secret = add_secret(&self.house, &super::actor(asked), app).await?;
        self.keep_secret(asked, app, secret);
        Ok(())
    }

    async fn end_secret(&self, asked: &Asked, app: &AppId, no: i64) -> Result<(), AppError> {
        Ok(end_secret(&self.house, &super::actor(asked), app, no).await?)
    }

    async fn put_credential(&self, asked: &Asked, app: &AppId, vendor: Vendor, fields: Vec<(String, String)>) -> Result<(), AppError> {
        Ok(put_credential(&self.house, &super::actor(asked), app, vendor, &fields).await?)
    }

    async fn drop_credential(&self, asked: &Asked, app: &AppId, vendor: Vendor) -> Result<(), AppError> {
        Ok(drop_credential(&self.house, &super::actor(asked), app, vendor).await?)
    }

    async fn put_lane(&self, asked: &Asked, app: &AppId, vendor: Vendor, form: LaneForm) -> Result<(), AppError> {
        Ok(put_lane(&self.house, &super::actor(asked), app, vendor, &form).await?)
    }

    async fn breakers(&self, app: &AppId) -> Result<Vec<BreakerView>, AppError> {
        let app = known(&self.house, app).await?;
        let credentials = self.house.storage.apps.credentials(app.no).await.map_err(|e| super::failed(&e))?;
        let lanes = self.house.storage.apps.lanes_of(app.no).await.map_err(|e| super::failed(&e))?;
        let used = lanes.into_iter().filter(|lane| credentials.iter().any(|row| row.vendor == lane.vendor));
        Ok(used.map(|lane| BreakerView { vendor: lane.vendor, settings: lane.settings.breaker }).collect())
    }

    async fn put_breaker(&self, asked: &Asked, app: &AppId, vendor: Vendor, breaker: BreakerSettings) -> Result<(), AppError> {
        Ok(put_breaker(&self.house, &super::actor(asked), app, vendor, breaker).await?)
    }

    async fn follow_ups(&self, app: &AppId) -> Result<Vec<FollowView>, AppError> {
        Ok(follow_up::list(&self.house, &known(&self.house, app).await?).await?)
    }

    async fn put_follow_up(&self, asked: &Asked, app: &AppId, vendor: Vendor, rules: FollowUp) -> Result<(), AppError> {
        let known = known(&self.house, app).await?;
        let old = lane_of(&self.house, &known, vendor).await?;
        Ok(follow_up::put(&self.house, &super::actor(asked), &known, old, rules).await?)
    }

    async fn pause_lane(&self, asked: &Asked, app: &AppId, vendor: Vendor, why: Option<String>) -> Result<(), AppError> {
        Ok(pause_lane(&self.house, &super::actor(asked), app, vendor, why).await?)
    }

    async fn devices(&self, id: &AppId, query: &DeviceQuery) -> Result<Page<DeviceView>, AppError> {
        let app = known(&self.house, id).await?;
        let after = Some(query.after.clone()).filter(|t| !t.is_empty());
        let page = PageRequest { after, size: PAGE_SIZE };
        let found = self.house.storage.devices.list(app.no, &devices::filter(query), &page).await.map_err(|e| store(&e))?;
        Ok(found.map(devices::view))
    }

    async fn device(&self, id: &AppId, device: &DeviceId) -> Result<Option<DeviceView>, AppError> {
        let app = known(&self.house, id).await?;
        Ok(self.house.storage.devices.get(app.no, device).await.map_err(|e| store(&e))?.map(devices::view))
    }

    async fn set_test(&self, asked: &Asked, id: &AppId, device: &DeviceId, test: bool) -> Result<(), AppError> {
        let app = known(&self.house, id).await?;
        let after = json!({ "test": test });
        let entry = super::actor(asked).entry(&self.house.world, "device.test", device.as_str(), Some(id), None, Some(after));
        if self.house.storage.devices.set_test(app.no, device, test, Some(entry)).await.map_err(|e| store(&e))? {
            Ok(())
        } else {
            Err(Problem::new(Code::NotFound).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_vendors_are_https_or_this_machine() {
        for good in ["https://api.push.apple.com", "https://127.0.0.1:8443/xiaomi", "http://127.0.0.1:9/x"] {
            assert!(super::super::lane_form::is_base_url(good, false), "{good}");
        }
        for bad in
            ["", "api.push.apple.com", "http://api.push.apple.com", "https://a.b/", "https://u:p@a.b", "https://a.b/x?y=1", "ftp://a.b"]
        {
            assert!(!super::super::lane_form::is_base_url(bad, false), "{bad}");
        }
        assert!(super::super::lane_form::is_base_url("http://proxy:3128", true));
    }

    #[test]
    fn a_hint_shows_no_secret() {
        let fields = BTreeMap::from([
            ("package_name".to_owned(), "com.example.shop".to_owned()),
            ("app_secret".to_owned(), "abcdefghijklmnop".to_owned()),
            ("channel_id".to_owned(), "1".to_owned()),
        ]);
        let shown = hints(Vendor::Xiaomi, &fields);
        assert_eq!(shown[1], ("app_secret".to_owned(), "…mnop".to_owned()));
        assert_eq!(shown[0].1, "com.example.shop");
    }
}
