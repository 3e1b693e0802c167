//! What a lane would send of a content, built by the functions that send it and read back. Sends nothing, fetches nothing.

use std::collections::BTreeMap;

use types::Millis;
use types::campaign::DEFAULT_LIFE_MS;
use types::content::{Content, MessageClass};
use types::vendor::Vendor;

use super::lanes::{self, LaneConfig};
use super::naming::show_key_of;
use super::render;
use super::step::Tools;
use crate::storage::Result;
use crate::storage::apps::App;
use crate::storage::frame::Recipient;
use crate::vault::Vault;
use crate::vendors::dialect::{Batch, Prepared};
use crate::vendors::registry;
use crate::vendors::said::{self, Said};

/// Stand for any recipient, and for a message that does not exist: as long as real ones are.
const ANYBODY: [&str; 1] = ["anybody-0000000000"];
const MESSAGE: &str = "msg_00000000000070008000000000000000";
const TRACE: &str = "00000000-0000-7000-8000-000000000000";
const PASS: &str = "preview";

/// What is to be looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub content: &'a Content,
    /// For everybody.
    pub shared: &'a BTreeMap<String, String>,
    /// Of one recipient; they win.
    pub own: &'a BTreeMap<String, String>,
    pub class: MessageClass,
}

/// What one vendor would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Built(Said),
    /// `field: reason`; recipients of this lane would be filtered.
    Unsayable(String),
    NoCredential,
}

/// The content as this recipient would get it, filled as the lanes fill it.
pub fn filled(look: &Look<'_>) -> Content {
    let recipient = Recipient { variables: look.own.clone(), ..Recipient::default() };
    let group = render::groups(look.content, look.shared, &[recipient], &[0]).pop();
    group.map_or_else(|| look.content.clone(), |group| group.content)
}

/// Every lane of the app, in its order.
///
/// # Errors
/// When the store fails.
pub async fn of_app(tools: &Tools, vault: &Vault, app: &App, look: &Look<'_>) -> Result<Vec<(Vendor, Seen)>> {
    let content = filled(look);
    let now = tools.world.now();
    let mut out = Vec::new();
    for config in lanes::whole_app(tools, vault, app).await? {
        out.push((config.lane.vendor, of_lane(tools, &config, &content, look.class, now)));
    }
    out.sort_by_key(|(vendor, _)| app.vendor_order.iter().position(|v| v == vendor).unwrap_or(usize::MAX));
    Ok(out)
}

fn of_lane(tools: &Tools, config: &LaneConfig, content: &Content, class: MessageClass, now: Millis) -> Seen {
    let Some(opened) = &config.opened else { return Seen::NoCredential };
    let show_key = show_key_of(MESSAGE);
    let callback = (tools.callbacks)(config, MESSAGE);
    let batch = Batch {
        environment: config.app.environment,
        base_url: &opened.ways[0].1.base_url,
        class,
        content,
        default_title: &config.app.default_title,
        message: MESSAGE,
        show_key: &show_key,
        once_key: &show_key,
        recall: None,
        traces: &[TRACE.to_owned()],
        tokens: &ANYBODY,
        now,
        deadline: now + DEFAULT_LIFE_MS,
        callback: callback.as_ref(),
        test: false,
        prepared: &Prepared::default(),
        singly: false,
    };
    match said::said(registry::dialect(config.lane.vendor), &batch, &opened.credential, PASS) {
        Ok(said) => Seen::Built(said),
        Err(error) => Seen::Unsayable(error.to_string()),
    }
}
