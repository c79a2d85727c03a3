//! Where a value ends, and where a string needs a second look: searches over bytes, a word at a time.

use memchr::memchr2;

/// The offset behind the string that starts at `quote`.
pub(crate) fn string_end(bytes: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    loop {
        at = find_delimiter(bytes, at);
        match bytes.get(at) {
            None => return bytes.len(),
            Some(b'"') => return at + 1,
            // The first byte of an escape cannot end the string.
            Some(_) => at += 2,
        }
    }
}

/// The offset behind the value that starts at `start`.
pub(crate) fn value_end(bytes: &[u8], start: usize) -> usize {
    match bytes.get(start) {
        Some(b'"') => string_end(bytes, start),
        Some(b'{' | b'[') => container_end(bytes, start),
        _ => scalar_end(bytes, start),
    }
}

/// The offset behind the object or array that starts at `open`; of text that is cut off, its end.
fn container_end(bytes: &[u8], open: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = open;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = string_end(bytes, at - 1),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    at
}

/// The offset behind the number or literal that starts at `start`.
fn scalar_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b'"') || byte.is_ascii_whitespace();
    start + rest.iter().position(is_end).unwrap_or(rest.len())
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = ONES << 7;
const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);

/// How much of a string is searched word by word before a search with a set-up cost pays off: nearly every key ends in it.
const NEAR: usize = 32;

/// The first offset from `from` on that holds a quote, a backslash or a control character.
pub(super) fn plain_run(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + find_special(rest).unwrap_or(rest.len())
}

fn is_special(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < b' '
}

/// The first quote, backslash or control character.
///
/// Eight bytes at a time: strings are nearly all of a message.
fn find_special(bytes: &[u8]) -> Option<usize> {
    let (words, tail) = bytes.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        if let Some(found) = first_byte(zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES) | below_space(word))
        {
            return Some(at + found);
        }
        at += 8;
    }
    tail.iter().position(|byte| is_special(*byte)).map(|found| at + found)
}

/// The offset of the first quote or backslash from `from` on, else the length.
fn find_delimiter(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let (near, far) = rest.split_at(rest.len().min(NEAR));
    let (words, tail) = near.as_chunks::<8>();
    let mut at = from;
    for word in words {
        let word = u64::from_le_bytes(*word);
        if let Some(found) = first_byte(zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES)) {
            return at + found;
        }
        at += 8;
    }
    // The tail is empty unless the text ends here.
    match tail.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
        Some(found) => at + found,
        None => at + tail.len() + memchr2(b'"', b'\\', far).unwrap_or(far.len()),
    }
}

/// Marks the bytes of a word that are zero. A borrow can only spoil bytes above the first true mark.
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}

/// Marks the bytes of a word that are below the space, in the same way.
fn below_space(word: u64) -> u64 {
    word.wrapping_sub(SPACES) & !word & HIGH
}

/// The offset of the first marked byte.
fn first_byte(marks: u64) -> Option<usize> {
    if marks == 0 { None } else { usize::try_from(marks.trailing_zeros() / 8).ok() }
}
