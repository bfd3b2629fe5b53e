//! The observer that writes each frame as soon as everything about it is known: what the rules say
//! of a message or a Close frame comes after its last frame.

use std::io::{self, Write};
use ws101::inspection::{Connection, Observer};
use ws101::render::frame::{self, Extent, FrameView, Sender};
use ws101::render::{Paint, Sheet};
use ws101::rules::{Finding, Judged, Severity};
use ws101::said::Endpoint;
use ws101::websocket::{Event, Message};

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub struct Show {
    /// One line a frame.
    pub brief: bool,
    /// Leave nothing out.
    pub all: bool,
    /// Only what is wrong.
    pub quiet: bool,
}

/// How a run went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    /// Frames, also those that were cut short.
    pub frames: u64,
    /// The worst finding.
    pub worst: Option<Severity>,
    messages: u64,
    findings: [u64; 3],
    /// What the last frame lacks: how many bytes of which field.
    cut: Option<(u64, &'static str)>,
}

/// Writes frames as text.
pub struct Text<'a, W> {
    out: &'a mut W,
    sheet: Sheet,
    sender: Sender,
    show: Show,
    /// The last frame, until nothing more will be said about it.
    pending: Option<FrameView>,
    outcome: Outcome,
    result: io::Result<()>,
}

/// Who sent these bytes: as stated, else as the mask bit of the first frame says.
pub fn sender(stated: Option<Endpoint>, bytes: &[u8]) -> Sender {
    match (stated, bytes) {
        (Some(endpoint), _) => Sender::Certain(endpoint),
        (None, [_, _, ..]) => Sender::MaskBit(by_mask_bit(bytes)),
        (None, _) => Sender::Unknown,
    }
}

/// Clients mask, servers do not (RFC 6455 §5.1).
pub fn by_mask_bit(bytes: &[u8]) -> Endpoint {
    match bytes.get(1) {
        Some(second) if second & 0x80 != 0 => Endpoint::Client,
        _ => Endpoint::Server,
    }
}

impl<'a, W: Write> Text<'a, W> {
    /// An observer that writes to `out`.
    pub fn new(out: &'a mut W, sheet: Sheet, sender: Sender, show: Show) -> Text<'a, W> {
        let outcome = Outcome::default();
        Text { out, sheet, sender, show, pending: None, outcome, result: Ok(()) }
    }

    /// Writes what is left to say.
    pub fn finish(mut self) -> io::Result<Outcome> {
        self.flush();
        self.result?;
        if self.outcome.frames > 0 {
            summary(self.out, &self.sheet, self.sender, self.show, &self.outcome)?;
        }
        Ok(self.outcome)
    }

    fn take(&mut self, event: &Event<'_>, findings: &[Finding]) -> io::Result<()> {
        match event {
            Event::Frame(frame) => self.begin(FrameView::of(frame, self.sender)),
            Event::CutHeader(cut) => {
                let number = self.outcome.frames + 1;
                self.begin(FrameView::of_cut(cut, number, self.sender));
            }
            Event::Message(message) => {
                self.outcome.messages += u64::from(message.complete);
                if message.frames.len() > 1 {
                    return self.joined(message, findings);
                }
                if let Some(view) = &mut self.pending {
                    view.note_message(message);
                }
            }
            Event::NotFrames(other) => {
                self.flush();
                frame::not_frames(self.out, &self.sheet, other)?;
            }
            _ => {}
        }
        match &mut self.pending {
            Some(view) => view.findings.extend_from_slice(findings),
            None => self.write_findings(findings, None)?,
        }
        Ok(())
    }

    fn begin(&mut self, view: FrameView) {
        self.flush();
        self.outcome.frames += 1;
        self.outcome.cut = match view.layout.missing {
            Some(missing) if !view.not_kept => Some((missing.bytes, missing.field.label)),
            _ => None,
        };
        self.pending = Some(view);
    }

    /// A message that took several frames: shown after the last of them.
    fn joined(&mut self, message: &Message<'_>, findings: &[Finding]) -> io::Result<()> {
        let last = self.pending.clone();
        self.flush();
        if self.show.quiet && findings.is_empty() {
            return Ok(());
        }
        let extent = Extent { all: self.show.all };
        match self.show.brief {
            true => frame::joined_brief(self.out, &self.sheet, message)?,
            false => frame::joined(self.out, &self.sheet, message, extent)?,
        }
        self.write_findings(findings, last.as_ref())?;
        if !self.show.brief {
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn write_findings(&mut self, findings: &[Finding], view: Option<&FrameView>) -> io::Result<()> {
        match self.show.brief {
            true => frame::brief_findings(self.out, &self.sheet, findings),
            false => frame::findings(self.out, &self.sheet, findings, view),
        }
    }

    /// Writes the last frame.
    fn flush(&mut self) {
        let Some(view) = self.pending.take() else { return };
        if self.result.is_ok() {
            self.result = self.write(&view);
        }
    }

    fn write(&mut self, view: &FrameView) -> io::Result<()> {
        if self.show.quiet {
            return self.write_findings(&view.findings, Some(view));
        }
        if self.show.brief {
            return frame::brief(self.out, &self.sheet, view);
        }
        frame::annotated(self.out, &self.sheet, view, Extent { all: self.show.all })?;
        writeln!(self.out)
    }
}

impl<W: Write> Observer for Text<'_, W> {
    fn connection(&mut self, _connection: &Connection) {}

    fn event(&mut self, _connection: &Connection, event: &Event<'_>, judged: &Judged) {
        for finding in &judged.findings {
            self.outcome.findings[finding.severity as usize] += 1;
            self.outcome.worst = self.outcome.worst.max(Some(finding.severity));
        }
        if self.result.is_ok() {
            self.result = self.take(event, &judged.findings);
        }
    }

    fn is_done(&self) -> bool {
        self.result.is_err()
    }
}

/// The last line: how much there was, and what came of it.
fn summary(
    out: &mut impl Write,
    sheet: &Sheet,
    sender: Sender,
    show: Show,
    outcome: &Outcome,
) -> io::Result<()> {
    let [notes, warnings, errors] = outcome.findings;
    let plural = |count: u64, noun: &str| match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    };
    let (mark, paint) = match outcome.worst {
        Some(Severity::Note) => (sheet.good(), Paint::Good),
        Some(severity) => (sheet.mark(severity), Paint::Severity(severity)),
        // Bytes are missing here; that is nobody's mistake.
        None if outcome.cut.is_some() => {
            (sheet.mark(Severity::Warning), Paint::Severity(Severity::Warning))
        }
        None => (sheet.good(), Paint::Good),
    };
    if show.quiet && outcome.worst.is_none() {
        return Ok(());
    }
    let cut = outcome
        .cut
        .map(|(bytes, field)| format!("the last frame lacks {} of {field}", plural(bytes, "byte")));
    let found = match outcome.worst {
        None => cut.clone().unwrap_or_else(|| "nothing found".to_owned()),
        Some(_) => {
            let counts = [(errors, "error"), (warnings, "warning"), (notes, "note")];
            let counts = counts.iter().filter(|(count, _)| *count > 0);
            counts.map(|(count, noun)| plural(*count, noun)).collect::<Vec<_>>().join(", ")
        }
    };
    let counted =
        format!("{}, {}", plural(outcome.frames, "frame"), plural(outcome.messages, "message"));
    writeln!(out, "{} {counted}: {found}", sheet.palette.paint(paint, mark))?;
    if let Some(cut) = cut.filter(|_| outcome.worst.is_some()) {
        hint(out, sheet, &cut)?;
    }
    if !matches!(sender, Sender::Certain(_)) {
        let text = "masking is not judged: --from client or --from server says who sent this";
        hint(out, sheet, text)?;
    }
    Ok(())
}

fn hint(out: &mut impl Write, sheet: &Sheet, text: &str) -> io::Result<()> {
    for line in ws101::render::wrap(text, sheet.width.saturating_sub(2)) {
        writeln!(out, "  {}", sheet.palette.paint(Paint::Faint, line))?;
    }
    Ok(())
}
