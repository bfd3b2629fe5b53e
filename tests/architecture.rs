//! Who may name what: the core does no I/O and knows no terminal, and data flows one way.

use std::fs;
use std::path::{Path, PathBuf};

/// What nothing names that only thinks: files, clocks, formats, terminals, and what lies to its right.
const OUTSIDE: [&str; 8] = [
    "std::io",
    "std::fs",
    "std::time::Instant",
    "std::time::SystemTime",
    "serde",
    "owo_colors",
    "crate::input",
    "crate::render",
];

/// The core from left to right: the places of each step, and how others name it. None names a step
/// behind its own, nor what is outside.
const CORE: [(&[&str], &[&str]); 6] = [
    (&["layout"], &["crate::layout"]),
    (&["http"], &["crate::http"]),
    (&["layers"], &["crate::layers"]),
    (&["said.rs", "said", "calendar.rs"], &["crate::said", "crate::calendar"]),
    (&["websocket"], &["crate::websocket"]),
    (&["rules"], &["crate::rules", "crate::inspect"]),
];

/// Folder or file under `src/` that stands beside the core, and what its code must not name.
const FORBIDDEN: [(&str, &[&str]); 13] = [
    ("cost", &["std::io", "std::fs", "crate::input", "crate::render", "clap"]),
    ("scene.rs", &["std::io", "std::fs", "crate::input", "crate::render", "clap"]),
    ("scene", &["std::io", "std::fs", "crate::input", "crate::render", "clap"]),
    ("diff", &["std::io", "std::fs", "serde", "crate::input", "crate::render"]),
    ("build", &["std::io", "std::fs", "std::time", "crate::render", "owo_colors", "clap"]),
    ("inspection.rs", &["std::io", "std::fs", "crate::input", "crate::render"]),
    ("inspector.rs", &["std::io", "std::fs", "crate::input", "crate::render"]),
    ("recording", &["std::io", "std::fs", "crate::input", "crate::render", "clap"]),
    ("redact", &["std::io", "std::fs", "crate::input", "crate::render", "clap"]),
    ("select", &["std::io", "std::fs", "crate::input", "crate::render", "clap"]),
    (
        // A transcript's responses are put to the requests whose keys they answer: that much of
        // the handshake an input may know.
        "input",
        &[
            "websocket::{",
            "websocket::Conversation",
            "websocket::Event",
            "crate::rules",
            "crate::inspect",
            "crate::render",
            "owo_colors",
        ],
    ),
    ("render", &["crate::input", "std::fs", "crate::teach"]),
    ("teach", &["crate::input", "std::fs", "std::io", "clap"]),
];

#[test]
fn data_flows_one_way() {
    let mut broken = Vec::new();
    for (step, (places, _)) in CORE.iter().enumerate() {
        let behind = CORE[step + 1..].iter().flat_map(|(_, names)| *names);
        let forbidden: Vec<&str> = OUTSIDE.iter().chain(behind).copied().collect();
        for place in *places {
            broken.extend(named_in(place, &forbidden));
        }
    }
    for (place, forbidden) in FORBIDDEN {
        broken.extend(named_in(place, forbidden));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Where the code of a folder or file names one of these.
fn named_in(place: &str, forbidden: &[&str]) -> Vec<String> {
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(place));
    assert!(!files.is_empty(), "{place} is gone");
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("code is text");
        // Tests at the end of a file may use what they like.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            for name in forbidden.iter().filter(|name| line.contains(**name)) {
                found.push(format!("{}:{}: {name}", file.display(), number + 1));
            }
        }
    }
    found
}

#[test]
fn only_the_palette_names_a_colour() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files(&source) {
        let text = fs::read_to_string(&file).expect("code is text");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let names = code.contains("owo_colors") || code.contains("\\x1b[");
        assert!(!names || file.ends_with("render/palette.rs"), "{}", file.display());
    }
}

fn files(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let mut found = Vec::new();
    let mut folders = vec![place.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("it can be listed").path();
            let is_code = path.extension().is_some_and(|extension| extension == "rs");
            if path.is_dir() {
                folders.push(path);
            } else if is_code && !path.ends_with("tests.rs") {
                found.push(path);
            }
        }
    }
    found
}
