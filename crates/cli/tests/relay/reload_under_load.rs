//! The file changes again and again while clients call: no call fails, and nothing is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use argus_testkit::{Journal, Steady, is_gone, until};
use serde_json::json;

use crate::reload::{manage, reload};
use crate::world::World;

/// How long, in seconds, if not for as long as it has to be.
const SECONDS: &str = "ARGUS_RELOAD_SECONDS";
/// What memory may vary by, in KiB, from the first round of changes to the last.
const VARIES: usize = 6 << 10;
const CHANGES: u32 = 20;
/// So many have to be made, of 200.
const CALLS_PER_SECOND: u64 = 190;
const CLIENTS: usize = 10;
/// Each calls this often.
const PAUSE: Duration = Duration::from_millis(50);

fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// Resident memory in KiB.
fn memory(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    resident.trim().trim_end_matches(" kB").parse().unwrap()
}

/// What a process started that is there: the guards of a gateway's backends.
fn children(pid: u32) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let stats = all.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    // Behind the name, which may hold anything: the state, then the parent.
    let parents = stats.filter_map(|stat| stat.rsplit_once(')')?.1.split(' ').nth(2)?.parse::<u32>().ok());
    parents.filter(|parent| *parent == pid).count()
}

fn living(journals: &[&Journal]) -> usize {
    let starts = journals.iter().flat_map(|journal| journal.all("start"));
    starts.filter(|entry| !is_gone(entry.pid)).count()
}

/// How many processes were started, when no further one starts: beside the first there may be one for the other era.
async fn settled_starts(journal: &Journal) -> usize {
    let mut starts = journal.all("start").len();
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = journal.all("start").len();
        if now == starts {
            return now;
        }
        starts = now;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "times itself: scripts/test.sh runs it beside no other test"]
async fn no_call_fails_and_nothing_leaks() {
    let given: Option<u64> = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok());
    let seconds = given.unwrap_or(30);
    let mut world = World::new();
    let steady = world.stdio("steady", &["sane"]);
    let changing = world.stdio("changing", &["sane"]);
    let coming = world.stdio("coming", &["sane"]);
    world.without("coming");
    let mut running = world.start();
    let (over, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (over, calls, port) = (Arc::clone(&over), Arc::clone(&calls), running.port());
            tokio::spawn(async move {
                let mut client = Steady::connect(port).await;
                if number % 4 < 2 {
                    client.open_session().await;
                }
                let name = ["hello", "changing_hello"][number % 2];
                let mut beat = tokio::time::interval(PAUSE);
                while !over.load(Ordering::Relaxed) {
                    beat.tick().await;
                    let answer = client.call_tool(name, "{}").await;
                    assert!(
                        answer.contains(r#""text":"hello""#) || answer.contains(r#""text": "hello""#),
                        "{name}: {answer}"
                    );
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    // All links are there before anything is counted.
    assert!(until(Duration::from_secs(20), || calls.load(Ordering::Relaxed) > 10 * CLIENTS).await);
    let first = (living(&[&steady]), descriptors(running.pid()));
    let guards = children(running.pid());
    let before = living(&[&changing]);
    let starts = steady.all("start").len();
    let mut round = 0;
    let began = Instant::now();
    for change in 0..CHANGES {
        let world = running.world();
        match change % 5 {
            0 => drop(world.stdio("coming", &["sane"])),
            // With a new connection, and without.
            1 => world.backend("changing", "env", json!({"CHANGE": change.to_string()})),
            2 => world.backend("changing", "labels", json!({"change": change.to_string()})),
            3 => {
                running.rewrite_as("backends: [");
                assert_eq!(manage(&running, "POST", "reload").1["reloaded"], false);
            }
            // And whole again.
            _ => world.without("coming"),
        }
        if change % 5 != 3 {
            let processes = settled_starts(&changing).await;
            running.rewrite();
            reload(&running);
            if change % 5 == 2 {
                assert_eq!(changing.all("start").len(), processes, "a label starts processes");
            }
        }
        if change == 4 {
            round = memory(running.pid());
        }
        let next = Duration::from_secs(seconds) * (change + 1) / CHANGES;
        tokio::time::sleep(next.saturating_sub(began.elapsed())).await;
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let made = calls.load(Ordering::Relaxed);
    let settled = || {
        living(&[&steady]) == first.0
            && children(running.pid()) <= guards
            && living(&[&coming]) == 0
            && living(&[&changing]) <= before
            && descriptors(running.pid()) <= first.1
    };
    assert!(
        until(Duration::from_secs(15), settled).await,
        "left: {} of {} processes, {} of {before}, {} that went, {} of {guards} guards, {} of {} descriptors",
        living(&[&steady]),
        first.0,
        living(&[&changing]),
        living(&[&coming]),
        children(running.pid()),
        descriptors(running.pid()),
        first.1
    );
    assert_eq!(
        steady.all("start").len(),
        starts,
        "what did not change was started again"
    );
    let last = memory(running.pid());
    eprintln!("{made} calls in {seconds} s; {round} KiB after 5, {last} KiB after {CHANGES} changes");
    assert!(last < round + VARIES, "{round} KiB became {last} KiB");
    assert!(
        made as u64 > CALLS_PER_SECOND * seconds,
        "only {made} calls in {seconds} s"
    );
    running.stop();
}
