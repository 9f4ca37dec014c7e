//! Requests that wait until others are answered. What is no request passes them: the endpoint may need an answer of the
//! client to go on, and a cancellation makes room.

use std::collections::VecDeque;

use argus_protocol::Id;
use bytes::Bytes;

/// So many requests, and so many bytes of them, wait; then the client does.
const MOST: usize = 1000;
const MOST_BYTES: usize = 16 << 20;

/// Requests that wait, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Held {
    lines: VecDeque<(Vec<Id>, Bytes)>,
    bytes: usize,
}

impl Held {
    /// Adds a line that asks for these ids.
    pub(super) fn push(&mut self, ids: Vec<Id>, line: Bytes) {
        self.bytes += line.len();
        self.lines.push_back((ids, line));
    }

    /// The line that has waited for longest.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let (_, line) = self.lines.pop_front()?;
        self.bytes -= line.len();
        Some(line)
    }

    /// The client does not want this request any more; `true` where it was not sent yet, and never will be.
    pub(super) fn remove(&mut self, id: &Id) -> bool {
        let Some(at) = self.lines.iter().position(|(ids, _)| *ids == [id.clone()]) else {
            return false;
        };
        if let Some((_, line)) = self.lines.remove(at) {
            self.bytes -= line.len();
        }
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether nothing more may be added.
    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= MOST || self.bytes >= MOST_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(held: &mut Held, id: u64, size: usize) {
        held.push(vec![Id::number(id)], Bytes::from(vec![b' '; size]));
    }

    #[test]
    fn in_order_and_without_those_that_were_cancelled() {
        let mut held = Held::default();
        for id in 1..=3 {
            push(&mut held, id, usize::try_from(id).unwrap());
        }
        assert!(held.remove(&Id::number(2)) && !held.remove(&Id::number(2)) && !held.remove(&Id::number(9)));
        assert_eq!(held.pop().unwrap().len(), 1);
        assert_eq!(held.pop().unwrap().len(), 3);
        assert!(held.pop().is_none() && held.is_empty() && held.bytes == 0);
    }

    #[test]
    fn within_bounds() {
        let mut many = Held::default();
        (0..1000).for_each(|id| push(&mut many, id, 1));
        assert!(many.is_full());
        many.pop();
        assert!(!many.is_full());
        let mut large = Held::default();
        push(&mut large, 1, MOST_BYTES);
        assert!(large.is_full() && large.remove(&Id::number(1)) && !large.is_full());
    }
}
