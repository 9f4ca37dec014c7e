//! Gateways that are hard to find or to ask: their addresses, what they could not write, and those without an API.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::stops::Stand;
use super::world::{World, config, eventually, page};
use crate::place::Said;

#[test]
fn what_was_bound_is_asked_whatever_it_was_called() {
    for (host, url) in [
        ("0", "http://127.0.0.1:"),
        ("::ffff:127.0.0.1", "http://127.0.0.1:"),
        ("127.0.1.1", "http://127.0.1.1:"),
        ("127.1", "http://127.0.0.1:"),
        ("::", "http://[::1]:"),
        ("localhost", "http://"),
    ] {
        let world = World::new();
        world.detach(&["--host", host]);
        let gateway = world.gateways().remove(0);
        assert!(gateway["url"].as_str().unwrap().starts_with(url), "{gateway}");
        assert!(gateway["health"].is_object(), "{gateway}");
        assert!(world.answer(&["backends"]).contains("echo"), "{host}");
    }
}

#[test]
fn one_that_cannot_be_asked_hides_no_other() {
    let world = World::new();
    world.detach(&["--name", "a"]);
    let stand = Stand::at(&world, "zoned", "[fe80::1%1]:9", 9);
    let gateways = world.gateways();
    assert_eq!(gateways.len(), 2, "{gateways:?}");
    assert!(gateways[0]["health"].is_object(), "{gateways:?}");
    assert_eq!(gateways[1]["url"], "http://[fe80::1%251]:9");
    assert_eq!(gateways[1]["health"], Value::Null);
    drop(stand);
}

#[test]
fn one_without_a_management_api_is_not_called_sick() {
    let world = World::new();
    let text = config("echo").replace("port: 0", "port: 0, management: {enabled: false}");
    world.place().write("config.yaml", &text);
    world.detach(&[]);
    let gateway = world.gateways().remove(0);
    assert_eq!(
        (&gateway["management"], &gateway["health"]),
        (&false.into(), &Value::Null)
    );
    let table = world.answer(&["status"]);
    assert!(
        table.contains("runs (API off)") && !table.contains("unreachable"),
        "{table}"
    );

    let port = gateway["port"].to_string();
    world
        .place()
        .write("config.yaml", &text.replace("port: 0", &format!("port: {port}")));
    let said = world.run(&["doctor"]);
    let name = format!("ok       port: the gateway argus-{port} (process ");
    assert!(said.stdout.contains(&name), "{said:?}");
    assert!(said.stdout.contains("its management API is off"), "{said:?}");
}

#[test]
fn a_path_that_is_no_text_keeps_nobody_from_starting() {
    let world = World::new();
    let folder = world.place().path("").join(OsStr::from_bytes(b"f\xff"));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("config.yaml");
    std::fs::write(&file, config("echo")).unwrap();
    let mut command = world
        .place()
        .command(&["server", "--detach", "--log-dir", "none", "--config"]);
    let said = Said::from(command.arg(&file).output().unwrap());
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
    let gateways = world.gateways();
    assert!(
        gateways[0]["config"]
            .as_str()
            .unwrap()
            .ends_with("f\u{fffd}/config.yaml"),
        "{gateways:?}"
    );
}

#[test]
fn one_that_cannot_say_who_it_is_serves_all_the_same() {
    let world = World::new();
    std::fs::create_dir(world.place().path("state")).unwrap();
    world.place().write("state/sessions", "in the way");
    let said = world.detach(&["--name", "a"]);
    let (_, rest) = said.stdout.split_once("(process ").unwrap();
    let (pid, rest) = rest.split_once(") listens on http://127.0.0.1:").unwrap();
    let (port, _) = rest.split_once('/').unwrap();
    assert!(said.stdout.contains(&format!("stop it with `kill {pid}`")), "{said:?}");
    assert!(
        said.stderr.starts_with("warning: ") && said.stderr.contains("its log says why"),
        "{said:?}"
    );
    assert!(page(port.parse().unwrap(), "/manage/v1/health").is_some());
    let log = world.place().path("state/logs").join(&world.state("logs")[0]);
    eventually("its log says why", || {
        std::fs::read_to_string(&log)
            .unwrap()
            .contains("will not find this gateway")
    });
    kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGTERM).unwrap();
    eventually("it is gone", || world.processes().is_empty());
}

#[test]
fn a_configuration_that_can_be_read_once_only_is_refused_in_the_background() {
    let world = World::new();
    let said = world.run(&["server", "--detach", "--log-dir", "none", "--config", "/dev/stdin"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:?}");
    assert!(
        said.stderr.contains("/dev/stdin is no regular file") && said.stderr.contains("without --detach"),
        "{said:?}"
    );
    assert!(world.gateways().is_empty());
    let said = world.run(&["server", "--detach", "--config", "missing.yaml"]);
    assert!(said.code == Some(2) && !said.stderr.contains("regular"), "{said:?}");
}
