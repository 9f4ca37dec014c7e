//! One who stops a gateway after the other: a second signal would end it at once, with the calls in flight.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::Name;
use super::claim::locked;

/// Held by whoever tells a gateway to stop, until the gateway says that it does.
#[derive(Debug)]
pub(crate) struct Turn {
    _file: File,
    path: PathBuf,
}

impl Turn {
    /// Waits until nobody else has it.
    ///
    /// # Errors
    /// When there can be no such file.
    pub(crate) async fn of(folder: &Path, name: &Name) -> io::Result<Self> {
        let path = folder.join(format!("{name}.stop"));
        loop {
            if let Some(file) = locked(&path, 1).await? {
                return Ok(Self { _file: file, path });
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Who waits for it finds that it is another one.
        drop(std::fs::remove_file(&self.path));
    }
}
