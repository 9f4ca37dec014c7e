//! `argus-mcp healthcheck`: the exit code tells whether a gateway lives.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::place::Place;

#[test]
fn a_gateway_that_lives_is_seen() {
    let place = Place::new();
    let server = place.serve(&["--demo", "--port", "0", "--log-dir", "none"]);
    let url = format!("http://127.0.0.1:{}", server.port());
    let said = place.run(&["healthcheck", "--url", &url]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("\"status\""), "{said:?}");
    let named = place.command(&["healthcheck"]).env("ARGUS_SERVER_URL", &url).status();
    assert_eq!(named.unwrap().code(), Some(0));
    let place_only = url.trim_start_matches("http://");
    assert_eq!(place.run(&["healthcheck", "--url", place_only]).code, Some(0));
    server.stop();
    let said = place.run(&["healthcheck", "--url", &url]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("no gateway answers"), "{said:?}");
}

#[test]
fn one_that_is_stuck_or_none_at_all_is_not() {
    let place = Place::new();
    // It takes connections and says nothing.
    let stuck = TcpListener::bind("127.0.0.1:0").unwrap();
    let said = place.run(&[
        "healthcheck",
        "--url",
        &format!("http://{}", stuck.local_addr().unwrap()),
    ]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("no answer"), "{said:?}");

    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", other.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
    });
    let said = place.run(&["healthcheck", "--url", &url]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("is no gateway"), "{said:?}");
    answering.join().unwrap();
    assert_eq!(place.run(&["healthcheck", "--url", "ftp://nothing"]).code, Some(2));
}

#[test]
fn a_variable_that_is_empty_is_none() {
    let place = Place::new();
    let said = place
        .command(&["healthcheck"])
        .env("ARGUS_SERVER_URL", "")
        .output()
        .unwrap();
    let text = String::from_utf8(said.stderr).unwrap();
    // Whether a gateway is there is another matter.
    assert!(said.status.code() != Some(2) && !text.contains("address"), "{text}");

    let mut command = place.command(&["server", "--demo", "--port", "0", "--log-dir", "none"]);
    let home = place.path("home");
    let command = {
        command.env("ARGUS_STATE_DIR", "").env("XDG_DATA_HOME", &home);
        command
    };
    let server = place.serving(command, "");
    assert!(home.join("argus-mcp/sessions").exists());
    server.stop();
}
