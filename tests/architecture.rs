//! Who may name what: the core does no I/O and knows no terminal, and data flows one way.

use std::fs;
use std::path::{Path, PathBuf};

/// Folder or file under `src/`, and what its code must not name.
const FORBIDDEN: [(&str, &[&str]); 16] = [
    (
        "layout",
        &[
            "std::io",
            "std::fs",
            "std::time",
            "serde",
            "owo_colors",
            "crate::http",
            "crate::said",
            "crate::websocket",
            "crate::rules",
            "crate::input",
            "crate::render",
        ],
    ),
    (
        "http",
        &[
            "std::io",
            "std::fs",
            "std::time",
            "serde",
            "owo_colors",
            "crate::said",
            "crate::websocket",
            "crate::rules",
            "crate::input",
            "crate::render",
        ],
    ),
    (
        "layers",
        &[
            "std::io",
            "std::fs",
            "std::time",
            "serde",
            "owo_colors",
            "crate::http",
            "crate::said",
            "crate::websocket",
            "crate::rules",
            "crate::input",
            "crate::render",
        ],
    ),
    (
        "said.rs",
        &[
            "std::io",
            "std::fs",
            "std::time",
            "serde",
            "crate::websocket",
            "crate::rules",
            "crate::input",
            "crate::render",
        ],
    ),
    (
        "websocket",
        &[
            "std::io",
            "std::fs",
            "std::time",
            "serde",
            "owo_colors",
            "crate::rules",
            "crate::input",
            "crate::render",
            "crate::inspect",
        ],
    ),
    (
        "rules",
        &[
            "std::io",
            "std::fs",
            "std::time::Instant",
            "serde",
            "owo_colors",
            "crate::input",
            "crate::render",
            "crate::inspect",
        ],
    ),
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
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut broken = Vec::new();
    for (place, forbidden) in FORBIDDEN {
        let files = files(&source.join(place));
        assert!(!files.is_empty(), "{place} is gone");
        for file in files {
            let text = fs::read_to_string(&file).expect("code is text");
            // Tests at the end of a file may use what they like.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in code.lines().enumerate() {
                let line = line.split("//").next().unwrap_or_default();
                for name in forbidden.iter().filter(|name| line.contains(**name)) {
                    broken.push(format!("{}:{}: {name}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_the_palette_names_a_colour() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files(&source) {
        let text = fs::read_to_string(&file).expect("code is text");
        let names = text.contains("owo_colors") || text.contains("\\x1b[") && !text.contains("fn ");
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
