//! Every process below the guard, also those which left the server's process group.

use nix::unistd::Pid;

/// The processes below `root`, as far as they can be seen. A process that loses its parent while this looks is missed,
/// and is a child of the guard at the next look. `None` where there is no `/proc`.
pub(super) fn below(root: Pid) -> Option<Vec<Pid>> {
    let mut others = all_with_parents()?;
    let mut found = vec![root];
    let mut looked_at = 0;
    while let Some(&parent) = found.get(looked_at) {
        others.retain(|&(pid, its_parent)| {
            let below = its_parent == parent;
            if below {
                found.push(pid);
            }
            !below
        });
        looked_at += 1;
    }
    Some(found.split_off(1))
}

fn all_with_parents() -> Option<Vec<(Pid, Pid)>> {
    let pairs = std::fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read(entry.path().join("stat")).ok()?;
        Some((Pid::from_raw(pid), Pid::from_raw(parent_in(&stat)?)))
    });
    Some(pairs.collect())
}

/// The parent in a line such as `42 (name) S 1 …`. The name may hold anything, `)` and newlines included.
fn parent_in(stat: &[u8]) -> Option<i32> {
    let end_of_name = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end_of_name + 1..)?).ok()?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_parent_behind_an_odd_name() {
        assert_eq!(parent_in(b"42 (sh) S 7 42 42 0"), Some(7));
        assert_eq!(parent_in(b"42 (a) S 1 (\n\xff)) R 8 42"), Some(8));
        assert_eq!(parent_in(b"42"), None);
    }
}
