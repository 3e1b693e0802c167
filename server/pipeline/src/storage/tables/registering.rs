//! Registrations: a block is read, decided in memory, and written, in seven statements whatever its length.

use std::collections::{BTreeMap, HashMap};

use types::Millis;
use types::ids::DeviceId;
use types::vendor::Vendor;

use super::{Conn, apps, rows};
use crate::storage::devices::Registration;
use crate::storage::{Result, StorageError};

/// One device touched by this block.
struct Slot {
    /// `None` until inserted.
    no: Option<i64>,
    id: DeviceId,
    /// The last registration that spoke of it.
    last: Registration,
    /// Per vendor named in this block: the tokens it has now.
    tokens: BTreeMap<Vendor, Vec<String>>,
}

/// What is decided, before anything is written.
#[derive(Default)]
struct Block {
    slots: Vec<Slot>,
    by_device: HashMap<i64, usize>,
    by_token: HashMap<(Vendor, String), usize>,
}

impl Block {
    fn slot_of_device(&mut self, no: i64, id: DeviceId, registration: &Registration) -> usize {
        *self.by_device.entry(no).or_insert_with(|| {
            self.slots.push(Slot { no: Some(no), id, last: registration.clone(), tokens: BTreeMap::new() });
            self.slots.len() - 1
        })
    }

    fn fresh_slot(&mut self, registration: &Registration) -> usize {
        self.slots.push(Slot { no: None, id: registration.fresh_id.clone(), last: registration.clone(), tokens: BTreeMap::new() });
        self.slots.len() - 1
    }

    /// The registration's tokens are this device's now: nobody else's, and in place of its former ones of these vendors.
    fn apply(&mut self, at: usize, mut registration: Registration) {
        let mut tokens: BTreeMap<Vendor, Vec<String>> = BTreeMap::new();
        for (vendor, token) in std::mem::take(&mut registration.tokens) {
            if let Some(other) = self.by_token.insert((vendor, token.clone()), at)
                && other != at
                && let Some(theirs) = self.slots[other].tokens.get_mut(&vendor)
            {
                theirs.retain(|t| *t != token);
            }
            let mine = tokens.entry(vendor).or_default();
            if !mine.contains(&token) {
                mine.push(token);
            }
        }
        let slot = &mut self.slots[at];
        slot.tokens.append(&mut tokens);
        // What an earlier registration of the same block said stays, where this one says nothing.
        let before = std::mem::replace(&mut slot.last, registration);
        let keep = |now: &mut String, before: String| {
            if now.is_empty() {
                *now = before;
            }
        };
        keep(&mut slot.last.model, before.model);
        keep(&mut slot.last.os_version, before.os_version);
        keep(&mut slot.last.app_version, before.app_version);
        slot.last.notifications_on = slot.last.notifications_on.or(before.notifications_on);
        slot.last.test = slot.last.test.or(before.test);
        slot.last.zone = slot.last.zone.take().or(before.zone);
    }
}

/// See `Devices::register`.
pub async fn register(conn: &mut Conn, app_no: i64, registrations: Vec<Registration>) -> Result<Vec<DeviceId>> {
    apps::lock(&mut *conn, app_no).await?;
    let by_id = known_ids(&mut *conn, app_no, &registrations).await?;
    let by_token = known_tokens(&mut *conn, app_no, &registrations).await?;
    let mut block = Block::default();
    let mut places = Vec::with_capacity(registrations.len());
    for registration in registrations {
        let at = match &registration.id {
            Some(id) => {
                let no = *by_id.get(id).ok_or(StorageError::Stale("device"))?;
                block.slot_of_device(no, id.clone(), &registration)
            }
            None => {
                let in_block = registration.tokens.iter().find_map(|token| block.by_token.get(token).copied());
                let stored = || registration.tokens.iter().find_map(|token| by_token.get(token).cloned());
                match (in_block, stored()) {
                    (Some(at), _) => at,
                    (None, Some((no, id))) => block.slot_of_device(no, id, &registration),
                    (None, None) => block.fresh_slot(&registration),
                }
            }
        };
        block.apply(at, registration);
        places.push(at);
    }
    write_devices(&mut *conn, app_no, &mut block.slots).await?;
    write_tokens(&mut *conn, app_no, &block.slots).await?;
    Ok(places.into_iter().map(|at| block.slots[at].id.clone()).collect())
}

async fn known_ids(conn: &mut Conn, app_no: i64, registrations: &[Registration]) -> Result<HashMap<DeviceId, i64>> {
    let ids: Vec<&str> = registrations.iter().filter_map(|r| r.id.as_ref().map(DeviceId::as_str)).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(String, i64)> =
        sqlx::query_as(concat!("SELECT d.id, d.no FROM ", texts!("$2"), " x CROSS JOIN device d WHERE d.id = x.value AND d.app_no = $1"))
            .bind(app_no)
            .bind(rows::to_json("device.id", &ids)?)
            .fetch_all(conn)
            .await?;
    Ok(found.into_iter().map(|(id, no)| (DeviceId::trusted(id), no)).collect())
}

type Owner = (i64, DeviceId);

async fn known_tokens(conn: &mut Conn, app_no: i64, registrations: &[Registration]) -> Result<HashMap<(Vendor, String), Owner>> {
    let tokens: Vec<(i64, &str)> =
        registrations.iter().filter(|r| r.id.is_none()).flat_map(|r| &r.tokens).map(|(v, t)| (v.code(), t.as_str())).collect();
    if tokens.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(i64, String, i64, String)> = sqlx::query_as(concat!(
        "SELECT t.vendor, t.token, d.no, d.id FROM ",
        lists!("$2"),
        " x CROSS JOIN device_token t CROSS JOIN device d \
         WHERE t.app_no = $1 AND t.vendor = CAST(x.value ->> 0 AS BIGINT) AND t.token = x.value ->> 1 AND d.no = t.device_no"
    ))
    .bind(app_no)
    .bind(rows::to_json("device_token.token", &tokens)?)
    .fetch_all(conn)
    .await?;
    found
        .into_iter()
        .map(|(vendor, token, no, id)| Ok(((rows::vendor("device_token.vendor", vendor)?, token), (no, DeviceId::trusted(id)))))
        .collect()
}

/// As the SQL below reads it: (no, id, user, model, os, app version, notifications, environment, test, now, zone).
type DeviceJson<'a> =
    (Option<i64>, &'a str, Option<&'a str>, &'a str, &'a str, &'a str, Option<bool>, i64, Option<bool>, Millis, Option<&'a str>);

fn device_json(slot: &Slot) -> DeviceJson<'_> {
    let r = &slot.last;
    (
        slot.no,
        slot.id.as_str(),
        r.user_id.as_deref(),
        &r.model,
        &r.os_version,
        &r.app_version,
        r.notifications_on,
        r.environment.code(),
        r.test,
        r.now,
        r.zone.as_deref(),
    )
}

async fn write_devices(conn: &mut Conn, app_no: i64, slots: &mut [Slot]) -> Result<()> {
    let known: Vec<DeviceJson<'_>> = slots.iter().filter(|s| s.no.is_some()).map(device_json).collect();
    if !known.is_empty() {
        sqlx::query(concat!(
            "UPDATE device SET user_id = x.value ->> 2, \
             model = CASE x.value ->> 3 WHEN '' THEN model ELSE x.value ->> 3 END, \
             os_version = CASE x.value ->> 4 WHEN '' THEN os_version ELSE x.value ->> 4 END, \
             app_version = CASE x.value ->> 5 WHEN '' THEN app_version ELSE x.value ->> 5 END, \
             notifications_on = COALESCE(CAST(x.value ->> 6 AS BOOLEAN), notifications_on), environment = CAST(x.value ->> 7 AS BIGINT), \
             test = COALESCE(CAST(x.value ->> 8 AS BOOLEAN), test), \
             seen_at = CASE WHEN seen_at < CAST(x.value ->> 9 AS BIGINT) THEN CAST(x.value ->> 9 AS BIGINT) ELSE seen_at END, zone = COALESCE(x.value ->> 10, zone) \
             FROM ",
            lists!("$1"),
            " x WHERE device.no = CAST(x.value ->> 0 AS BIGINT)"
        ))
        .bind(rows::to_json("device", &known)?)
        .execute(&mut *conn)
        .await?;
    }
    let fresh: Vec<DeviceJson<'_>> = slots.iter().filter(|s| s.no.is_none()).map(device_json).collect();
    if fresh.is_empty() {
        return Ok(());
    }
    let made = fresh.len() as i64;
    let numbers: Vec<(String, i64)> = sqlx::query_as(
        concat!("INSERT INTO device (id, app_no, user_id, model, os_version, app_version, notifications_on, environment, test, created_at, seen_at, zone) \
         SELECT value ->> 1, $1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, CAST(value ->> 6 AS BOOLEAN), \
         CAST(value ->> 7 AS BIGINT), COALESCE(CAST(value ->> 8 AS BOOLEAN), FALSE), CAST(value ->> 9 AS BIGINT), \
         CAST(value ->> 9 AS BIGINT), value ->> 10 FROM ", lists!("$2"), " x RETURNING id, no"),
    )
    .bind(app_no)
    .bind(rows::to_json("device", &fresh)?)
    .fetch_all(&mut *conn)
    .await?;
    let numbers: HashMap<String, i64> = numbers.into_iter().collect();
    for slot in slots.iter_mut().filter(|s| s.no.is_none()) {
        slot.no = numbers.get(slot.id.as_str()).copied();
    }
    sqlx::query("UPDATE app SET devices = devices + $2 WHERE no = $1").bind(app_no).bind(made).execute(conn).await?;
    Ok(())
}

async fn write_tokens(conn: &mut Conn, app_no: i64, slots: &[Slot]) -> Result<()> {
    let mut named: Vec<(i64, i64)> = Vec::new();
    let mut tokens: Vec<(i64, i64, &str, i64, Millis)> = Vec::new();
    for slot in slots {
        let Some(no) = slot.no else { continue };
        for (vendor, list) in &slot.tokens {
            named.push((no, vendor.code()));
            tokens.extend(list.iter().map(|t| (no, vendor.code(), t.as_str(), slot.last.environment.code(), slot.last.now)));
        }
    }
    if named.is_empty() {
        return Ok(());
    }
    sqlx::query(concat!(
        "INSERT INTO device_token (device_no, app_no, vendor, token, environment, state, registered_at) \
         SELECT CAST(value ->> 0 AS BIGINT), $1, CAST(value ->> 1 AS BIGINT), value ->> 2, CAST(value ->> 3 AS BIGINT), 0, \
         CAST(value ->> 4 AS BIGINT) FROM ",
        lists!("$2"),
        " x WHERE true \
         ON CONFLICT (app_no, vendor, token) DO UPDATE SET device_no = excluded.device_no, environment = excluded.environment, \
         state = 0, reason = NULL, quarantined_at = NULL, registered_at = excluded.registered_at"
    ))
    .bind(app_no)
    .bind(rows::to_json("device_token", &tokens)?)
    .execute(&mut *conn)
    .await?;
    // A new token of a vendor takes the place of the device's former one.
    let held: Vec<(i64, i64, i64, String)> = sqlx::query_as(concat!(
        "SELECT t.no, t.device_no, t.vendor, t.token FROM ",
        lists!("$1"),
        " x CROSS JOIN device_token t \
         WHERE t.device_no = CAST(x.value ->> 0 AS BIGINT) AND t.vendor = CAST(x.value ->> 1 AS BIGINT)"
    ))
    .bind(rows::to_json("device_token", &named)?)
    .fetch_all(&mut *conn)
    .await?;
    let kept: std::collections::HashSet<(i64, i64, &str)> = tokens.iter().map(|(no, vendor, token, ..)| (*no, *vendor, *token)).collect();
    let gone: Vec<i64> =
        held.iter().filter(|(_, device, vendor, token)| !kept.contains(&(*device, *vendor, token.as_str()))).map(|h| h.0).collect();
    if !gone.is_empty() {
        sqlx::query(concat!("DELETE FROM device_token WHERE no IN (SELECT value FROM ", numbers!("$1"), " x)"))
            .bind(rows::to_json("device_token.no", &gone)?)
            .execute(conn)
            .await?;
    }
    Ok(())
}
