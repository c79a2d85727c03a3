//! Words for a POSIX shell.

/// Writes a text as one word, whatever it holds, with no more quotes than it takes.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::word;

    #[test]
    fn a_shell_reads_back_what_was_written() {
        for text in ["plain", "", "it's", "a b", "$HOME `x` \\ \"q\"", "{\"a\":\"O'Brien\"}", "!x\n*?~#;&|"] {
            let script = format!("printf %s {}", word(text));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
        assert_eq!(word("http://127.0.0.1:3001/x"), "http://127.0.0.1:3001/x");
    }
}
