//! `argus-odd`: an MCP server with one oddity.

use std::process::ExitCode;

fn main() -> ExitCode {
    argus_testkit::odd::main()
}
