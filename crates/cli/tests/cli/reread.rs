//! The configuration file is read once, and again when it is another one than was read last, whoever read it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;

use crate::place::{Place, Serving};

const TOKEN: &str = "d41d8cd98f00b204e9800998ecf8427e";
/// Longer than the watch needs, also when it is busy.
const SOON: Duration = Duration::from_secs(20);

/// A configuration with so many backends; nothing is behind them.
fn backends(count: usize) -> String {
    let backend = |number| format!("  b{number}: {{type: streamable-http, url: 'http://127.0.0.1:9/'}}\n");
    let all: String = (0..count).map(backend).collect();
    format!("server: {{port: 0, management: {{token: {TOKEN}}}}}\nbackends:\n{all}")
}

fn holds(server: &Serving, count: usize) -> bool {
    let (status, body) = server.manage("GET", "status", TOKEN);
    assert_eq!(status, 200, "{body}");
    body.contains(&format!(r#""backend_count":{count}"#))
}

fn comes_to(server: &Serving, count: usize) -> bool {
    let began = Instant::now();
    while began.elapsed() < SOON {
        if holds(server, count) {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    false
}

/// The messages of events of reloads.
fn reloads(server: &Serving) -> usize {
    let (_, events) = server.manage("GET", "events?limit=1000", TOKEN);
    events.matches(r#""stage":"reload""#).count()
}

/// All that a pipe says is there, and it is not read again.
fn is_all_there_and_stays(server: Serving) {
    let (status, body) = server.manage("GET", "backends", "");
    assert_eq!(status, 401, "the token is not there: {body}");
    assert!(holds(&server, 2), "the backends are not there");
    let (status, body) = server.manage("POST", "reload", TOKEN);
    assert_eq!(status, 200, "{body}");
    assert!(
        body.contains(r#""reloaded":false"#) && body.contains("no regular file"),
        "{body}"
    );
    assert!(holds(&server, 2));
    server.stop();
}

#[test]
fn standard_input_is_read_once() {
    let place = Place::new();
    let mut command = place.command(&["server", "--config", "/dev/stdin", "--log-dir", "none"]);
    command.stdin(Stdio::piped());
    is_all_there_and_stays(place.serving(command, &backends(2)));
}

#[test]
fn a_named_pipe_is_read_once() {
    let place = Place::new();
    let pipe = place.path("pipe.yaml");
    nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let writing = std::thread::spawn(move || std::fs::write(pipe, backends(2)).unwrap());
    let server = place.serve(&["--config", "pipe.yaml", "--log-dir", "none"]);
    writing.join().unwrap();
    is_all_there_and_stays(server);
}

#[test]
fn the_folder_of_the_file_may_be_replaced() {
    let place = Place::new();
    let folder = place.path("conf");
    std::fs::create_dir(&folder).unwrap();
    place.write("conf/config.yaml", &backends(1));
    let server = place.serve(&["--config", "conf/config.yaml", "--log-dir", "none"]);
    assert!(holds(&server, 1));
    std::fs::rename(&folder, place.path("conf.old")).unwrap();
    std::fs::create_dir(&folder).unwrap();
    for count in [2, 3, 1] {
        place.write("conf/config.yaml", &backends(count));
        assert!(comes_to(&server, count), "a change in another folder is not seen");
    }
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::create_dir(&folder).unwrap();
    for count in [2, 3] {
        place.write("conf/config.yaml", &backends(count));
        assert!(comes_to(&server, count), "a change in a new folder is not seen");
    }
    server.stop();
}

/// A server that has reloaded a change because it was asked to. Where this test is held up, the watch may be first.
fn reloaded_before_the_watch_did() -> (Place, Serving) {
    let mut said = String::new();
    for _ in 0..5 {
        let place = Place::new();
        place.write("config.yaml", &backends(1));
        let server = place.serve(&["--log-dir", "none"]);
        place.write("config.yaml", &backends(2));
        (_, said) = server.manage("POST", "reload", TOKEN);
        if said.contains(r#""backends_added":["b1"]"#) {
            return (place, server);
        }
        server.stop();
    }
    panic!("it adds no backend when it is asked to reload: {said}");
}

#[test]
fn what_was_reloaded_is_not_reloaded_again() {
    let (_place, server) = reloaded_before_the_watch_did();
    // Longer than the watch would need.
    std::thread::park_timeout(Duration::from_millis(2500));
    assert_eq!(reloads(&server), 1);
    server.stop();
}

#[test]
fn what_is_put_back_after_a_reload_is_seen() {
    let place = Place::new();
    place.write("config.yaml", &backends(1));
    let server = place.serve(&["--log-dir", "none"]);
    place.write("config.yaml", &backends(2));
    server.manage("POST", "reload", TOKEN);
    place.write("config.yaml", &backends(1));
    // To look is not to load.
    let (status, body) = server.manage("POST", "config/validate", TOKEN);
    assert_eq!(status, 200, "{body}");
    assert!(comes_to(&server, 1), "the file is another one than what runs");
    server.stop();
}
