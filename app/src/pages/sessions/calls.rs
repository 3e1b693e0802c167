//! Server functions about sessions and the second step: the own ones for everybody, all of them for administrators.

use leptos::prelude::*;
use types::ids::PersonId;
use types::people::Permission;
use types::problem::Code;
use types::views::people::{SecondStepView, SessionView, SignedIn};

use crate::error::AppError;

fn person(id: &str) -> Result<PersonId, AppError> {
    PersonId::parse(id).ok_or_else(|| AppError::new(Code::NotFound))
}

#[server(prefix = "/api")]
pub async fn list_own_sessions() -> Result<Vec<SessionView>, AppError> {
    let asked = crate::ports::ask_signed_in()?;
    asked.people.own_sessions(&asked).await
}

#[server(prefix = "/api")]
pub async fn end_own_session(id: String) -> Result<(), AppError> {
    let asked = crate::ports::ask_signed_in()?;
    asked.people.end_session(&asked, &asked.who.id, &id).await
}

#[server(prefix = "/api")]
pub async fn list_sessions() -> Result<SignedIn, AppError> {
    let asked = crate::ports::ask(Permission::Administer)?;
    asked.people.all_sessions(&asked).await
}

#[server(prefix = "/api")]
pub async fn end_session(person: String, id: String) -> Result<(), AppError> {
    let asked = crate::ports::ask(Permission::Administer)?;
    asked.people.end_session(&asked, &self::person(&person)?, &id).await
}

#[server(prefix = "/api")]
pub async fn view_second_step() -> Result<SecondStepView, AppError> {
    let asked = crate::ports::ask_signed_in()?;
    asked.people.second_step(&asked).await
}

#[server(prefix = "/api")]
pub async fn drop_second_step(person: String) -> Result<(), AppError> {
    let asked = crate::ports::ask(Permission::Administer)?;
    asked.people.drop_second_step(&asked, &self::person(&person)?).await
}
