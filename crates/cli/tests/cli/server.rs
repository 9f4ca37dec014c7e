//! `argus-mcp server`: the port, the announcement, the end.

use std::net::{TcpListener, TcpStream};

use nix::sys::signal::Signal;

use crate::place::Place;

const ANY_PORT: &str = "server: {port: 0}\n";

#[test]
fn it_says_where_it_listens_and_stops_when_told() {
    let place = Place::new();
    place.write("config.yaml", ANY_PORT);
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = place.serve(&["--log-dir", "none"]);
        let port = server.port();
        let expected = format!(
            "Argus MCP {} listening on http://127.0.0.1:{port}/mcp",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(server.announcement(), expected);
        TcpStream::connect(("127.0.0.1", port)).unwrap();
        server.signal(signal);
        let (status, said) = server.end();
        assert_eq!(status.code(), Some(0), "{said}");
    }
}

#[test]
fn it_announces_the_endpoint_of_the_configured_transport() {
    let place = Place::new();
    place.write("config.yaml", "server: {port: 0, transport: sse}\n");
    let server = place.serve(&["--log-dir", "none"]);
    let expected = format!("listening on http://127.0.0.1:{}/sse", server.port());
    assert!(server.announcement().ends_with(&expected), "{}", server.announcement());
    server.stop();
}

#[test]
fn the_command_line_wins_over_the_file() {
    let place = Place::new();
    place.write("config.yaml", "server: {host: 192.0.2.1, port: 1}\n");
    let server = place.serve(&["--host", "::1", "--port", "0", "--log-dir", "none"]);
    assert!(
        server.announcement().contains("http://[::1]:"),
        "{}",
        server.announcement()
    );
    server.stop();
}

#[test]
fn a_busy_port_is_one_line_that_names_it() {
    let place = Place::new();
    place.write("config.yaml", "");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = place.run(&["server", "--port", &port, "--log-dir", "none"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
    assert!(
        said.stderr.contains(&format!("port {port} is busy")) && said.stderr.contains("--port"),
        "{said:?}"
    );
}

#[test]
fn an_address_of_another_machine_is_one_line() {
    let place = Place::new();
    place.write("config.yaml", "");
    let said = place.run(&["server", "--host", "192.0.2.1", "--port", "0", "--log-dir", "none"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stderr.contains("192.0.2.1") && said.stderr.contains("--host"),
        "{said:?}"
    );
}

#[test]
fn a_wrong_file_stops_it_with_every_error() {
    let place = Place::new();
    place.write("config.yaml", "server: {prot: 1, hots: x}\n");
    let said = place.run(&["server"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("error: config.yaml has 2 errors"), "{said:?}");
}

#[test]
fn unset_variables_that_it_can_live_with_are_warnings() {
    let place = Place::new();
    place.write(
        "config.yaml",
        "server: {port: 0, management: {token: '${NOT_SET_A}'}}\n\
         backends: {a: {type: stdio, command: '${NOT_SET_B}'}}\n",
    );
    let said = place.serve(&["--log-dir", "none"]).stop();
    for variable in ["NOT_SET_A", "NOT_SET_B"] {
        let warning = said.lines().find(|line| line.contains(variable)).unwrap();
        assert!(warning.contains("WARN") && warning.contains("config.yaml:"), "{said}");
    }
}

#[test]
fn origins_of_the_environment_are_checked() {
    let place = Place::new();
    place.write("config.yaml", ANY_PORT);
    let output = place
        .command(&["server"])
        .env("ARGUS_ALLOWED_ORIGINS", "example.com")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("ARGUS_ALLOWED_ORIGINS") && stderr.contains("example.com"),
        "{stderr}"
    );
}

#[test]
fn the_demo_needs_no_file() {
    let server = Place::new().serve(&["--demo", "--port", "0", "--log-dir", "none"]);
    server.stop();
}
