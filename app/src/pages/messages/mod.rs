//! Messages: the list, one message, its recipients.

mod detail;
#[cfg(feature = "ssr")]
mod list;
mod recipients;

#[cfg(not(feature = "ssr"))]
pub use crate::ui::plain::Plain as MessagesPage;
pub use detail::MessagePage;
#[cfg(feature = "ssr")]
pub use list::MessagesPage;

use types::life::MessageState;

use crate::ui::prelude::*;

#[cfg(feature = "ssr")]
pub(super) const MESSAGES: Text = Text::new("消息", "Messages");
pub(super) const STATE: Text = Text::new("状态", "State");
pub(super) const ORIGIN: Text = Text::new("来源", "Origin");
pub(super) const ANY: Text = Text::new("全部", "all");

pub(super) const fn tone(state: MessageState) -> Tone {
    match state {
        MessageState::Planning | MessageState::Sending => Tone::Act,
        MessageState::Paused => Tone::Warn,
        MessageState::Finished => Tone::Ok,
        MessageState::Cancelled => Tone::Mute,
    }
}

/// Options of a choice with "all" first.
pub(super) fn options(list: impl IntoIterator<Item = (&'static str, Text)>, lang: Lang) -> Vec<(String, String)> {
    let mut out = vec![(String::new(), ANY.get(lang).to_owned())];
    out.extend(list.into_iter().map(|(slug, name)| (slug.to_owned(), name.get(lang).to_owned())));
    out
}
