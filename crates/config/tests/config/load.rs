//! Finding the file, variables that are not set, and what a good file loads to.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common;
use argus_config::{Config, LoadError, Mode, Transport, load, locate, starter};
use secrecy::ExposeSecret;

fn good(text: &str) -> Config {
    let loaded = common::check(text, Mode::Check).unwrap_or_else(|report| panic!("{report}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    loaded.config
}

fn stdio(config: &Config, index: usize) -> argus_config::Process {
    match &config.backends[index].definition.as_ref().unwrap().transport {
        Transport::Stdio(stdio) => stdio.clone(),
        Transport::StreamableHttp(_) | Transport::Sse(_) => panic!("not stdio"),
    }
}

fn fixture(name: &str) -> String {
    common::fixtures("good")
        .into_iter()
        .find(|(found, _)| found == name)
        .unwrap()
        .1
}

#[test]
fn good_files_load() {
    for (_, text) in common::fixtures("good") {
        good(&text);
    }
}

#[test]
fn the_starter_loads_clean() {
    let config = good(&starter("/opt/a \"b\"/${c}/argus-mcp"));
    assert_eq!(config.backends.len(), 1);
    assert_eq!(stdio(&config, 0).command, "/opt/a \"b\"/${c}/argus-mcp");
}

#[test]
fn an_empty_file_has_the_defaults() {
    let server = good("").server;
    assert_eq!((server.host.as_str(), server.port), ("127.0.0.1", 9000));
    assert_eq!(server.max_body_bytes, 4 * 1024 * 1024);
    assert_eq!(server.page_size, None);
    assert_eq!(server.startup_wait, Duration::from_secs(5));
    assert_eq!(server.shutdown_timeout, Duration::from_secs(10));
    assert!(server.management.enabled);
    assert_eq!(server.management.reconnect_timeout, Duration::from_secs(60));
    assert_eq!(server.management.max_event_streams, 1000);
    assert_eq!(format!("{:?}", good("")), format!("{:?}", Config::default()));
}

#[test]
fn a_full_file_loads_to_what_it_says() {
    let config = good(&fixture("full"));
    insta::assert_debug_snapshot!(config);
    let files = stdio(&config, 0);
    assert_eq!(files.args, ["--port", "8080", "--verbose", "true", "x"]);
    assert_eq!(files.env["TOKEN"].expose_secret(), "hunter2-hunter3-hunter4");
    assert_eq!(files.cwd.as_deref(), Some(Path::new("/etc/argus/sub/folder")));
    let Transport::Sse(events) = &config.backends[2].definition.as_ref().unwrap().transport else {
        panic!("not sse")
    };
    assert_eq!(events.remote.url.as_str(), "http://127.0.0.1:9100/sse");
    let process = events.process.as_ref().unwrap();
    assert_eq!(
        (process.command.as_str(), &process.args[..]),
        ("files", &["sse".to_owned()][..])
    );
    assert_eq!(process.cwd.as_deref(), Some(Path::new("/etc/argus/sub/folder")));
    assert_eq!(config.server.port, 8081);
}

#[test]
fn no_secret_is_visible_in_debug() {
    let config = good(&fixture("full"));
    assert!(!format!("{config:#?}").contains("hunter2"));
}

#[test]
fn merge_keys_inherit_and_keep_what_is_written() {
    let config = good(&fixture("merge-keys"));
    let two = stdio(&config, 1);
    assert_eq!(two.command, "server");
    assert_eq!(two.env["A"].expose_secret(), "one");
    assert_eq!(two.env["B"].expose_secret(), "two");
}

#[test]
fn filters_match_globs_and_deny_wins() {
    let config = good(&fixture("full"));
    let filters = &config.backends[0].definition.as_ref().unwrap().filters;
    assert!(filters.tools.passes("read_file"));
    assert!(!filters.tools.passes("read_secret"));
    assert!(!filters.tools.passes("write_file"));
    assert!(filters.resources.passes("file:///home/me"));
    assert!(!filters.resources.passes("file:///etc/a/b"));
    assert!(filters.prompts.passes("summary"));
}

const UNSET: &str = "
server: {management: {token: '${NO_TOKEN}'}}
backends:
  whole: {type: stdio, command: a}
  broken: {type: stdio, command: a, args: ['${NO_ARG}'], env: {KEY: '${NO_KEY}'}, group: red}
  addressless: {type: streamable-http, url: '${NO_URL}', group: blue}
";

#[test]
fn the_server_lives_with_unset_variables_where_it_can() {
    let loaded = common::check(UNSET, Mode::Serve).unwrap();
    assert!(loaded.config.server.management.token.is_none());
    assert_eq!(loaded.warnings.findings().len(), 4);
    insta::assert_snapshot!(loaded.warnings.to_string());
    let entries = &loaded.config.backends;
    assert!(entries[0].definition.is_ok());
    let broken = entries[1].definition.as_ref().unwrap_err();
    let missing: Vec<_> = broken
        .missing
        .iter()
        .map(|unset| (unset.key.as_str(), unset.variable.as_str()))
        .collect();
    assert_eq!(
        missing,
        [
            ("backends.broken.args[0]", "NO_ARG"),
            ("backends.broken.env.KEY", "NO_KEY")
        ]
    );
    assert_eq!(
        broken.to_string(),
        "not configured: `backends.broken.args[0]` needs the environment variable `NO_ARG`, which is not set; \
         `backends.broken.env.KEY` needs the environment variable `NO_KEY`, which is not set"
    );
    assert_eq!((entries[1].group.as_str(), entries[1].kind.as_str()), ("red", "stdio"));
    assert_eq!(
        (entries[2].group.as_str(), entries[2].kind.as_str()),
        ("blue", "streamable-http")
    );
}

#[test]
fn validation_refuses_every_unset_variable() {
    let report = common::check(UNSET, Mode::Check).unwrap_err();
    assert_eq!(report.findings().len(), 4);
}

#[test]
fn elsewhere_an_unset_variable_stops_the_server_too() {
    let report = common::check("server: {host: '${NO_HOST}'}\n", Mode::Serve).unwrap_err();
    assert_eq!(report.findings().len(), 1);
}

#[test]
fn a_variable_cannot_inject_yaml() {
    let environment = |_: &str| Some("x\n  port: 1\n# ${OTHER} &a *b".to_owned());
    let text = "backends: {a: {type: stdio, command: c, env: {V: '${V}'}}}\n";
    let loaded = argus_config::check("config.yaml", text, Path::new("/"), &environment, Mode::Check).unwrap();
    assert_eq!(
        stdio(&loaded.config, 0).env["V"].expose_secret(),
        "x\n  port: 1\n# ${OTHER} &a *b"
    );
}

#[test]
fn digests_are_stable_and_tell_definitions_apart() {
    let digest = |text: &str| good(text).backends[0].definition.as_ref().unwrap().digest();
    let one = digest("backends: {a: {type: stdio, command: x, args: [b, c]}}\n");
    assert_eq!(one, digest("backends:\n  a: {args: [b, c], command: x, type: stdio}\n"));
    assert_ne!(one, digest("backends: {a: {type: stdio, command: x, args: [bc]}}\n"));
    assert_eq!(one.len(), 64);
}

#[test]
fn the_file_is_looked_for_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let find = |asked: Option<&str>, environment: &argus_config::Lookup<'_>| {
        locate(asked.map(Path::new), environment, folder.path())
    };
    let nothing = |_: &str| None;
    let named = |name: &str| (name == "ARGUS_CONFIG").then(|| "other.yaml".to_owned());
    assert!(matches!(find(None, &nothing), Err(LoadError::NotFound { .. })));
    fs::write(folder.path().join("config.yml"), "").unwrap();
    assert_eq!(find(None, &nothing).unwrap(), PathBuf::from("config.yml"));
    fs::write(folder.path().join("config.yaml"), "").unwrap();
    assert_eq!(find(None, &nothing).unwrap(), PathBuf::from("config.yaml"));
    assert_eq!(find(None, &named).unwrap(), PathBuf::from("other.yaml"));
    assert_eq!(find(Some("asked.yaml"), &named).unwrap(), PathBuf::from("asked.yaml"));
}

#[test]
fn a_file_on_disk_loads_and_its_folder_is_where_paths_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    fs::write(&path, "\u{feff}backends: {a: {type: stdio, command: c, cwd: here}}\n").unwrap();
    let loaded = load(&path, &common::environment, Mode::Check).unwrap();
    assert_eq!(stdio(&loaded.config, 0).cwd, Some(folder.path().join("here")));
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    let message = |path: &Path| load(path, &common::environment, Mode::Check).unwrap_err().to_string();
    assert!(message(&path).contains("No such file"), "{}", message(&path));
    fs::write(&path, [0xff, 0xfe, b'a']).unwrap();
    assert!(message(&path).contains("not UTF-8"), "{}", message(&path));
    fs::write(&path, vec![b'#'; 5 * 1024 * 1024]).unwrap();
    assert!(message(&path).contains("larger than 4 MiB"), "{}", message(&path));
    assert!(
        message(folder.path()).contains("directory"),
        "{}",
        message(folder.path())
    );
}

#[test]
fn origins_from_the_environment_are_added_or_refused() {
    let mut server = Config::default().server;
    server
        .allow_origins("https://a.example, http://localhost:3000,")
        .unwrap();
    assert_eq!(server.allowed_origins, ["https://a.example", "http://localhost:3000"]);
    let error = server.allow_origins("a.example").unwrap_err();
    assert!(error.to_string().contains("a.example"), "{error}");
}
