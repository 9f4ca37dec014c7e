//! The ids of events: `evt_`, the run of the gateway, the number of the event in it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const PREFIX: &str = "evt_";
/// Hexadecimal digits of the start's milliseconds, of a random number, and of the event's number. The width is fixed, so
/// that ids are in the order of the events also as text.
const RUN: usize = 16;
const NUMBER: usize = 10;

/// One run of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run(u64);

impl Run {
    /// A run that begins now. Two that begin in the same millisecond differ by chance.
    pub(super) fn begin() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since_1970.as_millis()).unwrap_or_default();
        let mut random = [0; 2];
        // Without random numbers the time has to do.
        let _ = getrandom::fill(&mut random);
        Self(millis << 16 | u64::from(u16::from_be_bytes(random)))
    }

    /// The id of an event of this run.
    pub(super) fn id(self, number: u64) -> impl fmt::Display {
        let run = self.0;
        fmt::from_fn(move |f| write!(f, "{PREFIX}{run:0RUN$x}{number:0NUMBER$x}"))
    }

    /// The number of an event of this run; `None` for an id of another run, or of no event at all.
    pub(super) fn number(self, id: &str) -> Option<u64> {
        let digits = id.strip_prefix(PREFIX).filter(|digits| digits.is_ascii())?;
        let (run, number) = digits.split_at_checked(RUN)?;
        let number = u64::from_str_radix(number, 16).ok()?;
        (format!("{:0RUN$x}", self.0) == run).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_again_and_in_order() {
        let run = Run(0x19a_bcde_f012_3456);
        let ids = [1, 9, 10, 0xffff].map(|number| run.id(number).to_string());
        assert_eq!(ids[0], "evt_019abcdef01234560000000001");
        assert!(ids.is_sorted());
        assert_eq!(
            ids.map(|id| run.number(&id)),
            [Some(1), Some(9), Some(10), Some(0xffff)]
        );
    }

    #[test]
    fn other_ids_are_not_of_this_run() {
        let run = Run::begin();
        let id = run.id(7).to_string();
        let other = Run(run.0 ^ 1).id(7).to_string();
        let cut = &id[..20];
        for odd in ["", "evt_", "7", cut, &id[4..], &other, "evt_é", &id.to_uppercase()] {
            assert_eq!(run.number(odd), None, "{odd}");
        }
    }
}
