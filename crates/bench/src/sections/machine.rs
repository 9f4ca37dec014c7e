//! What was measured on.

use crate::arguments::Arguments;

/// The machine's size, how busy it was, and how long each load lasted.
pub(super) fn conditions(arguments: &Arguments) -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let model = field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
    let busy = read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned();
    let mut conditions = vec![
        format!("{cores} cores ({model}), {memory} of memory; load before the run: {busy}"),
        format!(
            "wrk with one thread, {} s per load after a second of warming up; everything on the same cores; no request logs",
            arguments.seconds()
        ),
    ];
    if arguments.quick || cfg!(debug_assertions) {
        conditions.push("A quick run or a debug build: the figures mean little.".to_owned());
    }
    conditions
}

/// The first field of this name in a file of `name : value` lines.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n";
        assert_eq!(field(text, "model name").as_deref(), Some("Some CPU @ 2 GHz"));
        assert_eq!(field(text, "MemTotal"), None);
    }
}
