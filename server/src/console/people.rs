//! People, links, the audit log. The first functions are free of ports: `carillon admin` and the first start use them too.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::error::AppError;
use app::ports::Asked;
use app::ports::people::PeoplePort;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::tz::TimeZone;
use pipeline::house::House;
use pipeline::storage::StorageError;
use pipeline::storage::people::{AuditCheck, Link, NewPerson, Person, PersonChange, SessionRow};
use serde_json::json;
use types::Millis;
use types::field::FieldError;
use types::ids::PersonId;
use types::listing::{PAGE_SIZE, Page, PageRequest};
use types::people::Rights;
use types::problem::{Code, Problem};
use types::text::Words;
use types::views::people::{AuditChain, AuditQuery, AuditView, LinkView, PersonView, SecondStepView, SessionView, SignedIn};

use super::dead_letters::zone_of;
use super::log;
use super::once::Once;
use super::{Actor, store};
use crate::session::{self, digest, is_email, normal_email};
use crate::settings::Settings;
use crate::{second_step, totp};

/// A link for a person works for two days, the one for the first administrator too.
pub const LINK_MS: Millis = 48 * 3_600_000;

fn check(name: &str, email: Option<&str>, rights: &Rights) -> Result<(), Problem> {
    let mut errors = Vec::new();
    let n = name.trim().chars().count();
    if n == 0 || n > 80 {
        errors.push(FieldError::new("name", Words::new("需要 1 到 80 个字符", "needs 1 to 80 characters")));
    }
    if email.is_some_and(|e| !is_email(e)) {
        errors.push(FieldError::new("email", Words::new("需要形如 name@example.com 的邮箱", "needs the form name@example.com")));
    }
    if rights.role.is_none() && rights.apps.is_empty() {
        errors.push(FieldError::new("role", Words::new("至少给一个角色", "give at least one role")));
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors)) }
}

fn taken(error: &StorageError) -> Problem {
    match error {
        StorageError::Conflict("email") => Problem::field("email", Words::new("这个邮箱已经有人使用", "somebody has this address already")),
        StorageError::Conflict("last administrator") => Problem::because(
            Code::WrongState,
            Words::new("这是最后一位管理员；请先让另一位成为管理员", "This is the last administrator; make somebody else one first"),
        ),
        other => store(other),
    }
}

/// Makes a person who cannot sign in until a password is set.
///
/// # Errors
/// Field errors; `email` when taken.
pub async fn create(
    house: &House,
    actor: &Actor,
    name: &str,
    email: &str,
    rights: Rights,
    password: Option<String>,
) -> Result<Person, Problem> {
    let email = normal_email(email);
    check(name, Some(&email), &rights)?;
    let id = PersonId::from_bytes(house.world.id());
    let after = json!({ "name": name.trim(), "email": email, "rights": rights });
    let entry = actor.entry(&house.world, "person.create", id.as_str(), None, None, Some(after));
    let person = NewPerson { id, email, name: name.trim().to_owned(), rights, password, created_at: house.world.now() };
    house.storage.people.create(person, entry).await.map_err(|e| taken(&e))
}

/// Makes a one-time link and returns its token; only its hash is stored. `None` = for the first administrator.
///
/// # Errors
/// When the store fails.
pub async fn make_link(house: &House, actor: &Actor, person: Option<&PersonId>) -> Result<(String, Millis), Problem> {
    let token = URL_SAFE_NO_PAD.encode(house.world.bytes::<24>());
    let expires_at = house.world.now() + LINK_MS;
    let object = person.map_or("first administrator", PersonId::as_str);
    let entry = actor.entry(&house.world, "link.create", object, None, None, Some(json!({ "expires_at": expires_at })));
    let link = Link { person: person.cloned(), expires_at };
    house.storage.people.put_link(&digest(&token), link, entry).await.map_err(|e| store(&e))?;
    Ok((token, expires_at))
}

pub struct PeopleConsole {
    house: Arc<House>,
    public_url: Option<String>,
    zone: TimeZone,
    fresh: Once<LinkView>,
    recovery: Arc<Once<Vec<String>>>,
}

impl PeopleConsole {
    pub fn new(house: Arc<House>, settings: &Settings, recovery: Arc<Once<Vec<String>>>) -> PeopleConsole {
        PeopleConsole { house, public_url: settings.public_url.clone(), zone: zone_of(settings), fresh: Once::default(), recovery }
    }

    async fn link_for(&self, asked: &Asked, id: &PersonId) -> Result<LinkView, Problem> {
        let (token, expires_at) = make_link(&self.house, &super::actor(asked), Some(id)).await?;
        let path = format!("/link?token={token}");
        let view = LinkView { url: self.public_url.as_ref().map(|base| format!("{base}{path}")), path, expires_at };
        self.fresh.put(asked.who.id.as_str().to_owned(), view.clone(), self.house.world.now());
        Ok(view)
    }

    /// Rights may name only apps that exist.
    async fn known_apps(&self, rights: &Rights) -> Result<(), Problem> {
        let apps = self.house.storage.apps.list().await.map_err(|e| store(&e))?;
        match rights.apps.keys().find(|id| !apps.iter().any(|a| a.id == **id)) {
            Some(_) => Err(Problem::field("apps", Words::new("有一个应用不存在", "one of the apps does not exist"))),
            None => Ok(()),
        }
    }
}

fn view(person: Person) -> PersonView {
    PersonView {
        id: person.id,
        name: person.name,
        email: person.email,
        rights: person.rights,
        disabled: person.disabled,
        has_password: person.password.is_some(),
        created_at: person.created_at,
    }
}

/// A session as pages show it; `None` for one of nobody.
fn session_view_named(row: SessionRow, name: impl Fn(&SessionRow) -> String, own: Option<&str>) -> Option<SessionView> {
    let name = name(&row);
    session_view(row, &name, own)
}

fn session_view(row: SessionRow, name: &str, own: Option<&str>) -> Option<SessionView> {
    let data: serde_json::Value = serde_json::from_str(&row.data).ok()?;
    let text = |key: &str| data.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let at = |key: &str| data.get(key).and_then(serde_json::Value::as_i64).unwrap_or_default();
    Some(SessionView {
        own: own == Some(row.id.as_str()),
        person: row.person?,
        name: name.to_owned(),
        since: at(session::SINCE),
        seen: at(session::SEEN),
        address: text(session::ADDRESS),
        agent: text(session::AGENT),
        expires_at: row.expires_at,
        id: row.id,
    })
}

#[async_trait]
impl PeoplePort for PeopleConsole {
    async fn list(&self) -> Result<Vec<PersonView>, AppError> {
        Ok(self.house.storage.people.list().await.map_err(|e| store(&e))?.into_iter().map(view).collect())
    }

    async fn invite(&self, asked: &Asked, name: String, email: String, rights: Rights) -> Result<(PersonView, LinkView), AppError> {
        self.known_apps(&rights).await?;
        let person = create(&self.house, &super::actor(asked), &name, &email, rights, None).await?;
        let link = self.link_for(asked, &person.id).await?;
        Ok((view(person), link))
    }

    async fn change(&self, asked: &Asked, id: &PersonId, name: String, rights: Rights, disabled: bool) -> Result<PersonView, AppError> {
        check(&name, None, &rights)?;
        self.known_apps(&rights).await?;
        let people = &self.house.storage.people;
        let old = people.get(id).await.map_err(|e| store(&e))?.ok_or_else(|| Problem::new(Code::NotFound))?;
        let before = json!({ "name": old.name, "rights": old.rights, "disabled": old.disabled });
        let after = json!({ "name": name.trim(), "rights": rights, "disabled": disabled });
        let entry = super::actor(asked).entry(&self.house.world, "person.change", id.as_str(), None, Some(before), Some(after));
        let change = PersonChange { name: name.trim().to_owned(), rights, disabled };
        let changed = people.change(id, change, entry).await.map_err(|e| taken(&e))?;
        Ok(changed.map(view).ok_or_else(|| Problem::new(Code::NotFound))?)
    }

    async fn link(&self, asked: &Asked, id: &PersonId) -> Result<LinkView, AppError> {
        let known = self.house.storage.people.get(id).await.map_err(|e| store(&e))?;
        if known.is_none_or(|p| p.disabled) {
            return Err(Problem::new(Code::NotFound).into());
        }
        Ok(self.link_for(asked, id).await?)
    }

    fn take_fresh_link(&self, asked: &Asked) -> Option<LinkView> {
        self.fresh.take(asked.who.id.as_str(), self.house.world.now())
    }

    async fn own_sessions(&self, asked: &Asked) -> Result<Vec<SessionView>, AppError> {
        let found = self.house.storage.people.sessions(Some(&asked.who.id), self.house.world.now()).await.map_err(|e| store(&e))?;
        Ok(found.into_iter().filter_map(|row| session_view(row, &asked.who.name, asked.session.as_deref())).collect())
    }

    async fn all_sessions(&self, asked: &Asked) -> Result<SignedIn, AppError> {
        let people = &self.house.storage.people;
        let names: BTreeMap<PersonId, String> = people.list().await.map_err(|e| store(&e))?.into_iter().map(|p| (p.id, p.name)).collect();
        let found = people.sessions(None, self.house.world.now()).await.map_err(|e| store(&e))?;
        let named = |row: &SessionRow| row.person.as_ref().and_then(|id| names.get(id)).cloned().unwrap_or_default();
        let sessions = found.into_iter().filter_map(|row| session_view_named(row, named, asked.session.as_deref())).collect();
        let held = people.with_second_step().await.map_err(|e| store(&e))?;
        let second_steps =
            held.into_iter().map(|id| (names.get(&id).cloned().unwrap_or_default(), id)).map(|(name, id)| (id, name)).collect();
        Ok(SignedIn { sessions, second_steps })
    }

    async fn end_session(&self, asked: &Asked, person: &PersonId, id: &str) -> Result<(), AppError> {
        let entry = super::actor(asked).entry(&self.house.world, "session.end", person.as_str(), None, None, None);
        let ended = self.house.storage.people.end_session(person, id, entry).await.map_err(|e| store(&e))?;
        if ended { Ok(()) } else { Err(Problem::new(Code::NotFound).into()) }
    }

    async fn second_step(&self, asked: &Asked) -> Result<SecondStepView, AppError> {
        let who = &asked.who;
        let Some(step) = self.house.storage.people.second_step(&who.id).await.map_err(|e| store(&e))? else {
            return Ok(SecondStepView::Off);
        };
        if step.active {
            let codes = self.recovery.take(who.id.as_str(), self.house.world.now()).unwrap_or_default();
            return Ok(SecondStepView::On { since: step.created_at, recovery_left: step.recovery_left, codes });
        }
        let told = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "the secret of a second step");
            Problem::new(Code::Internal)
        };
        let secret = second_step::secret(&self.house, &who.id, &step).map_err(|e| told(&e))?;
        let (side, path) = totp::qr(&totp::uri(&who.email, &secret)).map_err(|e| told(&e))?;
        Ok(SecondStepView::Prepared { side: u32::try_from(side).unwrap_or(0), path, secret: totp::base32(&secret) })
    }

    async fn drop_second_step(&self, asked: &Asked, person: &PersonId) -> Result<(), AppError> {
        let gone = second_step::take_away(&self.house, &super::actor(asked), person).await.map_err(|e| store(&e))?;
        if gone { Ok(()) } else { Err(Problem::new(Code::NotFound).into()) }
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Page<AuditView>, AppError> {
        let filter = log::filter(query, &self.zone)?;
        let after = Some(query.after.trim().to_owned()).filter(|t| !t.is_empty() && t.len() <= 100);
        let page = PageRequest { after, size: PAGE_SIZE };
        let rows = self.house.storage.people.audit_list(&filter, &page).await.map_err(|e| store(&e))?;
        let names = log::names(&self.house).await?;
        Ok(rows.map(|row| log::view(row, &names)))
    }

    async fn audit_chain(&self) -> Result<AuditChain, AppError> {
        Ok(match self.house.storage.people.audit_check_new().await.map_err(|e| store(&e))? {
            AuditCheck::Whole(rows) => AuditChain { rows, broken_at: None },
            AuditCheck::BrokenAt(no) => AuditChain { rows: 0, broken_at: Some(no) },
        })
    }
}

/// Rights with one role everywhere.
pub fn everywhere(role: types::people::Role) -> Rights {
    Rights { role: Some(role), apps: BTreeMap::new() }
}
