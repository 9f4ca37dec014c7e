//! The environment of the process; everything else gets it as a parameter.

/// The value of a variable; one that is not UTF-8 counts as not set.
pub(crate) fn lookup(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
