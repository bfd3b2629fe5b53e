//! What is found in a scene (see `ws101::scene`, which says how they are written).

use ws101::inspection::{Connection, Observer};
use ws101::rules::{Finding, Judged};
use ws101::said::Opaque;
use ws101::scene::{Notation, Scene};
use ws101::websocket::Event;

/// What is found in frames whose handshake is agreed upon.
pub(crate) fn play_frames(text: &str) -> Vec<Finding> {
    play(text, Notation::Frames)
}

/// What is found in a conversation that begins with its handshake, seen on the wire.
pub(crate) fn play_http(text: &str, escaped: bool) -> Vec<Finding> {
    play(text, Notation::Http { escaped })
}

fn play(text: &str, notation: Notation) -> Vec<Finding> {
    let scene = Scene::read(text, notation).unwrap_or_else(|why| panic!("{why} in\n{text}"));
    scene.play(Recorder::default()).found
}

/// Keeps the findings.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) found: Vec<Finding>,
}

impl Observer for Recorder {
    fn connection(&mut self, _: &Connection) {}

    fn event(&mut self, _: &Connection, _: &Event<'_>, judged: &Judged) {
        self.found.extend(judged.findings.iter().cloned());
    }

    fn opaque(&mut self, _: &Opaque, judged: &Judged) {
        self.found.extend(judged.findings.iter().cloned());
    }
}
