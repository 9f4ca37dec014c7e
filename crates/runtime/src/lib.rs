//! Child processes from their own Spec: spawn, isolate, reap; the guard that leaves no orphan.
