//! Crowds: the list, an upload on its way, a crowd. The file itself goes to a plain route (`server/src/console/crowds.rs`).

pub mod calls;
mod detail;
mod list;
mod mapping;
mod outcome;
mod send;
mod upload;
mod work;

pub use detail::CrowdPage;
pub use list::CrowdsPage;
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
