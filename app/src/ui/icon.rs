//! Line icons, 24 x 24, drawn with the colour of the text. Decoration: a word always stands beside them.

use leptos::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Bell,
    Overview,
    Campaign,
    Copy,
    Crowd,
    Funnel,
    App,
    Device,
    Settings,
    Book,
    People,
    Audit,
    Calendar,
    Session,
    Approve,
    Message,
    Dead,
    Lane,
    Policy,
    Laboratory,
    Node,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Icon::Bell => "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4M12 3v2",
            Icon::Overview => "M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z",
            Icon::Campaign => "M4 12l16-8-6 16-3-6zM11 14l9-10",
            Icon::Copy => "M5 4h14v16H5zM8 8h8M8 12h8M8 16h5",
            Icon::Crowd => "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3 20c0-4 3-6 6-6s6 2 6 6M16 5a3 3 0 0 1 0 6M17 14c3 .5 4 3 4 6",
            Icon::Funnel => "M4 5h16l-6 8v6l-4 2v-8z",
            Icon::App => "M5 5h6v6H5zM13 5h6v6h-6zM5 13h6v6H5zM16 13v6M13 16h6",
            Icon::Device => "M7 3h10v18H7zM11 18h2",
            Icon::Settings => "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
            Icon::Book => "M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11",
            Icon::People => "M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-5 4-7 8-7s8 2 8 7",
            Icon::Approve => "M4 12a8 8 0 1 0 16 0a8 8 0 1 0-16 0zM8.5 12l2.5 2.5 4.5-5",
            Icon::Session => "M10 17l5-5-5-5M15 12H4M14 4h6v16h-6",
            Icon::Calendar => "M5 6h14v14H5zM5 10h14M9 3v4M15 3v4M9 14h2M13 14h2",
            Icon::Audit => "M6 3h9l4 4v14H6zM9 12l2 2 4-4M9 18h6",
            Icon::Lane => "M4 6h9M16 6h4M4 12h4M11 12h9M4 18h11M18 18h2",
            Icon::Policy => "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12h6",
            Icon::Laboratory => "M9 3h6M10 3v6l-5 9a2 2 0 0 0 2 3h10a2 2 0 0 0 2-3l-5-9V3M7.5 15h9",
            Icon::Node => "M4 4h16v6H4zM4 14h16v6H4zM7 7h1M7 17h1",
            Icon::Dead => "M4 6h16v12H4zM4 6l8 7 8-7M9 21l6-6M15 21l-6-6",
            Icon::Message => "M4 5h16v11H9l-5 4z",
        }
    }
}

#[component]
pub fn IconView(icon: Icon) -> impl IntoView {
    view! {
        <svg
            class="icon"
            width="20"
            height="20"
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            stroke-width="1.7"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
        >
            <path d=icon.path()></path>
        </svg>
    }
    .into_any()
}
