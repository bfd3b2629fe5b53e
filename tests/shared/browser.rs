//! A real browser for the tests that need one: headless Chromium, driven by a script of `tests/page`.

use crate::shared::say;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a script with these arguments. Where node, a package or Chromium is missing, says so and
/// does nothing.
pub(crate) fn run<S: AsRef<OsStr>>(claim: &str, script: &str, packages: &[&str], arguments: &[S]) {
    let skip = |why: &str| say(&format!("SKIPPED {claim}: {why}"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page");
    if Command::new("node").arg("--version").output().is_err() {
        return skip("node is not installed");
    }
    let modules =
        std::env::var_os("WS101_PAGE_MODULES").map_or(folder.join("node_modules"), PathBuf::from);
    if let Some(missing) = packages.iter().find(|package| !modules.join(package).exists()) {
        return skip(&format!("{missing} is missing: npm install in tests/page"));
    }
    let browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let Some(browser) = std::env::var_os("CHROMIUM")
        .or_else(|| browsers.into_iter().find(|it| Path::new(it).exists()).map(Into::into))
    else {
        return skip("chromium is not installed");
    };
    let output = Command::new("node")
        .arg(folder.join(script))
        .args(arguments)
        .env("CHROMIUM", browser)
        .env("MODULES", modules)
        .output()
        .expect("node runs");
    let [out, err] =
        [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    assert!(output.status.success(), "{out}{err}");
    say(&out);
}
