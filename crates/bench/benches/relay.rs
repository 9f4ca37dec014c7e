//! Counts the instructions of calls on the relay path: the gateway, a backend and a client in one process, on one
//! thread, over sockets of the loopback. The backend and the client are the same in every run and cost little.
//!
//! The count must stay within 5 % of the figures below. A change that costs more on purpose, or that saves, writes the
//! new figure down. Run it with scripts/instructions.sh.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark may end at any place, and macros write its functions"
)]

mod world;

use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};

use world::{Era, World};

/// Instructions of [`CALLS`] calls.
const MODERN: u64 = 21_400_000;
/// The same for calls with a session.
const SESSION: u64 = 19_200_000;

/// Calls that are counted.
const CALLS: usize = 200;
/// Calls before that, which fill every pool and buffer.
const WARM_UP: usize = 100;

fn limited(figure: u64) -> LibraryBenchmarkConfig {
    let limit = figure + figure / 20;
    let mut callgrind = Callgrind::with_args(["--cache-sim=no"]);
    callgrind.hard_limits([(EventKind::Ir, limit)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

fn warm(era: Era) -> World {
    let mut world = World::start(era);
    world.call(WARM_UP);
    world
}

#[library_benchmark]
#[bench::modern(args = (Era::Modern), setup = warm, config = limited(MODERN))]
#[bench::session(args = (Era::Legacy), setup = warm, config = limited(SESSION))]
fn calls(mut world: World) -> World {
    world.call(CALLS);
    world
}

library_benchmark_group!(name = relay, benchmarks = calls);
main!(library_benchmark_groups = relay);
