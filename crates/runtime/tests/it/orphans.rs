//! Nothing outlives the gateway, the guard or the server it belongs to.

use nix::sys::signal::{Signal, kill};
use tokio::time::timeout;

use crate::support::{
    Gateway, SOON, assert_gone, assert_reaped, pid, pids_from, processes_with, runs, sh, spawn, spec,
};

#[tokio::test]
async fn nothing_outlives_a_killed_gateway() {
    let mut gateway = Gateway::start("sleep 1000 & echo $!; setsid sleep 1000 & echo $!; sleep 1000");
    let (same_group, own_session) = (gateway.next_pid(), gateway.next_pid());
    assert!(runs(gateway.server) && runs(gateway.guard) && runs(same_group) && runs(own_session));
    gateway.kill();
    assert_gone("the server", gateway.server).await;
    assert_gone("its child", same_group).await;
    assert_gone("its child in another session", own_session).await;
    assert_gone("the guard", gateway.guard).await;
}

#[tokio::test]
async fn nothing_outlives_a_killed_gateway_by_ignoring_sigterm() {
    let mut gateway = Gateway::start(
        "trap '' TERM; sleep 1000 & echo $!; setsid sh -c 'sleep 1000 & echo $!; wait' & setsid sh -c 'setsid sleep 1000 & echo $!' & while :; do sleep 1; done",
    );
    let others = [gateway.next_pid(), gateway.next_pid(), gateway.next_pid()];
    gateway.kill();
    assert_gone("the server", gateway.server).await;
    for other in others {
        assert_gone("a descendant", other).await;
    }
    assert_gone("the guard", gateway.guard).await;
}

#[tokio::test]
async fn nothing_escapes_by_starting_successors() {
    // Each process lives for a moment and leaves another one in a session of its own; by itself this ends some time.
    let folder = tempfile::tempdir().unwrap();
    let runner = folder.path().join("runner");
    let script = "trap '' TERM\n[ $1 -gt 0 ] && setsid sh \"$0\" $(($1 - 1)) &\n";
    std::fs::write(&runner, script).unwrap();
    let start = format!(
        "for i in 1 2 3 4; do sh {} 20000 & done; echo $$; exec sleep 1000",
        runner.display()
    );
    let mut gateway = Gateway::start(&start);
    gateway.next_pid();
    gateway.kill();
    assert_gone("the guard", gateway.guard).await;
    assert_eq!(processes_with(runner.to_str().unwrap()), 0, "a runner escaped");
}

#[tokio::test]
async fn a_stopped_server_does_not_outlive_a_killed_gateway() {
    let mut gateway = Gateway::start("trap '' TERM CONT; sleep 1000 & echo $!; wait; sleep 1000");
    let grandchild = gateway.next_pid();
    kill(gateway.server, Signal::SIGSTOP).unwrap();
    kill(grandchild, Signal::SIGSTOP).unwrap();
    gateway.kill();
    assert_gone("the server", gateway.server).await;
    assert_gone("its child", grandchild).await;
    assert_gone("the guard", gateway.guard).await;
}

#[tokio::test]
async fn a_server_may_clean_up_when_the_gateway_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    // It has half a second, which may pass before a busy machine lets it run at all.
    for attempt in 0..10 {
        let done = folder.path().join(attempt.to_string());
        // Nobody reads the shell's stderr any more, and SIGPIPE would end it.
        let script = format!(
            "trap ': > {}; exit' TERM; exec 2>/dev/null; echo $$; while :; do sleep 0.05; done",
            done.display()
        );
        let mut gateway = Gateway::start(&script);
        gateway.next_pid();
        gateway.kill();
        assert_gone("the server", gateway.server).await;
        if done.exists() {
            return;
        }
    }
    panic!("killed without SIGTERM");
}

#[tokio::test]
async fn what_a_server_leaves_behind_is_ended() {
    let mut child = spawn(&sh(
        "trap '' TERM; setsid sleep 1000 & echo $!; sleep 1000 & echo $!; exit 6",
    ))
    .await;
    let [own_session, same_group] = pids_from(&mut child).await;
    assert_eq!(child.wait().await.code, Some(6));
    assert!(
        !runs(own_session) && !runs(same_group),
        "a grandchild outlives the server"
    );
}

#[tokio::test]
async fn what_a_server_leaves_behind_is_ended_also_after_a_real_time_signal() {
    let mut child = spawn(&sh("sleep 1000 & echo $!; kill -40 $$")).await;
    let [left] = pids_from(&mut child).await;
    let exit = timeout(SOON, child.wait()).await.unwrap();
    assert_eq!(exit.to_string(), "ended with an unknown status");
    assert!(!runs(left));
}

#[tokio::test]
async fn the_server_does_not_outlive_a_killed_guard() {
    let mut child = spawn(&sh("sleep 1000 & echo $!; wait")).await;
    let [grandchild] = pids_from(&mut child).await;
    let (server, guard) = (pid(child.id()), pid(child.guard_id()));
    kill(guard, Signal::SIGKILL).unwrap();
    let exit = timeout(SOON, child.wait()).await.unwrap();
    assert_eq!(exit.to_string(), "killed by signal 9 (SIGKILL)");
    assert_gone("the server", server).await;
    assert_gone("its child", grandchild).await;
    assert_reaped("the guard", guard).await;
}

#[tokio::test]
async fn the_kernel_ends_the_server_when_guard_and_gateway_are_killed() {
    let mut gateway = Gateway::start("trap '' TERM; echo $$; exec sleep 1000");
    gateway.next_pid();
    // The guard first, held still, so that it cannot do its work when the gateway goes.
    kill(gateway.guard, Signal::SIGSTOP).unwrap();
    gateway.kill();
    kill(gateway.guard, Signal::SIGKILL).unwrap();
    assert_gone("the server", gateway.server).await;
}

#[tokio::test]
async fn a_terminated_guard_takes_the_server_along() {
    let mut child = spawn(&sh("setsid sleep 1000 & echo $!; exec sleep 1000")).await;
    let [grandchild] = pids_from(&mut child).await;
    kill(pid(child.guard_id()), Signal::SIGTERM).unwrap();
    assert_eq!(timeout(SOON, child.wait()).await.unwrap().signal, Some(15));
    assert!(!runs(grandchild));
}

#[tokio::test]
async fn one_server_dies_while_another_lives() {
    let first = spawn(&spec("sleep", &["1000"])).await;
    let second = spawn(&spec("sleep", &["1000"])).await;
    let (dying, living) = (pid(first.id()), pid(second.id()));
    drop(first);
    assert_gone("the dropped server", dying).await;
    assert!(runs(living));
}
