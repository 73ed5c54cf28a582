//! `sessions`: what is in a capture, without changing it.
//!
//! ```text
//! Reader ─► event ─► Inventory: which session, or what else ─► text or JSON
//! ```
//!
//! What somebody runs first on a file that he doesn't know. So it must say the same of a capture
//! before it was stripped and after (but for copies that only the wrapper betrays), and the same as
//! `strip` would: a wrapped packet is judged by the same judge, and of one that was stripped before,
//! that run's words are read. Of several captures
//! each is judged by itself, and then they are added up.

mod cuts;
mod duplicates;
mod inventory;
mod json;
#[cfg(test)]
mod tests;
mod text;
mod times;

use std::{
    io::{self, Write},
    path::Path,
    sync::atomic::Ordering,
};

use anyhow::anyhow;
use pcapng_blocks::Event;

use self::inventory::Inventory;
use crate::{
    cli, documents,
    failure::{Exit, Failure},
    input::{self, Input},
    output::signals,
    progress::Progress,
};

/// Run the command.
pub(crate) fn run(args: &cli::Sessions) -> Result<Exit, Failure> {
    if args.inputs.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::usage(anyhow!("standard input can be one of the captures only")));
    }
    for input in &args.inputs {
        documents::leave_stdin_to(input, "capture", &args.documents)?;
    }
    let estate = documents::load(&args.documents, false)?;
    let inputs = args.inputs.iter().map(Waiting::new).collect::<Result<Vec<_>, _>>()?;
    let mut inventory = Inventory::new(args, estate.as_ref().map(|estate| &estate.picture));
    for input in inputs {
        read(&mut input.open()?, &mut inventory);
    }

    // Nobody is left to hear that stderr is gone.
    let _ = io::stderr().write_all(text::aside(&inventory).as_bytes());
    let text = if args.json { json::text(&inventory)? } else { text::text(&inventory) };
    crate::print(|out| {
        out.extend_from_slice(text.as_bytes());
        Ok(())
    })?;
    Ok(if inventory.is_damaged() { Exit::Damaged } else { Exit::Done })
}

/// A capture that can be opened, and is to be read later.
///
/// There may be more of them than a process may have open, and each that is open has a buffer. So
/// a file is closed again; what can't be opened twice, a pipe, stays open.
enum Waiting<'a> {
    File(&'a Path),
    Open(Box<Input>),
}

impl Waiting<'_> {
    fn new<P: AsRef<Path>>(path: &P) -> Result<Waiting<'_>, Failure> {
        let path = path.as_ref();
        let input = input::open(path)?;
        let is_file = input.len.is_some() && path.as_os_str() != "-";
        Ok(if is_file { Waiting::File(path) } else { Waiting::Open(Box::new(input)) })
    }

    fn open(self) -> Result<Input, Failure> {
        match self {
            Waiting::File(path) => input::open(path),
            Waiting::Open(input) => Ok(*input),
        }
    }
}

/// Count all that is in a capture.
fn read(input: &mut Input, inventory: &mut Inventory<'_>) {
    let mut progress = Progress::new(input, false);
    inventory.begin(&input.name, input.compression);
    while let Some(event) = input.reader.next() {
        if matches!(&event, Event::Damage(damage) if damage.fatal)
            && input.stopped.load(Ordering::Relaxed)
        {
            // A block that was cut because we stopped to listen is no damage.
            break;
        }
        inventory.take(&event);
        progress.tick();
    }
    inventory.end();
}

/// Whether a signal has ended the reading.
fn is_stopped() -> bool {
    signals::stopped_by().is_some()
}
