//! The notes: small texts by id, which a tool writes and the resources show.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::locked::locked;

/// No more notes than this, so that a client cannot fill the memory.
const MOST: usize = 100;
/// No note longer than this, in bytes.
const LONGEST: usize = 64 * 1024;

/// All notes, in the order of their ids.
pub(super) struct Notes(Mutex<BTreeMap<String, String>>);

/// What writing a note did.
#[derive(Debug, PartialEq)]
pub(super) enum Written {
    /// The note is new.
    Added,
    /// The note has another text now.
    Changed,
    /// The note had this text already.
    Same,
}

impl Default for Notes {
    fn default() -> Self {
        let first = [
            ("welcome", "Notes are resources. Change one with the tool `write_note`."),
            ("groceries", "Bread"),
        ];
        Self(Mutex::new(
            first
                .into_iter()
                .map(|(id, text)| (id.to_owned(), text.to_owned()))
                .collect(),
        ))
    }
}

impl Notes {
    /// The ids, in order.
    pub(super) fn ids(&self) -> Vec<String> {
        locked(&self.0).keys().cloned().collect()
    }

    /// The text of a note.
    pub(super) fn text(&self, id: &str) -> Option<String> {
        locked(&self.0).get(id).cloned()
    }

    /// Writes a note, or says why not.
    pub(super) fn write(&self, id: &str, text: &str) -> Result<Written, String> {
        if id.is_empty()
            || id.len() > 64
            || !id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        {
            return Err("the id of a note is 1 to 64 letters, digits, `-` or `_`".to_owned());
        }
        if text.len() > LONGEST {
            return Err(format!("a note holds at most {LONGEST} bytes"));
        }
        let mut notes = locked(&self.0);
        if notes.len() >= MOST && !notes.contains_key(id) {
            return Err(format!(
                "there are {MOST} notes already, which is all there is room for"
            ));
        }
        Ok(match notes.insert(id.to_owned(), text.to_owned()) {
            None => Written::Added,
            Some(before) if before == text => Written::Same,
            Some(_) => Written::Changed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_tells_what_it_did() {
        let notes = Notes::default();
        assert_eq!(notes.write("a", "1"), Ok(Written::Added));
        assert_eq!(notes.write("a", "2"), Ok(Written::Changed));
        assert_eq!(notes.write("a", "2"), Ok(Written::Same));
        assert_eq!(notes.ids(), ["a", "groceries", "welcome"]);
    }

    #[test]
    fn there_is_a_limit_to_everything() {
        let notes = Notes::default();
        assert!(notes.write("", "").is_err());
        assert!(notes.write("a/b", "").is_err());
        assert!(notes.write("a", &"x".repeat(LONGEST + 1)).is_err());
        for number in 0..MOST {
            let _ = notes.write(&format!("n{number}"), "");
        }
        assert_eq!(notes.ids().len(), MOST);
        assert!(notes.write("one-more", "").is_err());
        assert_eq!(notes.write("n0", "still writable"), Ok(Written::Changed));
    }
}
