//! The frame of every page: side bar, top bar with app, environment, language, theme, person. Works without scripts: links, GET
//! links that set cookies, and `<details>`.

use leptos::html;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use types::ids::AppId;
use types::text::{Lang, Text};
use types::views::shell::{ShellInfo, Theme};

use super::format;
use super::icon::{Icon, IconView};
use super::pill::EnvPill;
use super::shell_state::{use_app, use_shell};
use super::toast::ToastCorner;
use crate::i18n::{t, use_lang};
use crate::routes::{self, Door, Group, Page};

const SKIP: Text = Text::new("跳到内容", "Skip to content");
const MAIN_MENU: Text = Text::new("主菜单", "Main menu");
const NO_APP: Text = Text::new("还没有应用", "No app yet");
const ALL_APPS: Text = Text::new("全部应用", "All apps");
const LANGUAGE: Text = Text::new("语言", "Language");
const THEME: Text = Text::new("外观", "Theme");
const THEME_AUTO: Text = Text::new("自动", "Auto");
const THEME_LIGHT: Text = Text::new("浅色", "Light");
const THEME_DARK: Text = Text::new("深色", "Dark");
const ACCOUNT: Text = Text::new("我的账号", "My account");
const SIGN_OUT: Text = Text::new("退出登录", "Sign out");
const API_DOCS: Text = Text::new("接口文档", "API pages");
const ZONE: Text = Text::new("页面上的时间按此时区显示", "Times on the page are in this zone");

/// Whether the menu shows a page to this person.
fn shown(page: &Page, info: &ShellInfo, app: Option<&AppId>) -> bool {
    let Some(person) = &info.person else { return false };
    // Without a simulator there is nothing to see there.
    if page.path == routes::LABORATORY && !info.laboratory {
        return false;
    }
    match page.door {
        Door::Open | Door::SignedIn => true,
        Door::Needs(permission) => {
            let app = app.filter(|_| page.path.contains(":app"));
            person.rights.may(permission, app)
        }
        Door::NeedsSomewhere(permission) => {
            person.rights.may(permission, None) || person.rights.apps.values().any(|role| role.may(permission))
        }
    }
}

/// Marks the entry whose page, or whose page's children, are open.
fn is_here(page: &Page, path: &str, app: Option<&str>) -> bool {
    if page.matches(path) {
        return true;
    }
    match (page.href(app), routes::find(path)) {
        (Some(href), Some(open)) if open.menu.is_none() && href != "/" && href != "/apps" => path.starts_with(&format!("{href}/")),
        _ => false,
    }
}

#[component]
pub fn Frame(children: Children) -> impl IntoView {
    let shell = use_shell();
    let app = use_app();
    let signed_in = shell.with(|s| s.person.is_some());
    let environment = move || app.get().map(|a| a.environment.slug());
    let children = children();
    if signed_in {
        view! {
            <a class="skip" href="#main" rel="external">
                {t(SKIP)}
            </a>
            <div class="shell" data-env=environment>
                <Side />
                <div class="stage">
                    <Top />
                    <main id="main" tabindex="-1">
                        {children}
                    </main>
                </div>
                <ToastCorner />
            </div>
        }
        .into_any()
    } else {
        view! {
            <div class="bare">
                <header class="bare-top">
                    <span class="brand">
                        <IconView icon=Icon::Bell />
                        "Carillon"
                    </span>
                    <Switches />
                </header>
                <main id="main" tabindex="-1">
                    {children}
                </main>
                <ToastCorner />
            </div>
        }
        .into_any()
    }
}

#[component]
fn Side() -> impl IntoView {
    let shell = use_shell();
    let lang = use_lang();
    let app = use_app();
    let path = use_location().pathname;
    let groups = move || {
        let info = shell.get();
        let app = app.get().map(|a| a.id);
        let here = path.get();
        Group::ALL
            .into_iter()
            .map(|group| {
                let links: Vec<_> = routes::PAGES
                    .iter()
                    .filter(|p| p.menu.is_some_and(|m| m.group == group) && shown(p, &info, app.as_ref()))
                    .filter_map(|p| {
                        let href = p.href(app.as_ref().map(AppId::as_str))?;
                        let menu = p.menu?;
                        let current = is_here(p, &here, app.as_ref().map(AppId::as_str)).then_some("page");
                        Some(view! {
                            <li>
                                <a href=href aria-current=current rel=p.is_plain().then_some("external")>
                                    <IconView icon=menu.icon />
                                    <span class="label">{menu.label.get(lang)}</span>
                                </a>
                            </li>
                        })
                    })
                    .collect();
                (!links.is_empty()).then(|| {
                    view! {
                        <li class="group">
                            {group.name().map(|name| view! { <span class="group-name">{name.get(lang)}</span> })}
                            <ul>{links}</ul>
                        </li>
                    }
                })
            })
            .collect_view()
    };
    view! {
        <nav class="side" aria-label=MAIN_MENU.get(lang)>
            <a class="brand" href="/" rel="external">
                <IconView icon=Icon::Bell />
                <span class="label">"Carillon"</span>
            </a>
            <ul class="menu">
                {groups}
                <li class="group">
                    <ul>
                        <li>
                            <a href="/docs/api" rel="external">
                                <IconView icon=Icon::Book />
                                <span class="label">{API_DOCS.get(lang)}</span>
                            </a>
                        </li>
                    </ul>
                </li>
            </ul>
        </nav>
    }
    .into_any()
}

#[component]
fn Top() -> impl IntoView {
    let shell = use_shell();
    let lang = use_lang();
    let zone = shell.with(|s| format!("{} {}", s.zone.name, format::offset(s.zone.offset_at(s.now))));
    view! {
        <header class="top">
            <AppSwitch />
            <span class="grow"></span>
            <span class="zone sub" title=ZONE.get(lang)>
                {zone}
            </span>
            <Switches />
            <PersonMenu />
        </header>
    }
    .into_any()
}

#[component]
fn AppSwitch() -> impl IntoView {
    let shell = use_shell();
    let lang = use_lang();
    let app = use_app();
    let node: NodeRef<html::Details> = NodeRef::new();
    let close = move |_| {
        if let Some(details) = node.get_untracked() {
            details.set_open(false);
        }
    };
    view! {
        <details class="drop" node_ref=node>
            <summary>
                <strong>{move || app.get().map_or_else(|| NO_APP.get(lang).to_owned(), |a| a.name)}</strong>
                {move || app.get().map(|a| view! { <EnvPill environment=a.environment /> })}
            </summary>
            <ul class="drop-list card">
                {move || {
                    shell
                        .get()
                        .apps
                        .into_iter()
                        .map(|a| {
                            view! {
                                <li>
                                    <a href=format!("/apps/{}/overview", a.id) on:click=close>
                                        <span class="grow">{a.name}</span>
                                        <EnvPill environment=a.environment />
                                    </a>
                                </li>
                            }
                        })
                        .collect_view()
                }}
                <li>
                    <a href="/apps" on:click=close>
                        {ALL_APPS.get(lang)}
                    </a>
                </li>
            </ul>
        </details>
    }
    .into_any()
}

/// Language and theme: GET links that set a cookie and come back.
#[component]
fn Switches() -> impl IntoView {
    let lang = use_lang();
    let location = use_location();
    let theme = use_shell().with(|s| s.theme);
    let link = move |key: &str, value: &str| {
        let path = location.pathname.get();
        let search = location.search.get();
        let back = if search.is_empty() { path } else { format!("{path}?{search}") };
        let mut query = leptos_router::params::ParamsMap::new();
        query.insert(key.to_owned(), value.to_owned());
        query.insert("back", back);
        format!("/preferences{}", query.to_query_string())
    };
    let link = StoredValue::new(link);
    let language = [(Lang::Zh, "zh", "中文"), (Lang::En, "en", "English")].map(|(this, key, name)| {
        view! {
            <a href=move || link.with_value(|l| l("lang", key)) rel="external" lang=this.tag() aria-current=(this == lang).then_some("true")>
                {name}
            </a>
        }
    });
    let themes = [(Theme::Auto, THEME_AUTO), (Theme::Light, THEME_LIGHT), (Theme::Dark, THEME_DARK)].map(|(this, name)| {
        view! {
            <a href=move || link.with_value(|l| l("theme", this.slug())) rel="external" aria-current=(this == theme).then_some("true")>
                {name.get(lang)}
            </a>
        }
    });
    view! {
        <div class="switches">
            <span class="seg" role="group" aria-label=LANGUAGE.get(lang)>
                {language}
            </span>
            <span class="seg" role="group" aria-label=THEME.get(lang)>
                {themes}
            </span>
        </div>
    }
    .into_any()
}

#[component]
fn PersonMenu() -> impl IntoView {
    let shell = use_shell();
    let lang = use_lang();
    shell.get().person.map(|person| {
        let role = person.rights.role.map(|r| r.name().get(lang));
        view! {
            <details class="drop right">
                <summary>
                    <span class="pill act">{person.name.clone()}</span>
                </summary>
                <ul class="drop-list card">
                    <li class="drop-note">
                        <span class="grow">{person.email}</span>
                        {role.map(|r| view! { <span class="pill mute">{r}</span> })}
                    </li>
                    <li>
                        <a href="/account">{ACCOUNT.get(lang)}</a>
                    </li>
                    <li>
                        <form method="post" action="/session/sign-out">
                            <button class="btn quiet" type="submit">
                                {SIGN_OUT.get(lang)}
                            </button>
                        </form>
                    </li>
                </ul>
            </details>
        }
    })
}
