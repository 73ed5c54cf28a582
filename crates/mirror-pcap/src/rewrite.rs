//! What all rewriters have in common: the loop from an input to an output, and
//! what becomes of the parts that they do not change.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use pcapng_blocks::{Block, Content, Event, Opt, Options, OptionsWriter, code, kind};

use crate::{
    cli::Writing,
    failure::Failure,
    input::Input,
    output::Output,
    progress::Progress,
    report::{Counts, note},
};

/// Something that turns the events of a capture into bytes of another.
pub(crate) trait Rewriter {
    /// Append to `out` what becomes of one event.
    fn take(&mut self, event: &Event<'_>, out: &mut Vec<u8>);

    /// Append what is still missing when the input has ended.
    fn finish(&mut self, _: &mut Vec<u8>) {}
}

/// Read all of `input` and write what becomes of it; [`Output::commit`] then gives
/// the output its name.
pub(crate) fn rewrite(
    input: &mut Input,
    output: &Output,
    writing: Writing,
    quiet: bool,
    rewriter: &mut impl Rewriter,
) -> Result<(), Failure> {
    if output.is_written_into(input.id) {
        // It would be read and grow without end.
        return Err(Failure::usage(anyhow!("{} is the input as well", output.name)));
    }
    let mut progress = Progress::new(input, quiet);
    let mut sink = output.start(writing.threads)?;
    let written = (|| {
        while let Some(event) = input.reader.next() {
            if is_cut_by_us(&event, &input.stopped) {
                break;
            }
            rewriter.take(&event, sink.buffer());
            sink.relieve()?;
            progress.tick();
            // What a live reader should see must not lie in our buffer while we wait.
            if input.reader.must_wait() {
                sink.flush()?;
            }
        }
        rewriter.finish(sink.buffer());
        sink.finish()
    })();
    written.map_err(|error| Failure::output(&output.name, error))
}

/// Read all of `input` and write nothing.
pub(crate) fn read(input: &mut Input, quiet: bool, rewriter: &mut impl Rewriter) {
    let mut progress = Progress::new(input, quiet);
    let mut nothing = Vec::new();
    while let Some(event) = input.reader.next() {
        if is_cut_by_us(&event, &input.stopped) {
            break;
        }
        rewriter.take(&event, &mut nothing);
        progress.tick();
    }
    rewriter.finish(&mut nothing);
}

/// Whether this is a block that was cut because we stopped to listen, which is no damage.
#[inline]
fn is_cut_by_us(event: &Event<'_>, stopped: &AtomicBool) -> bool {
    matches!(event, Event::Damage(damage) if damage.fatal) && stopped.load(Ordering::Relaxed)
}

/// Copy the options of a packet whose bytes were changed. `change` may write
/// something else in an option's place and returns whether it took care of it.
///
/// What described the bytes as they were goes: the hash. What its writer marked
/// as not to be copied goes too, unless `keep_nocopy`.
///
/// What a broken list has behind its fault cannot be copied.
#[cold]
pub(crate) fn copy_options(
    list: Options<'_>,
    keep_nocopy: bool,
    counts: &mut Counts,
    out: &mut OptionsWriter<'_>,
    mut change: impl FnMut(&Opt<'_>, &mut OptionsWriter<'_>) -> bool,
) {
    for option in list.iter().map_while(Result::ok) {
        match option.code {
            code::EPB_HASH => {}
            code::CUSTOM_TEXT_NO_COPY | code::CUSTOM_BYTES_NO_COPY if !keep_nocopy => {
                counts.note(note::NO_COPY_OPTION);
            }
            _ if change(&option, out) => {}
            _ => {
                out.push(option.code, option.value);
            }
        }
    }
}

/// Whether there is a fault in an option list.
pub(crate) fn is_broken(list: Options<'_>) -> bool {
    list.iter().any(|option| option.is_err())
}

/// Copy a block that is neither section, interface, packet nor statistics.
//= https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcapng
//# This Custom Block type should not be copied to a new file if the pcapng file is
//# manipulated by an application
pub(crate) fn copy_other(
    block: &Block<'_>,
    keep_nocopy: bool,
    counts: &mut Counts,
    out: &mut Vec<u8>,
) {
    match block.content {
        Content::Other { kind: kind::CUSTOM_NO_COPY } if !keep_nocopy => {
            counts.note(note::NO_COPY_BLOCK);
        }
        Content::Foreign => {
            counts.note(note::UNKNOWN_VERSION);
            block.copy(out);
        }
        _ => block.copy(out),
    }
}
