//! What was read of the configuration file last, so that whoever looks at it can tell whether it is another one now.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::failure::Failure;

/// A text in short; `None` stands for a file that could not be read.
pub(super) type Content = Option<u64>;

/// What was read last, whoever asked for it. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    last: Arc<Mutex<Content>>,
    /// It was a regular file at the start: it can be read again, and be watched.
    regular: bool,
}

impl Seen {
    pub(super) fn of(file: Option<&Path>) -> Self {
        Self {
            last: Arc::default(),
            // What is not there yet may come.
            regular: file.is_none_or(|file| is_regular(file) || !file.exists()),
        }
    }

    /// Reads it, once, and notes what it is now. A pipe is read to its end.
    pub(super) fn read(&self, file: &Path) -> Result<String, Failure> {
        let read = argus_config::read(file);
        self.note(read.as_ref().ok().map(|text| short(text)));
        Ok(read?)
    }

    /// Why it is not read again: a pipe gives what it has but once, and waiting for more might never end.
    pub(super) fn unreadable(&self, file: &Path) -> Option<Failure> {
        if self.regular && (is_regular(file) || !file.exists()) {
            return None;
        }
        Some(Failure::Runtime(anyhow::anyhow!(
            "{} is no regular file and cannot be read again: restart the gateway for another configuration",
            file.display()
        )))
    }

    /// Whether it can be read again; where not, that is noted as what was found.
    pub(super) fn can_read(&self, file: &Path) -> Result<(), Failure> {
        match self.unreadable(file) {
            None => Ok(()),
            Some(why) => {
                self.note(None);
                Err(why)
            }
        }
    }

    /// Whether it can be another one at some time.
    pub(super) fn can_change(&self) -> bool {
        self.regular
    }

    pub(super) fn last(&self) -> Content {
        *self.lock()
    }

    fn note(&self, content: Content) {
        *self.lock() = content;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Content> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the file is now.
pub(super) fn content(file: &Path) -> Content {
    let text = is_regular(file).then(|| argus_config::read(file))?.ok();
    text.map(|text| short(&text))
}

fn is_regular(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}

fn short(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_what_is_there_until_it_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.yaml");
        let seen = Seen::of(Some(&file));
        assert!(seen.read(&file).is_err());
        assert_eq!((seen.last(), content(&file)), (None, None));
        std::fs::write(&file, "a").unwrap();
        assert_ne!(seen.last(), content(&file));
        assert_eq!(seen.clone().read(&file).unwrap(), "a");
        assert_eq!(seen.last(), content(&file));
        assert!(seen.can_read(&file).is_ok());
        std::fs::write(&file, "b").unwrap();
        assert_ne!(seen.last(), content(&file));
    }

    #[test]
    fn a_pipe_that_takes_the_place_of_the_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, "a").unwrap();
        let seen = Seen::of(Some(&file));
        std::fs::remove_file(&file).unwrap();
        nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(content(&file), None);
        assert!(seen.can_read(&file).is_err());
        assert!(!Seen::of(Some(&file)).can_change());
    }
}
