//! `ws101 build`: frames, handshakes and conversations from fields, correct by default, broken in
//! one place with `--fault`.

mod conversation;
mod faults;
mod form;
mod frame;
mod handshake;
mod judged;

use super::{Common, Failure, Output, Status};
use clap::Subcommand;
use form::{Built, Target};
use std::hash::{BuildHasher as _, Hasher as _};
use ws101::build::Conversation;
use ws101::build::fault::{self, Fault};
use ws101::render::escape;

/// Builds frames, handshakes and whole conversations, correct or broken on purpose.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  ws101 build frame --text Hello --mask 37fa213d       one frame, as hex
  ws101 build frame --text Hello --as annotated        the same, bit by bit
  ws101 build frame --text Hello --fault MSK-CLIENT-UNMASKED | ws101 frame --from client
  ws101 build handshake | ws101 handshake              a request and its answer
  ws101 build handshake --request                      one half of it
  ws101 build conversation -o lesson.pcap              a whole chat, for Wireshark too
  ws101 build conversation samples/scripts/chat.toml -o lesson.pcap
  ws101 build --faults                                 every rule that can be broken on purpose"
)]
pub struct Args {
    /// List the faults: what --fault takes, and what each does.
    #[arg(long)]
    faults: bool,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    Frame(Box<frame::Args>),
    Handshake(handshake::Args),
    Conversation(conversation::Args),
}

/// Options of all three.
#[derive(Debug, clap::Args)]
struct Making {
    /// Break exactly one rule: its id, in any case (ws101 build --faults lists them).
    #[arg(long, value_name = "RULE")]
    fault: Option<String>,
    /// Where keys come from: the same number, the same bytes. Without it they are random.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    target: Target,
}

/// Runs the command.
pub fn run(args: &Args, common: &Common, output: &mut Output) -> Result<Status, Failure> {
    match &args.what {
        None => faults::list(common, output)?,
        Some(What::Frame(args)) => frame::run(args, common, output)?,
        Some(What::Handshake(args)) => handshake::run(args, common, output)?,
        Some(What::Conversation(args)) => conversation::run(args, common, output)?,
    }
    Ok(Status::Good)
}

impl Making {
    /// The seed that was asked for, or one that nobody can foresee.
    fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| {
            std::collections::hash_map::RandomState::new().build_hasher().finish()
        })
    }

    /// The fault that was asked for.
    fn fault(&self) -> Result<Option<&'static Fault>, Failure> {
        let Some(name) = &self.fault else { return Ok(None) };
        if let Some(fault) = fault::find(name) {
            return Ok(Some(fault));
        }
        let shown = escape::clipped(name.as_bytes(), 60);
        let why = match fault::beyond_bytes(name) {
            Some(why) => format!("error: no bytes built here can break {shown}\n  {why}"),
            None => {
                let near = ws101::rules::nearest(name, fault::all().map(|fault| fault.rule));
                let advice = match near.first() {
                    Some(near) => format!("did you mean {near}?"),
                    None => "expected: the id of a rule, such as MSK-CLIENT-UNMASKED".to_owned(),
                };
                format!("error: there is no fault \"{shown}\"\n  {advice}")
            }
        };
        Err(Failure::Input(format!("{why}\n  try: ws101 build --faults")))
    }

    /// Breaks the rule, and writes what was built.
    fn finish(
        &self,
        mut built: Built,
        common: &Common,
        output: &mut Output,
    ) -> Result<(), Failure> {
        match self.fault()? {
            Some(fault) => {
                built.what.suits(fault)?;
                let asked = built.payloads();
                fault.apply(&mut built.conversation);
                built.fault = Some(fault);
                if !asked.is_empty() && !built.holds(&asked) {
                    crate::cli::complain(&format!(
                        "note: {} brings frames of its own; what was asked for is not all among \
                         them: {}",
                        fault.rule, fault.how
                    ));
                }
            }
            None => judged::tell(&built),
        }
        form::write(&mut built, &self.target, common, output)
    }
}

fn conversation_hint(fault: &Fault) -> Failure {
    Failure::Input(format!(
        "error: {} can't be seen in this alone: {}\n  try: ws101 build conversation --fault {} | \
         ws101 pcap -",
        fault.rule, fault.how, fault.rule
    ))
}

/// Without a reader of its own, a fault in frames needs a connection to happen on.
fn opened(conversation: Conversation, what: form::What, seed: Option<u64>) -> Built {
    Built { conversation, what, half: None, fault: None, seed }
}
