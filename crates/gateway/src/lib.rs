//! The core: inventory, catalogue, routing, sessions, seals.
