//! Every process below the guard, also those which left the server's process group.

use nix::unistd::Pid;

/// The processes below `root`, as far as they can be seen. A process that loses its parent while this looks is missed,
/// and is a child of the guard at the next look. `None` where there is no `/proc`.
pub(super) fn below(root: Pid) -> Option<Vec<Pid>> {
    if children_of(root).is_some() {
        return Some(walk(root, |parent| children_of(parent).unwrap_or_default()));
    }
    let pairs = all_with_parents()?;
    let children = |parent| {
        pairs
            .iter()
            .filter(move |pair| pair.1 == parent)
            .map(|pair| pair.0)
            .collect()
    };
    Some(walk(root, children))
}

fn walk(root: Pid, children: impl Fn(Pid) -> Vec<Pid>) -> Vec<Pid> {
    let mut found = vec![root];
    let mut looked_at = 0;
    while let Some(&parent) = found.get(looked_at) {
        found.extend(children(parent));
        looked_at += 1;
    }
    found.split_off(1)
}

/// The children of all threads of a process, asked of the process itself: quick enough to catch those that live only
/// for a moment. `None` when it is gone, or on a kernel that does not tell.
fn children_of(parent: Pid) -> Option<Vec<Pid>> {
    let mut children = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{parent}/task")).ok()?.flatten() {
        let thread = thread.path();
        let Ok(pids) = std::fs::read_to_string(thread.join("children")) else {
            // One thread that ended meanwhile says nothing of the others.
            if thread.exists() {
                return None;
            }
            continue;
        };
        children.extend(
            pids.split_ascii_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .map(Pid::from_raw),
        );
    }
    Some(children)
}

/// Every process of the system and its parent.
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn finds_the_parent_behind_an_odd_name() {
        assert_eq!(parent_in(b"42 (sh) S 7 42 42 0"), Some(7));
        assert_eq!(parent_in(b"42 (a) S 1 (\n\xff)) R 8 42"), Some(8));
        assert_eq!(parent_in(b"42"), None);
    }

    #[test]
    fn both_ways_see_the_same() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        let quick = children_of(Pid::this());
        let slow = all_with_parents().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(quick.is_none_or(|children| children.contains(&pid)));
        assert!(slow.contains(&(pid, Pid::this())));
        assert_eq!(
            walk(Pid::from_raw(1), |parent| [parent.as_raw() * 2]
                .map(Pid::from_raw)
                .into_iter()
                .filter(|pid| pid.as_raw() < 9)
                .collect()),
            [2, 4, 8].map(Pid::from_raw)
        );
    }
}
