//! What backends listed last, kept from one run to the next.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use argus_protocol::Raw;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Hello, Hint, Hints, Lists, State, leftovers};

/// The form of the files; those of another form are ignored.
const VERSION: u32 = 2;
/// Larger files are neither written nor read, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The lists of earlier runs, one file per definition. Losing them costs the first clients a wait.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    folder: Option<PathBuf>,
    /// Whether it was said that they cannot be kept.
    complained: Arc<AtomicBool>,
}

/// What a backend said of itself and listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) hello: Arc<Hello>,
    pub(crate) lists: Arc<Lists>,
}

/// A file.
#[derive(Serialize, Deserialize)]
struct Content<'a> {
    version: u32,
    revision: String,
    #[serde(borrow)]
    capabilities: &'a RawValue,
    #[serde(borrow)]
    server_info: Option<&'a RawValue>,
    instructions: Option<String>,
    hint: Option<Hint>,
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
    #[serde(borrow)]
    resources: Vec<&'a RawValue>,
    #[serde(borrow)]
    templates: Vec<&'a RawValue>,
    #[serde(borrow)]
    prompts: Vec<&'a RawValue>,
    hints: Hints,
}

impl Remembered {
    /// Keeps lists in `folder`, or nowhere.
    #[must_use]
    pub fn in_folder(folder: Option<&Path>) -> Self {
        Self {
            folder: folder.map(|folder| folder.join("lists")),
            complained: Arc::default(),
        }
    }

    /// Removes what is kept of all other definitions than those with these digests.
    pub fn keep_only(&self, digests: &HashSet<String>) {
        if let Some(folder) = &self.folder {
            leftovers::remove(folder, digests);
        }
    }

    /// What is kept under a digest. Anything that cannot be read counts as nothing.
    pub(crate) fn load(&self, digest: &str) -> Option<Known> {
        let text = bounded(&self.file(digest)?).ok()?;
        Content::parse(&text)
    }

    /// Keeps what a backend listed. A failure is logged once, whatever the backend: lists are read anew at each start.
    pub(crate) fn save(&self, digest: &str, known: &Known) {
        let Some(file) = self.file(digest) else { return };
        if let Err(error) = write(&file, known)
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                %error,
                "what backends list cannot be kept for the next start, in {}; the next start waits for them",
                file.parent().unwrap_or(&file).display(),
            );
        }
    }

    fn file(&self, digest: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{digest}.json")))
    }
}

impl Known {
    /// What there is to be kept: not before the backend introduced itself, and not while one of its lists is missing.
    pub(crate) fn of(state: &State) -> Option<Self> {
        let hello = state.hello.clone().filter(|_| !state.lists.incomplete)?;
        Some(Self {
            hello,
            lists: Arc::clone(&state.lists),
        })
    }
}

impl<'a> Content<'a> {
    fn of(known: &'a Known) -> serde_json::Result<Self> {
        let Known { hello, lists } = known;
        let all = |list: &'a [Raw]| list.iter().map(Raw::read).collect::<serde_json::Result<_>>();
        Ok(Self {
            version: VERSION,
            revision: hello.version.clone(),
            capabilities: hello.capabilities.read()?,
            server_info: hello.server_info.as_ref().map(Raw::read).transpose()?,
            instructions: hello.instructions.clone(),
            hint: hello.hint,
            tools: all(&lists.tools)?,
            resources: all(&lists.resources)?,
            templates: all(&lists.templates)?,
            prompts: all(&lists.prompts)?,
            hints: lists.hints,
        })
    }

    fn parse(text: &'a [u8]) -> Option<Known> {
        let content: Self = serde_json::from_slice(text)
            .ok()
            .filter(|one: &Self| one.version == VERSION)?;
        let raw = |value: &RawValue| Raw::parse(value.get().to_owned()).ok();
        let all = |list: &[&RawValue]| list.iter().map(|value| raw(value)).collect::<Option<Vec<_>>>();
        Some(Known {
            hello: Arc::new(Hello {
                version: content.revision,
                capabilities: raw(content.capabilities)?,
                server_info: content.server_info.and_then(raw),
                instructions: content.instructions,
                hint: content.hint,
            }),
            lists: Arc::new(Lists {
                tools: all(&content.tools)?,
                resources: all(&content.resources)?,
                templates: all(&content.templates)?,
                prompts: all(&content.prompts)?,
                hints: content.hints,
                incomplete: false,
            }),
        })
    }
}

/// Reads a file that is not too large.
fn bounded(file: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    std::fs::File::open(file)?.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    within_bounds(&text).map(|()| text)
}

fn within_bounds(text: &[u8]) -> io::Result<()> {
    if text.len() as u64 <= MAX_BYTES {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::FileTooLarge,
        "the file would be larger than 16 MiB",
    ))
}

/// Writes a file as a whole: whoever reads it meanwhile sees the old one. It is for its owner only.
fn write(file: &Path, known: &Known) -> io::Result<()> {
    let text = serde_json::to_vec(&Content::of(known)?)?;
    if let Err(error) = within_bounds(&text) {
        // What is there is out of date now.
        let _ = std::fs::remove_file(file);
        return Err(error);
    }
    if let Some(folder) = file.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let draft = file.with_extension(format!("{}.tmp", std::process::id()));
    let written = draft_at(&draft, &text).and_then(|()| std::fs::rename(&draft, file));
    if written.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    written
}

fn draft_at(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut draft = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    draft.write_all(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::ListHint;

    fn raw(text: &str) -> Raw {
        Raw::parse(text.to_owned()).unwrap()
    }

    fn hint(ttl_ms: u64) -> Hint {
        Hint { ttl_ms, public: true }
    }

    fn known(tool: &str) -> Known {
        Known {
            hello: Arc::new(Hello {
                version: "2025-11-25".to_owned(),
                capabilities: raw(r#"{ "tools": {}, "x":1.0}"#),
                server_info: None,
                instructions: Some("Use\nit.".to_owned()),
                hint: Some(hint(7)),
            }),
            lists: Arc::new(Lists {
                tools: vec![raw(tool), raw(r#"{"name":"\ud800", "n": 1e400}"#)],
                resources: vec![raw(r#"{"uri":"x://1"}"#)],
                templates: vec![raw(r#"{"uriTemplate":"x://{a}"}"#)],
                prompts: vec![raw("{\n \"name\":\"p\"}")],
                hints: Hints {
                    tools: Some(ListHint {
                        given: Some(hint(9)),
                        announced: true,
                    }),
                    prompts: Some(ListHint {
                        given: None,
                        announced: false,
                    }),
                    ..Hints::default()
                },
                incomplete: false,
            }),
        }
    }

    fn store() -> (tempfile::TempDir, Remembered) {
        let folder = tempfile::tempdir().unwrap();
        let store = Remembered::in_folder(Some(folder.path()));
        (folder, store)
    }

    #[test]
    fn lists_outlive_the_process_byte_by_byte() {
        let (folder, store) = store();
        let kept = known(r#"{"name":"t",  "inputSchema":{}}"#);
        assert_eq!(store.load("a"), None);
        store.save("a", &known(r#"{"name":"old"}"#));
        store.save("a", &kept);
        let again = Remembered::in_folder(Some(folder.path()));
        assert_eq!(again.load("a"), Some(kept));
        assert_eq!(again.load("b"), None);
        let names: Vec<_> = std::fs::read_dir(folder.path().join("lists")).unwrap().collect();
        assert_eq!(names.len(), 1, "no draft is left: {names:?}");
        let mode = |path: &str| folder.path().join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("lists"), mode("lists/a.json")), (0o700, 0o600));
    }

    #[test]
    fn junk_and_other_forms_are_ignored() {
        let (folder, store) = store();
        let file = folder.path().join("lists/a.json");
        store.save("a", &known("{}"));
        let good = std::fs::read_to_string(&file).unwrap();
        let other = good.replace(r#""version":2"#, r#""version":1"#);
        for bad in ["", "junk", "[]", &good[..good.len() / 2], &other] {
            std::fs::write(&file, bad).unwrap();
            assert_eq!(store.load("a"), None, "{bad}");
        }
        std::fs::write(&file, format!("{good}{}", " ".repeat(16 * 1024 * 1024))).unwrap();
        assert_eq!(store.load("a"), None);
    }

    #[test]
    fn what_is_too_large_is_not_kept_and_nothing_old_stays() {
        let (folder, store) = store();
        store.save("a", &known("{}"));
        let huge = format!(r#"{{"name":"{}"}}"#, "x".repeat(16 * 1024 * 1024));
        store.save("a", &known(&huge));
        assert_eq!(std::fs::read_dir(folder.path().join("lists")).unwrap().count(), 0);
    }

    #[test]
    fn others_are_removed() {
        let (folder, store) = store();
        let (kept, other) = ("a".repeat(64), "b".repeat(64));
        for digest in [&kept, &other] {
            store.save(digest, &known("{}"));
        }
        std::fs::write(folder.path().join(format!("lists/{kept}.1.tmp")), "half").unwrap();
        store.keep_only(&HashSet::from([kept.clone()]));
        assert!(store.load(&kept).is_some());
        assert_eq!(std::fs::read_dir(folder.path().join("lists")).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_harmless() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lists"), "in the way").unwrap();
        let store = Remembered::in_folder(Some(folder.path()));
        store.save("a", &known("{}"));
        assert!(store.complained.load(Ordering::Relaxed));
        assert_eq!(store.load("a"), None);
        store.keep_only(&HashSet::new());
    }

    #[test]
    fn incomplete_lists_are_not_kept() {
        let good = known("{}");
        let state = |hello: Option<Arc<Hello>>, incomplete| State {
            hello,
            lists: Arc::new(Lists {
                incomplete,
                ..Lists::clone(&good.lists)
            }),
            ..State::pending()
        };
        assert_eq!(
            Known::of(&state(Some(Arc::clone(&good.hello)), false)),
            Some(good.clone())
        );
        assert_eq!(Known::of(&state(Some(Arc::clone(&good.hello)), true)), None);
        assert_eq!(Known::of(&state(None, false)), None);
    }
}
