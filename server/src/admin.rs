//! `carillon admin …`: what must be possible without a browser. Works on the same store; a running server sees it at once.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use pipeline::house::House;
use pipeline::storage::people::AuditCheck;
use pipeline::vault::Vault;
use pipeline::world::World;
use types::people::Role;
use types::problem::Problem;

use crate::console::Actor;
use crate::console::people::{create, everywhere, make_link};
use crate::session::normal_email;
use crate::settings::Settings;

#[derive(Subcommand, Debug)]
pub enum Order {
    /// Make a master key file; keep a copy elsewhere: without it every stored secret is lost.
    MasterKey {
        #[arg(long)]
        file: PathBuf,
    },
    /// Make a person and print a one-time link that sets the password.
    CreateUser {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        /// viewer, operator, approver, developer or admin; in every app.
        #[arg(long, default_value = "admin")]
        role: String,
    },
    /// Print a one-time link with which a person sets a new password.
    SignInLink {
        #[arg(long)]
        email: String,
    },
    /// Take away the second step of somebody's sign-in, because the phone and the recovery codes are lost.
    DropSecondStep {
        #[arg(long)]
        email: String,
    },
    /// Walk along the audit log and tell whether anything was changed.
    AuditCheck,
}

/// A problem in English, with its fields.
pub fn words(problem: &Problem) -> anyhow::Error {
    let mut text = problem.detail.as_ref().map_or_else(|| problem.code.title().en.to_owned(), |d| d.en.clone());
    for error in &problem.errors {
        text.push_str(&format!("\n  {}: {}", error.field, error.reason.en));
    }
    anyhow::anyhow!(text)
}

/// `https://…` or what the listener says.
pub fn base(settings: &Settings) -> String {
    settings.public_url.clone().unwrap_or_else(|| format!("http://{}", settings.listen))
}

/// Orders that need no store.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn without_store(order: &Order) -> anyhow::Result<Option<String>> {
    match order {
        Order::MasterKey { file } => {
            Vault::create_key_file(&World::system(), file).with_context(|| format!("writing {}", file.display()))?;
            Ok(Some(format!("wrote {}; set CARILLON_MASTER_KEY_FILE to it and keep a copy elsewhere", file.display())))
        }
        _ => Ok(None),
    }
}

/// Carries out an order; the answer is for the terminal.
///
/// # Errors
/// What the order met, in words.
pub async fn run(order: Order, settings: &Settings, house: &House) -> anyhow::Result<String> {
    let actor = Actor::cli();
    match order {
        Order::MasterKey { .. } => anyhow::bail!("a master key needs no store"),
        Order::CreateUser { email, name, role } => {
            let role = Role::parse(&role).with_context(|| format!("role {role}: one of viewer, operator, approver, developer, admin"))?;
            let person = create(house, &actor, &name, &email, everywhere(role), None).await.map_err(|p| words(&p))?;
            let (token, _) = make_link(house, &actor, Some(&person.id)).await.map_err(|p| words(&p))?;
            Ok(format!("{} may set the password within 48 hours:\n{}/link?token={token}", person.email, base(settings)))
        }
        Order::SignInLink { email } => {
            let email = normal_email(&email);
            let person = house.storage.people.by_email(&email).await?.with_context(|| format!("nobody has the address {email}"))?;
            anyhow::ensure!(!person.disabled, "{email} is switched off; switch the account on first");
            let (token, _) = make_link(house, &actor, Some(&person.id)).await.map_err(|p| words(&p))?;
            Ok(format!("{email} may set a new password within 48 hours:\n{}/link?token={token}", base(settings)))
        }
        Order::DropSecondStep { email } => {
            let email = normal_email(&email);
            let person = house.storage.people.by_email(&email).await?.with_context(|| format!("nobody has the address {email}"))?;
            anyhow::ensure!(crate::second_step::take_away(house, &actor, &person.id).await?, "{email} has no second step");
            Ok(format!("{email} signs in with the password alone; set a new second step up on the account page"))
        }
        Order::AuditCheck => match house.storage.people.audit_check().await? {
            AuditCheck::Whole(rows) => Ok(format!("the audit log is whole: {rows} entries")),
            AuditCheck::BrokenAt(no) => anyhow::bail!("the audit log was changed at entry {no}"),
        },
    }
}
