//! THE FACE: pages, ui parts, server functions. Sees the server only through ports.
//!
//! Comes in: a request. Goes out: a page in the person's language. Never: SQL, vendors, a clock, `cfg`-dependent text.
//! How to add a page: a folder in `pages/`, one line in `routes.rs`, a port, its implementation in `server/src/console/`.

#![recursion_limit = "512"]

#[cfg(all(feature = "ssr", feature = "hydrate"))]
compile_error!("`ssr` and `hydrate` are on at once: build without --workspace and --all-features; the browser build is its own command");

pub mod error;
pub mod i18n;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod ports;
pub mod routes;
pub mod ui;

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, FlatRoutesProps, RouteChildren, Router};

use ui::layout::Frame;
use ui::shell_state::{ShellState, read_shell};

/// File names of the browser bundle, read by the server from the site's manifest. `None` = no bundle: pages work without scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub struct Site {
    pub js: Option<String>,
    pub wasm: Option<String>,
    pub css: Option<String>,
}

/// The whole document around [`App`]; server only in effect.
pub fn shell(site: Site) -> impl IntoView {
    provide_meta_context();
    let info = read_shell();
    let theme = (info.theme != types::views::shell::Theme::Auto).then(|| info.theme.slug());
    let data = serde_json::to_string(&info).unwrap_or_default();
    let lang = info.lang;
    #[cfg(feature = "ssr")]
    set_csp();
    view! {
        <!DOCTYPE html>
        <html lang=lang.tag() data-theme=theme>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="carillon-shell" content=data />
                <link rel="icon" href="/assets/bell.svg" type="image/svg+xml" />
                {site.css.clone().map(|css| view! { <link rel="stylesheet" href=format!("/pkg/{css}") /> })}
                {(!plain()).then(|| view! { <Hydration site=site.clone() /> })}
                {plain().then(|| view! { <script src="/assets/renew.js" defer></script> })}
                <leptos_meta::MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Whether the page asked for goes without the browser's part.
fn plain() -> bool {
    #[cfg(feature = "ssr")]
    let path = use_context::<http::request::Parts>().map(|parts| parts.uri.path().to_owned());
    #[cfg(not(feature = "ssr"))]
    let path: Option<String> = None;
    path.as_deref().and_then(routes::find).is_some_and(routes::Page::is_plain)
}

/// Only our own files, one inline script per page by nonce, no inline style at all: widths are SVG or `<progress>` attributes.
#[cfg(feature = "ssr")]
fn set_csp() {
    let nonce = leptos::nonce::use_nonce().map(|n| format!(" 'nonce-{n}'")).unwrap_or_default();
    let policy = format!(
        "default-src 'self'; script-src 'self'{nonce} 'wasm-unsafe-eval'; style-src 'self'{nonce}; img-src 'self' data:; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let (Some(response), Ok(value)) = (use_context::<leptos_axum::ResponseOptions>(), http::HeaderValue::from_str(&policy)) {
        response.insert_header(http::header::CONTENT_SECURITY_POLICY, value);
    }
}

/// Ours instead of leptos' `HydrationScripts`, which puts the CSP nonce into `crossorigin=` of the preloads: Firefox then aborts
/// the wasm fetch and the page stays dead (published in 0.8.23 and 0.9.0-rc1).
#[component]
fn Hydration(site: Site) -> impl IntoView {
    let nonce = leptos::nonce::use_nonce();
    site.js.zip(site.wasm).map(|(js, wasm)| {
        let start = format!(
            "import init, {{ hydrate }} from \"/pkg/{js}\"; init({{ module_or_path: \"/pkg/{wasm}\" }}).then(() => {{ hydrate(); document.documentElement.dataset.hydrated = \"yes\"; }});"
        );
        view! {
            <link rel="modulepreload" href=format!("/pkg/{js}") />
            <link rel="preload" href=format!("/pkg/{wasm}") r#as="fetch" r#type="application/wasm" crossorigin="anonymous" />
            <script type="module" nonce=nonce>
                {start}
            </script>
        }
    })
}

/// The page's title with our name. leptos_meta 0.8 writes it into the document unescaped, where a stored `</title><script>` would
/// get out; in the browser it is set as plain text.
fn document_title(text: String) -> String {
    let title = if text.is_empty() { "Carillon".to_owned() } else { format!("{text} · Carillon") };
    if cfg!(feature = "ssr") { title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;") } else { title }
}

/// Everything inside `<body>`; the same on both sides.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_context(ShellState::new(read_shell()));
    ui::toast::provide_toasts();
    // The builder instead of a tag: the list of routes is one value, not children in a view.
    let pages = || {
        FlatRoutes(
            FlatRoutesProps::builder().fallback(pages::not_found::NotFound).children(RouteChildren::to_children(routes::routes)).build(),
        )
    };
    view! {
        <Title formatter=document_title />
        <Router>
            <Frame>
                {pages()}
            </Frame>
        </Router>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    #[test]
    fn nothing_gets_out_of_the_title() {
        let title = super::document_title("</title><script>alert(1)</script> &lt;".to_owned());
        assert_eq!(title, "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp;lt; · Carillon");
    }
}
