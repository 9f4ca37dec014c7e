//! More than one gateway: names, and which one is meant.

use super::world::{World, config, eventually, page};

#[test]
fn two_gateways_are_told_apart() {
    let world = World::new();
    world.place().write("other.yaml", &config("other"));
    world.detach(&["--name", "a"]);
    let said = world.detach(&["--config", "other.yaml"]);
    let gateways = world.gateways();
    let names: Vec<&str> = gateways
        .iter()
        .map(|gateway| gateway["name"].as_str().unwrap())
        .collect();
    let port = gateways[1]["port"].as_u64().unwrap();
    assert_eq!(names, ["a", &format!("argus-{port}")]);
    assert!(said.stdout.starts_with(&format!("argus-{port} ")), "{said:?}");
    assert!(world.answer(&["status"]).ends_with("\n2 gateways run\n"));

    let which = world.run(&["stop"]);
    assert_eq!(which.code, Some(1), "{which:?}");
    assert!(
        which.stderr.contains("a (process") && which.stderr.contains(names[1]),
        "{which:?}"
    );
    let which = world.run(&["backends"]);
    assert_eq!(which.code, Some(2), "{which:?}");
    assert!(which.stderr.contains(gateways[0]["url"].as_str().unwrap()), "{which:?}");

    let url = gateways[1]["url"].as_str().unwrap();
    // As it is copied from a client's configuration.
    let listed = world.answer(&["backends", "--url", &format!("{url}/mcp")]);
    assert!(listed.contains("other") && !listed.contains("echo"), "{listed}");
    let by_variable = world
        .place()
        .command(&["backends"])
        .env("ARGUS_SERVER_URL", url)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(by_variable.stdout).unwrap().lines().count(), 2);
    let status = world.answer(&["status", "--url", url, "--json"]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&status).unwrap()["transport"]["port"],
        port
    );

    // By its process.
    world.answer(&["stop", &gateways[0]["pid"].to_string()]);
    assert!(world.answer(&["backends"]).contains("other"), "the only one is meant");
    let unknown = world.run(&["stop", "a"]);
    assert!(
        unknown.stderr.contains("no gateway is called `a`; these run: argus-"),
        "{unknown:?}"
    );
    world.answer(&["stop", "--all"]);
    assert_eq!(world.gateways().len(), 0);
}

#[test]
fn a_name_belongs_to_one_gateway() {
    let world = World::new();
    world.detach(&["--name", "a"]);
    let expected =
        "a gateway that is called `a` runs already; stop it with `argus-mcp stop a`, or choose another --name";
    for arguments in [&["server", "--name", "a"][..], &["server", "--detach", "--name", "a"]] {
        let said = world.run(&[arguments, &["--log-dir", "none"]].concat());
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains(expected), "{said:?}");
    }
    assert_eq!(world.gateways().len(), 1, "the one that runs is not touched");
    assert_eq!(world.state("logs"), ["detached-a.log"]);
}

#[test]
fn a_gateway_of_its_own_name_has_data_of_its_own() {
    let world = World::new();
    world.ready(&["--name", "a"]);
    world.ready(&["--name", "b"]);
    for name in ["a", "b"] {
        let own = world.state(&format!("gateways/{name}"));
        assert!(own.contains(&"seal.key".to_owned()), "{own:?}");
        let log = std::fs::read_to_string(world.place().path(&format!("state/logs/detached-{name}.log"))).unwrap();
        assert!(!log.contains("data folder"), "{log}");
    }
    assert!(!world.state("").contains(&"seal.key".to_owned()));
}

#[test]
fn one_in_the_foreground_is_known_too() {
    let world = World::new();
    let server = world.place().serve(&["--log-dir", "none"]);
    let gateways = world.gateways();
    assert_eq!(gateways.len(), 1);
    assert_eq!(gateways[0]["port"], server.port());
    assert_eq!(gateways[0]["log_file"], serde_json::Value::Null);
    eventually("its tools are there", || world.answer(&["tools"]).contains("echo"));
    world.answer(&["stop"]);
    let (status, said) = server.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert_eq!(world.state("sessions"), [""; 0]);
}

#[test]
fn a_folder_that_cannot_be_written_keeps_nobody_from_serving() {
    let world = World::new();
    world.place().write("state", "a file where the folder is to be");
    let server = world.place().serve(&["--log-dir", "none"]);
    assert!(page(server.port(), "/manage/v1/health").unwrap().contains("healthy"));
    let said = server.stop();
    assert!(said.contains("ARGUS_STATE_DIR"), "{said}");
}

#[test]
fn the_configuration_is_read_again() {
    let world = World::new();
    let (_, url) = world.ready(&[]);
    let text = config("echo") + "feature_flags: {hot_reload: true}\n";
    let more = text
        .replace("backends: {", "backends: {more: {type: stdio, command: cat}, ")
        .replace("port: 0", "port: 1");
    world.place().write("config.yaml", &more);
    let said = world.answer(&["reload", "--url", &url]);
    assert!(said.starts_with("the configuration is in effect\n"), "{said}");
    assert!(
        said.contains("take effect at the next start only: server.port") || said.contains("backends added: more"),
        "{said}"
    );
    world.place().write("config.yaml", "backends: {x: 1, y: 2}\n");
    let said = world.run(&["reload"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{said:?}");
    assert!(
        said.stderr
            .lines()
            .filter(|line| line.contains("config.yaml:1:"))
            .count()
            >= 2,
        "{said:?}"
    );
    let said = world.run(&["reload", "--json"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(1), ""), "{said:?}");
    assert!(said.stdout.starts_with(r#"{"reloaded":false,"#), "{said:?}");
}
