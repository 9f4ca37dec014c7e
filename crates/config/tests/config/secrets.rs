//! What stands where secrets do, rightly or by mistake, is in no message.

use argus_config::{Mode, Report};
use proptest::prelude::*;

use crate::common;

/// What no message may hold.
const SECRET: &str = "hUsh-5ecret";

/// The places, each with what is written there.
const PLACES: &[&str] = &[
    "server: {management: {token: @}}",
    "server: {management: @}",
    "server: {seal_keys: @}",
    "server: {seal_keys: [@]}",
    "backends: {a: {type: stdio, command: x, env: @}}",
    "backends: {a: {type: stdio, command: x, env: {KEY: @}}}",
    "backends: {a: {type: streamable-http, url: 'http://h/', headers: @}}",
    "backends: {a: {type: streamable-http, url: 'http://h/', headers: {Authorization: @}}}",
    "backends: {a: {type: sse, url: 'http://h/', auth: @}}",
    "backends: {a: {type: sse, url: 'http://h/', auth: {type: @}}}",
    "backends: {a: {type: sse, url: 'http://h/', auth: {type: static, headers: @}}}",
    "backends: {a: {type: sse, url: 'http://h/', auth: {type: static, headers: {Authorization: @}}}}",
    "backends: {a: {type: sse, url: 'http://h/', auth: {type: static, token: @}}}",
];

/// The ways in which it may be written.
const WAYS: &[&str] = &[
    "@",
    "'@'",
    "\"Authorization: Bearer @\"",
    "'@\n\n@'",
    "[@]",
    "[[@]]",
    "{@: x}",
    "{'Bearer @': x, 'Bearer @': y}",
    "{type: static, '@ ': x}",
    "{type: '@'}",
    "{X: {@: @}}",
    "{'Authorization: Bearer @': [x]}",
    "{X: [@]}",
    "*@",
    "!@ x",
    "!<@> x",
    "${@}",
    "'${A@ x}'",
    "'x${NO:-@'",
    "'secret:@'",
    "{<<: @}",
    "{? [@] : x}",
    "{X: '${UNSET}', 'a b @': 1}",
    "\"@\\x00\"",
    "\"@\\q\"",
    "'@",
    "[@",
    "{@",
    "@: @: @",
    "%@",
    "|@",
];

fn told(report: &Report) -> String {
    let line = |finding: &argus_config::Finding| {
        let (key, remedy) = (finding.key().unwrap_or_default(), finding.remedy().unwrap_or_default());
        format!("{finding}; {key}; {remedy}\n")
    };
    report.findings().iter().map(line).collect()
}

fn tells(text: &str) {
    for mode in [Mode::Serve, Mode::Check] {
        let told = match common::check(text, mode) {
            Ok(loaded) => told(&loaded.warnings),
            Err(report) => told(&report),
        };
        assert!(!told.contains(SECRET), "{text}\n{told}");
    }
}

#[test]
fn no_message_repeats_what_stands_where_secrets_do() {
    for place in PLACES {
        for way in WAYS {
            tells(&place.replace('@', way).replace('@', SECRET));
        }
    }
    // These are no secrets, but may hold some.
    for args in ["--key=@", "'--key @'", "*@", "!@ x"] {
        let args = args.replace('@', SECRET);
        tells(&format!("backends: {{a: {{type: stdio, command: x, args: {args}}}}}"));
    }
}

/// A secret with anything around it.
fn written() -> impl Strategy<Value = String> {
    let around = "[a-zA-Z $:'\"!*&%?|>-]{0,6}";
    (around, around).prop_map(|(before, after)| format!("{before}{SECRET}{after}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_it_is_written(place in proptest::sample::select(PLACES), written in written()) {
        tells(&place.replace('@', &written));
    }
}
