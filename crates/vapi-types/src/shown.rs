//! Values of a payload in lines for people.

use std::fmt;

/// As many characters of a value are written.
const MAX_CHARS: usize = 80;
/// What stands in the place of what cannot be printed.
const UNPRINTABLE: char = '\u{fffd}';

/// A value of a payload as a log line carries it: its first 80 characters, with a sign in the place of each that cannot be
/// printed or changes how others look, and with an ellipsis where more follows.
///
/// ```
/// use vapi_types::Shown;
///
/// assert_eq!(Shown("call-1\n").to_string(), "call-1\u{fffd}");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars();
        for char in chars.by_ref().take(MAX_CHARS) {
            fmt::Write::write_char(f, if is_printable(char) { char } else { UNPRINTABLE })?;
        }
        if chars.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// False for control characters, line ends, and those that are invisible or turn the direction of the text.
fn is_printable(char: char) -> bool {
    !char.is_control()
        && !matches!(
            char,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_cut_and_steers_no_terminal() {
        let shown = |text: &str| Shown(text).to_string();
        assert_eq!(shown("Fontanería 🎉"), "Fontanería 🎉");
        assert_eq!(shown("a\u{1b}[2J\r\n\u{9b}\u{202e}b"), "a\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}b");
        assert_eq!(shown(&"é".repeat(80)), "é".repeat(80));
        assert_eq!(shown(&"é".repeat(8 << 20)), format!("{}…", "é".repeat(80)));
    }
}
