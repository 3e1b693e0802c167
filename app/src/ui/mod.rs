//! Parts that know no page. One file each; every text comes from the caller or exists in both languages here.
//!
//! Never: `<textarea>` outside `field.rs` (leptos 0.8 writes its children unescaped), `style=` attributes (the CSP forbids them),
//! tables outside `table.rs`, "now" or a zone from the browser.

pub mod again;
pub mod button;
pub mod card;
pub mod chart;
pub mod dialog;
pub mod empty;
pub mod equation;
pub mod field;
pub mod filters;
pub mod format;
pub mod icon;
pub mod layout;
pub mod load;
pub mod meters;
pub mod number;
pub mod pager;
pub mod phone;
pub mod pill;
#[cfg(not(feature = "ssr"))]
pub mod plain;
#[cfg(feature = "ssr")]
pub mod posted;
pub mod progress;
pub mod returned;
pub mod shell_state;
pub mod table;
pub mod toast;
pub mod trouble;

/// The usual imports of a page.
pub mod prelude {
    pub use super::again::every;
    pub use super::button::{Button, Kind, LinkButton};
    pub use super::card::{Card, Figure, PageHead};
    pub use super::chart::Chart;
    pub use super::dialog::{Confirm, Dialog};
    pub use super::empty::Empty;
    pub use super::equation::EquationBar;
    pub use super::field::{CheckField, SelectField, TextArea, TextField};
    pub use super::filters::Filters;
    pub use super::load::Load;
    pub use super::number::{Num, Rate, SourceSign, Time};
    pub use super::pager::Pager;
    pub use super::pill::{EnvPill, Pill, Tone, VendorDot};
    pub use super::progress::Bar;
    pub use super::shell_state::{use_app_id, use_may, use_shell};
    pub use super::table::{Column, Table};
    pub use super::toast::use_toast;
    pub use super::trouble::{ErrorBox, FieldTrouble, Reason, trouble_of};
    pub use crate::error::AppError;
    pub use crate::i18n::{t, tf, use_lang};
    pub use types::text::{Lang, Text};
}
