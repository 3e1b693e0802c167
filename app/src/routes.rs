//! The only list of pages: path, page, who may open it, place in the menu.
//!
//! * Pages of one app live under `/apps/:app/…`, so a copied link always names its app; `/` leads to the overview of the app
//!   chosen last (cookie `app`), or to the first steps when there is none.
//! * **To add a page**: a folder in `pages/`, one line in [`pages!`] below. The door is asked by the server before rendering and again
//!   by every server function; the menu shows only what the person may open.
//! * All pages render with `SsrMode::Async`: complete without scripts, with the right status.
//! * Lists keep filters and cursor in the query (`ui::filters`, `ui::pager`).

use leptos_router::{MatchNestedRoutes, NestedRoute, SsrMode, path};
use types::people::Permission;
use types::text::Text;

use crate::pages;
use crate::ui::icon::Icon;

/// Who may open a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Open,
    SignedIn,
    /// In the app of the path, or everywhere when the path names none.
    Needs(Permission),
    /// In at least one app, or everywhere.
    NeedsSomewhere(Permission),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Work,
    Effect,
    Connect,
    Manage,
}

impl Group {
    pub const ALL: [Group; 4] = [Group::Work, Group::Effect, Group::Connect, Group::Manage];

    pub const fn name(self) -> Option<Text> {
        match self {
            Group::Work => None,
            Group::Effect => Some(Text::new("效果", "Effect")),
            Group::Connect => Some(Text::new("接入", "Connect")),
            Group::Manage => Some(Text::new("管理", "Manage")),
        }
    }
}

/// Where a page stands in the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Menu {
    pub group: Group,
    pub icon: Icon,
    pub label: Text,
}

/// One page of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// As leptos spells it: `/apps/:app/crowds`.
    pub path: &'static str,
    pub door: Door,
    pub menu: Option<Menu>,
}

impl Page {
    /// Whether a concrete path is this page's. Ids hold no dot: what has one is a file below a page, which asks for itself.
    pub fn matches(&self, path: &str) -> bool {
        let mut want = self.path.trim_matches('/').split('/');
        let mut have = path.trim_matches('/').split('/');
        loop {
            match (want.next(), have.next()) {
                (None, None) => return true,
                (Some(w), Some(h)) if w == h || (w.starts_with(':') && !h.is_empty() && !h.contains('.')) => {}
                _ => return false,
            }
        }
    }

    /// Without the browser's part: links to it load a document.
    pub fn is_plain(&self) -> bool {
        PLAIN.contains(&self.path)
    }

    /// The path with its app filled in; `None` when it needs an app and there is none.
    pub fn href(&self, app: Option<&str>) -> Option<String> {
        if self.path.contains(":app") { app.map(|app| self.path.replace(":app", app)) } else { Some(self.path.to_owned()) }
    }
}

/// Pages without the browser's part: forms and tables that need no script. Each page more in the wasm is loaded by everybody who
/// opens the console; these are opened rarely.
pub const PLAIN: [&str; 22] = [
    "/apps/:app/calendar",
    "/sign-in/code",
    "/account/sessions",
    "/account/second-step",
    "/sessions",
    "/approvals",
    "/apps/:app/crowds",
    "/apps/:app/crowds/combine",
    "/apps/:app/crowds/makings/:making",
    "/apps/:app/crowds/:crowd",
    "/apps/:app/messages",
    "/audit",
    LABORATORY,
    "/apps/:app/policy",
    "/apps/:app/words",
    "/apps/:app/copies/:id/workbench",
    "/apps/:app/dead-letters",
    "/apps/:app/breakers",
    "/apps/:app/resends",
    "/apps/:app/messages/:message/again",
    "/apps/:app/campaigns/:id/:step",
    "/apps/:app/messages/:message/recall",
];

/// In the menu only where a simulator is attached.
pub const LABORATORY: &str = "/laboratory";

/// The page of a concrete path; literal segments win over parameters.
pub fn find(path: &str) -> Option<&'static Page> {
    PAGES.iter().filter(|p| p.matches(path)).min_by_key(|p| p.path.matches(':').count())
}

/// The app a path names: `/apps/app_…/…`.
pub fn app_in(path: &str) -> Option<&str> {
    let mut parts = path.trim_start_matches('/').split('/');
    (parts.next() == Some("apps")).then(|| parts.next()).flatten().filter(|id| types::ids::AppId::parse(id).is_some())
}

const fn menu(group: Group, icon: Icon, zh: &'static str, en: &'static str) -> Option<Menu> {
    Some(Menu { group, icon, label: Text::new(zh, en) })
}

// Nested pairs, because leptos takes tuples of at most 16 routes.
macro_rules! nest {
    ($path:tt $page:path;) => { (NestedRoute::new(path!($path), $page).ssr_mode(SsrMode::Async),) };
    ($path:tt $page:path; $($rest:tt)*) => { (NestedRoute::new(path!($path), $page).ssr_mode(SsrMode::Async), nest!($($rest)*)) };
}

macro_rules! pages {
    ($($path:tt => $page:path, $door:expr, $menu:expr;)*) => {
        pub const PAGES: &[Page] = &[$(Page { path: $path, door: $door, menu: $menu }),*];

        /// The same list for the router.
        pub fn routes() -> impl MatchNestedRoutes + Clone + Send + 'static {
            nest!($($path $page;)*)
        }
    };
}

use Door::*;
use Group::*;
use Permission::*;

pages! {
    "/sign-in" => pages::sign_in::SignIn, Open, None;
    "/sign-in/code" => pages::sessions::CodePage, Open, None;
    "/first" => pages::account::First, Open, None;
    "/link" => pages::account::ByLink, Open, None;
    "/" => pages::start::Start, SignedIn, None;
    "/apps/:app/overview" => pages::overview::OverviewPage, Needs(See), menu(Work, Icon::Overview, "总览", "Overview");
    "/apps/:app/campaigns" => pages::campaigns::Campaigns, Needs(See), menu(Work, Icon::Campaign, "推送任务", "Campaigns");
    "/apps/:app/campaigns/new" => pages::campaigns::CampaignNew, Needs(Operate), None;
    "/apps/:app/campaigns/:id" => pages::campaigns::CampaignPage, Needs(See), None;
    "/apps/:app/campaigns/:id/:step" => pages::before::Before, Needs(See), None;
    "/apps/:app/calendar" => pages::calendar::CalendarPage, Needs(See), menu(Work, Icon::Calendar, "日历", "Calendar");
    "/apps/:app/copies" => pages::copies::Copies, Needs(See), menu(Work, Icon::Copy, "文案库", "Copies");
    "/apps/:app/copies/new" => pages::copies::CopyNew, Needs(Operate), None;
    "/apps/:app/copies/:id" => pages::copies::CopyEdit, Needs(See), None;
    "/apps/:app/copies/:id/workbench" => pages::workbench::WorkbenchPage, Needs(Operate), None;
    "/apps/:app/words" => pages::words::WordsPage, Needs(See), None;
    "/apps/:app/crowds" => pages::crowds::CrowdsPage, Needs(See), menu(Work, Icon::Crowd, "人群包", "Crowds");
    "/apps/:app/crowds/upload" => pages::crowds::UploadPage, Needs(Operate), None;
    "/apps/:app/crowds/uploads/:upload" => pages::crowds::UploadWorkPage, Needs(Operate), None;
    "/apps/:app/crowds/combine" => pages::crowds::CombinePage, Needs(Operate), None;
    "/apps/:app/crowds/makings/:making" => pages::crowds::MakingPage, Needs(See), None;
    "/apps/:app/crowds/:crowd" => pages::crowds::CrowdPage, Needs(See), None;
    "/apps/:app/funnel" => pages::funnel::FunnelPage, Needs(See), menu(Effect, Icon::Funnel, "漏斗", "Funnel");
    "/apps/:app/messages" => pages::messages::MessagesPage, Needs(See), menu(Effect, Icon::Message, "消息", "Messages");
    "/apps/:app/messages/:message" => pages::messages::MessagePage, Needs(See), None;
    "/apps/:app/messages/:message/recall" => pages::during::MessageRecall, Needs(See), None;
    "/apps/:app/lanes" => pages::lanes::LanesPage, Needs(See), menu(Effect, Icon::Lane, "通道", "Lanes");
    "/apps/:app/breakers" => pages::breakers::BreakersPage, Needs(See), None;
    "/apps/:app/resends" => pages::follow::FollowPage, Needs(See), None;
    "/apps/:app/messages/:message/again" => pages::follow::AgainPage, Needs(See), None;
    "/apps/:app/dead-letters" => pages::dead_letters::DeadLettersPage, Needs(See), menu(Effect, Icon::Dead, "死信", "Dead letters");
    "/apps/:app/policy" => pages::policy::PolicyPage, Needs(See), menu(Work, Icon::Policy, "策略", "Policy");
    "/approvals" => pages::approvals::Approvals, NeedsSomewhere(Approve), menu(Work, Icon::Approve, "待审批", "To be approved");
    "/forbidden" => pages::forbidden::Forbidden, SignedIn, None;
    "/account" => pages::account::Account, SignedIn, None;
    "/account/sessions" => pages::sessions::OwnSessions, SignedIn, None;
    "/account/second-step" => pages::sessions::SecondStepPage, SignedIn, None;
    "/apps" => pages::apps::Apps, SignedIn, menu(Connect, Icon::App, "应用", "Apps");
    "/apps/new" => pages::apps::NewApp, Needs(Develop), None;
    "/apps/:app/settings" => pages::apps::settings::AppSettings, Needs(Develop), menu(Connect, Icon::Settings, "应用设置", "App settings");
    "/apps/:app/devices" => pages::devices::Devices, Needs(SeeRecipients), menu(Connect, Icon::Device, "终端", "Devices");
    "/apps/:app/devices/:device" => pages::devices::Device, Needs(SeeRecipients), None;
    "/laboratory" => pages::laboratory::Laboratory, Needs(Develop), menu(Connect, Icon::Laboratory, "实验室", "Laboratory");
    "/nodes" => pages::nodes::Nodes, Needs(Develop), menu(Manage, Icon::Node, "节点", "Nodes");
    "/people" => pages::people::People, Needs(Administer), menu(Manage, Icon::People, "人员与角色", "People");
    "/sessions" => pages::sessions::AllSessions, Needs(Administer), menu(Manage, Icon::Session, "登录", "Sign-ins");
    "/audit" => pages::audit::Audit, Needs(Administer), menu(Manage, Icon::Audit, "审计日志", "Audit log");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_its_page_and_its_app() {
        let app = format!("app_{}", "0".repeat(32));
        assert_eq!(find("/apps/new").map(|p| p.path), Some("/apps/new"));
        assert_eq!(find(&format!("/apps/{app}/devices")).map(|p| p.path), Some("/apps/:app/devices"));
        assert_eq!(find("/apps/").map(|p| p.path), Some("/apps"));
        assert_eq!(find("/nowhere"), None);
        assert_eq!(find(&format!("/apps/{app}/campaigns/cmp_1/forecast")).map(|p| p.path), Some("/apps/:app/campaigns/:id/:step"));
        assert_eq!(find(&format!("/apps/{app}/campaigns/cmp_1/outcomes.csv")), None, "a file");
        let path = format!("/apps/{app}/devices/dev_1");
        assert_eq!(app_in(&path), Some(app.as_str()));
        assert_eq!(app_in("/apps/new"), None);
        assert_eq!(app_in("/people/app_1"), None);
    }

    #[test]
    fn plain_pages_are_pages() {
        for path in PLAIN {
            assert!(PAGES.iter().any(|page| page.path == path), "{path}");
        }
    }

    #[test]
    fn a_page_of_the_menu_has_an_address() {
        for page in PAGES.iter().filter(|p| p.menu.is_some()) {
            let href = page.href(Some("app_x")).expect("an address");
            assert!(!href.contains(':'), "{href}");
        }
    }
}
