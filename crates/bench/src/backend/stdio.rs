//! The backend on stdin and stdout: one line in, one line out.

use std::io::{self, BufRead, BufReader, BufWriter, Write};

use super::Answers;

/// Serves until the input ends.
///
/// # Errors
/// When nothing can be read or written.
pub fn serve(input: impl io::Read, output: impl Write, answers: &Answers) -> io::Result<()> {
    let mut input = BufReader::with_capacity(64 << 10, input);
    let mut output = BufWriter::with_capacity(64 << 10, output);
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        if let Some((id, rest)) = answers.answer(&line) {
            output.write_all(br#"{"jsonrpc":"2.0","id":"#)?;
            output.write_all(id)?;
            output.write_all(rest)?;
            output.write_all(b"\n")?;
        }
        line.clear();
        if input.buffer().is_empty() {
            output.flush()?;
        }
    }
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Eras;

    #[test]
    fn each_request_is_answered_on_a_line_of_its_own() {
        let input =
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}\n{\"method\":\"y\"}\n{\"id\":2,\"method\":\"x\"}\n";
        let mut output = Vec::new();
        serve(input.as_bytes(), &mut output, &Answers::new(2, Eras::Both)).unwrap();
        let output = String::from_utf8(output).unwrap();
        let begins: Vec<_> = output
            .lines()
            .filter_map(|line| line.split_once(",\"error\""))
            .collect();
        let begins: Vec<_> = begins.into_iter().map(|(begin, _)| begin).collect();
        assert_eq!(begins, [r#"{"jsonrpc":"2.0","id":1"#, r#"{"jsonrpc":"2.0","id":2"#]);
    }
}
