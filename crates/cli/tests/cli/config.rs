//! `argus-mcp config ...`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::place::Place;

#[test]
fn a_valid_file_is_one_line() {
    let place = Place::new();
    place.write(
        "config.yaml",
        "backends: {a: {type: stdio, command: x}, b: {type: stdio, command: x}}\n",
    );
    let said = place.run(&["config", "validate"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(0), "config.yaml is valid: 2 backends\n"),
        "{said:?}"
    );
    place.write("other.yml", "backends: {a: {type: stdio, command: x}}\n");
    let said = place.run(&["config", "validate", "other.yml"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(0), "other.yml is valid: 1 backend\n"),
        "{said:?}"
    );
}

#[test]
fn every_error_is_shown_and_the_code_is_2() {
    let place = Place::new();
    place.write("config.yaml", "server:\n  prot: 1\n  host: ${NOT_SET_ANYWHERE}\n");
    let said = place.run(&["config", "validate"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:?}");
    for text in [
        "unknown key `prot`",
        "[config.yaml:2:3]",
        "  prot: 1",
        "did you mean `port`?",
        "`NOT_SET_ANYWHERE`",
        "[config.yaml:3:9]",
        "error: config.yaml has 2 errors",
    ] {
        assert!(said.stderr.contains(text), "{text} is not in {}", said.stderr);
    }
    assert!(!said.stderr.contains('\u{1b}'), "{said:?}");
}

#[test]
fn a_missing_file_is_one_line_with_a_remedy() {
    for (arguments, named) in [
        (&["config", "validate"][..], "config init"),
        (&["config", "validate", "none.yaml"], "none.yaml"),
        (&["server"], "--demo"),
        (&["server", "--config", "none.yaml"], "none.yaml"),
    ] {
        let said = Place::new().run(arguments);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
        assert!(said.stderr.contains(named), "{said:?}");
    }
}

#[test]
fn the_file_of_the_environment_is_read() {
    let place = Place::new();
    place.write("config.yaml", "wrong: 1\n").write("named.yaml", "");
    let mut command = place.command(&["config", "validate"]);
    let output = command.env("ARGUS_CONFIG", "named.yaml").output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "named.yaml is valid: 0 backends\n"
    );
}

#[test]
fn the_schema_is_the_committed_one() {
    let said = Place::new().run(&["config", "schema"]);
    assert_eq!(said.code, Some(0));
    assert_eq!(said.stdout, include_str!("../../../../docs/config.schema.json"));
}

#[test]
fn the_starter_is_valid_and_never_overwrites_unasked() {
    let place = Place::new();
    let said = place.run(&["config", "init"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.trim_end().ends_with("/config.yaml"), "{said:?}");
    assert_eq!(
        fs::metadata(place.path("config.yaml")).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        place.run(&["config", "validate"]).stdout,
        "config.yaml is valid: 1 backend\n"
    );

    place.write("config.yaml", "# mine\n");
    let refused = place.run(&["config", "init"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("--force"), "{refused:?}");
    assert_eq!(fs::read_to_string(place.path("config.yaml")).unwrap(), "# mine\n");
    assert_eq!(place.run(&["config", "init", "--force"]).code, Some(0));
    assert_eq!(place.run(&["config", "validate"]).code, Some(0));
}
