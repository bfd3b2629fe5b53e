//! TLS: what the peers said comes out, what is not authentic never does, and what can't be read is
//! said to be so, with the reason.

mod damage;
mod film;
mod records;
mod reference;
#[path = "../shared/mod.rs"]
mod shared;
mod statements;
#[allow(dead_code)]
#[path = "../capture/told.rs"]
mod told;
mod turns;
mod variants;
