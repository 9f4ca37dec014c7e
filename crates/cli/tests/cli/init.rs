//! The program as the first process of a container, in a name space of processes of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::place::Place;

/// The program as process 1.
fn first(place: &Place, arguments: &[&str]) -> Command {
    let own = place.command(arguments);
    let mut command = Command::new("unshare");
    command
        .args([
            "--user",
            "--map-root-user",
            "--pid",
            "--mount-proc",
            "--fork",
            "--kill-child",
            "--",
        ])
        .arg(own.get_program())
        .args(own.get_args())
        .current_dir(own.get_current_dir().unwrap())
        .env_remove("ARGUS_CONFIG")
        .stdin(Stdio::null());
    command
}

#[test]
fn it_ends_as_the_program_did() {
    let place = Place::new();
    place
        .write("config.yaml", "version: '1'\n")
        .write("wrong.yaml", "prot: 1\n");
    for (file, code) in [("config.yaml", 0), ("wrong.yaml", 2)] {
        let output = first(&place, &["config", "validate", file]).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
}

/// With it everything in its name space ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The children of a process.
fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let of_each = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("children")).unwrap_or_default());
    let text: String = of_each.collect();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn name(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm"))
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match look() {
            None if Instant::now() < deadline => std::thread::park_timeout(Duration::from_millis(10)),
            found => return found,
        }
    }
}

#[test]
fn it_waits_for_orphans_and_hands_signals_on() {
    let place = Place::new();
    let mut command = first(&place, &["server", "--demo", "--port", "0", "--log-dir", "none"]);
    let spawned = command
        .env("ARGUS_STATE_DIR", place.path("state"))
        .stderr(Stdio::piped())
        .spawn();
    let mut running = Running(spawned.unwrap());
    let unshare = &mut running.0;
    let mut said = BufReader::new(unshare.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("listening on")));
    let rest = std::thread::spawn(move || said.count());

    let init = children(unshare.id().cast_signed())[0];
    let gateway = children(init)[0];
    let guard = eventually(|| children(gateway).into_iter().find(|&pid| name(pid) == "argus-guard")).unwrap();
    let orphan = eventually(|| children(guard).first().copied()).unwrap();
    // Its server has nobody left then but the first process.
    kill(Pid::from_raw(guard), Signal::SIGKILL).unwrap();
    let buried = eventually(|| (!fs::exists(format!("/proc/{orphan}")).unwrap()).then_some(()));
    assert!(buried.is_some(), "{} is left", name(orphan));
    assert_eq!(children(init), [gateway]);

    kill(Pid::from_raw(init), Signal::SIGTERM).unwrap();
    let ended = eventually(|| unshare.try_wait().unwrap());
    assert_eq!(ended.and_then(|status| status.code()), Some(0));
    rest.join().unwrap();
}
