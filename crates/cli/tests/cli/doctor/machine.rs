//! Troubles of the machine, in name spaces of their own where they need them.

use std::process::Command;

use super::{command, examine, place};
use crate::place::Place;

/// The doctor after a preparation by a shell, which is root over its own mounts.
fn prepared(place: &Place, preparation: &str) -> Command {
    let own = command(place);
    let mut shell = Command::new("unshare");
    shell
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "--pid",
            "--fork",
            "--",
            "sh",
            "-ec",
        ])
        .arg(format!("{preparation}\nexec \"$@\""))
        .arg("sh")
        .arg(own.get_program())
        .args(own.get_args())
        .current_dir(own.get_current_dir().unwrap());
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

#[test]
fn a_disk_that_is_full() {
    let place = place("server: {port: 0}\n");
    let state = place.path("state");
    std::fs::create_dir(&state).unwrap();
    let mount = |size| format!("mount -t tmpfs -o size={size},mode=700 tmpfs {}", state.display());
    let found = examine(&mut prepared(&place, &mount("1m")));
    found.mends("disk", "error", "MiB are free", "ARGUS_STATE_DIR");
    let found = examine(&mut prepared(&place, &mount("64m")));
    found.mends("disk", "warning", "MiB are free", "make room");
}

#[test]
fn too_few_open_files() {
    let backends: String = (0..30)
        .map(|n| format!("  b{n}: {{type: stdio, command: sh}}\n"))
        .collect();
    let place = place(&format!("server: {{port: 0}}\nbackends:\n{backends}"));
    let found = examine(&mut prepared(&place, "ulimit -n 256"));
    found.mends("open files", "error", "256 may be open", "LimitNOFILE");
    let found = examine(&mut prepared(&place, "ulimit -n 1024"));
    found.mends("open files", "warning", "1024 may be open", "ulimit -n");
}

#[test]
fn no_proc() {
    let place = place("server: {port: 0}\n");
    let found = examine(&mut prepared(&place, "mount -t tmpfs tmpfs /proc"));
    found.mends("guard", "error", "no backend can be started", "mount /proc");
}

#[test]
fn no_watches_left() {
    let place = place("server: {port: 0}\n");
    // The limit of this name space only.
    let found = examine(&mut prepared(
        &place,
        "mount -t proc proc /proc; echo 0 > /proc/sys/user/max_inotify_instances",
    ));
    found.mends("file watch", "warning", "only after up to 5 s", "fs.inotify");
    let off = super::place("server: {port: 0}\nfeature_flags: {hot_reload: false}\n");
    let found = examine(&mut command(&off));
    assert!(!found.text.contains("file watch"), "{}", found.text);
}

#[test]
fn no_certificate_authorities() {
    let place = place("server: {port: 0}\n");
    let nothing = place.path("nothing");
    let found = examine(
        command(&place)
            .env("SSL_CERT_FILE", &nothing)
            .env("SSL_CERT_DIR", &nothing),
    );
    found.mends("certificates", "error", "no certificate authority", "ca-certificates");
}

#[test]
fn a_pipe_that_can_be_read_once() {
    let place = place("");
    let pipe = place.path("pipe.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let to = pipe.clone();
    let writing = std::thread::spawn(move || std::fs::write(to, "server: {port: 0}\n"));
    let own = command(&place);
    let mut bounded = Command::new("timeout");
    bounded.arg("30").arg(own.get_program()).args(own.get_args());
    bounded
        .arg("--config")
        .arg(&pipe)
        .env("ARGUS_STATE_DIR", place.path("state"));
    let found = examine(&mut bounded);
    writing.join().unwrap().unwrap();
    assert!(!found.text.contains("file watch"), "{}", found.text);
}

#[test]
fn a_clock_before_the_program() {
    let place = place("server: {port: 0}\n");
    let program = place.path("argus-mcp");
    // Other processes write it: what is open for writing here is so in the child of another test, too, until that is
    // executed itself, and meanwhile the file is "busy".
    let written = |tool: &str, arguments: &[&str]| {
        let done = Command::new(tool).args(arguments).arg(&program).status();
        assert!(done.unwrap().success());
    };
    written("cp", &[env!("CARGO_BIN_EXE_argus-mcp")]);
    let mut copy = Command::new(&program);
    let own = command(&place);
    copy.args(own.get_args())
        .current_dir(own.get_current_dir().unwrap())
        .env("ARGUS_STATE_DIR", place.path("state"));
    examine(&mut copy).has("clock", "ok", "plausible");
    written("touch", &["-d", "tomorrow"]);
    examine(&mut copy).mends("clock", "error", "before this program", "timedatectl");
}
