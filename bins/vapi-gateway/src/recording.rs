//! Requests as people keep them: headers in a text file, the body in another.

use std::io::Read;

use anyhow::{Context, bail};

/// The name that stands for standard input.
pub(crate) const STDIN: &str = "-";

/// Reads a file, or standard input.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn read(name: &str) -> anyhow::Result<Vec<u8>> {
    if name == STDIN {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    std::fs::read(name).with_context(|| format!("cannot read {name}"))
}

/// Reads the lines `Name: value` of a request, also as `curl -v` shows them behind `> `.
///
/// Blank lines, the request line and the pseudo-headers of HTTP/2 are left out; so is, where anything stands behind
/// `> `, everything that does not.
///
/// # Errors
/// When a line is none of these; the message gives its number and not its text, which may be a secret.
pub(crate) fn headers(text: &str) -> anyhow::Result<Vec<(String, String)>> {
    let is_trace = text.lines().any(|line| line.starts_with("> "));
    let mut headers = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = match line.strip_prefix('>') {
            Some(rest) if is_trace => rest,
            _ if is_trace => continue,
            _ => line,
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with(':') || is_request_line(line) {
            continue;
        }
        match line.split_once(':') {
            Some((name, value)) if is_name(name) => headers.push((name.to_owned(), value.trim().to_owned())),
            _ => {
                bail!("line {} of the headers is no line of the form `Name: value`", number.saturating_add(1))
            }
        }
    }
    Ok(headers)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
}

fn is_request_line(line: &str) -> bool {
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default();
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    is_method && words.next_back().is_some_and(|word| word.starts_with("HTTP/"))
}

#[cfg(test)]
mod tests {
    use super::headers;

    #[test]
    fn plain_lines_and_curl_traces_say_the_same() {
        let plain = "POST /api/webhooks/vapi HTTP/1.1\r\nHost: h:3001\r\nX-Sig:  a:b \r\n\r\n";
        let trace = "* Connected to h\n> POST /api/webhooks/vapi HTTP/1.1\n> Host: h:3001\n> X-Sig: a:b\n>\n< HTTP/1.1 200 OK\n< x: y\n";
        let expected = vec![("Host".to_owned(), "h:3001".to_owned()), ("X-Sig".to_owned(), "a:b".to_owned())];
        assert_eq!(headers(plain).unwrap(), expected);
        assert_eq!(headers(trace).unwrap(), expected);
    }

    #[test]
    fn a_line_that_is_no_header_is_named_by_its_number() {
        let error = headers("A: b\nhush\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("hush"), "{error}");
    }
}
