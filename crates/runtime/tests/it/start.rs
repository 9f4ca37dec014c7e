//! Starting: pipes, statuses, environment, and every way not to start.

use std::time::{Duration, Instant};

use argus_runtime::{Exit, GuardProgram, Lines, SpawnError};
use nix::unistd::{getpgid, getsid};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{SOON, all_stdout, pid, processes_in, script, sh, spawn, spec, until};

async fn refused(spec: &argus_runtime::Spec) -> SpawnError {
    match argus_runtime::spawn(spec).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_server_reads_and_writes() {
    let mut child = spawn(&spec("cat", &[])).await;
    let (mut stdin, mut stdout) = (child.take_stdin().unwrap(), child.take_stdout().unwrap());
    assert!(child.take_stdin().is_none());
    stdin.write_all(b"hello\n").await.unwrap();
    let mut answer = [0; 6];
    stdout.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"hello\n");
    drop(stdin);
    assert_eq!(stdout.read(&mut answer).await.unwrap(), 0);
    assert!(child.wait().await.success());
}

#[tokio::test]
async fn stderr_is_kept_line_by_line() {
    let mut child = spawn(&sh("echo one >&2; printf two >&2")).await;
    let mut lines = Lines::new(child.take_stderr().unwrap());
    for expected in [Some("one"), Some("two"), None] {
        assert_eq!(lines.next_line().await.unwrap().as_deref(), expected);
    }
    child.wait().await;
}

#[tokio::test]
async fn the_end_of_stdout_is_seen_while_the_server_runs() {
    let mut child = spawn(&sh("exec >&-; exec sleep 1000")).await;
    let closed = tokio::time::timeout(SOON, all_stdout(&mut child)).await;
    assert_eq!(closed.expect("the guard holds stdout open"), "");
}

#[tokio::test]
async fn a_server_that_closed_stdin_breaks_the_pipe() {
    let mut child = spawn(&sh("exec <&-; echo closed; exec sleep 1000")).await;
    let (mut stdin, mut stdout) = (child.take_stdin().unwrap(), child.take_stdout().unwrap());
    stdout.read_exact(&mut [0; 7]).await.unwrap();
    assert!(
        stdin.write_all(b"x").await.is_err(),
        "somebody holds the other end of stdin"
    );
}

#[tokio::test]
async fn the_status_is_the_servers_own() {
    let mut child = spawn(&sh("exit 7")).await;
    assert_eq!(
        child.wait().await,
        Exit {
            code: Some(7),
            signal: None
        }
    );
    assert_eq!(child.wait().await.to_string(), "exit status 7");
    let mut child = spawn(&sh("kill -SEGV $$")).await;
    assert_eq!(child.wait().await.to_string(), "killed by signal 11 (SIGSEGV)");
}

#[tokio::test]
async fn the_environment_is_the_base_and_what_is_configured() {
    let mut spec = spec("env", &[]);
    spec.env = vec![
        ("API_KEY".into(), "two words".into()),
        ("HOME".into(), "/nowhere".into()),
    ];
    let mut child = spawn(&spec).await;
    let shown = all_stdout(&mut child).await;
    let base: Vec<_> = argus_runtime::env::safe_base(std::env::vars_os())
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert!(shown.lines().any(|line| line == "API_KEY=two words"), "{shown}");
    assert!(shown.lines().any(|line| line.starts_with("PATH=")), "{shown}");
    assert_eq!(
        shown
            .lines()
            .filter(|line| line.starts_with("HOME="))
            .collect::<Vec<_>>(),
        ["HOME=/nowhere"]
    );
    for name in shown.lines().filter_map(|line| line.split('=').next()) {
        assert!(
            base.iter().any(|passed| passed == name) || ["API_KEY", "HOME"].contains(&name),
            "{name} passed"
        );
    }
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "nothing to hold back");
}

#[tokio::test]
async fn the_program_is_found_on_the_servers_own_path() {
    let folder = tempfile::tempdir().unwrap();
    let tool = folder.path().join("only-here");
    script(&tool, "#!/bin/sh\necho found\n");
    let mut spec = spec("only-here", &[]);
    spec.env = vec![("PATH".into(), folder.path().into())];
    assert_eq!(all_stdout(&mut spawn(&spec).await).await, "found\n");
}

#[tokio::test]
async fn a_relative_program_starts_at_cwd() {
    let folder = tempfile::tempdir().unwrap();
    let tool = folder.path().join("tool");
    script(&tool, "#!/bin/sh\npwd\n");
    let mut spec = spec("./tool", &[]);
    spec.cwd = Some(folder.path().into());
    let shown = all_stdout(&mut spawn(&spec).await).await;
    assert_eq!(
        shown.trim_end(),
        folder.path().canonicalize().unwrap().to_str().unwrap()
    );
}

#[tokio::test]
async fn signals_of_the_terminal_reach_neither_server_nor_guard() {
    let child = spawn(&spec("sleep", &["1000"])).await;
    let (server, guard) = (pid(child.id()), pid(child.guard_id()));
    assert_eq!(getpgid(Some(server)), Ok(server));
    assert_eq!(getsid(Some(server)), Ok(guard));
    assert_eq!(getsid(Some(guard)), Ok(guard));
    assert_eq!(getpgid(Some(guard)), Ok(guard));
}

#[tokio::test]
async fn a_missing_program_is_named_with_the_path() {
    let mut spec = spec("no-such-program", &[]);
    spec.env = vec![("PATH".into(), "/usr/bin:/bin".into())];
    assert_eq!(
        refused(&spec).await.to_string(),
        "program `no-such-program` not found on PATH (/usr/bin:/bin): install it, give its full path, or set PATH in the backend's env"
    );
}

#[tokio::test]
async fn a_missing_path_is_named_from_cwd() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec("bin/server", &[]);
    spec.cwd = Some(folder.path().into());
    let SpawnError::NoSuchFile { program } = refused(&spec).await else {
        panic!("another error")
    };
    assert_eq!(program, folder.path().join("bin/server"));
}

#[tokio::test]
async fn a_missing_interpreter_is_told_from_a_missing_program() {
    let folder = tempfile::tempdir().unwrap();
    let without = folder.path().join("script");
    script(&without, "#!/no/such/interpreter\n");
    let error = refused(&spec(without.to_str().unwrap(), &[])).await;
    assert!(matches!(error, SpawnError::NoInterpreter { .. }), "{error}");
    let mut by_name = spec("script", &[]);
    by_name.env = vec![("PATH".into(), folder.path().into())];
    let error = refused(&by_name).await;
    assert!(matches!(error, SpawnError::NoInterpreter { .. }), "{error}");
}

#[tokio::test]
async fn a_file_without_permission_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = refused(&spec(file.path().to_str().unwrap(), &[])).await;
    assert!(matches!(error, SpawnError::Permission { .. }), "{error}");
}

#[tokio::test]
async fn a_missing_cwd_is_named() {
    let mut spec = spec("cat", &[]);
    spec.cwd = Some("/no/such/folder".into());
    let error = refused(&spec).await.to_string();
    assert_eq!(
        error,
        "cwd `/no/such/folder` cannot be entered: No such file or directory (os error 2)"
    );
}

#[tokio::test]
async fn anything_else_keeps_the_words_of_the_system() {
    let error = refused(&spec("cat", &["nul \0 byte"])).await;
    assert!(matches!(error, SpawnError::Io { .. }), "{error}");
    let error = refused(&spec("cat", &[&"x".repeat(4 << 20)])).await.to_string();
    assert!(error.contains("Argument list too long"), "{error}");
}

#[tokio::test]
async fn a_guard_that_is_none_is_an_error() {
    let mut spec = spec("cat", &[]);
    spec.guard = GuardProgram {
        program: "/no/such/guard".into(),
        args: vec![],
    };
    let error = refused(&spec).await.to_string();
    assert_eq!(
        error,
        "the guard `/no/such/guard` failed: No such file or directory (os error 2)"
    );
    spec.guard = GuardProgram {
        program: "/bin/false".into(),
        args: vec![],
    };
    let start = Instant::now();
    let error = refused(&spec).await.to_string();
    assert_eq!(
        error,
        "the guard `/bin/false` failed: it did not start the program (exit status 1)"
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_spawn_that_nobody_waits_for_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec("sleep", &["1000"]);
    spec.cwd = Some(folder.path().into());
    {
        // Far enough for the guard to be started, and not further.
        let mut starting = Box::pin(argus_runtime::spawn(&spec));
        // On a busy machine it may have started meanwhile: then it is the child that nobody waits for.
        drop(tokio::time::timeout(Duration::ZERO, &mut starting).await);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let left = || processes_in(folder.path());
    assert!(until(SOON, || left() == 0).await, "{} of its processes run", left());
}
