//! Whether what stands where an output goes may be lost to it.
//!
//! A capture is often all that there is of what happened, and a name given twice, a `*` that found
//! two files or an option that takes a file are enough to name one as an output. So a file that
//! begins as a capture does is replaced only if this tool wrote it, and it is not what is being read,
//! unless somebody insists. What strip reads is an exception, as long as nothing but the wrapper is
//! lost.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Seek},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::Path,
};

use anyhow::anyhow;
use mirror_session::Annotation;
use pcapng_blocks::{Block, Content, Event, Packet, Reader, code, decompress};
use rustix::fs::OFlags;

use crate::{
    failure::{Failure, printable},
    streams,
};

/// Device and inode: what tells a file from others, whatever it is called.
pub(crate) type FileId = (u64, u64);

/// What every comment of `simulate --write` begins with.
pub(crate) const RULE_PREFIX: &str = "vpcmirror-rule:";

/// How much of a capture is looked at for signs of who wrote it.
const LOOKED_AT: u64 = 16 << 20;

/// The first four bytes of pcap files, as libpcap and Wireshark know them, in one of two orders:
/// microseconds, nanoseconds, and what others have made of it.
const PCAP: [u32; 9] = [
    0xA1B2_C3D4,
    0xA1B2_3C4D,
    0xA1B2_CD34,
    0xA1B2_34CD,
    0xA12B_3C4D,
    0xA1B2_C3CB,
    0xA1E2_CB12,
    0x1C00_01AC,
    0x1C00_01AB,
];

/// What an output may take the place of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Replaces {
    /// Of no capture, whoever wrote it: what is written is none, but this.
    NoCapture(&'static str),
    /// Of captures of ours.
    OurCaptures {
        /// The file that it is made of.
        input: FileId,
        /// Whether that may be the output too.
        in_place: InPlace,
        /// Whether somebody insists.
        force: bool,
    },
}

/// Whether a command may write over its input.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InPlace {
    Never,
    /// Nothing is lost but what the command is there to take off.
    Allowed,
    /// This would be lost.
    Loses(&'static str),
}

impl Replaces {
    /// Complain if what stands at `path` must not be lost. Of what may be, or is no file, its
    /// identity is the answer.
    pub(super) fn check(self, path: &Path, name: &str) -> Result<Option<FileId>, Failure> {
        let failed = |error| Failure::output(name, error);
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let id = id(&metadata);
        if !metadata.is_file() {
            return Ok(Some(id));
        }
        let refusal = |why: String| Failure::usage(anyhow!("{}: {why}", printable(name)));
        let force = match self {
            Replaces::NoCapture(_) => false,
            Replaces::OurCaptures { input, in_place, force } if input == id => {
                return match in_place {
                    InPlace::Loses(what) if !force => Err(refusal(loses(what))),
                    InPlace::Allowed | InPlace::Loses(_) => Ok(Some(id)),
                    InPlace::Never => Err(refusal(
                        "is the input as well, and only strip may write over its input; name \
                         another OUT"
                            .to_owned(),
                    )),
                };
            }
            Replaces::OurCaptures { force, .. } => force,
        };
        if force || metadata.len() == 0 {
            return Ok(Some(id));
        }
        // It may have become a FIFO that nobody writes to.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
        if !begins_as_capture(&file).map_err(failed)? {
            return Ok(Some(id));
        }
        match self {
            Replaces::NoCapture(what) => Err(refusal(format!(
                "is a capture, and {what} takes the place of none; name another file, or remove \
                 this one first"
            ))),
            Replaces::OurCaptures { .. } if is_ours(file).map_err(failed)? => Ok(Some(id)),
            Replaces::OurCaptures { .. } => Err(refusal(
                "is a capture, and not known to be written by mirror-pcap: it would be replaced, \
                 not read; name another OUT, or insist with --force"
                    .to_owned(),
            )),
        }
    }
}

/// What is said if more than the wrapper would be lost of an input that is the output.
pub(crate) fn loses(what: &str) -> String {
    format!("is the input as well, and {what}; name another OUT, or insist with --force")
}

/// Complain if a text, called `what`, cannot be printed: if standard output is closed, or a capture
/// into which it would be written.
pub(crate) fn check_text_to_stdout(what: &str) -> Result<(), Failure> {
    let name = "standard output";
    streams::check_stdout().map_err(|error| Failure::output(name, error))?;
    // By this name it is opened anew: standard output itself is not for reading.
    let path = Path::new("/proc/self/fd/1");
    let is_file = |metadata: Metadata| metadata.is_file() && metadata.len() > 0;
    if fs::metadata(path).is_ok_and(is_file)
        && let Ok(file) = File::open(path)
        && begins_as_capture(&file).is_ok_and(|is_capture| is_capture)
    {
        let wrong = anyhow!("{name}: is a capture, and {what} would be written into it");
        return Err(Failure::usage(wrong));
    }
    Ok(())
}

/// What standard output is, if that can be asked.
pub(crate) fn stdout_id() -> Option<FileId> {
    let file = io::stdout().as_fd().try_clone_to_owned().map(File::from).ok()?;
    file.metadata().ok().as_ref().map(id)
}

/// What tells a file from others.
pub(super) fn id(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

/// Whether the file begins as captures do, compressed or not.
fn begins_as_capture(file: &File) -> io::Result<bool> {
    let mut first = Vec::new();
    let read = decompress(file).and_then(|(bytes, _)| bytes.take(4).read_to_end(&mut first));
    match read {
        // A stream that cannot be decompressed is none that could be read as one.
        Err(error) if error.raw_os_error().is_some() => return Err(error),
        _ => {}
    }
    Ok(first.first_chunk().is_some_and(|first| {
        let (big, little) = (u32::from_be_bytes(*first), u32::from_le_bytes(*first));
        big == 0x0A0D_0D0A || PCAP.contains(&big) || PCAP.contains(&little)
    }))
}

/// Whether this tool wrote the capture, and nobody has changed it since, as far as that shows; or
/// whether there is no packet in it, and so nothing that happened.
///
/// Strip describes the interface of a session right before the first packet of it. Programs that
/// merge captures write all descriptions in front, or append sections that are not so; and a packet
/// with a comment of somebody else makes the capture theirs. Each packet of `simulate --write` has a
/// comment of ours, the first one too.
fn is_ours(mut file: File) -> io::Result<bool> {
    file.rewind()?;
    let Ok((bytes, _)) = decompress(file) else { return Ok(false) };
    let mut bytes = bytes.take(LOOKED_AT);
    let Ok(mut reader) = Reader::open(&mut bytes) else { return Ok(false) };
    let mut is_empty = true;
    let mut is_whole = true;
    let mut section = SectionSeen::default();
    while let Some(event) = reader.next() {
        let Event::Block(block) = event else {
            is_whole = false;
            break;
        };
        match &block.content {
            Content::Section(_) => {
                if section.is_ours == Some(false)
                    || section.has_packets && section.is_ours.is_none()
                {
                    return Ok(false);
                }
                section = SectionSeen::default();
            }
            Content::Packet(packet) => {
                is_empty = false;
                if !section.observe(packet) {
                    return Ok(false);
                }
            }
            Content::Interface(interface) if is_of_session(&block) => {
                section.described = Some(section.described.is_none().then_some(interface.id));
            }
            _ if section.described.is_some() && section.is_ours.is_none() => {
                section.described = Some(None);
            }
            _ => {}
        }
    }
    drop(reader);
    // What ends where no more is looked at is not broken.
    let is_whole = is_whole || bytes.limit() == 0;
    Ok(is_whole && (section.is_ours == Some(true) || is_empty && bytes.limit() > 0))
}

/// What of a section tells who wrote it.
#[derive(Default)]
struct SectionSeen {
    /// The first interface of a session, if nothing has come since.
    described: Option<Option<u32>>,
    has_packets: bool,
    is_ours: Option<bool>,
}

impl SectionSeen {
    /// Whether the next packet lets the section be ours.
    fn observe(&mut self, packet: &Packet<'_>) -> bool {
        let is_rule = |text: &[u8]| text.starts_with(RULE_PREFIX.as_bytes());
        let mut comments = packet.options.comments();
        // Somebody may have written down what they found.
        if comments.any(|text| !is_rule(text) && Annotation::parse(text).is_err()) {
            return false;
        }
        if self.is_ours.is_none() {
            let says_rule = !self.has_packets && packet.options.comments().any(is_rule);
            let is_ours = self.described.map(|id| id == Some(packet.interface));
            self.is_ours = if says_rule { Some(true) } else { is_ours };
        }
        self.has_packets = true;
        self.is_ours != Some(false)
    }
}

/// Whether it describes the interface of a session.
fn is_of_session(block: &Block<'_>) -> bool {
    let Content::Interface(interface) = &block.content else { return false };
    let description = interface.options.get(code::IF_DESCRIPTION);
    description.is_some_and(|text| Annotation::parse(text).is_ok())
}
