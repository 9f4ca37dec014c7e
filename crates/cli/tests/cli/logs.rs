//! Where log lines go, and how they look.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use argus_testkit::unused_port;

use crate::operate::world::page;
use crate::place::Place;

/// A file that makes one warning at the start.
const WARNS: &str = "server: {port: 0, management: {token: '${NOT_SET_A}'}}\n";

fn place() -> Place {
    let place = Place::new();
    place.write("config.yaml", WARNS);
    place
}

fn log_files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_log_file_is_written_by_default() {
    let place = place();
    place.serve(&[]).stop();
    let names = log_files(&place.path("logs"));
    let [name] = names.as_slice() else { panic!("{names:?}") };
    let time = name.strip_prefix("argus_").unwrap().strip_suffix(".log").unwrap();
    assert_eq!((time.len(), time.as_bytes()[8]), (15, b'_'), "{name}");
    let text = fs::read_to_string(place.path("logs").join(name)).unwrap();
    assert!(text.contains("NOT_SET_A"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn the_folder_can_be_chosen_or_done_without() {
    let place = place();
    place.serve(&["--log-dir", "deep/er"]).stop();
    assert_eq!(log_files(&place.path("deep/er")).len(), 1);
    place.serve(&["--log-dir", "none"]).stop();
    assert!(!place.path("logs").exists());
    assert!(!place.path("none").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_one_warning() {
    let place = place();
    place.write("logs", "a file where the folder should be");
    let said = place.serve(&[]).stop();
    assert_eq!(said.matches("no log file").count(), 1, "{said}");
    assert!(said.contains("--log-dir"), "{said}");
}

#[test]
fn json_is_one_object_a_line() {
    let said = place().serve(&["--log-format", "json", "--log-dir", "none"]).stop();
    let line = said.lines().find(|line| line.contains("NOT_SET_A")).unwrap();
    assert!(
        line.starts_with('{') && line.ends_with('}') && line.contains(r#""level":"WARN""#),
        "{said}"
    );
}

#[test]
fn quiet_and_verbose_choose_the_level() {
    let place = place();
    let quiet = place.serve(&["-q", "--log-dir", "none"]).stop();
    assert!(quiet.contains("WARN") && !quiet.contains("INFO"), "{quiet}");
    let normal = place.serve(&["--log-dir", "none"]).stop();
    assert!(normal.contains("INFO"), "{normal}");
    let errors = place.serve(&["--log-level", "error", "--log-dir", "none"]).stop();
    assert!(!errors.contains("WARN"), "{errors}");
}

#[test]
fn log_files_are_for_their_owner() {
    let place = place();
    place.serve(&[]).stop();
    let name = &log_files(&place.path("logs"))[0];
    let mode = fs::metadata(place.path("logs").join(name))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[test]
fn lines_that_a_full_disk_does_not_take_are_counted() {
    let (place, port) = (place(), unused_port());
    let mut gateway = place.command(&["server", "--log-dir", "none", "--port", &port.to_string()]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut gateway = gateway.stderr(full).spawn().unwrap();
    let is_counted = || {
        let page = page(port, "/metrics").unwrap_or_default();
        let counted = page
            .lines()
            .find_map(|line| line.strip_prefix("argus_log_lines_lost_total{log=\"stderr\"} "));
        counted.is_some_and(|lost| lost.parse::<u64>().unwrap() > 0)
    };
    let deadline = Instant::now() + Duration::from_secs(15);
    while !is_counted() && Instant::now() < deadline {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let counted = is_counted();
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    assert!(counted, "not even the warning at the start");
}
