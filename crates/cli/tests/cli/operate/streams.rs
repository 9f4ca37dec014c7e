//! `events`, and following them.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use super::world::{World, eventually};

/// A command that follows, and what it prints. It is killed when the test ends early.
struct Following {
    process: Child,
    lines: Receiver<String>,
}

impl Following {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.place().command(arguments);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let (told, lines) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            while stdout.read_line(&mut line).is_ok_and(|count| count > 0) {
                let _ = told.send(std::mem::take(&mut line));
            }
        });
        Self { process, lines }
    }

    fn line(&mut self) -> String {
        let line = self.lines.recv_timeout(Duration::from_secs(20));
        line.expect("nothing more is printed")
    }

    /// Reads until a line holds this.
    fn until(&mut self, text: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Ends it, and gives what it said on stderr.
    fn stop(mut self) -> String {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let mut said = String::new();
        self.process.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn events_are_listed() {
    let world = World::new();
    world.ready(&[]);
    let all = world.answer(&["events"]);
    let ready = all.lines().find(|line| line.contains("backend_ready")).unwrap();
    assert!(
        ready.contains("Z  info     backend_ready         Backend 'echo'"),
        "{ready}"
    );
    let json: Value = serde_json::from_str(&world.answer(&["events", "--limit", "2", "--json"])).unwrap();
    assert_eq!(json["events"].as_array().unwrap().len(), 2);
    assert_eq!(world.answer(&["events", "--severity", "error"]), "");
    assert_eq!(world.answer(&["events", "--since", "2999-01-01T00:00:00Z"]), "");
    assert_eq!(world.answer(&["events", "--since", "1h"]), all);
    let refused = world.run(&["events", "--limit", "0"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("`limit` must be"), "{refused:?}");
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let world = World::new();
    world.ready(&[]);
    let mut command = world.place().command(&["events", "-f"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    // As `head -1` does.
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.contains("info"), "{first}");
    let mut status = None;
    eventually("it ends when nobody reads", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((status.unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn following_outlives_the_gateway() {
    let world = World::new();
    let (_, url) = world.ready(&[]);
    let (_, port) = url.rsplit_once(':').unwrap();
    let mut following = Following::start(&world, &["events", "-f", "--json", "--url", &url]);
    let first: Value = serde_json::from_str(&following.until("backend_ready")).unwrap();
    assert_eq!(first["backend"], "echo");
    world.answer(&["reload"]);
    let reloaded: Value = serde_json::from_str(&following.until("\"reload\"")).unwrap();
    assert_eq!(reloaded["severity"], "info");

    world.answer(&["stop"]);
    world.detach(&["--port", port]);
    following.until("\"backend_ready\"");
    let said = following.stop();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].contains("trying again"), "{said}");
    assert_eq!(lines[1], "the connection is there again", "{said}");
}
