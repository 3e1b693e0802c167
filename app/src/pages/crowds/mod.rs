//! Crowds: the list, an upload on its way, a crowd, crowds made out of others. The file itself goes to a plain route
//! (`server/src/console/crowds.rs`). All but the upload are plain pages.

pub mod calls;
#[cfg(feature = "ssr")]
mod combine;
#[cfg(feature = "ssr")]
mod detail;
#[cfg(feature = "ssr")]
mod list;
#[cfg(feature = "ssr")]
mod making;
mod mapping;
mod outcome;
mod send;
#[cfg(feature = "ssr")]
pub mod shelf;
mod upload;
mod work;

#[cfg(not(feature = "ssr"))]
pub use crate::ui::plain::{Plain as CombinePage, Plain as CrowdPage, Plain as CrowdsPage, Plain as MakingPage};
#[cfg(feature = "ssr")]
pub use combine::CombinePage;
#[cfg(feature = "ssr")]
pub use detail::CrowdPage;
#[cfg(feature = "ssr")]
pub use list::CrowdsPage;
#[cfg(feature = "ssr")]
pub use making::MakingPage;
pub use upload::UploadPage;
pub use work::UploadWorkPage;

use leptos::prelude::*;
use types::crowd::Detected;
use types::text::Lang;

use crate::ui::prelude::*;

pub(super) const CROWDS: Text = Text::new("人群包", "Crowds");
pub(super) const UPLOAD: Text = Text::new("上传人群包", "Upload a crowd");
pub(super) const ROWS_VALID: Text = Text::new("有效", "valid");
pub(super) const UNKNOWN: Text = Text::new("未登记", "unknown");

#[cfg(feature = "ssr")]
pub(super) const COMBINE: Text = Text::new("由人群包和规则生成", "Make one of crowds and rules");
#[cfg(feature = "ssr")]
pub(super) const TAGS: Text = Text::new("标签", "Tags");

/// What was detected, as one line: `GB18030 · 逗号 , · 有标题行`.
pub(super) fn detection(detected: &Detected, lang: Lang) -> String {
    use types::crowd::{Delimiter, Encoding};
    const BOM: Text = Text::new("带 BOM", "with byte-order mark");
    const GZIP: Text = Text::new("gzip 压缩", "gzip");
    const HEADER: Text = Text::new("有标题行", "header row");
    const NO_HEADER: Text = Text::new("没有标题行", "no header row");
    let mut parts = vec![detected.encoding.name().to_owned()];
    if detected.bom {
        parts.push(BOM.get(lang).to_owned());
    }
    if detected.gzip {
        parts.push(GZIP.get(lang).to_owned());
    }
    if detected.encoding != Encoding::Xlsx {
        let delimiter = Delimiter::of_sign(detected.delimiter).unwrap_or(Delimiter::Nothing);
        parts.push(delimiter.name().get(lang).to_owned());
    }
    parts.push(if detected.header { HEADER } else { NO_HEADER }.get(lang).to_owned());
    parts.join(" · ")
}

/// A parameter of the path, as the URL spells it.
pub(super) fn use_param(name: &'static str) -> Memo<String> {
    let params = leptos_router::hooks::use_params_map();
    Memo::new(move |_| params.read().get(name).unwrap_or_default())
}
