//! Language: texts are constants beside their page (`Text::new("中文", "English")`), chosen here.

use types::text::{Lang, Text};

use crate::ui::shell_state::use_shell;

/// The language of this page; fixed until the next full load.
pub fn use_lang() -> Lang {
    use_shell().lang()
}

/// The text in the language of this page.
pub fn t(text: Text) -> &'static str {
    text.get(use_lang())
}

/// The text with `{0}`, `{1}`, … replaced.
pub fn tf(text: Text, values: &[&str]) -> String {
    text.fill(use_lang(), values)
}
