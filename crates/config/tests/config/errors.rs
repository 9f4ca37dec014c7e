//! Every kind of error with its message: one file of `bad/` for each.

use crate::common;
use argus_config::Mode;

#[test]
fn each_bad_file_shows_all_its_errors() {
    for (name, text) in common::fixtures("bad") {
        let report = common::check(&text, Mode::Check).expect_err(&name);
        insta::with_settings!({ omit_expression => true, snapshot_path => "../snapshots" }, {
            insta::assert_snapshot!(name, report.to_string());
        });
    }
}

#[test]
fn no_message_shows_the_value_of_a_variable() {
    for (name, text) in common::fixtures("bad") {
        let report = common::check(&text, Mode::Check).expect_err(&name).to_string();
        assert!(
            !report.contains("banana") || text.contains("banana"),
            "{name}: {report}"
        );
    }
}

#[test]
fn the_place_is_counted_in_lines_and_characters() {
    let report = common::check("server: {host: ü b, prot: 1}\n", Mode::Check).unwrap_err();
    let places: Vec<_> = report
        .findings()
        .iter()
        .map(|finding| (finding.line(), finding.column()))
        .collect();
    assert_eq!(places, [(1, 16), (1, 21)]);
}

#[test]
fn the_key_at_the_place_is_named() {
    let text = "backends:\n  a: &a\n    type: stdio\n    command: 'x'\n    args: [a, {}]\n  b: *a\nserver:\n  prot: 1\n  \
        port: x\nbanana: 2\n";
    let report = common::check(text, Mode::Check).unwrap_err();
    let keys: Vec<_> = report.findings().iter().map(|finding| finding.key().unwrap()).collect();
    let args = "backends.a.args[1]";
    assert_eq!(keys, [args, args, "server.prot", "server.port", "banana"]);
}
