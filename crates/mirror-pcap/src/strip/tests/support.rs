//! What all tests without files share: running a rewriter over bytes, and reading
//! the result with a decoder that is not ours.

use std::io::Read;

use clap::Parser;
use mirror_session::Picture;
use mirror_testkit::decode::{Block, Content, Pcapng, dump, pcapng};
use pcapng_blocks::{OpenError, Reader};

use crate::{
    cli::{self, Cli, Command},
    report::Counts,
    rewrite::Rewriter,
    strip::Stripper,
};

/// The arguments of a `strip` with these options, a blank between two.
pub(crate) fn strip_args(options: &str) -> cli::Strip {
    let words = "mirror-pcap strip in out.pcapng".split(' ').chain(options.split_whitespace());
    match Cli::try_parse_from(words) {
        Ok(Cli { command: Command::Strip(args) }) => args,
        other => panic!("{options}: {other:?}"),
    }
}

/// All that a rewriter makes of a capture.
pub(crate) fn drive(
    rewriter: &mut impl Rewriter,
    capture: impl Read,
) -> Result<Vec<u8>, OpenError> {
    let mut reader = Reader::open(capture)?;
    let mut out = Vec::new();
    while let Some(event) = reader.next() {
        rewriter.take(&event, &mut out);
    }
    rewriter.finish(&mut out);
    Ok(out)
}

/// What a command made of a capture, and what it said.
pub(crate) struct Rewritten {
    pub(crate) bytes: Vec<u8>,
    pub(crate) counts: Counts,
}

impl Rewritten {
    /// The blocks of the output, which must be sound.
    #[track_caller]
    pub(crate) fn blocks(&self) -> Vec<Block> {
        sound(&self.bytes)
    }

    /// The packets of the output.
    #[track_caller]
    pub(crate) fn packets(&self) -> Vec<Block> {
        packets(self.blocks())
    }

    /// The output as text.
    pub(crate) fn picture(&self) -> String {
        dump(&self.bytes)
    }
}

/// Strip a capture that can be opened.
#[track_caller]
pub(crate) fn strip(options: &str, capture: &[u8]) -> Rewritten {
    strip_with(options, None, capture)
}

/// Strip a capture of which documents know something.
#[track_caller]
pub(crate) fn strip_with(options: &str, picture: Option<&Picture>, capture: &[u8]) -> Rewritten {
    let mut stripper = Stripper::new(&strip_args(options), picture);
    let bytes = drive(&mut stripper, capture).expect("it is a capture");
    stripper.counts.totals();
    Rewritten { bytes, counts: stripper.counts }
}

/// The blocks of a pcapng file without a fault in its structure: every block ends
/// where it says, and names only interfaces that were described before it.
#[track_caller]
pub(crate) fn sound(bytes: &[u8]) -> Vec<Block> {
    let Pcapng { blocks, stop } = pcapng(bytes);
    assert_eq!(stop, None, "{}", dump(bytes));
    let mut described = 0;
    for block in &blocks {
        assert_eq!(block.trailer, None, "{block:?}");
        let named = match &block.content {
            Content::Section { .. } => {
                described = 0;
                continue;
            }
            Content::Interface { .. } => {
                described += 1;
                continue;
            }
            Content::Packet { interface, data, captured, .. } => {
                assert_eq!(data.len(), *captured as usize, "{block:?}");
                *interface
            }
            Content::Statistics { interface, .. } => *interface,
            Content::Simple { .. } => 0,
            _ => continue,
        };
        assert!(named < described, "of {described} interfaces: {block:?}");
    }
    blocks
}

/// The Enhanced Packet Blocks and Packet Blocks among `blocks`.
pub(crate) fn packets(blocks: Vec<Block>) -> Vec<Block> {
    blocks.into_iter().filter(|block| matches!(block.content, Content::Packet { .. })).collect()
}

/// Interface, time, original length and data of a packet.
#[track_caller]
pub(crate) fn packet(block: &Block) -> (u32, u64, u32, &[u8]) {
    match &block.content {
        Content::Packet { interface, time, original, data, .. } => {
            (*interface, *time, *original, data)
        }
        other => panic!("no packet: {other:?}"),
    }
}

/// The comments of a block, as text.
pub(crate) fn comments(block: &Block) -> Vec<String> {
    block.options.values(1).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

/// A reader that gives `step` bytes at most.
pub(crate) struct Steps<'a>(pub(crate) &'a [u8], pub(crate) usize);

impl Read for Steps<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}
