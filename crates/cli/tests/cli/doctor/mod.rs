//! `argus-mcp doctor`: each test makes a trouble real, and wants it named with its remedy.

mod machine;
mod reach;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::{fs, path::Path};

use serde_json::Value;

use crate::place::Place;

/// What the doctor found.
#[derive(Debug)]
struct Found {
    code: Option<i32>,
    checks: Vec<Value>,
    text: String,
}

/// A place with a configuration, and a data folder that is not made yet.
fn place(config: &str) -> Place {
    let place = Place::new();
    place.write("config.yaml", config);
    place
}

fn command(place: &Place) -> Command {
    let mut command = place.command(&["doctor", "--json"]);
    command.env("ARGUS_STATE_DIR", place.path("state"));
    command.env_remove("ARGUS_MGMT_TOKEN");
    command
}

fn examine(command: &mut Command) -> Found {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    let found = Found {
        code: output.status.code(),
        checks: report["checks"].as_array().unwrap().clone(),
        text,
    };
    let errors = found.checks.iter().filter(|check| check["result"] == "error").count();
    assert_eq!(report["errors"], errors);
    assert_eq!(report["ok"], errors == 0);
    assert_eq!(found.code, Some(i32::from(errors > 0)), "{found:?}");
    found
}

impl Found {
    /// The one finding of a check with this result that says this.
    fn has(&self, check: &str, result: &str, said: &str) -> &Value {
        let fits = |found: &&Value| {
            found["check"] == check && found["result"] == result && found["message"].as_str().unwrap().contains(said)
        };
        let found = self.checks.iter().find(fits);
        found.unwrap_or_else(|| panic!("no {result} of {check} says {said:?}: {}", self.text))
    }

    /// The same, whose remedy says something, too.
    fn mends(&self, check: &str, result: &str, said: &str, remedy: &str) {
        let found = self.has(check, result, said);
        assert!(found["remedy"].as_str().unwrap().contains(remedy), "{found}");
    }
}

#[test]
fn where_all_is_well_it_says_so_and_leaves_nothing() {
    let place = place("server: {port: 0}\nbackends: {a: {type: stdio, command: sh}}\n");
    let found = examine(&mut command(&place));
    assert_eq!(found.code, Some(0));
    for (check, said) in [
        ("configuration", "1 backend"),
        ("programs", "a: sh is /"),
        ("port", "any free port"),
        ("clock", "plausible"),
        ("permissions", "will be made"),
        ("disk", "MiB are free"),
        ("open files", "may be open"),
        ("guard", "can be found and ended"),
        ("file watch", "are noticed"),
    ] {
        found.has(check, "ok", said);
    }
    let left: Vec<_> = fs::read_dir(place.path(".")).unwrap().collect();
    assert_eq!(left.len(), 1, "only the configuration: {left:?}");
}

#[test]
fn for_people_it_is_a_list_with_remedies() {
    let place = place("server: {port: 0}\nbackends: {a: {type: stdio, command: no-such-program}}\n");
    let said = place.run(&["doctor", "--config", "config.yaml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stdout
            .contains("error    programs: a: no-such-program is not on PATH\n           -> install no-such-program"),
        "{said:?}"
    );
    assert!(said.stdout.trim_end().contains("\n1 error, "), "{said:?}");
    assert_eq!(said.stderr, "");
}

#[test]
fn all_errors_of_the_configuration_are_told() {
    let place = place("server: {prot: 1, hots: x}\n");
    let found = examine(&mut command(&place));
    found.mends("configuration", "error", "config.yaml:1:10", "port");
    found.mends("configuration", "error", "config.yaml:1:19", "host");
    // What does not need it is looked at all the same.
    found.has("disk", "ok", "free");

    let found = examine(command(&Place::new()).current_dir("/"));
    found.has("configuration", "error", "argus-mcp config init");
}

#[test]
fn variables_that_are_not_set_are_told() {
    let place = place(
        "server: {port: 0, management: {token: '${NOT_SET_A}'}}\nbackends: {a: {type: stdio, command: '${NOT_SET_B}'}}\n",
    );
    let found = examine(&mut command(&place));
    found.mends("configuration", "warning", "`NOT_SET_A` is not set", "set NOT_SET_A");
    found.mends("configuration", "warning", "needs `NOT_SET_B`", "set NOT_SET_B");
    assert_eq!(found.code, Some(0));
    let found = examine(command(&place).env("ARGUS_MGMT_TOKEN", "changeme"));
    found.has("configuration", "error", "ARGUS_MGMT_TOKEN");
    assert!(!found.text.contains("changeme"), "{}", found.text);
}

#[test]
fn programs_that_cannot_be_started_are_told() {
    let place = Place::new();
    let (locked, away) = (place.path("locked"), place.path("away"));
    fs::write(&locked, "").unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o644)).unwrap();
    let backend = |name: &str, command: &Path, more: &str| {
        format!("  {name}: {{type: stdio, command: '{}'{more}}}\n", command.display())
    };
    let config = [
        "server: {port: 0}\nbackends:\n".to_owned(),
        backend("locked", &locked, ""),
        backend("away", &away, ""),
        backend("uvx", Path::new("uvx"), ", env: {PATH: /nonexistent}"),
        backend("npx", Path::new("npx"), ", env: {PATH: /nonexistent}"),
        backend("nowhere", Path::new("sh"), ", cwd: /nonexistent"),
    ];
    place.write("config.yaml", &config.concat());
    let found = examine(&mut command(&place));
    found.mends("programs", "error", "locked: ", "chmod +x");
    found.mends(
        "programs",
        "error",
        "away: there is no program",
        "backends.away.command",
    );
    found.mends("programs", "error", "uvx is not on PATH", "install uv");
    found.mends("programs", "error", "npx is not on PATH", "Node.js");
    found.mends(
        "programs",
        "error",
        "/nonexistent to start it in",
        "backends.nowhere.cwd",
    );
}

#[test]
fn a_port_is_free_or_a_gateways_or_somebodys() {
    let place = place("");
    let port = argus_testkit::unused_port();
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    place.write("config.yaml", &format!("server: {{port: {port}}}\n"));
    let found = examine(&mut command(&place));
    let holder = format!("process {}", std::process::id());
    found.mends("port", "error", &holder, "--port");
    drop(taken);
    found_free(&place, port);

    place.write("config.yaml", "server: {port: 0}\n");
    let server = place.serve(&["--log-dir", "none"]);
    place.write("config.yaml", &format!("server: {{port: {}}}\n", server.port()));
    let found = examine(&mut command(&place));
    found.has("port", "ok", &format!("listens on port {} already", server.port()));
    server.stop();

    place.write("config.yaml", "server: {host: 192.0.2.1}\n");
    examine(&mut command(&place)).mends("port", "error", "192.0.2.1", "--host");
}

fn found_free(place: &Place, port: u16) {
    examine(&mut command(place)).has("port", "ok", &format!("{port} of 127.0.0.1 is free"));
}

#[test]
fn files_that_others_may_read_are_told() {
    let place = place("server: {port: 0, management: {token: 0123456789abcdef0123456789abcdef}}\n");
    let (state, config) = (place.path("state"), place.path("config.yaml"));
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    fs::create_dir(&state).unwrap();
    fs::write(state.join("seal.key"), "").unwrap();
    set(&config, 0o644);
    set(&state, 0o755);
    set(&state.join("seal.key"), 0o600);
    let found = examine(&mut command(&place));
    found.mends("permissions", "warning", "state in the data folder", "chmod");
    found.mends("permissions", "warning", "server.management.token", "chmod 600");
    assert!(!found.text.contains("0123456789abcdef"), "{}", found.text);

    set(&state, 0o700);
    set(&state.join("seal.key"), 0o644);
    set(&config, 0o600);
    let found = examine(&mut command(&place));
    found.mends("permissions", "warning", "seal.key", "chmod");
    assert!(!found.text.contains("management.token"), "{}", found.text);

    set(&state.join("seal.key"), 0o600);
    examine(&mut command(&place)).has("permissions", "ok", "is its owner's only");
    assert_eq!(fs::read_dir(&state).unwrap().count(), 1, "the probe is removed");

    let found = examine(command(&place).env("ARGUS_STATE_DIR", &config));
    found.mends("permissions", "error", "cannot be written", "ARGUS_STATE_DIR");
}

#[test]
fn a_secret_of_the_environment_may_be_named_by_anybody() {
    let place = place("server: {port: 0, management: {token: '${A_TOKEN}'}}\n");
    fs::set_permissions(place.path("config.yaml"), fs::Permissions::from_mode(0o644)).unwrap();
    let found = examine(command(&place).env("A_TOKEN", "0123456789abcdef0123456789abcdef"));
    assert!(!found.text.contains("management.token"), "{}", found.text);
}
