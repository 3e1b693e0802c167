//! Sets of recipients in key order, joined as they flow by: no more than a part of each is in memory. Pure but for the feeds.

use std::collections::VecDeque;

use async_trait::async_trait;
use types::problem::Problem;

use crate::storage::crowd_frame::{CrowdRow, code_of};

/// A set in key order, part by part, nobody twice; an empty part is its end.
#[async_trait]
pub trait Feed: Send {
    async fn part(&mut self) -> Result<Vec<CrowdRow>, Problem>;
}

/// Somebody, and the sources he is in: bit by bit, from the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// With the variables of all those sources; of the same name, the first one's.
    pub row: CrowdRow,
    pub mask: u32,
}

struct Lane<F> {
    feed: F,
    rows: VecDeque<CrowdRow>,
    over: bool,
}

impl<F: Feed> Lane<F> {
    /// Its next row's key; `None` at its end.
    async fn key(&mut self) -> Result<Option<i64>, Problem> {
        if self.rows.is_empty() && !self.over {
            self.rows = self.feed.part().await?.into();
            self.over = self.rows.is_empty();
        }
        Ok(self.rows.front().map(|row| row.key))
    }
}

pub struct Join<F> {
    lanes: Vec<Lane<F>>,
    /// Rows taken from all of them.
    taken: u64,
    found: Vec<(usize, CrowdRow)>,
}

impl<F: Feed> Join<F> {
    /// At most 32 feeds.
    pub fn of(feeds: Vec<F>) -> Join<F> {
        let lanes = feeds.into_iter().map(|feed| Lane { feed, rows: VecDeque::new(), over: false }).collect();
        Join { lanes, taken: 0, found: Vec::new() }
    }

    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Adds everybody of the next key (mostly one); `false` at the end of all sources.
    ///
    /// # Errors
    /// Of a feed.
    pub async fn next(&mut self, out: &mut Vec<Joined>) -> Result<bool, Problem> {
        let mut least = None;
        for lane in &mut self.lanes {
            let key = lane.key().await?;
            least = match (least, key) {
                (Some(a), Some(b)) => Some(std::cmp::min::<i64>(a, b)),
                (a, b) => a.or(b),
            };
        }
        let Some(key) = least else { return Ok(false) };
        for (i, lane) in self.lanes.iter_mut().enumerate() {
            while lane.key().await? == Some(key) {
                self.found.extend(lane.rows.pop_front().map(|row| (i, row)));
                self.taken += 1;
            }
        }
        // Two texts of one key: one after the other, as an upload writes them.
        self.found.sort_by(|(i, a), (j, b)| named(a).cmp(&named(b)).then(i.cmp(j)));
        let first = out.len();
        for (i, row) in self.found.drain(..) {
            match out.get_mut(first..).and_then(<[Joined]>::last_mut) {
                Some(same) if named(&same.row) == named(&row) => {
                    same.mask |= 1 << i;
                    for (name, value) in row.variables {
                        same.row.variables.entry(name).or_insert(value);
                    }
                }
                _ => out.push(Joined { mask: 1 << i, row }),
            }
        }
        Ok(true)
    }
}

fn named(row: &CrowdRow) -> (u8, &str) {
    (row.vendor.map_or(0, code_of), &row.text)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use types::crowd::KeyKind;
    use types::making::{SetOp, decide};

    use super::*;

    struct Parts(VecDeque<Vec<CrowdRow>>);

    #[async_trait]
    impl Feed for Parts {
        async fn part(&mut self) -> Result<Vec<CrowdRow>, Problem> {
            Ok(self.0.pop_front().unwrap_or_default())
        }
    }

    /// Names that share keys: what follows the first letter is not in the key.
    fn row(text: &str, source: usize) -> CrowdRow {
        let key = i64::from(text.as_bytes()[0]) - 99;
        let variables = BTreeMap::from([("from".to_owned(), source.to_string()), (format!("own{source}"), text.to_owned())]);
        CrowdRow { key, kind: KeyKind::User, vendor: None, text: text.to_owned(), variables }
    }

    fn feed(set: &BTreeSet<String>, source: usize, part: usize) -> Parts {
        let mut rows: Vec<CrowdRow> = set.iter().map(|text| row(text, source)).collect();
        rows.sort_by(|a, b| (a.key, &a.text).cmp(&(b.key, &b.text)));
        Parts(rows.chunks(part).map(<[CrowdRow]>::to_vec).collect())
    }

    fn op() -> impl Strategy<Value = SetOp> {
        prop_oneof![Just(SetOp::Union), Just(SetOp::Intersect), Just(SetOp::Minus)]
    }

    proptest! {
        /// Against sets of the standard library, one step after the other.
        #[test]
        fn a_join_is_what_sets_say(
            sources in prop::collection::vec((prop::collection::btree_set("[a-f][xy]{0,2}", 0..25), op()), 1..6),
            part in 1usize..5,
        ) {
            let mut naive: BTreeSet<String> = BTreeSet::new();
            for (i, (set, op)) in sources.iter().enumerate() {
                naive = match (i, op) {
                    (0, _) => set.clone(),
                    (_, SetOp::Union) => naive.union(set).cloned().collect(),
                    (_, SetOp::Intersect) => naive.intersection(set).cloned().collect(),
                    (_, SetOp::Minus) => naive.difference(set).cloned().collect(),
                };
            }
            let ops: Vec<SetOp> = sources.iter().map(|(_, op)| *op).collect();
            let feeds = sources.iter().enumerate().map(|(i, (set, _))| feed(set, i, part)).collect();
            let (joined, taken) = futures::executor::block_on(async {
                let (mut join, mut out) = (Join::of(feeds), Vec::new());
                while join.next(&mut out).await.unwrap() {}
                (out, join.taken())
            });
            prop_assert_eq!(taken, sources.iter().map(|(set, _)| set.len() as u64).sum::<u64>());
            prop_assert!(joined.is_sorted_by_key(|j| j.row.key));
            let everybody: BTreeSet<&str> = joined.iter().map(|j| j.row.text.as_str()).collect();
            prop_assert_eq!(everybody.len(), joined.len(), "nobody twice");
            let got: BTreeSet<String> = joined.iter().filter(|j| decide(&ops, j.mask)).map(|j| j.row.text.clone()).collect();
            prop_assert_eq!(got, naive);
            for one in &joined {
                for (i, (set, _)) in sources.iter().enumerate() {
                    prop_assert_eq!(one.mask >> i & 1 == 1, set.contains(&one.row.text));
                    prop_assert_eq!(one.row.variables.contains_key(&format!("own{i}")), set.contains(&one.row.text));
                }
                // Of the same name: the first source's.
                prop_assert_eq!(&one.row.variables["from"], &one.mask.trailing_zeros().to_string());
            }
        }
    }
}
