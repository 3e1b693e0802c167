//! Whether the nodes of a store meet in the same place: the store has a name, and the place keeps it. A place without a name was emptied,
//! or is another one; who is alive on the store tells which, for living nodes move its pulse and put the name back at once.

/// What a node saw in one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// The store's name and pulse, and whether it was named by this look.
    pub store: &'a str,
    pub beats: i64,
    pub fresh: bool,
    /// The name in the place; `None` = nobody can be asked.
    pub place: Option<Option<String>>,
    /// Other nodes are alive in the place.
    pub others: bool,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same place.
    Met,
    /// Nobody is here: the place takes the store's name. `replace` = in place of another.
    Take { replace: bool },
    /// It was emptied under us: it gets the name back.
    Restore,
    /// Look again.
    Wait,
    /// Nobody can be asked.
    Unknown,
    /// Others work on this store and meet elsewhere.
    Elsewhere,
    /// Nodes of another store meet here.
    Strangers,
}

/// Looks in a row without a pulse after which nobody is alive; more than a living node lets pass between two beats.
const QUIET: u32 = 4;
/// Looks that found the pulse moved and the name not put back.
const MOVED: u32 = 2;
/// Looks that found strangers: a node that was killed counts as alive for a while.
const STRANGE: u32 = 6;

#[derive(Clone, Debug, Default)]
pub struct Meeting {
    /// This node was in the right place before.
    met: bool,
    beats: Option<i64>,
    quiet: u32,
    moved: u32,
    strange: u32,
}

impl Meeting {
    /// One look, about as far from the last as two heartbeats are. Pure.
    pub fn look(&mut self, seen: &Seen<'_>) -> Verdict {
        let Some(place) = &seen.place else { return Verdict::Unknown };
        match place.as_deref() {
            Some(name) if name == seen.store => {
                *self = Meeting { met: true, ..Meeting::default() };
                Verdict::Met
            }
            Some(_) if !seen.others => Verdict::Take { replace: true },
            Some(_) => {
                self.strange += 1;
                if self.strange >= STRANGE { Verdict::Strangers } else { Verdict::Wait }
            }
            None if self.met => Verdict::Restore,
            None if seen.fresh => Verdict::Take { replace: false },
            None => {
                match self.beats.replace(seen.beats) {
                    None => {}
                    Some(before) if before == seen.beats => self.quiet += 1,
                    Some(_) => (self.moved, self.quiet) = (self.moved + 1, 0),
                }
                if self.moved >= MOVED {
                    Verdict::Elsewhere
                } else if self.quiet >= QUIET {
                    Verdict::Take { replace: false }
                } else {
                    Verdict::Wait
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(beats: i64, place: Option<Option<&str>>) -> Seen<'static> {
        Seen { store: "s", beats, fresh: false, place: place.map(|name| name.map(str::to_owned)), others: false }
    }

    #[test]
    fn a_new_store_names_its_place_and_the_next_node_meets_it() {
        let fresh = Seen { fresh: true, ..seen(0, Some(None)) };
        assert_eq!(Meeting::default().look(&fresh), Verdict::Take { replace: false });
        assert_eq!(Meeting::default().look(&seen(1, Some(Some("s")))), Verdict::Met);
        assert_eq!(Meeting::default().look(&seen(1, None)), Verdict::Unknown);
    }

    #[test]
    fn an_empty_place_while_others_live_is_another_place() {
        let mut meeting = Meeting::default();
        assert_eq!(meeting.look(&seen(7, Some(None))), Verdict::Wait);
        assert_eq!(meeting.look(&seen(8, Some(None))), Verdict::Wait);
        assert_eq!(meeting.look(&seen(9, Some(None))), Verdict::Elsewhere);
    }

    #[test]
    fn an_emptied_place_is_named_again_by_who_lives_or_by_the_first_who_comes() {
        let mut meeting = Meeting::default();
        assert_eq!(meeting.look(&seen(7, Some(None))), Verdict::Wait);
        assert_eq!(meeting.look(&seen(8, Some(Some("s")))), Verdict::Met, "a living node put it back");
        assert_eq!(meeting.look(&seen(9, Some(None))), Verdict::Restore, "now it is one itself");
        let mut meeting = Meeting::default();
        let looks: Vec<Verdict> = (0..=QUIET).map(|_| meeting.look(&seen(8, Some(None)))).collect();
        assert_eq!(looks.last(), Some(&Verdict::Take { replace: false }), "nobody lives: {looks:?}");
        assert!(looks.iter().rev().skip(1).all(|v| *v == Verdict::Wait));
    }

    #[test]
    fn a_place_of_another_store_is_taken_when_nobody_is_there() {
        assert_eq!(Meeting::default().look(&seen(0, Some(Some("t")))), Verdict::Take { replace: true });
        let mut meeting = Meeting::default();
        let crowded = Seen { others: true, ..seen(0, Some(Some("t"))) };
        let looks: Vec<Verdict> = (0..STRANGE).map(|_| meeting.look(&crowded)).collect();
        assert_eq!((looks[0], looks.last()), (Verdict::Wait, Some(&Verdict::Strangers)));
    }
}
