//! What may have been meant by a command line that can't be understood.

use std::path::Path;
use ws101::render::escape;
use ws101::rules::nearest;

/// The command line that may have been meant.
pub fn advice() -> Option<String> {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    let (first, rest) = arguments.split_first()?;
    let words = match first.as_str() {
        "build" => of_build(rest)?,
        word if word.starts_with('-') || Path::new(word).exists() => return None,
        word => [&[near_command(word)?], rest].concat(),
    };
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    Some(format!("ws101 {}", words.join(" ")))
}

/// `build --text Hi` and `build frame Hi`.
fn of_build(rest: &[String]) -> Option<Vec<String>> {
    let own = |words: &[&str]| -> Vec<String> { words.iter().map(|it| it.to_string()).collect() };
    match rest {
        [option, ..] if option.starts_with("--") => {
            Some([&own(&["build", "frame"]), rest].concat())
        }
        [what, text, more @ ..] if what == "frame" && !text.starts_with('-') => {
            Some([&own(&["build", "frame", "--text", text]), more].concat())
        }
        _ => None,
    }
}

/// The command that a word that is none looks like.
pub fn near_command(word: &str) -> Option<String> {
    let all = super::command();
    let near = nearest(word, all.get_subcommands().map(clap::Command::get_name));
    let near = near.first().filter(|name| !name.eq_ignore_ascii_case(word));
    near.map(|name| name.to_string())
}

fn quoted(word: &str) -> String {
    let word = escape::clipped(word.as_bytes(), 80);
    if word.contains(' ') { format!("\"{word}\"") } else { word }
}
