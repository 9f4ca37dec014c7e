//! What the guards of backends need from the system.

use super::finding::Finding;

const NAME: &str = "guard";

#[cfg(target_os = "linux")]
pub(super) fn check() -> Finding {
    use nix::sys::prctl::{get_child_subreaper, set_child_subreaper};

    if let Err(error) = std::fs::File::open("/proc/self/exe") {
        return Finding::error(
            NAME,
            format!("/proc/self/exe cannot be read ({error}): no backend can be started"),
            "mount /proc (mount -t proc proc /proc)",
        );
    }
    let before = get_child_subreaper().unwrap_or_default();
    let able = set_child_subreaper(true);
    // As it was: this process does not guard anybody.
    let _ = set_child_subreaper(before);
    match able {
        Ok(()) => Finding::ok(NAME, "what backends start can be found and ended"),
        Err(error) => Finding::warning(
            NAME,
            format!("the system does not let a process adopt orphans ({error}): what backends start may outlive them"),
            "use Linux 3.4 or later, without a filter on prctl",
        ),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn check() -> Finding {
    Finding::warning(
        NAME,
        "on this system only the process group of a backend can be ended, not what has left it",
        "run the gateway on Linux where backends start further programs",
    )
}
