//! The table in the README: it is made from the list of cells.

use std::fmt::Write;

use crate::cells::{BACKENDS, CLIENTS, GAPS};
use crate::kinds::{Concern, Side};

/// What a cell says.
fn cell(client: &str, backend: &str) -> String {
    let gaps = GAPS.iter().filter(|gap| (gap.0, gap.1) == (client, backend));
    let missing: Vec<_> = gaps.map(|gap| gap.2.name()).collect();
    match missing.is_empty() {
        true => format!("all {}", Concern::ALL.len()),
        false => format!("all but {}", missing.join(", ")),
    }
}

fn title(client: &str) -> &'static str {
    CLIENTS.iter().find(|known| known.0 == client).unwrap().1
}

fn of(backend: &str) -> &'static Side {
    BACKENDS.iter().find(|known| known.name == backend).unwrap()
}

fn table() -> String {
    let mut table = "| client \\ backend |".to_owned();
    for backend in BACKENDS {
        let _ = write!(table, " {} |", backend.title);
    }
    let _ = write!(table, "\n|---|{}\n", "---|".repeat(BACKENDS.len()));
    for (client, title) in CLIENTS {
        let _ = write!(table, "| {title} |");
        for backend in BACKENDS {
            let _ = write!(table, " {} |", cell(client, backend.name));
        }
        table.push('\n');
    }
    if !GAPS.is_empty() {
        table.push('\n');
    }
    for (client, backend, concern, why) in GAPS {
        let _ = writeln!(
            table,
            "* {}, {}: {}. {why}",
            title(client),
            of(backend).title,
            concern.name()
        );
    }
    let names: Vec<_> = Concern::ALL.iter().map(|concern| concern.name()).collect();
    let _ = write!(table, "\nThe {} are {}.\n", names.len(), names.join(", "));
    table
}

#[test]
fn the_readme_shows_what_the_matrix_tests() {
    let readme = include_str!("../../../../README.md");
    let table = table();
    assert!(readme.contains(&table), "README.md has to hold this:\n\n{table}");
}
