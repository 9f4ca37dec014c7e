//! What is different on a terminal.

use std::io::Read;

use nix::pty::{Winsize, openpty};

use super::logs::stand_in;
use super::world::World;

/// What a command writes to a terminal of 60 columns.
fn shown(world: &World, arguments: &[&str], no_colour: bool) -> String {
    let (code, text) = on_terminal(world, arguments, no_colour);
    assert_eq!(code, Some(0));
    text
}

/// The same with its exit code, whatever that is; with what goes to standard error.
fn on_terminal(world: &World, arguments: &[&str], no_colour: bool) -> (Option<i32>, String) {
    let size = Winsize {
        ws_row: 25,
        ws_col: 60,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = openpty(&size, None).unwrap();
    let mut command = world.place().command(arguments);
    command
        .stderr(pty.slave.try_clone().unwrap())
        .stdout(pty.slave)
        .env("NO_COLOR", if no_colour { "1" } else { "" });
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        // It fails when the other end is closed.
        let _ = std::fs::File::from(pty.master).read_to_end(&mut text);
        String::from_utf8(text).unwrap()
    });
    let status = command.status().unwrap();
    drop(command);
    (status.code(), reader.join().unwrap())
}

#[test]
fn a_terminal_has_colours_a_width_and_is_not_obeyed_to() {
    let world = World::new();
    world.ready(&[]);
    let coloured = shown(&world, &["backends"], false);
    assert!(coloured.contains("\x1b[32mReady\x1b[0m"), "{coloured:?}");
    let plain = shown(&world, &["tools"], true);
    assert!(!plain.contains('\x1b'), "{plain:?}");
    assert!(
        plain.contains('…') && plain.lines().all(|line| line.chars().count() <= 60),
        "{plain}"
    );

    let message = "message=a\x1b[2Jb\u{202e}c\nd";
    let call = ["call", "echo", "-a", message];
    assert_eq!(shown(&world, &call, false), "a\\u{1b}[2Jb\\u{202e}c\r\nd\r\n");
    assert_eq!(
        world.answer(&call),
        "a\x1b[2Jb\u{202e}c\nd\n",
        "a pipe gets what the tool said"
    );
}

#[test]
fn a_terminal_does_not_obey_errors_either() {
    let world = World::new();
    let body = r#"{"error":"conflict","message":"a\u001b[2Jb","details":null}"#;
    let refusal = || ("409 Conflict", "application/json", body.to_owned());
    let health = ("200 OK", "application/json", "{\"status\":\"\x1b[2J\"}".to_owned());
    let (url, asked) = stand_in(vec![refusal(), refusal(), health]);
    let tools = ["tools", "--url", &url];
    let (code, text) = on_terminal(&world, &tools, false);
    assert_eq!((code, text.as_str()), (Some(1), "error: a\\u{1b}[2Jb\r\n"));
    assert_eq!(
        world.run(&tools).stderr,
        "error: a\x1b[2Jb\n",
        "a pipe gets what was said"
    );
    let healthy = shown(&world, &["healthcheck", "--url", &url], false);
    assert_eq!(healthy, "{\"status\":\"\\u{1b}[2J\"}\r\n");
    asked.join().unwrap();
}
