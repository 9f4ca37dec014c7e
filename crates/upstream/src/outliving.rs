//! Progress tokens that count beyond the answer to their request: those of tasks (MCP 2025-11-25 "Tasks", "Task progress
//! notifications").

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use argus_protocol::{Raw, token};

/// So many are remembered on one connection; then the oldest one is forgotten.
const MOST: usize = 1000;

/// The callers' tokens by our ids, which stand for them.
#[derive(Debug, Default)]
pub(crate) struct Outliving(Mutex<VecDeque<(u64, Raw)>>);

impl Outliving {
    pub(crate) fn keep(&self, number: u64, token: &Raw) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back((number, token.detached()));
    }

    /// The parameters of a progress notification with the caller's token; `None` where none is remembered for it.
    pub(crate) fn restored(&self, params: &Raw) -> Option<Raw> {
        let number = token::number_of(params)?;
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, token) = kept.iter().find(|(kept, _)| *kept == number)?;
        token::restore(params, token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_given_back_until_there_are_too_many() {
        let kept = Outliving::default();
        for number in 0..=MOST as u64 {
            kept.keep(number, &Raw::string(&format!("t{number}")));
        }
        let progress = |number: u64| Raw::parse(format!(r#"{{"progressToken":{number},"progress":1.0}}"#)).unwrap();
        assert!(kept.restored(&progress(0)).is_none());
        assert_eq!(
            kept.restored(&progress(1)).unwrap().as_str(),
            r#"{"progressToken":"t1","progress":1.0}"#
        );
    }
}
