//! The guard: a small process between the gateway and one server.
//!
//! It starts the server and then waits, for the gateway's commands and for its children. It has no thread, no async
//! runtime and no handle on the server's stdin, stdout or stderr. It ends when the server and everything below it are
//! gone; the end of the control socket, which is the end of the gateway, brings that about.

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::order::Order;
use crate::report::{Report, errno_of};

mod descendants;
mod signals;
mod start;
mod watch;

/// How long a guard repeats SIGKILL. What is left then waits inside the kernel, and dies when it comes back.
pub(crate) const KILL_PATIENCE: Duration = Duration::from_secs(2);

/// The whole life of a guard. The program calls this when it was executed as
/// [`crate::GuardProgram`] says, before it starts a thread or a runtime, and ends with the code that is returned.
///
/// `args` are the arguments after those of `GuardProgram::args`; [`crate::spawn`] puts them there.
pub fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(control) = args
        .next()
        .as_deref()
        .and_then(|arg| arg.to_str()?.parse().ok())
        .and_then(take_control)
    else {
        let _ = writeln!(
            std::io::stderr(),
            "this command is internal: the gateway runs it to watch over a server"
        );
        return ExitCode::from(2);
    };
    close_all_but(&control);
    run(control);
    ExitCode::SUCCESS
}

/// Everything the guard has to say goes over `control`; when that fails, nobody is there any more to be told.
fn run(mut control: UnixStream) {
    let Ok(order) = Order::read_from(&mut control) else {
        return;
    };
    let started = match signals::Signals::take().map_err(Report::guard_failed) {
        Ok(signals) => start::start(&order).map(|server| (server, signals)),
        Err(report) => Err(report),
    };
    drop(order);
    match started {
        Ok((server, signals)) => {
            let _ = control.write_all(&Report::Started(server.as_raw()).encode());
            let exit = watch::Watch::new(&control, signals, server).until_all_gone();
            let _ = control.write_all(&Report::Ended(exit).encode());
        }
        Err(report) => {
            let _ = control.write_all(&report.encode());
        }
    }
}

impl Report {
    fn guard_failed(error: impl Into<std::io::Error>) -> Self {
        Self::GuardFailed(errno_of(&error.into()))
    }
}

/// The control socket, by the number the gateway passed; closed for the server from here on.
#[allow(unsafe_code, reason = "an inherited descriptor is known by its number only")]
fn take_control(number: i32) -> Option<UnixStream> {
    if number <= 2 || fcntl(borrowed(number), FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)) == Err(Errno::EBADF) {
        return None;
    }
    // SAFETY: the descriptor is open, and nothing else in this new process knows of it.
    let control = unsafe { OwnedFd::from_raw_fd(number) };
    Some(UnixStream::from(control))
}

#[allow(unsafe_code, reason = "asks the kernel whether a number is a descriptor")]
fn borrowed(number: i32) -> BorrowedFd<'static> {
    // SAFETY: not negative; used for one system call, which answers EBADF when the number is no descriptor.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Closes what the gateway has from whoever started it, so that neither the guard nor the server holds it.
fn close_all_but(control: &UnixStream) {
    let Ok(descriptors) = std::fs::read_dir("/dev/fd") else {
        return;
    };
    let numbers: Vec<i32> = descriptors
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for number in numbers
        .into_iter()
        .filter(|&number| number > 2 && number != control.as_raw_fd())
    {
        // One of them was the folder's own, and is closed already.
        let _ = nix::unistd::close(number);
    }
}
