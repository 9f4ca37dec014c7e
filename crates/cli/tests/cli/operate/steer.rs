//! What can be done to a backend.

use serde_json::Value;

use super::world::{World, config};

fn pids(world: &World) -> Value {
    let detail: Value = serde_json::from_str(&world.answer(&["backends", "echo", "--json"])).unwrap();
    detail["pids"].clone()
}

#[test]
fn a_backend_is_made_anew_and_taken_away() {
    let world = World::new();
    world.ready(&[]);
    let first = pids(&world);
    assert_eq!(world.answer(&["reconnect", "echo"]), "echo is reconnected\n");
    let second = pids(&world);
    assert_ne!(first, second);
    assert_eq!(world.answer(&["restart", "echo"]), "echo is restarted\n");
    assert_ne!(pids(&world), second);

    assert_eq!(world.answer(&["disable", "echo"]), "echo is disabled\n");
    assert!(world.answer(&["tools"]).starts_with("no such tool"));
    let detail = world.answer(&["backends", "echo"]);
    assert!(detail.contains("Pending") && detail.contains("Disabled"), "{detail}");
    let refused = world.run(&["restart", "echo"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.starts_with("error: ") && refused.stderr.contains("disabled"),
        "{refused:?}"
    );
    let enabled: Value = serde_json::from_str(&world.answer(&["enable", "echo", "--json"])).unwrap();
    assert_eq!((&enabled["action"], &enabled["ok"]), (&"enabled".into(), &true.into()));
    assert!(world.answer(&["tools"]).contains("add"));

    for command in ["reconnect", "restart", "enable", "disable", "backends"] {
        let unknown = world.run(&[command, "nobody"]);
        assert_eq!(unknown.code, Some(1), "{unknown:?}");
        assert!(unknown.stderr.contains("no backend is called `nobody`"), "{unknown:?}");
    }
}

#[test]
fn one_that_does_not_come_back_is_a_failure_that_says_why() {
    let world = World::new();
    world.place().write(
        "config.yaml",
        &config("echo").replace("args: [example, echo]", "args: [nonsense]"),
    );
    world.detach(&[]);
    for command in ["reconnect", "restart", "enable"] {
        let failed = world.run(&[command, "echo"]);
        assert_eq!((failed.code, failed.stdout.as_str()), (Some(1), ""), "{failed:?}");
        assert!(failed.stderr.starts_with("error: echo is not ready: "), "{failed:?}");
        let json = world.run(&[command, "echo", "--json"]);
        assert_eq!((json.code, json.stderr.as_str()), (Some(1), ""), "{json:?}");
        assert!(json.stdout.starts_with(r#"{"name":"echo","#), "{json:?}");
    }
}
