//! What the tests share: a fixed environment and the fixtures.

use std::fs;
use std::path::{Path, PathBuf};

use argus_config::{Loaded, Mode, Report};

/// The variables that fixtures may rely on.
pub(crate) fn environment(name: &str) -> Option<String> {
    let value = match name {
        "TOKEN" => "hunter2-hunter3-hunter4",
        "ON" => "true",
        "EMPTY" => "",
        "WORD" => "banana",
        "PORT" => "8081",
        _ => return None,
    };
    Some(value.to_owned())
}

/// Checks a text as if it were `config.yaml` in `/etc/argus`.
pub(crate) fn check(text: &str, mode: Mode) -> Result<Loaded, Report> {
    argus_config::check("config.yaml", text, Path::new("/etc/argus"), &environment, mode)
}

/// Name and text of every fixture of a folder, by name.
pub(crate) fn fixtures(folder: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    paths
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap()))
        .collect()
}
