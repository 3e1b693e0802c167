//! Sorting more than memory holds: sorted runs in nameless temp files, merged. Exact, stable, bounded.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

const BUFFER: usize = 128 << 10;

/// One thing in order: by `key`, then by the bytes of `tie`, then by when it was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub key: i64,
    pub tie: &'a [u8],
    pub rest: &'a [u8],
}

/// Takes entries in any order.
pub struct Sorter {
    folder: PathBuf,
    bound: usize,
    arena: Vec<u8>,
    /// Key and where in the arena: `tie` length (4 bytes), `rest` length (4 bytes), tie, rest.
    index: Vec<(i64, u32)>,
    runs: Vec<File>,
}

impl Sorter {
    /// Holds about `bound` bytes in memory (at most 1 GiB) and writes runs into `folder`.
    pub fn new(folder: PathBuf, bound: usize) -> Sorter {
        Sorter { folder, bound: bound.min(1 << 30), arena: Vec::new(), index: Vec::new(), runs: Vec::new() }
    }

    /// # Errors
    /// When a run cannot be written.
    pub fn add(&mut self, key: i64, tie: &[u8], rest: &[u8]) -> io::Result<()> {
        let cost = self.arena.len() + self.index.len() * size_of::<(i64, u32)>();
        if cost + tie.len() + rest.len() + 24 > self.bound && !self.index.is_empty() {
            self.spill()?;
        }
        let at = u32::try_from(self.arena.len()).map_err(io::Error::other)?;
        self.arena.extend_from_slice(&u32::try_from(tie.len()).map_err(io::Error::other)?.to_le_bytes());
        self.arena.extend_from_slice(&u32::try_from(rest.len()).map_err(io::Error::other)?.to_le_bytes());
        self.arena.extend_from_slice(tie);
        self.arena.extend_from_slice(rest);
        self.index.push((key, at));
        Ok(())
    }

    fn order(&mut self) {
        let arena = &self.arena;
        self.index.sort_unstable_by(|(a, at), (b, bt)| {
            a.cmp(b).then_with(|| parts(arena, *at).0.cmp(parts(arena, *bt).0)).then_with(|| at.cmp(bt))
        });
    }

    fn spill(&mut self) -> io::Result<()> {
        self.order();
        let mut out = BufWriter::with_capacity(BUFFER, tempfile::tempfile_in(&self.folder)?);
        for (key, at) in &self.index {
            let (tie, rest) = parts(&self.arena, *at);
            out.write_all(&key.to_le_bytes())?;
            out.write_all(&(tie.len() as u32).to_le_bytes())?;
            out.write_all(&(rest.len() as u32).to_le_bytes())?;
            out.write_all(tie)?;
            out.write_all(rest)?;
        }
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        self.runs.push(file);
        self.arena.clear();
        self.index.clear();
        Ok(())
    }

    /// # Errors
    /// When a run cannot be read back.
    pub fn finish(mut self) -> io::Result<Merge> {
        self.order();
        let mut runs: Vec<Run> = self.runs.drain(..).map(|file| Run::Disk(BufReader::with_capacity(BUFFER, file))).collect();
        runs.push(Run::Memory { arena: std::mem::take(&mut self.arena), index: std::mem::take(&mut self.index).into_iter() });
        let mut heap = BinaryHeap::with_capacity(runs.len());
        for (number, run) in runs.iter_mut().enumerate() {
            let mut head = Head { key: 0, tie: Vec::new(), rest: Vec::new(), run: number };
            if head.refill(run)? {
                heap.push(head);
            }
        }
        Ok(Merge { runs, heap, key: 0, tie: Vec::new(), rest: Vec::new() })
    }
}

fn parts(arena: &[u8], at: u32) -> (&[u8], &[u8]) {
    let body = arena.get(at as usize..).unwrap_or_default();
    let number = |at: usize| body.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes) as usize;
    let (tie, rest) = (number(0), number(4));
    (body.get(8..8 + tie).unwrap_or_default(), body.get(8 + tie..8 + tie + rest).unwrap_or_default())
}

enum Run {
    Disk(BufReader<File>),
    Memory { arena: Vec<u8>, index: std::vec::IntoIter<(i64, u32)> },
}

struct Head {
    key: i64,
    tie: Vec<u8>,
    rest: Vec<u8>,
    run: usize,
}

impl Head {
    /// The next entry of its run; `false` when there is none.
    fn refill(&mut self, run: &mut Run) -> io::Result<bool> {
        match run {
            Run::Memory { arena, index } => {
                let Some((key, at)) = index.next() else { return Ok(false) };
                let (tie, rest) = parts(arena, at);
                self.key = key;
                self.tie.clear();
                self.tie.extend_from_slice(tie);
                self.rest.clear();
                self.rest.extend_from_slice(rest);
            }
            Run::Disk(file) => {
                let mut head = [0u8; 16];
                match file.read_exact(&mut head[..1]) {
                    Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
                    other => other?,
                }
                file.read_exact(&mut head[1..])?;
                let [k0, k1, k2, k3, k4, k5, k6, k7, t0, t1, t2, t3, r0, r1, r2, r3] = head;
                self.key = i64::from_le_bytes([k0, k1, k2, k3, k4, k5, k6, k7]);
                self.tie.resize(u32::from_le_bytes([t0, t1, t2, t3]) as usize, 0);
                self.rest.resize(u32::from_le_bytes([r0, r1, r2, r3]) as usize, 0);
                file.read_exact(&mut self.tie)?;
                file.read_exact(&mut self.rest)?;
            }
        }
        Ok(true)
    }
}

impl Ord for Head {
    /// The heap gives the greatest first: turned round. Runs were made one after the other, so their number keeps order.
    fn cmp(&self, other: &Head) -> Ordering {
        (other.key, &other.tie, other.run).cmp(&(self.key, &self.tie, self.run))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

/// Gives the entries back in order.
pub struct Merge {
    runs: Vec<Run>,
    heap: BinaryHeap<Head>,
    key: i64,
    tie: Vec<u8>,
    rest: Vec<u8>,
}

impl Merge {
    /// # Errors
    /// When a run cannot be read back.
    #[expect(clippy::should_implement_trait, reason = "lends its buffers")]
    pub fn next(&mut self) -> io::Result<Option<Entry<'_>>> {
        let Some(mut top) = self.heap.peek_mut() else { return Ok(None) };
        self.key = top.key;
        std::mem::swap(&mut self.tie, &mut top.tie);
        std::mem::swap(&mut self.rest, &mut top.rest);
        let more = match self.runs.get_mut(top.run) {
            Some(run) => top.refill(run)?,
            None => false,
        };
        if !more {
            PeekMut::pop(top);
        }
        Ok(Some(Entry { key: self.key, tie: &self.tie, rest: &self.rest }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_number_of_runs_gives_the_stable_order(
            list in prop::collection::vec((-3i64..3, prop::collection::vec(0u8..3, 0..3)), 0..300),
            bound in prop_oneof![Just(1usize), Just(200), Just(1 << 20)],
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut sorter = Sorter::new(folder.path().to_owned(), bound);
            let mut want = Vec::new();
            for (i, (key, tie)) in list.into_iter().enumerate() {
                sorter.add(key, &tie, &(i as u32).to_le_bytes()).unwrap();
                want.push((key, tie, i as u32));
            }
            want.sort();
            let mut merge = sorter.finish().unwrap();
            let mut got = Vec::new();
            while let Some(entry) = merge.next().unwrap() {
                got.push((entry.key, entry.tie.to_vec(), u32::from_le_bytes(entry.rest.try_into().unwrap())));
            }
            prop_assert_eq!(got, want);
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}
