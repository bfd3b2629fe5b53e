//! What the documents claim, this replays: every `console` block in README.md, docs/ and samples/
//! is run as it stands, and has to print what it says. A line `…` stands for any number of lines.
//! `REPLAY=write cargo test --test documents` puts what is printed into the blocks that say
//! something else and have no such line; read the difference before it is committed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A command in a document and what it is said to print.
struct Claim {
    document: PathBuf,
    line: usize,
    command: String,
    output: Vec<String>,
}

#[test]
fn documents_show_what_the_commands_print() {
    let claims: Vec<Claim> = documents().iter().flat_map(|path| claims(path)).collect();
    assert!(claims.len() >= 5, "only {} claims found", claims.len());
    let wrong: Vec<String> = claims.iter().filter_map(|claim| check(claim).err()).collect();
    if std::env::var_os("REPLAY").is_some_and(|it| it == "write") {
        documents().iter().for_each(|path| rewrite(path));
    }
    assert!(wrong.is_empty(), "{} of {} claims:\n{}", wrong.len(), claims.len(), wrong.join("\n"));
}

/// Lines that are as long as they are: commands to copy, bytes, records, diagrams; and the table of
/// connections, whose addresses are not cut.
fn may_be_long(command: &str, line: &str) -> bool {
    let is_row = line.trim_start().starts_with(|c: char| c == '#' || c.is_ascii_digit());
    command.contains("--format")
        || ["ws101 build frame", "ws101 man", "ws101 completions"]
            .iter()
            .any(|it| command.starts_with(it))
        || line.trim_start().starts_with("$ ")
        || line.starts_with("    ws101 ")
        || is_row && line.contains(":") && !line.starts_with("#")
        || line.contains("  client  ")
        // A heading of Markdown.
        || line.starts_with("# ")
        // What the parser of arguments says is on standard error, and not laid out by us.
        || line.starts_with("error: invalid value")
        || line.starts_with("  expected: ")
}

#[test]
fn what_is_printed_fits_the_width_and_has_no_blanks_at_the_ends_of_lines() {
    let mut wrong = Vec::new();
    let commands: BTreeSet<String> =
        documents().iter().flat_map(|path| claims(path)).map(|claim| claim.command).collect();
    for command in commands {
        if !command.starts_with("ws101 ") || command.contains(['|', '>', '<']) {
            continue;
        }
        let command = format!("{command} --width 80");
        let result = run(&command);
        for line in String::from_utf8_lossy(&result).lines() {
            let is_long = line.chars().count() > 80 && !may_be_long(&command, line);
            if is_long || line.ends_with(' ') {
                wrong.push(format!("{command}\n  {line:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs"), root().join("samples")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn claims(document: &Path) -> Vec<Claim> {
    let text = fs::read_to_string(document).expect("a document is text");
    let mut claims: Vec<Claim> = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console" && !inside;
        } else if inside && let Some(command) = line.strip_prefix("$ ") {
            let (document, command) = (document.to_owned(), command.to_owned());
            claims.push(Claim { document, line: index + 1, command, output: Vec::new() });
        } else if inside && let Some(claim) = claims.last_mut() {
            claim.output.push(line.trim_end().to_owned());
        }
    }
    // Building and testing is what is going on already.
    claims.retain(|claim| !claim.command.starts_with("cargo "));
    claims
}

/// What a command prints.
fn run(command: &str) -> Vec<u8> {
    let binary = Path::new(env!("CARGO_BIN_EXE_ws101"));
    let folder = binary.parent().expect("the binary is in a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let result = Command::new("sh")
        .args(["-c", &format!("{command} 2>&1")])
        .current_dir(root())
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("NO_COLOR", "1")
        .env_remove("CLICOLOR_FORCE")
        .output()
        .expect("there is a shell");
    result.stdout
}

/// The same without spaces at the ends of lines and without empty lines at the end.
fn printed(command: &str) -> Vec<String> {
    let printed = run(command);
    let printed = String::from_utf8_lossy(&printed);
    let mut lines: Vec<String> = printed.lines().map(|line| line.trim_end().to_owned()).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn check(claim: &Claim) -> Result<(), String> {
    let printed = printed(&claim.command);
    let mut expected: Vec<&str> = claim.output.iter().map(String::as_str).collect();
    while expected.last() == Some(&"") {
        expected.pop();
    }
    let printed: Vec<&str> = printed.iter().map(String::as_str).collect();
    if matches(&expected, &printed) {
        return Ok(());
    }
    let document = claim.document.strip_prefix(root()).unwrap_or(&claim.document);
    Err(format!(
        "--- {}:{}: $ {}\nsays:\n{}\nprints:\n{}\n",
        document.display(),
        claim.line,
        claim.command,
        expected.join("\n"),
        printed.join("\n")
    ))
}

/// Puts what is printed into those claims of a document that say something else.
fn rewrite(document: &Path) {
    let text = fs::read_to_string(document).expect("a document is text");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for claim in claims(document).iter().rev() {
        if check(claim).is_err() && !claim.output.iter().any(|line| line == "…") {
            lines.splice(claim.line..claim.line + claim.output.len(), printed(&claim.command));
        }
    }
    fs::write(document, lines.join("\n") + "\n").expect("the document can be written");
}

fn matches(expected: &[&str], printed: &[&str]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((&"…", rest)) => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        Some((line, rest)) => printed.first() == Some(line) && matches(rest, &printed[1..]),
    }
}
