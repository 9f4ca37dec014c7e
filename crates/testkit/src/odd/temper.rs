//! Oddities that are not in what a server says: how it starts, and how it does not end.

use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::arguments::Arguments;
use super::oddity::Oddity;
use super::script::Script;

/// What happens before the first message is read; the script, unless the server ends already.
pub(crate) async fn before(arguments: &Arguments) -> io::Result<Option<Script>> {
    match &arguments.oddity {
        Oddity::SlowToStart { after } => tokio::time::sleep(Duration::from_millis(*after)).await,
        Oddity::FloodsStderr => {
            std::thread::spawn(|| {
                let line = "complaint ".repeat(100);
                while writeln!(io::stderr(), "{line}").is_ok() {}
            });
        }
        Oddity::JunkOnStdout if !arguments.http && !arguments.sse => {
            let mut stdout = io::stdout();
            stdout.write_all(b"Welcome to the server!\n\xff\xfe not even text\n\n{\"json\": true}\n")?;
            stdout.flush()?;
        }
        Oddity::IgnoresEofAndSigterm => {
            let mut told = signal(SignalKind::terminate())?;
            tokio::spawn(async move { while told.recv().await.is_some() {} });
        }
        Oddity::StartsGrandchild { setsid } => start_another(arguments, *setsid)?,
        Oddity::ExitAtOnce => {
            writeln!(io::stderr(), "no licence found")?;
            std::process::exit(4);
        }
        Oddity::Sleep { setsid } => {
            if *setsid {
                nix::unistd::setsid()?;
            }
            if let Some(journal) = arguments.journal() {
                journal.add("child", &std::process::id().to_string(), Default::default())?;
            }
            tokio::time::sleep(Duration::from_secs(600)).await;
            return Ok(None);
        }
        _ => {}
    }
    arguments.oddity.script().map(Some)
}

/// What happens after stdin ended.
pub(crate) async fn after(arguments: &Arguments) {
    if matches!(
        arguments.oddity,
        Oddity::IgnoresEofAndSigterm | Oddity::ClosesStdoutButLives
    ) {
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
}

/// Starts a process, which notes in that it runs.
fn start_another(arguments: &Arguments, setsid: bool) -> io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("sleep");
    if setsid {
        command.arg("--setsid");
    }
    if let Some(journal) = arguments.journal() {
        command.arg("--journal").arg(journal.path());
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(drop)
}
