//! The configuration file is watched: when it is another one, and stays so for a moment, it is loaded.
//!
//! Editors do not write into a file but put another one in its place, and a config map is a link to a link: so the folders
//! are watched that hold the file, and the links on the way to it. What counts is the content: is it another one than what
//! was read last, by whomever? As not every file system says what happens in it, the file is looked at now and then, too.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use argus_server::Reloader;
use notify::event::EventKind;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::seen::{Content, Seen, content};

/// A file that did not change for so long is whole.
const DEBOUNCE: Duration = Duration::from_millis(500);
/// The file is looked at so often when nobody says that something happened to it.
const LOOK: Duration = Duration::from_secs(5);
/// Links to links, at most.
const MAX_LINKS: usize = 16;

/// Reloads whenever the file is another one, for as long as reloading is switched on.
pub(super) async fn run(file: PathBuf, seen: Seen, reloader: Reloader) {
    let (stirred, mut stirring) = mpsc::channel(1);
    // Where nothing can be watched, this one keeps the channel open.
    let _open = stirred.clone();
    let Ok(folders) = spawn_blocking(move || Folders::new(stirred)).await else {
        return;
    };
    let watched = Watched {
        file: file.into(),
        folders: Arc::new(Mutex::new(folders)),
    };
    while let Ok(now) = watched.look().await {
        if now == seen.last() {
            // Whatever happens in the folder, it is not looked at more often.
            sleep(DEBOUNCE).await;
            let _ = timeout(LOOK, stirring.recv()).await;
            continue;
        }
        let Ok(settled) = watched.settled(now).await else {
            return;
        };
        if settled == seen.last() {
            continue;
        }
        tracing::info!("the configuration file is another one and is read");
        // What is wrong with it is logged where it is found.
        if reloader.reload().await.is_err() || !reloader.is_enabled() {
            tracing::info!("the configuration file is not watched any more (feature_flags.hot_reload)");
            return;
        }
    }
}

/// The file, and the folders that tell of it.
struct Watched {
    file: Arc<Path>,
    /// Locked by who looks, on a thread that may wait for the disk.
    folders: Arc<Mutex<Folders>>,
}

impl Watched {
    /// What the file is now; from before that on, its folders tell of changes.
    async fn look(&self) -> Result<Content, JoinError> {
        let (file, folders) = (Arc::clone(&self.file), Arc::clone(&self.folders));
        spawn_blocking(move || {
            folders.lock().unwrap_or_else(PoisonError::into_inner).follow(&file);
            content(&file)
        })
        .await
    }

    /// What it is once it has been the same for long enough.
    async fn settled(&self, mut now: Content) -> Result<Content, JoinError> {
        loop {
            sleep(DEBOUNCE).await;
            let then = std::mem::replace(&mut now, self.look().await?);
            if then == now {
                return Ok(now);
            }
        }
    }
}

/// The folders that are watched.
struct Folders {
    /// `None` where the system cannot watch.
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, Identity>,
    /// Those of which it was said that they cannot be watched.
    told: BTreeSet<PathBuf>,
}

/// Which folder it is that has a path: another one may take its place. (A number may be given to another one, too, but
/// not at the same time.)
type Identity = (u64, u64, Option<SystemTime>);

impl Folders {
    /// Sends whenever something happens in one of the folders. One that waits stands for all.
    fn new(stirred: mpsc::Sender<()>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let read = matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_)));
            if !read {
                let _ = stirred.try_send(());
            }
        });
        let watcher = watcher.map_err(|error| tracing::warn!("folders cannot be watched: {error}; {INSTEAD}"));
        Self {
            watcher: watcher.ok(),
            watched: BTreeMap::new(),
            told: BTreeSet::new(),
        }
    }

    /// Watches the folders that hold the file and the links to it as they are now.
    fn follow(&mut self, file: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
        // One that is not there is watched once it is.
        let there = |folder: PathBuf| identity(&folder).map(|identity| (folder, identity));
        let wanted: BTreeMap<_, _> = folders_of(file).into_iter().filter_map(there).collect();
        self.watched.retain(|folder, watched| {
            let stays = wanted.get(folder) == Some(watched);
            if !stays {
                // One that is there no more is watched no more anyway.
                let _ = watcher.unwatch(folder);
            }
            stays
        });
        for (folder, identity) in wanted {
            if self.watched.contains_key(&folder) {
                continue;
            }
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.watched.insert(folder, identity)),
                Err(error) if self.told.insert(folder.clone()) => {
                    tracing::warn!("{} cannot be watched: {error}; {INSTEAD}", folder.display());
                }
                Err(_) => {}
            }
        }
    }
}

/// What is done where nothing can be watched.
const INSTEAD: &str = "the configuration file is looked at every 5 s instead";

fn identity(folder: &Path) -> Option<Identity> {
    let metadata = folder.metadata().ok()?;
    Some((metadata.dev(), metadata.ino(), metadata.created().ok()))
}

/// The folder of a file, and of each link on the way to it: the file may be a link, and so may the folders in its path.
fn folders_of(file: &Path) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    let mut path = file.to_owned();
    for _ in 0..MAX_LINKS {
        folders.extend(path.parent().map(Path::to_owned));
        // The deepest part of the path that is a link: what it stands for is looked at next.
        let link = path.ancestors().find(|part| part.is_symlink());
        let Some((link, target)) = link.and_then(|link| Some((link, std::fs::read_link(link).ok()?))) else {
            break;
        };
        folders.extend(link.parent().map(Path::to_owned));
        let Ok(rest) = path.strip_prefix(link) else { break };
        let stands_for = link.parent().unwrap_or(Path::new("/")).join(target);
        path = match rest.as_os_str().is_empty() {
            true => stands_for,
            false => stands_for.join(rest),
        };
    }
    folders
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_folders_of_all_links_are_watched() {
        let made = tempfile::tempdir().unwrap();
        let folder = made.path().canonicalize().unwrap();
        // As a config map is mounted.
        std::fs::create_dir(folder.join("..1")).unwrap();
        std::fs::write(folder.join("..1/config.yaml"), "").unwrap();
        symlink("..1", folder.join("..data")).unwrap();
        symlink("..data/config.yaml", folder.join("config.yaml")).unwrap();
        let found = folders_of(&folder.join("config.yaml"));
        let expected = [folder.clone(), folder.join("..1"), folder.join("..data")];
        assert_eq!(found, BTreeSet::from(expected));
        assert_eq!(folders_of(&folder.join("other.yaml")), BTreeSet::from([folder]));
    }

    #[tokio::test]
    async fn a_folder_that_takes_the_place_of_another_one_is_watched() {
        let made = tempfile::tempdir().unwrap();
        let made = made.path().canonicalize().unwrap();
        let (folder, aside) = (made.join("conf"), made.join("conf.old"));
        let file = folder.join("config.yaml");
        let (stirred, mut stirring) = mpsc::channel(1);
        let mut folders = Folders::new(stirred);
        let mut stirs = async |what: &str| {
            let heard = timeout(Duration::from_secs(20), stirring.recv()).await;
            assert!(heard.is_ok(), "{what} is not heard of");
            // The rest of it.
            while timeout(Duration::from_millis(300), stirring.recv()).await.is_ok() {}
        };
        std::fs::create_dir(&folder).unwrap();
        folders.follow(&file);
        std::fs::write(&file, "a").unwrap();
        stirs("the first file").await;
        std::fs::rename(&folder, &aside).unwrap();
        std::fs::create_dir(&folder).unwrap();
        folders.follow(&file);
        std::fs::write(&file, "b").unwrap();
        stirs("the file of the folder that was moved there").await;
        std::fs::remove_dir_all(&folder).unwrap();
        folders.follow(&file);
        std::fs::create_dir(&folder).unwrap();
        folders.follow(&file);
        std::fs::write(&file, "c").unwrap();
        stirs("the file of the folder that was made anew").await;
    }

    #[test]
    fn links_in_a_circle_end() {
        let folder = tempfile::tempdir().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        assert!(!folders_of(&folder.path().join("a")).is_empty());
    }
}
