//! Text that is written into a reply.

/// Makes a text that the provider can read as one line: line breaks and tabs become one space, other control
/// characters go.
pub(crate) fn single_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut gap = false;
    for char in text.trim().chars() {
        match char {
            '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => gap = true,
            char if char.is_control() => {}
            char => {
                if std::mem::take(&mut gap) && !line.ends_with(' ') && char != ' ' {
                    line.push(' ');
                }
                line.push(char);
            }
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_single() {
        assert_eq!(single_line("  Hello,\r\n\n  world\u{2028}again\u{0}!\t "), "Hello,  world again!");
        assert_eq!(single_line("a\n b"), "a b");
        assert_eq!(single_line("é \u{1f600}"), "é \u{1f600}");
    }
}
