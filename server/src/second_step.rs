//! The second step of signing in: a code of the phone, or a recovery code. Plain forms, so they work without scripts.
//!
//! After the password a session only waits ([`ask`]): it is nobody's until a code fits. A code is taken once (the store keeps its
//! step), tries are throttled by person, and every refusal is in the audit log.

use axum::extract::{Extension, Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use pipeline::house::House;
use pipeline::storage::StorageError;
use pipeline::storage::people::{AuditEntry, Person, SecondStep};
use serde::Deserialize;
use serde_json::json;
use tower_sessions::Session;
use types::Millis;
use types::ids::PersonId;

use app::ports::Caller;

use crate::passwords::PASSWORD_MAX;
use crate::session::{back, begin, digest, entry, failed, own_path, same, stamp};
use crate::totp;
use crate::web::Web;

/// A session that waits for its code: whose, for which password, since when, and where it wanted to go.
const WHOSE: &str = "asked";
const STAMP: &str = "asked_stamp";
const SINCE: &str = "asked_since";
const NEXT: &str = "asked_next";
/// A phone is found within this time, or the password is typed again.
const WAIT_MS: Millis = 5 * 60_000;

const PAGE: &str = "/sign-in/code";
const OWN: &str = "/account/second-step";

fn sealed_for(person: &PersonId) -> [&str; 2] {
    ["second step", person.as_str()]
}

/// The secret of a second step, opened.
///
/// # Errors
/// When the vault does not open it.
pub fn secret(house: &House, person: &PersonId, step: &SecondStep) -> Result<Vec<u8>, pipeline::vault::VaultError> {
    house.vault.open(&sealed_for(person), &step.sealed)
}

/// The password fitted: signs in (with this entry), or asks for the code first. `true` = signed in.
///
/// # Errors
/// When the store or the session fails.
pub async fn enter(
    web: &Web,
    caller: &Caller,
    session: &Session,
    person: &Person,
    next: &str,
    note: Option<AuditEntry>,
) -> Result<bool, Response> {
    let people = &web.house.storage.people;
    let step = people.second_step(&person.id).await.map_err(|e| failed(&e))?;
    if !step.is_some_and(|step| step.active) {
        if let Some(note) = note {
            people.audit(note).await.map_err(|e| failed(&e))?;
        }
        begin(web, caller, session, person).await.map_err(|e| failed(&e))?;
        return Ok(true);
    }
    ask(web, session, person, next).await.map_err(|e| failed(&e))?;
    Ok(false)
}

async fn ask(web: &Web, session: &Session, person: &Person, next: &str) -> Result<(), tower_sessions::session::Error> {
    session.clear().await;
    session.cycle_id().await?;
    session.insert(WHOSE, person.id.as_str()).await?;
    session.insert(STAMP, stamp(person)).await?;
    session.insert(SINCE, web.house.world.now()).await?;
    session.insert(NEXT, own_path(next)).await
}

/// Who waits in this session, and where to; `None` when nobody does (any more).
async fn waiting(web: &Web, session: &Session) -> Result<Option<(Person, String)>, Response> {
    let read = |error: tower_sessions::session::Error| failed(&error);
    let Some(id) = session.get::<String>(WHOSE).await.map_err(read)? else { return Ok(None) };
    let since = session.get::<Millis>(SINCE).await.map_err(read)?.unwrap_or(0);
    let stored = session.get::<String>(STAMP).await.map_err(read)?.unwrap_or_default();
    let next = session.get::<String>(NEXT).await.map_err(read)?.unwrap_or_default();
    let person = web.house.storage.people.get(&PersonId::trusted(id)).await.map_err(|e| failed(&e))?;
    let in_time = web.house.world.now() - since < WAIT_MS;
    Ok(person.filter(|p| in_time && !p.disabled && same(&stored, &stamp(p))).map(|person| (person, next)))
}

#[derive(Deserialize)]
pub struct Code {
    code: String,
}

/// What was typed, taken: a code of the phone or a recovery code. The entry is written with it.
async fn take(web: &Web, person: &Person, step: &SecondStep, typed: &str, entry: impl Fn(&str) -> AuditEntry) -> Result<bool, Response> {
    let people = &web.house.storage.people;
    let taken = if let Some(plain) = totp::plain_recovery(typed) {
        people.take_recovery(&person.id, &digest(&plain), entry("recovery code")).await
    } else {
        let secret = secret(&web.house, &person.id, step).map_err(|e| failed(&e))?;
        match totp::found(&secret, typed, web.house.world.now()) {
            Some(at) => people.take_step(&person.id, at, entry("code")).await,
            None => Ok(false),
        }
    };
    taken.map_err(|e| failed(&e))
}

/// The code at sign-in.
pub async fn code(State(web): State<Web>, Extension(caller): Extension<Caller>, session: Session, Form(form): Form<Code>) -> Response {
    match code_checked(&web, &caller, &session, &form.code).await {
        Ok(response) | Err(response) => response,
    }
}

async fn code_checked(web: &Web, caller: &Caller, session: &Session, typed: &str) -> Result<Response, Response> {
    let Some((person, next)) = waiting(web, session).await? else { return Ok(back("/sign-in", &[("error", "not_signed_in")])) };
    let wrong = |reason: &str| back(PAGE, &[("reason", reason)]);
    let (id, now) = (person.id.as_str(), web.house.world.now());
    let key = format!("code {id}");
    if web.throttle.take(&key, &caller.address, now).is_err() {
        return Ok(wrong("slow"));
    }
    let note = |by: &str| {
        let mut note = entry(web, caller, (id, &person.name), "session.sign_in", id);
        note.after = Some(json!({ "second_step": by }));
        note
    };
    let people = &web.house.storage.people;
    let taken = match people.second_step(&person.id).await.map_err(|e| failed(&e))? {
        Some(step) if step.active => take(web, &person, &step, typed, note).await?,
        // An administrator took it away meanwhile: the password was enough.
        _ => people.audit(note("taken away")).await.map(|_| true).map_err(|e| failed(&e))?,
    };
    if !taken {
        people.audit(entry(web, caller, ("nobody", ""), "session.code_refused", id)).await.map_err(|e| failed(&e))?;
        return Ok(wrong("code"));
    }
    web.throttle.clear(&key);
    begin(web, caller, session, &person).await.map_err(|e| failed(&e))?;
    Ok(Redirect::to(own_path(&next)).into_response())
}

#[derive(Deserialize)]
pub struct Proof {
    current: String,
    #[serde(default)]
    code: String,
}

/// The signed-in person of a form, whose present password fits; else where to go instead.
async fn proved(web: &Web, caller: &Caller, current: &str) -> Result<Person, Response> {
    let Some(who) = &caller.who else { return Err(Redirect::to("/sign-in").into_response()) };
    if web.throttle.take(&who.email, &caller.address, web.house.world.now()).is_err() {
        return Err(back(OWN, &[("reason", "slow")]));
    }
    let person = web.house.storage.people.get(&who.id).await.map_err(|e| failed(&e))?;
    let Some(person) = person else { return Err(Redirect::to("/sign-in").into_response()) };
    let current = if current.len() <= PASSWORD_MAX { current } else { "" };
    match web.passwords.fits(current, person.password.as_deref()).await {
        Ok(true) => {
            web.throttle.clear(&who.email);
            Ok(person)
        }
        Ok(false) => Err(back(OWN, &[("reason", "current")])),
        Err(error) => Err(failed(&error)),
    }
}

/// Makes a secret that asks nobody yet: the page shows it until a first code proves it.
pub async fn prepare(State(web): State<Web>, Extension(caller): Extension<Caller>, Form(form): Form<Proof>) -> Response {
    let person = match proved(&web, &caller, &form.current).await {
        Ok(person) => person,
        Err(response) => return response,
    };
    let secret = web.house.world.bytes::<{ totp::SECRET_BYTES }>();
    let sealed = web.house.vault.seal(&sealed_for(&person.id), &secret);
    match web.house.storage.people.put_second_step(&person.id, sealed, web.house.world.now()).await {
        Ok(true) => Redirect::to(OWN).into_response(),
        Ok(false) => back(OWN, &[("reason", "there")]),
        Err(error) => failed(&error),
    }
}

/// The first code proves the phone: from now on it is asked. Other sessions end; recovery codes are shown once.
pub async fn confirm(State(web): State<Web>, Extension(caller): Extension<Caller>, session: Session, Form(form): Form<Code>) -> Response {
    match confirmed(&web, &caller, &session, &form.code).await {
        Ok(response) | Err(response) => response,
    }
}

async fn confirmed(web: &Web, caller: &Caller, session: &Session, typed: &str) -> Result<Response, Response> {
    let Some(who) = &caller.who else { return Ok(Redirect::to("/sign-in").into_response()) };
    let (people, now) = (&web.house.storage.people, web.house.world.now());
    if web.throttle.take(&format!("code {}", who.id), &caller.address, now).is_err() {
        return Ok(back(OWN, &[("reason", "slow")]));
    }
    let person = people.get(&who.id).await.map_err(|e| failed(&e))?;
    let step = people.second_step(&who.id).await.map_err(|e| failed(&e))?;
    let (Some(person), Some(step)) = (person, step.filter(|step| !step.active)) else { return Ok(Redirect::to(OWN).into_response()) };
    let secret = secret(&web.house, &person.id, &step).map_err(|e| failed(&e))?;
    let Some(at) = totp::found(&secret, typed, now) else { return Ok(back(OWN, &[("reason", "code")])) };
    let codes: Vec<String> =
        (0..totp::RECOVERY_CODES).map(|_| totp::recovery(&web.house.world.bytes::<{ totp::RECOVERY_BYTES }>())).collect();
    let hashes = codes.iter().filter_map(|code| totp::plain_recovery(code)).map(|plain| digest(&plain)).collect();
    let note = entry(web, caller, (person.id.as_str(), &person.name), "person.second_step_on", person.id.as_str());
    if !people.begin_second_step(&person.id, at, hashes, note).await.map_err(|e| failed(&e))? {
        return Ok(back(OWN, &[("reason", "there")]));
    }
    web.throttle.clear(&format!("code {}", who.id));
    people.end_sessions(&person.id).await.map_err(|e| failed(&e))?;
    begin(web, caller, session, &person).await.map_err(|e| failed(&e))?;
    web.recovery.put(person.id.as_str().to_owned(), codes, now);
    Ok(back(OWN, &[("reason", "on")]))
}

/// Takes the own second step away, by the password and a code.
pub async fn end(State(web): State<Web>, Extension(caller): Extension<Caller>, Form(form): Form<Proof>) -> Response {
    match ended(&web, &caller, &form).await {
        Ok(response) | Err(response) => response,
    }
}

async fn ended(web: &Web, caller: &Caller, form: &Proof) -> Result<Response, Response> {
    let person = proved(web, caller, &form.current).await?;
    let (people, id) = (&web.house.storage.people, person.id.as_str());
    let key = format!("code {id}");
    if web.throttle.take(&key, &caller.address, web.house.world.now()).is_err() {
        return Ok(back(OWN, &[("reason", "slow")]));
    }
    let Some(step) = people.second_step(&person.id).await.map_err(|e| failed(&e))? else { return Ok(Redirect::to(OWN).into_response()) };
    let note = |by: &str| {
        let mut note = entry(web, caller, (id, &person.name), "person.second_step_proved", id);
        note.after = Some(json!({ "second_step": by }));
        note
    };
    if step.active && !take(web, &person, &step, &form.code, note).await? {
        people.audit(entry(web, caller, (id, &person.name), "session.code_refused", id)).await.map_err(|e| failed(&e))?;
        return Ok(back(OWN, &[("reason", "code")]));
    }
    web.throttle.clear(&key);
    let note = entry(web, caller, (id, &person.name), "person.second_step_off", id);
    people.drop_second_step(&person.id, note).await.map_err(|e| failed(&e))?;
    Ok(back(OWN, &[("reason", "off")]))
}

/// Takes somebody's second step away: the phone is lost. For administrators and the command line.
///
/// # Errors
/// When the store fails.
pub async fn take_away(house: &House, actor: &crate::console::Actor, person: &PersonId) -> Result<bool, StorageError> {
    let entry = actor.entry(&house.world, "person.second_step_off", person.as_str(), None, None, None);
    house.storage.people.drop_second_step(person, entry).await
}
