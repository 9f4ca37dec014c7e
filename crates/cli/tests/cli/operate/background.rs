//! `server --detach` and `stop`: nothing is left behind, and nothing else is touched.

use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid};

use super::world::{World, eventually};

fn gone(world: &World) {
    eventually("all processes are gone", || world.processes().is_empty());
}

#[test]
fn what_became_of_a_gateway_is_told_to_programs_too() {
    let world = World::new();
    let said = world.detach(&["--name", "mine", "--json"]);
    let begun: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let gateway = &world.gateways()[0];
    assert_eq!(
        (&begun["name"], &begun["pid"], &begun["url"]),
        (&"mine".into(), &gateway["pid"], &gateway["url"])
    );
    let endpoint = format!("{}/mcp", gateway["url"].as_str().unwrap());
    assert_eq!((&begun["endpoint"], &begun["listed"]), (&endpoint.into(), &true.into()));

    let stopped: serde_json::Value = serde_json::from_str(&world.answer(&["stop", "--json"])).unwrap();
    let expected = serde_json::json!({"gateways": [
        {"name": "mine", "pid": gateway["pid"], "stopped": true, "killed": false, "error": null}
    ]});
    assert_eq!(stopped, expected);
    gone(&world);
}

#[test]
fn one_that_cannot_serve_is_not_said_to_listen() {
    let world = World::new();
    let nothing = world.place().path("nothing");
    let output = world
        .place()
        .command(&["server", "--detach", "--port", "0"])
        .env("SSL_CERT_FILE", &nothing)
        .env("SSL_CERT_DIR", &nothing)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{said}");
    assert!(
        said.contains("ca-certificates") && said.contains("SSL_CERT_FILE"),
        "{said}"
    );
    gone(&world);
}

#[test]
fn a_gateway_in_the_background_is_there_until_it_is_stopped() {
    let world = World::new();
    let said = world.detach(&["--name", "mine"]);
    let gateways = world.gateways();
    let [gateway] = gateways.as_slice() else {
        panic!("{gateways:?}")
    };
    let (pid, url) = (gateway["pid"].as_u64().unwrap(), gateway["url"].as_str().unwrap());
    let log = world.place().path("state").join("logs/detached-mine.log");
    assert_eq!(
        said.stdout,
        format!(
            "mine (process {pid}) listens on {url}/mcp\nits log is {}\nstop it with `argus-mcp stop mine`\n",
            log.display()
        )
    );
    assert_eq!(said.stderr, "");
    assert_eq!(gateway["name"], "mine");
    assert_eq!(gateway["host"], "127.0.0.1");
    assert_eq!(gateway["log_file"], log.to_str().unwrap());
    assert_eq!(gateway["config"], world.place().path("config.yaml").to_str().unwrap());
    assert!(gateway["health"]["uptime_seconds"].is_f64(), "{gateway}");
    assert!(std::fs::read_to_string(&log).unwrap().contains(" listening on "));
    let process = Pid::from_raw(i32::try_from(pid).unwrap());
    assert_eq!(
        getsid(Some(process)).unwrap(),
        process,
        "the terminal's signals are for it, too"
    );
    eventually("its backend runs", || world.processes().len() >= 3);

    let table = world.answer(&["status"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("NAME  PID"), "{table}");
    assert!(
        lines[1].starts_with("mine  ") && lines[1].ends_with("config.yaml"),
        "{table}"
    );
    assert_eq!(lines[3], "1 gateway runs");

    let stopped = world.answer(&["stop"]);
    assert_eq!(stopped, format!("mine (process {pid}) is stopped\n"));
    assert_eq!(world.gateways(), [] as [serde_json::Value; 0]);
    assert_eq!(world.state("sessions"), [""; 0]);
    gone(&world);
}

#[test]
fn all_options_hold_in_the_background() {
    let world = World::new();
    world.detach(&["--host", "::1", "-vv", "--log-format", "json", "--name", "a"]);
    let gateways = world.gateways();
    assert!(
        gateways[0]["url"].as_str().unwrap().starts_with("http://[::1]:"),
        "{gateways:?}"
    );
    let log = world.place().path("state").join("logs/detached-a.log");
    eventually("it logs as it was told", || {
        let log = std::fs::read_to_string(&log).unwrap();
        log.lines()
            .any(|line| line.starts_with('{') && line.contains(r#""level":"DEBUG""#))
    });
    // What it said stays when the next one of its name begins.
    world.answer(&["stop", "a"]);
    world.detach(&["--name", "a"]);
    assert_eq!(world.state("logs"), ["detached-a.log", "detached-a.log.1"]);
}

#[test]
fn what_does_not_start_leaves_nothing_and_says_why() {
    let world = World::new();
    world.place().write("broken.yaml", "server: {prot: 1}\n");
    let said = world.run(&["server", "--detach", "--config", "broken.yaml"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.stderr.contains("error: broken.yaml has 1 error"), "{said:?}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = world.run(&["server", "--detach", "--log-dir", "none", "--port", &port]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{said:?}");
    assert!(said.stderr.contains(&format!("port {port} is busy")), "{said:?}");

    assert_eq!(world.state("logs"), [""; 0]);
    assert_eq!(world.state("sessions"), [""; 0]);
    gone(&world);
}

#[test]
fn a_killed_gateway_is_not_said_to_run() {
    let world = World::new();
    let (pid, _) = world.ready(&["--name", "a"]);
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    eventually("it is gone", || world.gateways().is_empty());
    eventually("what it left is removed", || {
        world.gateways().is_empty() && world.state("sessions").is_empty()
    });
    gone(&world);
    world.detach(&["--name", "a"]);
    assert_eq!(world.gateways().len(), 1);
}

#[test]
fn nothing_but_gateways_is_stopped() {
    let world = World::new();
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", other.id())).unwrap();
    let start = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_ascii_whitespace()
        .nth(19)
        .unwrap();
    let entry = format!(
        r#"{{"name":"a","pid":{},"host":"127.0.0.1","port":1,"config":null,"log_file":null,"started_at":"","process_start":{start}}}"#,
        other.id()
    );
    std::fs::create_dir_all(world.place().path("state/sessions")).unwrap();
    for arguments in [
        &["stop", "a", "--force"][..],
        &["stop", &other.id().to_string()],
        &["stop"],
    ] {
        world.place().write("state/sessions/a.json", &entry);
        let said = world.run(arguments);
        assert_eq!(said.code, Some(1), "{said:?}");
    }
    let said = world.run(&["stop", "--all", "--force"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""), "{said:?}");
    assert!(other.try_wait().unwrap().is_none(), "it was killed");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn calls_in_flight_may_finish_unless_it_is_forced() {
    let world = World::new();
    world.place().write(
        "config.yaml",
        &format!(
            "{}\n",
            super::world::config("echo").replace("port: 0", "port: 0, shutdown_timeout: 30")
        ),
    );
    let (pid, url) = world.ready(&[]);
    let mut call = world
        .place()
        .command(&["call", "slow", "-a", "steps=100", "-a", "delay_ms=200", "--url", &url]);
    let mut call = call
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();

    eventually("the call is with the backend", || {
        let detail: serde_json::Value =
            serde_json::from_str(&world.answer(&["backends", "echo", "--json", "--url", &url])).unwrap();
        detail["calls"]["in_flight"] == 1
    });
    let said = world.run(&["stop", "--timeout", "1"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("--force"), "{said:?}");
    assert_eq!(world.gateways().len(), 1, "it still runs");
    let killed = world.answer(&["stop", "--force", "--timeout", "1"]);
    assert!(
        killed.contains(&format!("(process {pid}) did not stop in time and is killed")),
        "{killed}"
    );
    assert_eq!(world.gateways().len(), 0);
    call.wait().unwrap();
    gone(&world);
}
