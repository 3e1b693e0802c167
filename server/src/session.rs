//! Sign-in: the session store on our database, who asks, and the plain forms that start and end a session.
//!
//! Comes in: a cookie, a form. Goes out: [`Caller`] in every console request; redirects. Never: a page (app draws them).
//! Rules (reliability page S2, S3): new id at sign-in, idle 30 minutes, absolute 12 hours, `__Host-` cookie over HTTPS, a new
//! password or a closed account ends every session, tries are throttled before a password is looked at.

use std::collections::HashMap;
use std::sync::Arc;

use app::ports::{Caller, Who};
use async_trait::async_trait;
use axum::extract::{Extension, Form, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use pipeline::storage::StorageError;
use pipeline::storage::people::{AuditEntry, NewPerson, People, Person, SessionRow};
use pipeline::world::World;
use serde::Deserialize;
use serde_json::Value;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error as StoreError, Result as StoreResult};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};
use types::Millis;
use types::ids::PersonId;
use types::people::{Rights, Role};

use crate::passwords::{PASSWORD_MAX, complain};
use crate::second_step;
use crate::web::Web;

const IDLE_MINUTES: i64 = 30;
const ABSOLUTE_MS: Millis = 12 * 3_600_000;
/// The idle clock is moved at most this often, so that reading pages does not write with every click.
const SEEN_MS: Millis = 60_000;

const PERSON: &str = "person";
/// Hash of the password hash at sign-in.
const STAMP: &str = "stamp";
pub(crate) const SINCE: &str = "since";
pub(crate) const SEEN: &str = "seen";
/// Where it was begun, for the list of sessions.
pub(crate) const ADDRESS: &str = "address";
pub(crate) const AGENT: &str = "agent";

/// Hex SHA-256: what is stored of a cookie's or link's token.
pub fn digest(text: &str) -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()))
}

/// tower-sessions on our store; the cookie's value itself is never stored.
#[derive(Clone)]
pub struct Store {
    people: Arc<dyn People>,
    world: World,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

fn backend(error: StorageError) -> StoreError {
    StoreError::Backend(error.to_string())
}

impl Store {
    fn row(&self, record: &Record) -> StoreResult<SessionRow> {
        let data = serde_json::to_string(&record.data).map_err(|e| StoreError::Encode(e.to_string()))?;
        let person = record.data.get(PERSON).and_then(Value::as_str).and_then(PersonId::parse);
        let expires_at = Millis::try_from(record.expiry_date.unix_timestamp_nanos() / 1_000_000).unwrap_or(Millis::MAX);
        Ok(SessionRow { id: digest(&record.id.to_string()), person, data, expires_at })
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        // 128 random bits from tower-sessions: no collision to look for.
        self.people.save_session(self.row(record)?, true).await.map_err(backend)
    }

    async fn save(&self, record: &Record) -> StoreResult<()> {
        // Only what is still there: a request in flight must not bring back a session that was ended meanwhile.
        self.people.save_session(self.row(record)?, false).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let Some(row) = self.people.session(&digest(&id.to_string()), self.world.now()).await.map_err(backend)? else { return Ok(None) };
        let data: HashMap<String, Value> = serde_json::from_str(&row.data).map_err(|e| StoreError::Decode(e.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(row.expires_at) * 1_000_000)
            .map_err(|e| StoreError::Decode(e.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        self.people.drop_session(&digest(&id.to_string())).await.map_err(backend)
    }
}

/// `__Host-` needs HTTPS; on loopback without it browsers would drop the cookie.
pub fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-carillon" } else { "carillon" }
}

pub fn layer(people: Arc<dyn People>, world: World, secure: bool) -> SessionManagerLayer<Store> {
    SessionManagerLayer::new(Store { people, world })
        .with_name(cookie_name(secure))
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(Duration::minutes(IDLE_MINUTES)))
}

pub(crate) fn stamp(person: &Person) -> String {
    digest(person.password.as_deref().unwrap_or_default())
}

/// In constant time.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |diff, (x, y)| diff | (x ^ y)) == 0
}

/// The person of a session, or `None` when there is none, it is over, or its password changed.
async fn who(web: &Web, session: &Session) -> Result<Option<Who>, StorageError> {
    let read = |error: tower_sessions::session::Error| StorageError::Corrupt(format!("session: {error}"));
    let Some(id) = session.get::<String>(PERSON).await.map_err(read)? else { return Ok(None) };
    let now = web.house.world.now();
    let since = session.get::<Millis>(SINCE).await.map_err(read)?.unwrap_or(0);
    let person = web.house.storage.people.get(&PersonId::trusted(id)).await?;
    let stored = session.get::<String>(STAMP).await.map_err(read)?.unwrap_or_default();
    let good = person.filter(|p| !p.disabled && now - since < ABSOLUTE_MS && same(&stored, &stamp(p)));
    let Some(person) = good else {
        session.flush().await.map_err(read)?;
        return Ok(None);
    };
    let seen = session.get::<Millis>(SEEN).await.map_err(read)?.unwrap_or(0);
    if now - seen >= SEEN_MS {
        session.insert(SEEN, now).await.map_err(read)?;
    }
    Ok(Some(Who { id: person.id, name: person.name, email: person.email, rights: person.rights }))
}

/// Puts who asks into the request; the outer layer put a nameless [`Caller`] there.
pub async fn know(State(web): State<Web>, session: Session, mut request: Request, next: Next) -> Response {
    match who(&web, &session).await {
        Ok(found) => {
            if let Some(caller) = request.extensions_mut().get_mut::<Caller>() {
                caller.who = found;
                caller.session = session.id().map(|id| digest(&id.to_string()));
            }
            next.run(request).await
        }
        Err(error) => {
            tracing::error!(%error, "reading a session");
            axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// A path of our own to go to, else `/`.
pub fn own_path(text: &str) -> &str {
    let good = text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains('\\')
        && !text.starts_with("/session/")
        && !text.chars().any(char::is_control);
    if good { text } else { "/" }
}

pub(crate) fn back(path: &str, pairs: &[(&str, &str)]) -> Response {
    let query = serde_urlencoded::to_string(pairs.iter().filter(|(_, v)| !v.is_empty()).collect::<Vec<_>>()).unwrap_or_default();
    Redirect::to(&format!("{path}?{query}")).into_response()
}

pub(crate) fn failed(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "a sign-in form");
    axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response()
}

pub(crate) fn entry(web: &Web, caller: &Caller, actor: (&str, &str), action: &str, object: &str) -> AuditEntry {
    AuditEntry {
        at: web.house.world.now(),
        actor_id: actor.0.to_owned(),
        actor_name: actor.1.to_owned(),
        address: caller.address.clone(),
        request_id: caller.request_id.clone(),
        action: action.to_owned(),
        object: object.to_owned(),
        app: None,
        before: None,
        after: None,
    }
}

/// Starts a session with a fresh id.
pub(crate) async fn begin(web: &Web, caller: &Caller, session: &Session, person: &Person) -> Result<(), tower_sessions::session::Error> {
    let now = web.house.world.now();
    // Whatever the browser brought along ends here (fixation). Not `flush`: it keeps the old id for the next record.
    session.clear().await;
    session.cycle_id().await?;
    session.insert(PERSON, person.id.as_str()).await?;
    session.insert(STAMP, stamp(person)).await?;
    session.insert(SINCE, now).await?;
    session.insert(ADDRESS, &caller.address).await?;
    session.insert(AGENT, &caller.agent).await?;
    session.insert(SEEN, now).await
}

#[derive(Deserialize)]
pub struct SignIn {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

pub fn normal_email(text: &str) -> String {
    text.trim().to_lowercase()
}

/// One `@` with something on both sides, no blanks, at most 254 bytes: the rest the mail server knows.
pub fn is_email(text: &str) -> bool {
    text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && text.split_once('@').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty() && !b.contains('@'))
}

pub async fn sign_in(State(web): State<Web>, Extension(caller): Extension<Caller>, session: Session, Form(form): Form<SignIn>) -> Response {
    let email = normal_email(&form.email);
    let wrong = |code: &str| back("/sign-in", &[("error", code), ("next", own_path(&form.next))]);
    let now = web.house.world.now();
    if web.throttle.take(&email, &caller.address, now).is_err() {
        return wrong("too_many_requests");
    }
    let people = &web.house.storage.people;
    let person = match people.by_email(&email).await {
        Ok(person) => person,
        Err(error) => return failed(&error),
    };
    let hash = person.as_ref().filter(|p| !p.disabled).and_then(|p| p.password.as_deref());
    let password = if form.password.len() <= PASSWORD_MAX { form.password.as_str() } else { "" };
    let fits = match web.passwords.fits(password, hash).await {
        Ok(fits) => fits,
        Err(error) => return failed(&error),
    };
    match person {
        Some(person) if fits => {
            web.throttle.clear(&email);
            let note = entry(&web, &caller, (person.id.as_str(), &person.name), "session.sign_in", person.id.as_str());
            match second_step::enter(&web, &caller, &session, &person, &form.next, Some(note)).await {
                Ok(true) => Redirect::to(own_path(&form.next)).into_response(),
                Ok(false) => Redirect::to("/sign-in/code").into_response(),
                Err(response) => response,
            }
        }
        other => {
            // An unknown address is not written down: people type passwords into the wrong field.
            let object = other.as_ref().map_or("unknown", |p| p.id.as_str());
            if let Err(error) = people.audit(entry(&web, &caller, ("nobody", ""), "session.refused", object)).await {
                return failed(&error);
            }
            wrong("sign_in_wrong")
        }
    }
}

pub async fn sign_out(State(web): State<Web>, Extension(caller): Extension<Caller>, session: Session) -> Response {
    if let Some(who) = &caller.who {
        let people = &web.house.storage.people;
        if let Err(error) = people.audit(entry(&web, &caller, (who.id.as_str(), &who.name), "session.sign_out", who.id.as_str())).await {
            return failed(&error);
        }
        // Everywhere: who signs out on one machine because another was lost is right to expect it.
        if let Err(error) = people.end_sessions(&who.id).await {
            return failed(&error);
        }
    }
    if let Err(error) = session.flush().await {
        return failed(&error);
    }
    Redirect::to("/sign-in").into_response()
}

#[derive(Deserialize)]
pub struct First {
    token: String,
    name: String,
    email: String,
    password: String,
}

/// Makes the first administrator by the one-time link.
pub async fn first(State(web): State<Web>, Extension(caller): Extension<Caller>, session: Session, Form(form): Form<First>) -> Response {
    let email = normal_email(&form.email);
    let name = form.name.trim().to_owned();
    let again = |reason: &str| back("/first", &[("token", &form.token), ("reason", reason)]);
    if web.throttle.take("first administrator", &caller.address, web.house.world.now()).is_err() {
        return again("slow");
    }
    if name.is_empty() || name.chars().count() > 80 {
        return again("name");
    }
    if !is_email(&email) {
        return again("email");
    }
    if complain(&form.password, &[&email, &name, "carillon"]).is_some() {
        return again("password");
    }
    let hash = match web.passwords.hash(&form.password).await {
        Ok(hash) => hash,
        Err(error) => return failed(&error),
    };
    let world = &web.house.world;
    let id = PersonId::from_bytes(world.id());
    let mut note = entry(&web, &caller, (id.as_str(), &name), "person.create", id.as_str());
    note.after = Some(serde_json::json!({ "email": email, "role": Role::Admin, "by": "one-time link" }));
    let person = NewPerson {
        id,
        email,
        name,
        rights: Rights { role: Some(Role::Admin), ..Rights::default() },
        password: Some(hash),
        created_at: world.now(),
    };
    match web.house.storage.people.create_first(&digest(form.token.trim()), world.now(), person, note).await {
        Ok(person) => match begin(&web, &caller, &session, &person).await {
            Ok(()) => Redirect::to("/").into_response(),
            Err(error) => failed(&error),
        },
        Err(StorageError::Stale(_)) => again("link"),
        Err(StorageError::Conflict(_)) => again("taken"),
        Err(error) => failed(&error),
    }
}

#[derive(Deserialize)]
pub struct ByLink {
    token: String,
    password: String,
}

/// Sets a password by a one-time link of an administrator.
pub async fn by_link(State(web): State<Web>, Extension(caller): Extension<Caller>, session: Session, Form(form): Form<ByLink>) -> Response {
    let again = |reason: &str| back("/link", &[("token", &form.token), ("reason", reason)]);
    let people = &web.house.storage.people;
    let now = web.house.world.now();
    if web.throttle.take("one-time link", &caller.address, now).is_err() {
        return again("slow");
    }
    let person = match people.link(&digest(form.token.trim()), now).await {
        Ok(Some(link)) => match link.person {
            Some(id) => people.get(&id).await,
            None => Ok(None),
        },
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    let person = match person {
        Ok(Some(person)) if !person.disabled => person,
        Ok(_) => return again("link"),
        Err(error) => return failed(&error),
    };
    // The link stands for the password, not for the phone.
    match set_password(&web, &caller, person, &form.password, "person.password_by_link").await {
        Ok(Ok(person)) => match second_step::enter(&web, &caller, &session, &person, "/", None).await {
            Ok(true) => Redirect::to("/").into_response(),
            Ok(false) => Redirect::to("/sign-in/code").into_response(),
            Err(response) => response,
        },
        Ok(Err(reason)) => again(reason),
        Err(response) => response,
    }
}

#[derive(Deserialize)]
pub struct NewPassword {
    current: String,
    password: String,
}

/// A signed-in person changes the own password; every other session ends.
pub async fn password(
    State(web): State<Web>,
    Extension(caller): Extension<Caller>,
    session: Session,
    Form(form): Form<NewPassword>,
) -> Response {
    let again = |reason: &str| back("/account", &[("reason", reason)]);
    let Some(who) = &caller.who else { return Redirect::to("/sign-in").into_response() };
    if web.throttle.take(&who.email, &caller.address, web.house.world.now()).is_err() {
        return again("slow");
    }
    let person = match web.house.storage.people.get(&who.id).await {
        Ok(Some(person)) => person,
        Ok(None) => return Redirect::to("/sign-in").into_response(),
        Err(error) => return failed(&error),
    };
    let current = if form.current.len() <= PASSWORD_MAX { form.current.as_str() } else { "" };
    match web.passwords.fits(current, person.password.as_deref()).await {
        Ok(true) => web.throttle.clear(&who.email),
        Ok(false) => return again("current"),
        Err(error) => return failed(&error),
    }
    match set_password(&web, &caller, person, &form.password, "person.password").await {
        Ok(Ok(person)) => match begin(&web, &caller, &session, &person).await {
            Ok(()) => back("/account", &[("reason", "done")]),
            Err(error) => failed(&error),
        },
        Ok(Err(reason)) => again(reason),
        Err(response) => response,
    }
}

/// Checks, stores, ends all sessions. Inner `Err` = why not.
async fn set_password(
    web: &Web,
    caller: &Caller,
    mut person: Person,
    password: &str,
    action: &str,
) -> Result<Result<Person, &'static str>, Response> {
    if complain(password, &[&person.email, &person.name, "carillon"]).is_some() {
        return Ok(Err("password"));
    }
    let hash = web.passwords.hash(password).await.map_err(|e| failed(&e))?;
    let note = entry(web, caller, (person.id.as_str(), &person.name), action, person.id.as_str());
    web.house.storage.people.set_password(&person.id, hash.clone(), note).await.map_err(|e| failed(&e))?;
    person.password = Some(hash);
    Ok(Ok(person))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_sign_in_one_stays_on_our_pages() {
        assert_eq!(own_path("/apps?x=1"), "/apps?x=1");
        for bad in
            ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", "", "/a\r\nSet-Cookie: x", "/session/sign-out"]
        {
            assert_eq!(own_path(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn addresses_are_bounded() {
        assert!(is_email("a@b"));
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", &format!("{}@b", "a".repeat(300))] {
            assert!(!is_email(bad), "{bad}");
        }
        assert_eq!(normal_email("  A@B.Com "), "a@b.com");
    }

    #[test]
    fn comparing_looks_at_everything() {
        assert!(same("abc", "abc"));
        assert!(!same("abc", "abd"));
        assert!(!same("abc", "abcd"));
    }
}
