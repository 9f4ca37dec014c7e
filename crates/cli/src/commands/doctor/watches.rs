//! Whether the configuration file can be watched.

use std::path::Path;

use notify::{RecursiveMode, Watcher};

use super::finding::Finding;

const NAME: &str = "file watch";

pub(super) fn check(file: &Path) -> Finding {
    let folder = std::path::absolute(file).ok();
    let folder = folder.as_deref().and_then(Path::parent).unwrap_or(Path::new("/"));
    let watched =
        notify::recommended_watcher(|_| {}).and_then(|mut watcher| watcher.watch(folder, RecursiveMode::NonRecursive));
    match watched {
        Ok(()) => Finding::ok(NAME, "changes of the configuration file are noticed"),
        Err(error) => Finding::warning(
            NAME,
            format!("changes of the configuration file are noticed only after up to 5 s: {error}"),
            "raise fs.inotify.max_user_instances and fs.inotify.max_user_watches with sysctl to have them at once",
        ),
    }
}
