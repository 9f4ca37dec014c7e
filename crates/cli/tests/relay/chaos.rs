//! Backends are killed, stopped and hang at random, several at once: `/health`, `/backends` and `/metrics` tell the truth
//! of each within two seconds, and say nothing else of those that nothing happened to.

#![allow(
    clippy::disallowed_methods,
    reason = "what happens, and who looks at it, has threads of its own"
)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use argus_testkit::{Journal, OddServer, odd_program};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::metrics::value;
use crate::reload::{asked, manage};
use crate::world::{ARGUS, Running, World, tool};

/// How long, in seconds, if not for as long as it has to be.
const SECONDS: &str = "ARGUS_CHAOS_SECONDS";
/// Where the dice begin.
const SEED: &str = "ARGUS_CHAOS_SEED";
const SAMPLE: Duration = Duration::from_millis(100);

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What can happen to a backend.
enum Kind {
    /// The gateway starts its processes, and starts them again.
    Process,
    /// A process behind a URL; whoever killed it starts it again.
    Server {
        kind: &'static str,
        port: String,
        running: Mutex<Option<OddServer>>,
    },
    /// It runs and answers nothing while this file is not there.
    Gated(PathBuf),
}

/// A backend and what happened to it.
struct Victim {
    name: &'static str,
    journal: Journal,
    kind: Kind,
    past: Mutex<Past>,
}

struct Past {
    /// The last time that something happened.
    last: Instant,
    /// How often its state may have changed because of all that.
    changes: usize,
    /// What happened, and when.
    blows: Vec<String>,
}

/// The state of a process: one letter, as in `/proc`. `None` when it is gone.
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let state = stat.rsplit_once(')')?.1.trim_start().chars().next()?;
    (state != 'Z').then_some(state)
}

impl Victim {
    fn new(name: &'static str, journal: Journal, kind: Kind) -> Self {
        let past = Past {
            last: Instant::now(),
            changes: 0,
            blows: Vec::new(),
        };
        Self {
            name,
            journal,
            kind,
            past: Mutex::new(past),
        }
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap()
    }

    fn living(&self) -> Vec<u32> {
        let started = self.journal.all("start").into_iter().map(|entry| entry.pid);
        started.filter(|pid| state(*pid).is_some()).collect()
    }

    /// Whether it can do what it is for, as the system knows it.
    fn is_well(&self) -> bool {
        if let Kind::Gated(gate) = &self.kind
            && !gate.exists()
        {
            return false;
        }
        let states: Vec<char> = self.living().into_iter().filter_map(state).collect();
        !states.is_empty() && !states.contains(&'T')
    }

    /// Notes what is about to happen.
    fn note(&self, began: Instant, blow: &str, changes: usize) {
        let mut past = self.past();
        past.last = Instant::now();
        past.changes += changes;
        past.blows
            .push(format!("{:.1} s: {blow}", began.elapsed().as_secs_f64()));
    }

    fn signal(&self, began: Instant, signal: Signal, changes: usize, dice: &mut Dice) -> Option<u32> {
        let living = self.living();
        if living.is_empty() {
            return None;
        }
        let pid = living[dice.below(living.len())];
        self.note(began, &format!("{signal} to {pid}"), changes);
        // It may have ended meanwhile.
        let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
        Some(pid)
    }

    fn stop_for(&self, began: Instant, most: usize, dice: &mut Dice) {
        let Some(pid) = self.signal(began, Signal::SIGSTOP, 1, dice) else {
            return;
        };
        std::thread::sleep(Duration::from_millis(dice.below(most) as u64));
        self.note(began, "goes on", 1);
        let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGCONT);
    }

    /// One thing happens to it; in the end all is as before.
    fn strike(&self, began: Instant, dice: &mut Dice) {
        match &self.kind {
            Kind::Process if dice.below(2) == 0 => {
                self.signal(began, Signal::SIGKILL, 2, dice);
            }
            // For longer, and it would be replaced, as what is stopped cannot be.
            Kind::Process => self.stop_for(began, 3000, dice),
            Kind::Server { kind, port, running } if dice.below(2) == 0 => {
                self.note(began, "is killed", 1);
                drop(running.lock().unwrap().take());
                std::thread::sleep(Duration::from_millis(dice.below(3000) as u64));
                let server = self.serve(kind, port);
                self.note(began, "is started", 1);
                *running.lock().unwrap() = Some(server);
            }
            Kind::Server { .. } => self.stop_for(began, 7000, dice),
            Kind::Gated(gate) => {
                self.note(began, "hangs", 1);
                std::fs::remove_file(gate).unwrap();
                std::thread::sleep(Duration::from_millis(dice.below(7000) as u64));
                self.note(began, "answers", 1);
                std::fs::write(gate, "").unwrap();
            }
        }
    }

    fn serve(&self, kind: &str, port: &str) -> OddServer {
        let journal = self.journal.path().to_str().unwrap();
        OddServer::start(
            odd_program(ARGUS),
            kind,
            &["sane", "--port", port, "--journal", journal],
        )
    }
}

/// All kinds of backends.
fn victims(world: &mut World) -> Vec<Victim> {
    let process = |name, world: &mut World| Victim::new(name, world.stdio(name, &["sane"]), Kind::Process);
    let mut all = vec![process("one", world), process("two", world)];
    for (name, kind, transport) in [("three", "--http", "streamable-http"), ("four", "--sse", "sse")] {
        let port = argus_testkit::unused_port().to_string();
        let path = if kind == "--sse" { "sse" } else { "mcp" };
        let journal = world.elsewhere(name, transport, &format!("http://127.0.0.1:{port}/{path}"));
        let running = Mutex::new(None);
        let victim = Victim::new(name, journal, Kind::Server { kind, port, running });
        if let Kind::Server { kind, port, running } = &victim.kind {
            *running.lock().unwrap() = Some(victim.serve(kind, port));
        }
        all.push(victim);
    }
    for name in ["five", "six"] {
        let gate = world.file(&format!("{name}.gate"));
        std::fs::write(&gate, "").unwrap();
        let gated = |result: Value| json!([{"gate": gate}, {"result": result}]);
        let script = json!({
            "initialize": gated(json!({
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": name, "version": "1"},
            })),
            "ping": gated(json!({})),
            "tools/list": gated(json!({"tools": [{"name": "hello", "inputSchema": {"type": "object"}}]})),
            "tools/call": gated(json!({"content": []})),
        });
        let script = world.script(name, &script.to_string());
        let arguments = ["verbatim", "--script", &script];
        let journal = match name {
            "five" => world.http(name, &arguments),
            _ => world.stdio(name, &arguments),
        };
        all.push(Victim::new(name, journal, Kind::Gated(gate)));
    }
    all
}

/// Looks at what the API says, sample by sample.
struct Watch<'a> {
    running: &'a Running,
    victims: &'a [Victim],
    soon: Duration,
    /// What each really was, and since when.
    real: Vec<(bool, Instant)>,
    /// What was said of each, and how often that changed.
    said: Vec<(bool, usize)>,
    /// When it looked last.
    looked: Instant,
    /// When it came much too late to look, and by how much: what held it up held up the gateway, too.
    late: Vec<(Instant, Duration)>,
}

impl Watch<'_> {
    fn get(&self, path: &str) -> Value {
        manage(self.running, "GET", path).1
    }

    /// What is wrong with what is said now.
    fn look(&mut self) -> Result<(), String> {
        let (backends, health) = (self.get("backends"), self.get("health"));
        let metrics = asked(self.running, "GET", "/metrics").1;
        // Only then what is so: what happened before is noted.
        let now = Instant::now();
        let late = now.saturating_duration_since(self.looked).saturating_sub(SAMPLE);
        self.looked = now;
        if late > SAMPLE * 2 {
            self.late.push((now, late));
        }
        let (mut least, mut most) = (0, self.victims.len());
        for (index, victim) in self.victims.iter().enumerate() {
            let is_well = victim.is_well();
            let real = &mut self.real[index];
            if real.0 != is_well {
                *real = (is_well, now);
            }
            let shown = backends["backends"].as_array().ok_or("no backends")?;
            let shown = shown.iter().find(|one| one["name"] == victim.name);
            let shown = shown.ok_or_else(|| format!("{} is not listed", victim.name))?;
            let says_well = shown["health"]["status"] == "healthy" && shown["state"] == "connected";
            let said = &mut self.said[index];
            *said = (says_well, said.1 + usize::from(said.0 != says_well));
            let past = victim.past();
            let allowed = past.changes;
            if said.1 > allowed {
                let (name, blows, many) = (victim.name, &past.blows, said.1);
                return Err(format!(
                    "{name} changed {many} times, {allowed} at most: {blows:?}\n{shown}"
                ));
            }
            let last = real.1.max(past.last);
            let since = now.saturating_duration_since(last);
            let lost: Duration = self
                .late
                .iter()
                .filter(|(at, _)| *at > last)
                .map(|(_, late)| *late)
                .sum();
            if since <= self.soon + lost {
                continue;
            }
            match is_well {
                true => least += 1,
                false => most -= 1,
            }
            let series = format!("argus_backend_phase{{backend=\"{}\",phase=\"ready\"}}", victim.name);
            let counted = value(&metrics, &series).ok_or_else(|| format!("{series} is not there"))?;
            if (counted == 1.0) != is_well {
                let blows = &past.blows;
                return Err(format!("{series} is {counted}, for {since:?}: {blows:?}\n{shown}"));
            }
            if says_well != is_well {
                let (name, blows) = (victim.name, &past.blows);
                return Err(format!("{name} is well: {is_well}, for {since:?}: {blows:?}\n{shown}"));
            }
        }
        let healthy = usize::try_from(health["backends"]["healthy"].as_u64().ok_or("no number")?).unwrap_or(0);
        let connected = health["backends"]["connected"].as_u64().ok_or("no number")?;
        let all = healthy == self.victims.len();
        let expected = match (all, connected) {
            (true, _) => "healthy",
            (_, 0) => "unhealthy",
            _ => "degraded",
        };
        if !(least..=most).contains(&healthy) || health["status"] != expected {
            return Err(format!("from {least} to {most} are well, {expected}: {health}"));
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "times itself: scripts/test.sh runs it beside no other test"]
async fn health_backends_and_metrics_tell_the_truth() {
    let seconds = setting(SECONDS).unwrap_or(60);
    let seed = setting(SEED).unwrap_or(20_260_728);
    let mut world = World::new();
    let victims = victims(&mut world);
    for victim in &victims {
        world.backend(
            victim.name,
            "health",
            json!({"interval": 0.5, "timeout": 1, "failures": 3, "cooldown": 60}),
        );
    }
    world.strategy("prefix");
    let running = world.start();
    let client = running.plain().await;
    for victim in &victims {
        client
            .result("tools/call", &tool(&format!("{}_hello", victim.name), "{}"))
            .await;
    }
    let is_healthy = || manage(&running, "GET", "health").1["status"] == "healthy";
    assert!(argus_testkit::until(Duration::from_secs(10), is_healthy).await);
    let began = Instant::now();
    let over = AtomicBool::new(false);
    let soon = Duration::from_secs(2);
    let limit = Duration::from_secs(seconds);
    let found = std::thread::scope(|scope| {
        let over = &over;
        for (victim, number) in victims.iter().zip(1..) {
            scope.spawn(move || {
                let mut dice = Dice(seed + number);
                while !over.load(Ordering::Relaxed) {
                    // Now and then it is well, or not, for long enough to be known to be.
                    std::thread::sleep(Duration::from_millis(500 + dice.below(5000) as u64));
                    victim.strike(began, &mut dice);
                }
            });
        }
        let mut watch = Watch {
            running: &running,
            victims: &victims,
            soon,
            real: vec![(true, began); victims.len()],
            said: vec![(true, 0); victims.len()],
            looked: began,
            late: Vec::new(),
        };
        let mut found = Ok(0);
        let mut samples = 0;
        while began.elapsed() < limit && found.is_ok() {
            samples += 1;
            found = watch.look().map(|()| samples);
            std::thread::sleep(SAMPLE);
        }
        over.store(true, Ordering::Relaxed);
        found
    });
    let samples = found.unwrap_or_else(|error| {
        panic!(
            "{SEED}={seed}, after {:?}: {error}\n{}",
            began.elapsed(),
            running.said()
        );
    });
    let blows: usize = victims.iter().map(|victim| victim.past().blows.len()).sum();
    eprintln!("{blows} blows, {samples} samples");
    assert!(samples as u64 > limit.as_secs() * 3, "{samples} samples");
    assert!(blows as u64 > limit.as_secs() / 2, "{blows} blows");
    // Whatever is still the matter is over soon.
    assert!(
        argus_testkit::until(soon + Duration::from_secs(1), is_healthy).await,
        "{SEED}={seed}: {}",
        running.said()
    );
    for victim in &victims {
        client
            .result("tools/call", &tool(&format!("{}_hello", victim.name), "{}"))
            .await;
    }
    let processes: Vec<u32> = victims
        .iter()
        .filter(|victim| !matches!(victim.kind, Kind::Server { .. }) && victim.name != "five")
        .flat_map(Victim::living)
        .collect();
    // Two each: one that is read from, one that is called.
    assert!(processes.len() <= 6, "{processes:?}");
    running.stop();
    let gone = || processes.iter().all(|pid| state(*pid).is_none());
    assert!(
        argus_testkit::until(Duration::from_secs(5), gone).await,
        "{processes:?}"
    );
}
