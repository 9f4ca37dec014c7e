//! The table in the README: it is made from the list of cells.

use std::fmt::Write;

use crate::cells::{BACKENDS, CLIENTS, GAPS};
use crate::kinds::Concern;

/// What a cell says.
fn cell(client: &str, backend: &str) -> String {
    let gaps = GAPS.iter().filter(|gap| (gap.0, gap.1) == (client, backend));
    let missing: Vec<_> = gaps.map(|gap| gap.2.name()).collect();
    match missing.is_empty() {
        true => format!("all {}", Concern::ALL.len()),
        false => format!("all but {}", missing.join(", ")),
    }
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
    for (client, backend, concern, why) in GAPS {
        let _ = write!(table, "\n* {client} at {backend}, {}: {why}", concern.name());
    }
    let names: Vec<_> = Concern::ALL.iter().map(|concern| concern.name()).collect();
    let _ = write!(table, "\nThe {} are {}.\n", names.len(), names.join(", "));
    table
}

#[test]
fn the_readme_shows_what_the_matrix_tests() {
    let readme = include_str!("../../../../README.md");
    assert!(
        readme.contains(&table()),
        "README.md has to hold this table:\n\n{}",
        table()
    );
}

#[test]
fn what_does_not_work_names_cells_that_there_are() {
    for (client, backend, _, why) in GAPS {
        assert!(CLIENTS.iter().any(|known| known.0 == *client), "{client}");
        assert!(BACKENDS.iter().any(|known| known.name == *backend), "{backend}");
        assert!(!why.is_empty());
    }
}
