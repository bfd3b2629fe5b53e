//! What the rules remember of few endpoints: one box for all of it, made when the first part is.

use super::memory::{BigFrame, Closed, Cut, Fatal, Fragments, Sums};
use super::pings::Pings;
use crate::said::Time;
use std::ops::Deref;

/// Reads as empty until something is written.
#[derive(Debug, Default)]
pub(super) struct Seldom(Option<Box<Parts>>);

/// The parts, each in a box of its own: hardly any endpoint has more than two.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Its first Close, and when the frame before its last one ended, whoever sent that.
    pub(super) closed: Option<Box<Closed>>,
    pub(super) before_close: Option<Time>,
    /// The first thing it sent that obliges the peer to fail the connection.
    pub(super) fatal: Option<Box<Fatal>>,
    /// A frame that was cut short.
    pub(super) cut: Option<Box<Cut>>,
    /// Its fragmented message.
    pub(super) fragments: Option<Box<Fragments>>,
    /// Its Pings.
    pub(super) pings: Option<Box<Pings>>,
    /// How its compression does, if there is any.
    pub(super) sums: Option<Box<Sums>>,
    /// Its last frame of 64 KiB or more.
    pub(super) big_frame: Option<Box<BigFrame>>,
    /// The number of its last frame with a reserved opcode.
    pub(super) nonsense: u64,
}

static NONE: Parts = Parts {
    closed: None,
    before_close: None,
    fatal: None,
    cut: None,
    fragments: None,
    pings: None,
    sums: None,
    big_frame: None,
    nonsense: 0,
};

impl Seldom {
    /// To write to.
    pub(super) fn make(&mut self) -> &mut Parts {
        self.0.get_or_insert_default()
    }

    /// To change what is there.
    #[inline]
    pub(super) fn made(&mut self) -> Option<&mut Parts> {
        self.0.as_deref_mut()
    }
}

impl Deref for Seldom {
    type Target = Parts;

    #[inline]
    fn deref(&self) -> &Parts {
        self.0.as_deref().unwrap_or(&NONE)
    }
}
