//! Names of files, which need not be text: as people and other programs see them, and what is said
//! where one can't be used.

use super::Failure;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use ws101::input::reason;
use ws101::render::escape;

/// What standard input is called.
pub const STDIN: &str = "standard input";

/// A name for a terminal.
pub fn shown(name: &Path) -> String {
    escape::text(name.as_os_str().as_encoded_bytes())
}

/// The same where `-` is standard input.
pub fn source(name: &Path) -> Cow<'static, str> {
    if is_stdin(name) { Cow::Borrowed(STDIN) } else { Cow::Owned(shown(name)) }
}

/// More names than this are not told one by one.
const MOST_NAMED: usize = 4;

/// Names of what is read together, in one line.
pub fn joined(names: &[String]) -> String {
    match names {
        [first, .., last] if names.len() > MOST_NAMED => {
            format!("{first} … {last} ({} files)", names.len())
        }
        names => names.join(", "),
    }
}

/// True for `-`.
pub fn is_stdin(name: &Path) -> bool {
    name.as_os_str() == "-"
}

/// A name split at the last of such a letter, if there is one.
#[cfg(unix)]
pub fn split_last(name: &OsStr, letter: u8) -> Option<(&OsStr, &OsStr)> {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = name.as_bytes();
    let at = bytes.iter().rposition(|byte| *byte == letter)?;
    Some((OsStr::from_bytes(&bytes[..at]), OsStr::from_bytes(&bytes[at + 1..])))
}

/// The same where only names that are text can be split.
#[cfg(not(unix))]
pub fn split_last(name: &OsStr, letter: u8) -> Option<(&OsStr, &OsStr)> {
    let (before, behind) = name.to_str()?.rsplit_once(char::from(letter))?;
    Some((before.as_ref(), behind.as_ref()))
}

/// What can't be done with a file, and why.
pub fn cannot(what: &str, name: &Path, error: &io::Error) -> Failure {
    Failure::Input(format!("error: {} can't be {what}: {}", shown(name), reason(error)))
}
