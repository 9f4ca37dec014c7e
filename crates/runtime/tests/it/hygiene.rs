//! What the gateway itself must not pile up.

use std::process::Command;
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::Pid;

use crate::support::{FIXTURE, SOON, assert_reaped, pid, sh, spawn, spec, until};

#[test]
fn a_hundred_servers_leave_no_descriptor_and_no_child() {
    let output = Command::new(FIXTURE).args(["cycle", "100"]).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<usize> = shown.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [before, after, children] = numbers[..] else {
        panic!("{shown:?}")
    };
    assert_eq!(before, after, "descriptors before and after");
    assert_eq!(children, 0, "children left");
}

#[tokio::test]
async fn a_server_that_ended_unnoticed_is_no_zombie() {
    let child = spawn(&sh("exit 0")).await;
    assert_reaped("the server", pid(child.id())).await;
    assert_reaped("the guard", pid(child.guard_id())).await;
    drop(child);
}

#[tokio::test]
async fn an_orphan_below_the_server_is_reaped() {
    let mut child = spawn(&sh("(sh -c 'echo $$; sleep 0.1' &) ; exec sleep 1000")).await;
    let [orphan] = crate::support::pids_from(&mut child).await;
    assert_reaped("the orphan", orphan).await;
}

#[tokio::test]
async fn twenty_at_once_all_start() {
    let starting: Vec<_> = (0..20)
        .map(|_| {
            let mut spec = spec("cat", &[]);
            spec.stop.after_eof = Duration::from_secs(60);
            tokio::spawn(async move { spawn(&spec).await })
        })
        .collect();
    for child in starting {
        assert!(child.await.unwrap().stop().await.success());
    }
}

#[tokio::test]
async fn a_guard_is_small_and_has_no_environment() {
    let child = spawn(&spec("sleep", &["1000"])).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.guard_id())).unwrap();
    let field = |name: &str| -> usize {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    assert_eq!(field("Threads:"), 1);
    assert!(field("RssAnon:") < 1024, "{status}");
    assert!(status.starts_with("Name:\targus-guard\n"), "{status}");
    let environ = std::fs::read(format!("/proc/{}/environ", child.guard_id())).unwrap();
    assert_eq!(environ, b"", "{}", String::from_utf8_lossy(&environ));
}

#[test]
fn a_signal_that_was_ignored_for_the_gateway_works_for_the_server() {
    // As `nohup` and a background job of a shell do it.
    let script = "trap '' HUP INT CHLD; exec \"$0\" gateway sh -c 'grep SigIgn /proc/self/status; true'";
    let output = Command::new("sh").args(["-c", script, FIXTURE]).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let ignored = shown.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
    // The first 31; the C library keeps some of the others for itself.
    assert_eq!(u64::from_str_radix(ignored, 16).unwrap() & 0x7fff_ffff, 0, "{shown}");
}

/// What descriptors of a process lead to, sorted.
fn descriptors(process: Pid) -> Vec<String> {
    let mut targets: Vec<_> = std::fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .map(|target| {
            target
                .to_string_lossy()
                .split(':')
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    targets.sort();
    targets
}

#[tokio::test]
async fn server_and_guard_hold_only_their_own_descriptors() {
    // One descriptor of the gateway is not closed on exec, as it happens when its starter was careless.
    let careless = std::fs::File::open("/dev/zero").unwrap();
    fcntl(&careless, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let mut other = spawn(&spec("sleep", &["1000"])).await;
    let child = spawn(&spec("sleep", &["1000"])).await;
    for (process, expected) in [
        (child.id(), ["pipe", "pipe", "pipe"].as_slice()),
        (
            child.guard_id(),
            &["/dev/null", "/dev/null", "/dev/null", "anon_inode", "socket"],
        ),
    ] {
        // A program that is just being executed opens its libraries, and closes them again.
        let shown = || descriptors(pid(process));
        let settled = until(SOON, || shown() == expected && shown() == expected).await;
        assert!(settled, "{:?} instead of {expected:?}", shown());
    }
    drop((child, other.take_stdin()));
}
