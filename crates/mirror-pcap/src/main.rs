//! `mirror-pcap`: the toolkit for cloud traffic mirroring captures.
//!
//! The only crate of the workspace that opens files, prints, or knows a
//! terminal. `cli` has the arguments and all help texts, each command a module,
//! `input` and `output` what surrounds every rewriting, `report` what is said
//! about it.
#![forbid(unsafe_code)]

mod cli;
mod config;
mod damage;
mod documents;
mod failure;
mod filter;
mod input;
mod json;
mod number;
mod output;
mod plugin;
mod progress;
mod remote;
mod report;
mod rewrite;
mod sessions;
mod simulate;
mod streams;
mod strip;
mod table;
mod wrap;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use crate::{
    cli::{Cli, Command},
    failure::{Exit, Failure},
};

fn main() -> ExitCode {
    output::signals::survive_file_size_limit();
    let result = match Cli::try_parse().map(|cli| cli.command) {
        Ok(Command::Strip(args)) => strip::run(&args),
        Ok(Command::Wrap(args)) => wrap::run(&args),
        Ok(Command::Sessions(args)) => sessions::run(&args),
        Ok(Command::Config(args)) => config::run(&args),
        Ok(Command::Simulate(args)) => simulate::run(&args),
        Ok(Command::Filter(args)) => filter::run(&args),
        Ok(Command::Plugin(args)) => plugin::run(&args),
        Ok(Command::Completions(args)) => print(|out| cli::completions(args.shell, out)),
        Ok(Command::Man(args)) => print(|out| cli::man(&args.command, out)),
        Err(instead) => tell(&instead),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if let Some(message) = failure.message() {
                // In one piece, for others may write into the same log. Nothing is left to be done
                // if stderr is gone as well.
                let line = format!("mirror-pcap: {message}\n");
                let _ = io::stderr().write_all(line.as_bytes());
            }
            failure.exit().into()
        }
    }
}

/// Print what clap has to say instead of a command's work: a complaint about the
/// arguments, or a help text, which is output like any other.
fn tell(instead: &clap::Error) -> Result<Exit, Failure> {
    if instead.use_stderr() {
        complain(instead);
        return Ok(Exit::Usage);
    }
    output::check_text_to_stdout("a help text")?;
    let printed = instead.print().and_then(|()| io::stdout().flush());
    let printed = printed.and_then(|()| output::close_stdout());
    printed.map_err(|error| Failure::output("standard output", error))?;
    Ok(Exit::Done)
}

/// Print a complaint about the arguments, which it repeats.
fn complain(instead: &clap::Error) {
    let args: Vec<_> = env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let harmful: Vec<_> = args
        .iter()
        .flat_map(|arg| [Some(arg.as_str()), arg.split_once('=').map(|(_, value)| value)])
        .flatten()
        .filter(|text| text.chars().any(mirror_session::is_hidden))
        .collect();
    // Nobody is left to hear that stderr is gone.
    let _ = match cli::plain_complaint() {
        Some(mut text) if !harmful.is_empty() => {
            for arg in harmful {
                text = text.replace(arg, &failure::printable(arg));
            }
            let lines = text.lines().map(|line| failure::printable(line) + "\n");
            io::stderr().write_all(lines.collect::<String>().as_bytes())
        }
        _ => instead.print(),
    };
}

/// Print what `text` makes, in one piece.
fn print(text: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<Exit, Failure> {
    output::check_text_to_stdout("a report")?;
    let mut bytes = Vec::new();
    text(&mut bytes).map_err(Failure::usage)?;
    let mut out = io::stdout().lock();
    out.write_all(&bytes)
        .and_then(|()| out.flush())
        .and_then(|()| output::close_stdout())
        .map_err(|error| Failure::output("standard output", error))?;
    Ok(Exit::Done)
}
