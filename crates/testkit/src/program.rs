//! Finding, building and starting `argus-odd`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use it, and a test may fail at any place"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

/// The path of `argus-odd`, next to the program under test. Cargo builds the programs of other packages for a test only
/// when the whole workspace is tested, so it is built here where it is missing or older than its sources.
pub fn odd_program(beside: &str) -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let folder = Path::new(beside).parent().unwrap();
        let program = folder.join("argus-odd");
        if !is_fresh(&program) {
            build(folder);
        }
        program.to_str().unwrap().to_owned()
    })
}

fn is_fresh(program: &Path) -> bool {
    let Ok(built) = program.metadata().and_then(|known| known.modified()) else {
        return false;
    };
    newest(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) < built
}

fn newest(folder: &Path) -> SystemTime {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let changed = if entry.file_type().unwrap().is_dir() {
            self::newest(&entry.path())
        } else {
            entry.metadata().unwrap().modified().unwrap()
        };
        newest = newest.max(changed);
    }
    newest
}

fn build(folder: &Path) {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "dev",
        Some(name) => name,
        None => panic!("{} is no folder of programs", folder.display()),
    };
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--package", "argus-testkit", "--bin", "argus-odd"])
        .args(["--profile", profile, "--target-dir"])
        .arg(folder.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(built.success(), "argus-odd cannot be built");
}

/// An odd backend behind a URL. It ends with this value, and also with the test.
#[derive(Debug)]
pub struct OddServer {
    process: Child,
    url: String,
}

impl OddServer {
    /// Starts `argus-odd` with these arguments and `--http` or `--sse`, and waits until it says where it listens.
    #[must_use]
    pub fn start(program: &str, face: &str, arguments: &[&str]) -> Self {
        let mut process = Command::new(PathBuf::from(program))
            .args(arguments)
            .arg(face)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        assert!(url.starts_with("http://"), "argus-odd {arguments:?} does not serve");
        Self {
            process,
            url: url.trim().to_owned(),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for OddServer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
