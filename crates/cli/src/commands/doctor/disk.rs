//! Space for the data folder.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::finding::Finding;

const NAME: &str = "disk";
/// Less than that is soon used up: the journal and the lists of backends have some MiB.
const LITTLE: u64 = 256 << 20;
/// With less than that nothing can be kept.
const NONE: u64 = 8 << 20;

pub(super) fn check(data: Option<&Path>) -> Option<Finding> {
    // Where it is, or will be.
    let place = data?.ancestors().find(|folder| folder.exists())?;
    let about = match statvfs(place) {
        Ok(about) => about,
        Err(error) => {
            let message = format!("the free space at {} cannot be told: {error}", place.display());
            return Some(Finding::warning(NAME, message, "see that the folder is there"));
        }
    };
    #[allow(clippy::useless_conversion, reason = "the numbers are shorter on other systems")]
    let free = u64::from(about.blocks_available()) * u64::from(about.fragment_size());
    let message = format!("{} MiB are free at {}", free >> 20, place.display());
    let remedy = "make room there, or set ARGUS_STATE_DIR to a folder on another disk";
    Some(match free {
        ..NONE => Finding::error(NAME, message, remedy),
        NONE..LITTLE => Finding::warning(NAME, message, remedy),
        LITTLE.. => Finding::ok(NAME, message),
    })
}
