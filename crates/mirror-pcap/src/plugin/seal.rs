//! A line in a file of ours by which we know later that nobody has changed it.
//!
//! It has the checksum of all other lines. That is no signature: whoever wants to can make one. It
//! keeps us from overwriting or removing what a person has put work into, and that is all.

use flate2::Crc;

const WORDS: &str = "as mirror-pcap wrote it, crc32 ";

/// How a line is made that nobody reads but us.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// `# …` as the first line.
    Comment,
    /// A field of the outermost object, whose brace is the first line.
    Json,
}

/// `text` with the line.
pub(super) fn sealed(text: &str, kind: Kind) -> String {
    let seal = format!("{WORDS}{:08x}", checksum(text.as_bytes()));
    match kind {
        Kind::Comment => format!("# {seal}\n{text}"),
        Kind::Json => {
            let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
            format!("{first}\n  \"x-mirror-pcap\": \"{seal}\",\n{rest}")
        }
    }
}

/// Whether this is what [`sealed`] has made, unchanged.
pub(super) fn is_intact(bytes: &[u8]) -> bool {
    let Ok(sealed_text) = std::str::from_utf8(bytes) else { return false };
    let lines = sealed_text.split_inclusive('\n');
    let Some(seal) = lines.clone().position(|line| line.contains(WORDS)) else { return false };
    let others = lines.enumerate().filter(|(at, _)| *at != seal).map(|(_, line)| line);
    let text: String = others.collect();
    [Kind::Comment, Kind::Json].into_iter().any(|kind| sealed(&text, kind) == sealed_text)
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sealed_sessions_file_is_one_that_is_read() {
        let text = mirror_session::file::write(
            &mirror_session::file::read(br#"{"schema": "mirror-pcap/sessions/1", "sessions": []}"#)
                .unwrap(),
        );
        let sealed = sealed(&text, Kind::Json);
        assert!(is_intact(sealed.as_bytes()) && !is_intact(text.as_bytes()));
        let read = mirror_session::file::read(sealed.as_bytes()).unwrap();
        assert_eq!(mirror_session::file::write(&read), text);
    }

    proptest! {
        #[test]
        fn every_change_breaks_the_seal(
            text in "(\\PC{0,20}\n){1,5}",
            at in any::<prop::sample::Index>(),
            to in any::<u8>(),
        ) {
            for kind in [Kind::Comment, Kind::Json] {
                let mut bytes = sealed(&text, kind).into_bytes();
                prop_assert!(is_intact(&bytes));
                let at = at.index(bytes.len());
                if bytes[at] != to {
                    let before = std::mem::replace(&mut bytes[at], to);
                    prop_assert!(!is_intact(&bytes));
                    bytes[at] = before;
                }
                bytes.truncate(at);
                prop_assert!(!is_intact(&bytes));
            }
        }
    }
}
