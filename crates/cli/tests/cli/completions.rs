//! Completions and manual pages: what reads them understands them.

use std::fs;
use std::process::Command;

use crate::place::Place;

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "powershell", "elvish"];

#[test]
fn every_shell_has_a_script_of_its_own() {
    let place = Place::new();
    let mut scripts = Vec::new();
    for shell in SHELLS {
        let said = place.run(&["completions", shell]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(
            said.stdout.contains("healthcheck") && said.stdout.contains("log-format"),
            "{shell}"
        );
        scripts.push(said.stdout);
    }
    scripts.sort();
    scripts.dedup();
    assert_eq!(scripts.len(), SHELLS.len());
    assert_eq!(place.run(&["completions", "csh"]).code, Some(2));
}

/// What bash offers after these words.
fn offered(place: &Place, words: &[&str]) -> Vec<String> {
    let script = "set -e; source ./script; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1))\n\
                  registered=$(complete -p argus-mcp); function=${registered#*-F }; function=${function%% *}\n\
                  $function argus-mcp \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"\n\
                  printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script, "bash"]).args(words);
    let output = bash.current_dir(place.path(".")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_with_it() {
    let place = Place::new();
    place.write("script", &place.run(&["completions", "bash"]).stdout);
    let parsed = Command::new("bash")
        .arg("-n")
        .arg(place.path("script"))
        .status()
        .unwrap();
    assert!(parsed.success());
    assert_eq!(offered(&place, &["argus-mcp", "doc"]), ["doctor"]);
    assert_eq!(offered(&place, &["argus-mcp", "config", "va"]), ["validate"]);
    assert_eq!(offered(&place, &["argus-mcp", "server", "--log-f"]), ["--log-format"]);
    assert_eq!(offered(&place, &["argus-mcp", "server", "--log-format", "j"]), ["json"]);
}

#[test]
fn there_is_a_page_for_each_command() {
    let place = Place::new();
    let said = place.run(&["man", "--dir", "man1"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let names: Vec<String> = said.stdout.lines().map(str::to_owned).collect();
    for name in [
        "argus-mcp.1",
        "argus-mcp-server.1",
        "argus-mcp-config-validate.1",
        "argus-mcp-doctor.1",
    ] {
        assert!(names.contains(&format!("man1/{name}")), "{names:?}");
    }
    for name in names {
        let page = fs::read_to_string(place.path(&name)).unwrap();
        let command = name.trim_start_matches("man1/").trim_end_matches(".1");
        assert!(page.contains(&format!(".TH {command} 1")), "{name}: {page}");
        understood(&place, &name);
    }
}

/// Where groff is, it has nothing to say against the page.
fn understood(place: &Place, name: &str) {
    let mut groff = Command::new("groff");
    groff.args(["-man", "-Tutf8", "-ww", "-z"]).arg(place.path(name));
    let Ok(output) = groff.output() else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{name}: {said}");
}

#[test]
fn the_page_of_the_program_goes_to_standard_output() {
    let said = Place::new().run(&["man"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("argus\\-mcp\\-server(1)"), "{}", said.stdout);
}
