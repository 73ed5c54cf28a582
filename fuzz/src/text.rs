//! Annotations.

use mirror_session::Annotation;

/// A text that is an annotation is printed as a line that says the same, in
/// printable ASCII that fits an option, whatever the text was.
pub fn annotation(data: &[u8]) {
    let Ok(annotation) = Annotation::parse(data) else { return };
    let line = annotation.to_string();
    assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "not printable: {line:?}");
    assert!(line.len() <= 65_535, "{} bytes do not fit an option", line.len());
    let again = Annotation::parse(line.as_bytes());
    assert!(again.is_ok(), "{line:?} is not read again: {again:?}");
    assert_eq!(again.map(|annotation| annotation.to_string()).as_ref(), Ok(&line));

    let name = annotation.interface_name();
    assert!(!name.is_empty() && name.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{name:?}");
    // The last of several is the one that counts.
    let comments = [&b"vpcmirror: vni=1 source=192.0.2.1"[..], data, b"not one"];
    assert_eq!(Annotation::last_valid(comments.into_iter()), Some(annotation));
}
