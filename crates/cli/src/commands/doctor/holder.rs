//! Which process listens on a port, as far as this user may know.

use std::fs;
use std::path::Path;

/// Its name and id.
pub(super) fn of(port: u16) -> Option<String> {
    let socket = format!("socket:[{}]", socket(port)?);
    let processes = fs::read_dir("/proc").ok()?;
    let holder = processes.flatten().find(|process| holds(&process.path(), &socket))?;
    let name = fs::read_to_string(holder.path().join("comm")).ok()?;
    Some(format!("{}, process {}", name.trim(), holder.file_name().display()))
}

fn holds(process: &Path, socket: &str) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    let mut targets = descriptors.flatten().filter_map(|one| fs::read_link(one.path()).ok());
    targets.any(|target| target.as_os_str() == socket)
}

/// The number of the socket that listens there.
fn socket(port: u16) -> Option<String> {
    const LISTENS: &str = "0A";
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let ending = format!(":{port:04X}");
    tables.iter().flat_map(|table| table.lines().skip(1)).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let found = fields.get(1)?.ends_with(&ending) && *fields.get(3)? == LISTENS;
        found.then(|| fields.get(9).map(|&inode| inode.to_owned()))?
    })
}
