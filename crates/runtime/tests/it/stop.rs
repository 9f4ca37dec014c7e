//! Stopping in order, step by step, and dropping.

use std::time::{Duration, Instant};

use argus_runtime::{Exit, Spec};
use nix::sys::signal::{Signal, kill};
use tokio::io::AsyncReadExt;

use crate::support::{assert_gone, assert_reaped, pid, pids_from, runs, sh, spawn, spec};

const BY_KILL: Exit = Exit {
    code: None,
    signal: Some(9),
};
const BY_TERM: Exit = Exit {
    code: None,
    signal: Some(15),
};

/// As long as a machine that is busy with something else may take for what needs no time at all.
const LONG: Duration = Duration::from_secs(60);

/// Starts, waits for the server's word "ready", stops, and says how long that took and how it ended.
async fn stopped(spec: &Spec) -> (Duration, Exit) {
    let mut child = spawn(spec).await;
    let (server, guard) = (pid(child.id()), pid(child.guard_id()));
    child.take_stdout().unwrap().read_exact(&mut [0; 6]).await.unwrap();
    let start = Instant::now();
    let exit = child.stop().await;
    let took = start.elapsed();
    assert!(!runs(server), "the server outlives its stop");
    assert_reaped("the guard", guard).await;
    (took, exit)
}

#[tokio::test]
async fn the_end_of_input_is_enough_for_most() {
    let mut spec = sh("echo ready; cat; exit 3");
    spec.stop.after_eof = LONG;
    let (took, exit) = stopped(&spec).await;
    assert_eq!(
        exit,
        Exit {
            code: Some(3),
            signal: None
        }
    );
    assert!(took < LONG, "{took:?}");
}

#[tokio::test]
async fn a_server_that_ignores_the_end_of_input_is_terminated() {
    let (took, exit) = stopped(&sh("echo ready; exec sleep 1000")).await;
    assert_eq!(exit, BY_TERM);
    assert!(took >= Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_server_may_clean_up_at_sigterm() {
    let mut spec = sh("trap 'sleep 0.6; exit 5' TERM; echo ready; sleep 1000 & wait");
    spec.stop.after_term = LONG;
    let (took, exit) = stopped(&spec).await;
    assert_eq!(
        exit,
        Exit {
            code: Some(5),
            signal: None
        }
    );
    assert!((Duration::from_millis(1600)..LONG).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_server_behind_a_wrapper_has_the_same_time_to_clean_up() {
    // The shell ends at SIGTERM; what it started takes longer than the guard would wait by itself.
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done");
    let mut spec = sh(&format!(
        "sh -c 'trap \"sleep 0.8; touch {}; exit 0\" TERM; echo ready; while :; do sleep 0.1; done' & wait",
        done.display()
    ));
    spec.stop.after_term = LONG;
    let (took, exit) = stopped(&spec).await;
    assert_eq!(exit, BY_TERM);
    assert!(done.exists(), "killed before it had cleaned up");
    assert!(took < LONG, "{took:?}");
}

#[tokio::test]
async fn sigterm_comes_once() {
    // The second process counts, and outlives the first, whose end must not bring it another SIGTERM.
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    let counting = format!(
        "trap 'echo term >> {}' TERM; echo ready; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2; done",
        count.display()
    );
    let mut spec = spec(
        "sh",
        &["-c", "trap 'sleep 0.3; exit' TERM; sh -c \"$0\" & wait", &counting],
    );
    spec.stop.after_eof = Duration::from_millis(100);
    spec.stop.after_term = Duration::from_secs(5);
    stopped(&spec).await;
    assert_eq!(std::fs::read_to_string(count).unwrap(), "term\n");
}

#[tokio::test]
async fn a_server_that_ignores_sigterm_is_killed() {
    let (took, exit) = stopped(&sh("trap '' TERM; echo ready; while :; do sleep 1000; done")).await;
    assert_eq!(exit, BY_KILL);
    assert!(took >= Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn a_stopped_server_is_woken_to_end() {
    let mut spec = sh("trap 'exit 4' TERM; echo ready; while :; do sleep 0.05; done");
    spec.stop.after_term = LONG;
    let mut child = spawn(&spec).await;
    child.take_stdout().unwrap().read_exact(&mut [0; 6]).await.unwrap();
    kill(pid(child.id()), Signal::SIGSTOP).unwrap();
    assert_eq!(
        child.stop().await,
        Exit {
            code: Some(4),
            signal: None
        }
    );
}

#[tokio::test]
async fn grandchildren_end_with_the_stop() {
    let mut child = spawn(&sh(
        "trap '' TERM; sleep 1000 & echo $!; setsid sleep 1000 & echo $!; wait; sleep 1000",
    ))
    .await;
    let [same_group, own_session] = pids_from(&mut child).await;
    assert_eq!(child.stop().await, BY_KILL);
    assert!(
        !runs(same_group) && !runs(own_session),
        "a grandchild outlives the stop"
    );
}

#[tokio::test]
async fn a_stop_is_bounded_also_when_the_guard_does_not_answer() {
    let mut child = spawn(&sh("sleep 1000 & echo $!; wait")).await;
    let [grandchild] = pids_from(&mut child).await;
    let (server, guard) = (pid(child.id()), pid(child.guard_id()));
    kill(guard, Signal::SIGSTOP).unwrap();
    let start = Instant::now();
    assert_eq!(child.stop().await, BY_KILL);
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
    assert_gone("the server", server).await;
    assert_gone("its child", grandchild).await;
    assert_reaped("the guard", guard).await;
}

#[tokio::test]
async fn a_dropped_child_is_killed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    let mut child = spawn(&sh(&format!(
        "trap ': > {}' TERM; setsid sleep 1000 & echo $!; while :; do sleep 0.02; done",
        told.display()
    )))
    .await;
    let [grandchild] = pids_from(&mut child).await;
    let (server, guard) = (pid(child.id()), pid(child.guard_id()));
    drop(child);
    assert_gone("the server", server).await;
    assert!(!told.exists(), "it was told to end first");
    assert_gone("its child", grandchild).await;
    assert_reaped("the guard", guard).await;
}

#[tokio::test]
async fn a_stop_that_nobody_waits_for_kills() {
    let mut spec = spec("sleep", &["1000"]);
    spec.stop.after_eof = Duration::from_secs(600);
    let child = spawn(&spec).await;
    let server = pid(child.id());
    assert!(
        tokio::time::timeout(Duration::from_millis(50), child.stop())
            .await
            .is_err()
    );
    assert_gone("the server", server).await;
}
