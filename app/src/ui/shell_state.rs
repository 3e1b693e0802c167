//! What every page knows, in context.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};
use types::ids::AppId;
use types::people::Permission;
use types::text::Lang;
use types::views::shell::{AppBrief, ShellInfo};

use crate::routes;

/// Handle to [`ShellInfo`]; cheap to copy.
#[derive(Clone, Copy)]
pub struct ShellState {
    info: RwSignal<ShellInfo>,
    lang: Lang,
}

impl ShellState {
    pub fn new(info: ShellInfo) -> ShellState {
        ShellState { lang: info.lang, info: RwSignal::new(info) }
    }

    /// Fixed for the life of the page, so it needs no signal.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    pub fn info(&self) -> RwSignal<ShellInfo> {
        self.info
    }

    pub fn get(&self) -> ShellInfo {
        self.info.get()
    }

    /// Reads once, without following changes.
    pub fn with<T>(&self, read: impl FnOnce(&ShellInfo) -> T) -> T {
        self.info.with_untracked(read)
    }
}

pub fn use_shell() -> ShellState {
    expect_context::<ShellState>()
}

/// The id of the app in the path (`/apps/:app/…`), as the URL spells it; empty outside.
pub fn use_app_id() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.read().get("app").unwrap_or_default())
}

/// The app this page is about: the one of the path, else the one chosen last.
pub fn use_app() -> Memo<Option<AppBrief>> {
    let shell = use_shell();
    let location = use_location();
    Memo::new(move |_| {
        let path = location.pathname.get();
        let named = routes::app_in(&path).and_then(AppId::parse);
        shell.info().with(|info| {
            let wanted = named.or_else(|| info.selected.clone());
            info.apps.iter().find(|a| Some(&a.id) == wanted.as_ref()).cloned()
        })
    })
}

/// Whether the person may do this in the app of the path (or everywhere, outside an app). For showing and disabling only:
/// the server decides again.
pub fn use_may(permission: Permission) -> Signal<bool> {
    let shell = use_shell();
    let location = use_location();
    Signal::derive(move || {
        let path = location.pathname.get();
        let app = routes::app_in(&path).and_then(AppId::parse);
        shell.info().with(|info| info.person.as_ref().is_some_and(|p| p.rights.may(permission, app.as_ref())))
    })
}

/// On the server: put into context by `server/src/web.rs`. In the browser: from the document's `<meta name="carillon-shell">`.
#[cfg(feature = "ssr")]
pub fn read_shell() -> ShellInfo {
    use_context::<ShellInfo>().unwrap_or_default()
}

#[cfg(not(feature = "ssr"))]
pub fn read_shell() -> ShellInfo {
    document()
        .query_selector("meta[name=carillon-shell]")
        .ok()
        .flatten()
        .and_then(|meta| meta.get_attribute("content"))
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}
