//! Names of backends on the command line.

/// A name as it was given. `.` and `..` are none: in the path of an operation they mean another one.
pub(crate) fn name(text: &str) -> Result<String, &'static str> {
    match text {
        "" | "." | ".." => Err("this is no name of a backend; `argus-mcp backends` shows them"),
        name => Ok(name.to_owned()),
    }
}
