//! The environment of the process; everything else gets it as a parameter.

/// The value of a variable; one that is not UTF-8 counts as not set.
pub(crate) fn lookup(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The value of a variable that decides something about this program; an empty one counts as not set, too.
pub(crate) fn chosen(name: &str) -> Option<String> {
    lookup(name).filter(|value| !value.is_empty())
}
