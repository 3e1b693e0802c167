//! What is told to the other nodes without waiting for an answer: wake-ups and standstills. Gathered for a moment and told in one piece;
//! when Redis is gone it is dropped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::link::Link;
use crate::coordination::Wakes;
use crate::coordination::memory::wakes::MemoryWakes;

pub const WAKES: &str = "wakes";
/// Waiting to be told; more is dropped.
const HELD: usize = 4_096;
/// Wake-ups of one moment are told together.
const GATHER: Duration = Duration::from_millis(2);

/// One thing to tell.
#[derive(Debug)]
pub enum Tell {
    Wake(String),
    /// A field of the standstills' hash: its value, or gone.
    Stand {
        field: String,
        value: Option<String>,
    },
}

pub type Outbox = mpsc::Sender<Tell>;

pub fn open(link: &Link) -> Outbox {
    let (sender, receiver) = mpsc::channel(HELD);
    tokio::spawn(tell(link.weak(), receiver));
    sender
}

async fn tell(weak: super::link::Weak, mut receiver: mpsc::Receiver<Tell>) {
    let mut held = Vec::new();
    while receiver.recv_many(&mut held, HELD).await > 0 {
        let Some(link) = weak.upgrade() else { return };
        let mut names = BTreeSet::new();
        let mut pipe = redis::pipe();
        let stands = link.key(super::standstills::CHANNEL);
        for one in held.drain(..) {
            match one {
                Tell::Wake(name) => {
                    names.insert(name);
                }
                Tell::Stand { field, value } => {
                    match &value {
                        Some(value) => pipe.hset(&stands, &field, value).ignore(),
                        None => pipe.hdel(&stands, &field).ignore(),
                    };
                    let text = format!("{} {field} {}", link.node(), value.as_deref().unwrap_or("-"));
                    pipe.cmd("PUBLISH").arg(&stands).arg(text).ignore();
                }
            }
        }
        if !names.is_empty() {
            let text = names.iter().fold(link.node().to_owned(), |text, name| text + " " + name);
            pipe.cmd("PUBLISH").arg(link.key(WAKES)).arg(text).ignore();
        }
        let _: Result<(), _> = link.pipe(&pipe).await;
        drop(link);
        tokio::time::sleep(GATHER).await;
    }
}

pub struct RedisWakes {
    pub here: Arc<MemoryWakes>,
    pub outbox: Outbox,
}

impl Wakes for RedisWakes {
    fn wake(&self, what: &str) {
        self.here.wake(what);
        let _ = self.outbox.try_send(Tell::Wake(what.to_owned()));
    }

    fn nudge(&self, what: &str) {
        self.here.wake(what);
    }

    fn listen(&self, what: &str) -> Arc<Notify> {
        self.here.listen(what)
    }
}
