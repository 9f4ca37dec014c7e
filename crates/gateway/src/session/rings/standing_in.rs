//! Readers that stay away without leaving: somebody listens to the source in their place until they read on.

use std::sync::Arc;

use super::{Ring, Rings, Turn};
use crate::session::listener::Source;

/// Who listens in the place of a reader: to what, with which turn, after which event.
pub(in crate::session) struct StandIn {
    pub(in crate::session) source: Arc<Source>,
    pub(in crate::session) turn: Turn,
    pub(in crate::session) read: u64,
}

impl Rings {
    /// Whether the readers have to be looked after, and nobody does yet.
    pub(in crate::session) fn watch(&mut self) -> bool {
        !std::mem::replace(&mut self.watched, true)
    }

    /// Looks for readers that stay away; gives who has to listen in their place. `None` when nobody reads.
    pub(in crate::session) fn look(&mut self) -> Option<Vec<StandIn>> {
        let mut stand_ins = Vec::new();
        self.watched = false;
        for (stream, ring) in self.kept.iter_mut().filter(|(_, ring)| ring.is_read()) {
            self.watched = true;
            if ring.absent.is_none() && ring.presence.look() {
                ring.absent = Some(ring.turn);
                ring.turn += 1;
                stand_ins.push(StandIn {
                    source: Arc::clone(&ring.source),
                    turn: Turn {
                        stream: *stream,
                        turn: ring.turn,
                    },
                    read: ring.last,
                });
            }
        }
        self.watched.then_some(stand_ins)
    }

    /// A reader reads on that somebody stands in for: gives its new turn. `None` when nobody does.
    pub(in crate::session) fn come_back(&mut self, turn: Turn) -> Option<Turn> {
        let ring = self.kept.get_mut(&turn.stream)?;
        ring.absent.take_if(|absent| *absent == turn.turn)?;
        ring.turn += 1;
        if let Some(stand_in) = ring.reader.take() {
            stand_in.wake();
        }
        Some(Turn {
            stream: turn.stream,
            turn: ring.turn,
        })
    }
}

#[cfg(test)]
impl Rings {
    pub(in crate::session) fn is_stood_in(&self) -> bool {
        self.kept.values().any(|ring| ring.absent.is_some())
    }
}

impl Ring {
    /// Whether a client reads it, and there may be more to come.
    fn is_read(&self) -> bool {
        self.away.is_none() && !self.ended
    }
}
