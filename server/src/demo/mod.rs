//! `carillon demo`: everything on one machine, with the simulator as the vendors and a sample workspace. State is kept.

mod keys;
mod sample;
mod seed;
mod twin;

use std::sync::Arc;

use anyhow::Context;
use pipeline::house::House;
use pipeline::vault::Vault;
use pipeline::world::World;
use simulator::Simulator;
use types::people::Role;

use crate::console::Actor;
use crate::console::people::{create, everywhere};
use crate::passwords::Passwords;
use crate::settings::Settings;

/// The sample administrator. The demo listens on this machine only; the password is told on the terminal.
pub const EMAIL: &str = "demo@carillon.example";

/// What the terminal is told once the demo stands.
pub struct Told {
    pub email: String,
    /// `None` when it was made by an earlier start: it is in the data folder.
    pub password: String,
    pub control_url: String,
}

/// Fills in what `serve` would demand: a master key of the demo's own.
///
/// # Errors
/// When the key file cannot be made.
pub fn settle(settings: &mut Settings) -> anyhow::Result<()> {
    std::fs::create_dir_all(&settings.data_dir).with_context(|| format!("data folder {}", settings.data_dir.display()))?;
    if settings.master_key_file.is_none() {
        let path = settings.data_dir.join("master.key");
        if !path.exists() {
            Vault::create_key_file(&World::system(), &path).with_context(|| format!("writing {}", path.display()))?;
        }
        settings.master_key_file = Some(path);
    }
    // The twin has pictures to try with: `/pictures/876x324.png`.
    settings.pictures.private_hosts.push("127.0.0.1".to_owned());
    Ok(())
}

/// The vendors of the demo.
///
/// # Errors
/// When its files or sockets fail.
pub async fn simulator(settings: &Settings) -> anyhow::Result<Simulator> {
    twin::start(&settings.data_dir.join("simulator")).await
}

/// Seeds what is missing. `base` is our own address.
///
/// # Errors
/// Whatever stopped it.
pub async fn furnish(house: &Arc<House>, settings: &Settings, simulator: &Simulator, base: &str) -> anyhow::Result<Told> {
    let (email, password) = administrator(house, settings).await?;
    let kept_at = settings.data_dir.join("simulator").join("demo-accounts.json");
    seed::apps(house, simulator, base, &kept_at).await?;
    Ok(Told { email, password, control_url: simulator.control_url() })
}

/// The sample administrator, made at the first start; the password stays readable in the data folder, for its owner only.
async fn administrator(house: &House, settings: &Settings) -> anyhow::Result<(String, String)> {
    let path = settings.data_dir.join("demo-password.txt");
    if house.storage.people.by_email(EMAIL).await?.is_some() {
        let password = std::fs::read_to_string(&path).unwrap_or_else(|_| "(as you set it)".to_owned());
        return Ok((EMAIL.to_owned(), password.trim().to_owned()));
    }
    let password = format!("bell-{}", hex::encode(house.world.bytes::<8>()));
    let hash = Passwords::new(house.world.clone())?.hash(&password).await?;
    create(house, &Actor::system(), "Demo", EMAIL, everywhere(Role::Admin), Some(hash)).await.map_err(|p| crate::admin::words(&p))?;
    seed::private_file(&path, &password)?;
    Ok((EMAIL.to_owned(), password))
}
