//! Whatever a file holds: the reader ends with a configuration or with a report, never with a panic.

use argus_config::{Mode, Style};
use nix::time::{ClockId, clock_gettime};
use proptest::prelude::*;

use crate::common;

/// Checks and draws, for the side effect of not failing.
fn survive(text: &str) {
    match common::check(text, Mode::Serve) {
        Ok(loaded) => drop(format!("{:?}{}", loaded.config, loaded.warnings)),
        Err(report) => {
            assert!(!report.is_empty(), "nothing is said about {text:?}");
            drop((report.to_string(), report.render(Style::Coloured)));
        }
    }
}

/// Pieces of which files are made, so that many mixtures get past the first line.
const WORDS: &[&str] = &[
    "server:",
    "backends:",
    " a:",
    "  type: stdio",
    "  command: ",
    "  env:",
    "\n",
    "\n",
    "\n",
    " ",
    "- ",
    "${",
    "}",
    ":-",
    "$$",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "<<: ",
    "\"",
    "'",
    "|\n",
    "? ",
    ": ",
    "ü",
    "\t",
    "#",
    "!x ",
    "---",
    "\0",
    "\u{feff}",
    "\r\n",
    "port: 1",
    ".inf",
    "~",
    "%",
    "secret:x",
    "\u{2028}",
];

fn pieces() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(WORDS), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mixtures_of_yaml_are_survived(text in pieces()) {
        survive(&text);
    }

    #[test]
    fn any_text_is_survived(text in ".{0,200}") {
        survive(&text);
    }
}

/// What is said of a file that is refused.
fn refused(text: &str) -> String {
    let report = common::check(text, Mode::Serve).map(|_| ()).unwrap_err();
    let findings = report.findings().iter().map(ToString::to_string);
    findings.collect::<Vec<_>>().join("\n")
}

fn filtered(deny: &[String]) -> String {
    let list = serde_json::to_string(deny).unwrap();
    format!("{{type: stdio, command: x, filters: {{tools: {{deny: {list}}}}}}}")
}

#[test]
fn patterns_are_bounded() {
    let numbered = |count: usize| (0..count).map(|at| format!("a*{at}?")).collect::<Vec<_>>();
    let of = |backend: &str| format!("backends: {{a: {backend}}}");
    assert!(common::check(&of(&filtered(&numbered(1000))), Mode::Serve).is_ok());
    let told = refused(&of(&filtered(&numbered(1001))));
    assert!(
        told.contains("`backends.a.filters.tools.deny` has more than 1000 patterns"),
        "{told}"
    );
    let long: Vec<String> = (0..900).map(|at| format!("{at}{}", "x".repeat(80))).collect();
    let told = refused(&of(&filtered(&long)));
    assert!(told.contains("more than 64 KiB of patterns"), "{told}");
    let plain: Vec<String> = (0..700).map(|at| format!("{at}{}", "x".repeat(80))).collect();
    let many = (0..12).map(|at| format!("b{at}: {}", filtered(&plain)));
    let told = refused(&format!("backends: {{{}}}", many.collect::<Vec<_>>().join(", ")));
    assert!(told.contains("more than 512 KiB"), "{told}");
}

#[test]
fn what_variables_add_is_bounded() {
    let values = |count: usize| vec![format!("'{}'", "${TOKEN}".repeat(1000)); count].join(", ");
    let file = |count: usize| {
        format!(
            "backends: {{a: {{type: stdio, command: x, args: [{}]}}}}",
            values(count)
        )
    };
    assert!(common::check(&file(180), Mode::Serve).is_ok());
    let told = refused(&file(200));
    assert_eq!(
        told.matches("the values of variables add more than 4 MiB").count(),
        1,
        "{told}"
    );
    let told = refused(&format!(
        "backends: {{a: {{type: stdio, command: x, args: ['{}']}}}}",
        "${TOKEN}".repeat(200_000)
    ));
    assert!(told.contains("more than 4 MiB"), "{told}");
}

#[test]
fn many_backends_are_read_soon() {
    let backends: String = (0..4000)
        .map(|at| format!(" b{at}: {{type: stdio, command: x}}\n"))
        .collect();
    // Other tests run meanwhile.
    let used = || std::time::Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
    let before = used();
    let loaded = common::check(&format!("backends:\n{backends}"), Mode::Serve).unwrap();
    let last = loaded
        .settings
        .iter()
        .find(|one| one.key == "backends.b3999.timeouts.init");
    assert_eq!(last.unwrap().value, serde_json::json!(60.0));
    let took = used() - before;
    assert!(took < std::time::Duration::from_secs(4), "{took:?}");
}

#[test]
fn every_beginning_of_every_file_is_survived() {
    for (_, text) in common::fixtures("good").into_iter().chain(common::fixtures("bad")) {
        for (end, _) in text.char_indices() {
            survive(&text[..end]);
        }
    }
}

#[test]
fn aliases_that_nest_deeper_and_deeper_are_survived() {
    let nested = |inside: &str| format!("{}{inside}{}", "[".repeat(55), "]".repeat(55));
    let mut text = format!("a0: &a0 {}\n", nested("x"));
    for level in 1..60 {
        text.push_str(&format!(
            "a{level}: &a{level} {}\n",
            nested(&format!("*a{}", level - 1))
        ));
    }
    survive(&text);
}

/// What is made to keep the reader busy: many keys, long lines, long words, aliases.
fn laborious() -> Vec<(&'static str, String)> {
    let many = |line: &dyn Fn(usize) -> String| (0..20_000).map(line).collect::<String>();
    let long = "x".repeat(1 << 20);
    vec![
        ("unknown keys", many(&|n| format!("key-{n:08}: 1\n"))),
        (
            "unknown keys in one line",
            format!("{{{}}}", many(&|n| format!("k{n}: 1, "))),
        ),
        ("the same key", many(&|_| "server: {}\n".to_owned())),
        (
            "many backends",
            format!("backends:\n{}", many(&|n| format!("  b{n}: {{}}\n"))),
        ),
        (
            "many overrides of one name",
            format!(
                "backends:\n  b:\n    type: stdio\n    command: x\n    tool_overrides:\n{}",
                (0..15_000)
                    .map(|n| format!("      t{n}: {{name: x}}\n"))
                    .collect::<String>()
            ),
        ),
        (
            "a merge of many keys",
            format!("a: &a\n{}b:\n  <<: *a\n", many(&|n| format!("  k{n}: 1\n"))),
        ),
        ("a long key", format!("{long}: 1\n")),
        ("a long value", format!("server: {{port: {long}}}\n")),
        (
            "a long value many times",
            format!("a: &a {long}\nb: [{}]\n", "*a, ".repeat(10_000)),
        ),
        (
            "much to expand",
            format!("server: {{host: \"{}\"}}", "${A:-".repeat(100_000)),
        ),
        (
            "a long pattern",
            format!(
                "backends: {{b: {{type: stdio, command: x, filters: {{tools: {{deny: [\"{}\"]}}}}}}}}",
                "{a,".repeat(100_000)
            ),
        ),
        ("deep", "[".repeat(1 << 20)),
        (
            "deep lines",
            (0..2000).map(|n| format!("{}a:\n", " ".repeat(n))).collect(),
        ),
    ]
}

#[test]
fn nothing_keeps_the_reader_busy_for_long() {
    for (name, text) in laborious() {
        let began = std::time::Instant::now();
        let report = common::check(&text, Mode::Serve).expect_err(name);
        assert!(!report.is_empty());
        // In a build without optimization, on a busy machine.
        assert!(began.elapsed().as_secs() < 20, "{name}: {:?}", began.elapsed());
    }
}

#[test]
fn a_line_that_is_too_long_to_be_shown_is_named() {
    for length in [1000, 5000, 2_000_000] {
        let text = format!("{{server: {{prt: 1, host: \"{}\"}}}}", "x".repeat(length));
        let report = common::check(&text, Mode::Serve).unwrap_err();
        for shown in [report.to_string(), report.render(Style::Coloured)] {
            assert!(
                shown.contains("prt") && shown.contains("config.yaml:1:11"),
                "{length}: {shown:.300}"
            );
            assert_eq!(shown.contains(&"x".repeat(900)), length < 2000, "{length}");
        }
    }
}
