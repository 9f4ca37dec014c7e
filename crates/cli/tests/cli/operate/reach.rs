//! Gateways that cannot be reached, refuse, or are none.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::world::{World, config};

const TOKEN: &str = "6f1d2c3b4a5968778695a4b3c2d1e0f0";

#[test]
fn nobody_there_is_code_3() {
    let world = World::new();
    let free = format!("127.0.0.1:{}", argus_testkit::unused_port());
    for command in ["status", "tools", "backends", "events", "reload"] {
        let said = world.run(&[command, "--url", &free]);
        assert_eq!((said.code, said.stdout.as_str()), (Some(3), ""), "{said:?}");
        let expected = format!("error: no gateway can be reached at http://{free} (");
        assert!(
            said.stderr.starts_with(&expected) && said.stderr.contains("argus-mcp status"),
            "{said:?}"
        );
    }
}

#[test]
fn what_is_no_gateway_is_code_3() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = [
        "200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        "404 Not Found\r\nContent-Length: 2\r\n\r\nno",
    ];
    let server = std::thread::spawn(move || {
        for answer in answers {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = socket.read(&mut [0; 4096]).unwrap();
            write!(socket, "HTTP/1.1 {answer}").unwrap();
        }
    });
    let world = World::new();
    for _ in answers {
        let said = world.run(&["tools", "--url", &url]);
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.stderr.contains("is no Argus MCP gateway"), "{said:?}");
    }
    server.join().unwrap();
}

#[test]
fn tokens_are_asked_for_and_never_repeated() {
    let world = World::new();
    let text = config("echo").replace("port: 0", &format!("port: 0, management: {{token: {TOKEN}}}"));
    world.place().write("config.yaml", &text);
    world.detach(&[]);
    // Health needs none, nor do signals.
    assert!(world.gateways()[0]["health"].is_object());

    let none = world.run(&["tools"]);
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(
        none.stderr.contains("asks for a token: put it into ARGUS_MGMT_TOKEN"),
        "{none:?}"
    );
    let wrong = world.run(&["tools", "--token", "wrong-s3cret"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(
        wrong.stderr.contains("does not know this token") && !wrong.stderr.contains("s3cret"),
        "{wrong:?}"
    );
    // With --json a program reads what the API answered.
    for arguments in [
        &["tools", "--json"][..],
        &["tools", "--json", "--token", "wrong-s3cret"],
    ] {
        let said = world.run(arguments);
        let answer: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(
            (said.code, &answer["error"]),
            (Some(1), &json!("unauthorized")),
            "{said:?}"
        );
    }
    let line = world.run(&["tools", "--token", "s3cret\nline"]);
    assert!(line.code == Some(1) && !line.stderr.contains("s3cret"), "{line:?}");

    assert_eq!(world.run(&["backends", "--token", TOKEN]).code, Some(0));
    world.place().write("token", &format!("{TOKEN}\n"));
    assert_eq!(world.run(&["backends", "--token-file", "token"]).code, Some(0));
    let by_variable = world
        .place()
        .command(&["backends"])
        .env("ARGUS_MGMT_TOKEN", TOKEN)
        .output()
        .unwrap();
    assert_eq!(by_variable.status.code(), Some(0), "{by_variable:?}");
    assert!(world.answer(&["stop"]).contains("is stopped"));
}
