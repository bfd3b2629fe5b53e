//! The `ws101` command: arguments in, exit status out. The only file that exits.

mod cli;

use cli::Failure;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use ws101::input::reason;
use ws101::render::escape;

/// What was typed, or what a script put there, is quoted in errors: a terminal obeys none of it.
fn print(error: &clap::Error) -> std::io::Result<()> {
    let is_harmful = |arg: OsString| arg.to_string_lossy().chars().any(escape::is_harmful);
    if !error.use_stderr() || !std::env::args_os().any(is_harmful) {
        return error.print();
    }
    let mut stderr = std::io::stderr().lock();
    for line in error.render().to_string().lines() {
        writeln!(stderr, "{}", escape::text(line.as_bytes()))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(error) => {
            // What was asked for is help, or the error stands on standard error, or nobody reads.
            let _ = print(&error);
            if let Some(advice) = error.use_stderr().then(cli::advice).flatten() {
                cli::complain(&format!("\n  did you mean: {advice}"));
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match cli::run(cli) {
        Ok(status) => ExitCode::from(status.code()),
        // Whoever reads the output has seen enough.
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Output(error)) => {
            cli::complain(&format!("error: the output could not be written: {}", reason(&error)));
            ExitCode::from(2)
        }
        Err(Failure::Input(message)) => {
            cli::complain(&message);
            ExitCode::from(2)
        }
    }
}
