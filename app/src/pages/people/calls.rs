//! Server functions of the people page; each asks for `Administer` first.

use leptos::prelude::*;
use types::views::people::{LinkView, PersonView};

use crate::error::AppError;

#[cfg(feature = "ssr")]
mod read {
    use std::collections::BTreeMap;

    use types::ids::{AppId, PersonId};
    use types::people::{Rights, Role};
    use types::problem::{Code, Problem};
    use types::text::Words;

    /// `role` empty = none everywhere; `grants` are `app_…:role`, empty ones count for nothing.
    pub fn rights(role: &str, grants: &[String]) -> Result<Rights, Problem> {
        let unknown = |field: &str| Problem::field(field, Words::new("未知的角色", "an unknown role"));
        let one = |text: &str, field: &str| Role::parse(text).ok_or_else(|| unknown(field));
        let role = if role.is_empty() { None } else { Some(one(role, "role")?) };
        let mut apps = BTreeMap::new();
        for grant in grants.iter().filter(|g| !g.is_empty()) {
            let (app, role) = grant.split_once(':').ok_or_else(|| unknown("grants"))?;
            apps.insert(AppId::parse(app).ok_or_else(|| unknown("grants"))?, one(role, "grants")?);
        }
        Ok(Rights { role, apps })
    }

    pub fn person(id: &str) -> Result<PersonId, Problem> {
        PersonId::parse(id).ok_or_else(|| Problem::new(Code::NotFound))
    }
}

#[server(prefix = "/api")]
pub async fn list_people() -> Result<Vec<PersonView>, AppError> {
    let asked = crate::ports::ask(types::people::Permission::Administer)?;
    asked.people.list().await
}

#[server(prefix = "/api")]
pub async fn fresh_link() -> Result<Option<LinkView>, AppError> {
    let asked = crate::ports::ask(types::people::Permission::Administer)?;
    Ok(asked.people.take_fresh_link(&asked))
}

#[server(prefix = "/api")]
pub async fn invite_person(
    name: String,
    email: String,
    #[server(default)] role: String,
    #[server(default)] grants: Vec<String>,
) -> Result<(), AppError> {
    let asked = crate::ports::ask(types::people::Permission::Administer)?;
    asked.people.invite(&asked, name, email, read::rights(&role, &grants)?).await?;
    Ok(())
}

#[server(prefix = "/api")]
pub async fn change_person(
    id: String,
    name: String,
    #[server(default)] role: String,
    #[server(default)] grants: Vec<String>,
    #[server(default)] disabled: bool,
) -> Result<(), AppError> {
    let asked = crate::ports::ask(types::people::Permission::Administer)?;
    asked.people.change(&asked, &read::person(&id)?, name, read::rights(&role, &grants)?, disabled).await?;
    Ok(())
}

#[server(prefix = "/api")]
pub async fn make_person_link(id: String) -> Result<(), AppError> {
    let asked = crate::ports::ask(types::people::Permission::Administer)?;
    asked.people.link(&asked, &read::person(&id)?).await?;
    Ok(())
}
