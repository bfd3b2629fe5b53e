//! The only file that names a colour: roles and severities become colours here, and nowhere else.

use crate::layout::Role;
use crate::rules::Severity;
use owo_colors::{Style, Styled};
use std::fmt;

/// What a piece of text is, which decides how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Paint {
    /// The value or bytes of a field.
    Role(Role),
    /// The same, of the field that is being looked at.
    Lit(Role),
    /// A finding.
    Severity(Severity),
    /// Something that is as it should be.
    Good,
    /// A title.
    Title,
    /// A rule's, header's or command's name.
    Name,
    /// Of less weight than the text around it.
    Faint,
    /// What the client said.
    Client,
    /// What the server said.
    Server,
}

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    enabled: bool,
}

impl Palette {
    /// No colours at all.
    pub const fn plain() -> Palette {
        Palette { enabled: false }
    }

    /// ANSI colours.
    pub const fn colored() -> Palette {
        Palette { enabled: true }
    }

    /// `text` as it should look.
    pub fn paint<T: fmt::Display>(self, paint: Paint, text: T) -> Styled<T> {
        let style = if self.enabled { style(paint) } else { Style::new() };
        style.style(text)
    }
}

fn style(paint: Paint) -> Style {
    let style = Style::new();
    match paint {
        Paint::Role(role) => of_role(role),
        Paint::Lit(role) => of_role(role).reversed(),
        Paint::Severity(Severity::Error) => style.red().bold(),
        Paint::Severity(Severity::Warning) => style.yellow().bold(),
        Paint::Severity(Severity::Note) => style.cyan().bold(),
        Paint::Good => style.green(),
        Paint::Title => style.bold(),
        Paint::Name => style.bold(),
        Paint::Faint => style.dimmed(),
        Paint::Client => style.blue(),
        Paint::Server => style.magenta(),
    }
}

fn of_role(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Flag => style.yellow(),
        Role::Opcode => style.magenta().bold(),
        Role::Length => style.cyan(),
        Role::Key => style.blue().bold(),
        Role::Payload => style.green(),
        Role::Code => style.red().bold(),
        Role::Header => style.bright_black(),
    }
}
