//! The ids of events: `evt_`, the run of the gateway, the number of the event in it.

use std::fmt;

use argus_upstream::Run;

const PREFIX: &str = "evt_";
/// Hexadecimal digits of the event's number. The width is fixed, so that ids are in the order of the events also as text.
const NUMBER: usize = 10;

/// The id of an event of this run.
pub(super) fn id(run: Run, number: u64) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{PREFIX}{run}{number:0NUMBER$x}"))
}

/// The number of an event of this run; `None` for an id of another run, or of no event at all.
pub(super) fn number(run: Run, id: &str) -> Option<u64> {
    let digits = id.strip_prefix(PREFIX).filter(|digits| digits.is_ascii())?;
    let (of, number) = digits.split_at_checked(Run::WIDTH)?;
    let number = u64::from_str_radix(number, 16).ok()?;
    run.is(of).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: u64 = 0x19a_bcde_f012_3456;

    #[test]
    fn ids_are_found_again_and_in_order() {
        let run = Run::from(RUN);
        let ids = [1, 9, 10, 0xffff].map(|number| id(run, number).to_string());
        assert_eq!(ids[0], "evt_019abcdef01234560000000001");
        assert!(ids.is_sorted());
        assert_eq!(
            ids.map(|id| number(run, &id)),
            [Some(1), Some(9), Some(10), Some(0xffff)]
        );
    }

    #[test]
    fn other_ids_are_not_of_this_run() {
        let run = Run::from(RUN);
        let this = id(run, 7).to_string();
        let other = id(Run::from(RUN ^ 1), 7).to_string();
        let cut = &this[..20];
        for odd in ["", "evt_", "7", cut, &this[4..], &other, "evt_é", &this.to_uppercase()] {
            assert_eq!(number(run, odd), None, "{odd}");
        }
    }
}
