//! Pages of a list: a cursor, a size, what comes next.

use serde::{Deserialize, Serialize};

/// Rows a page of the console shows.
pub const PAGE_SIZE: u32 = 50;
/// Most rows one API page may hold.
pub const PAGE_MAX: u32 = 500;

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Opaque text from the last page's `next`; `None` = from the start.
    pub after: Option<String>,
    /// 1 ..= [`PAGE_MAX`].
    pub size: u32,
}

impl Default for PageRequest {
    fn default() -> Self {
        PageRequest { after: None, size: PAGE_SIZE }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Page { items: Vec::new(), next: None }
    }
}

impl<T> Page<T> {
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }

    /// Of `size + 1` rows read, keeps `size` and remembers that there is more.
    pub fn cut(mut items: Vec<T>, size: u32, cursor: impl Fn(&T) -> String) -> Page<T> {
        let more = items.len() > size as usize;
        items.truncate(size as usize);
        let next = if more { items.last().map(cursor) } else { None };
        Page { items, next }
    }
}
