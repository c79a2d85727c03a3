//! Finds passages that answer a question: word overlap, weighted by how rare a word is. Pure.

use std::collections::{HashMap, HashSet};

use tenant::Document;

/// How many passages are given at the most.
const MAX_PASSAGES: usize = 3;
/// The length at which a passage is closed, in characters.
const PASSAGE_CHARS: usize = 900;

/// A piece of a document.
#[derive(Debug, PartialEq)]
pub(crate) struct Passage {
    pub(crate) text: String,
    /// The share of the question's weight that it covers, from 0 to 1.
    pub(crate) similarity: f64,
}

/// The passages that share the question's rarest words, best first. None when nothing fits.
pub(crate) fn find(documents: &[Document], question: &str) -> Vec<Passage> {
    let passages: Vec<(&Document, String)> = documents
        .iter()
        .flat_map(|document| passages(&document.content).into_iter().map(move |text| (document, text)))
        .collect();
    let words: Vec<HashSet<String>> =
        passages.iter().map(|(document, text)| words(text).chain(words(&document.title)).collect()).collect();
    let mut frequency: HashMap<&str, usize> = HashMap::new();
    for word in words.iter().flatten() {
        *frequency.entry(word).or_default() += 1;
    }
    let asked: HashSet<String> = self::words(question).collect();
    let weight = |word: &str| {
        let known = frequency.get(word).copied().unwrap_or_default();
        (1.0 + count(passages.len()) / (1.0 + count(known))).ln()
    };
    let total: f64 = asked.iter().map(|word| weight(word)).sum();
    let mut scored: Vec<(f64, &str)> = passages
        .iter()
        .zip(&words)
        .map(|((_, text), words)| {
            let covered: f64 =
                asked.iter().filter(|word| words.contains(*word)).map(|word| weight(word)).sum();
            (covered / total.max(f64::MIN_POSITIVE), text.as_str())
        })
        .filter(|(score, _)| *score > 0.2)
        .collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0));
    scored
        .into_iter()
        .take(MAX_PASSAGES)
        .map(|(similarity, text)| Passage { text: text.to_owned(), similarity })
        .collect()
}

/// Paragraphs, joined until a passage is long enough to make sense alone.
fn passages(content: &str) -> Vec<String> {
    let mut passages: Vec<String> = Vec::new();
    for paragraph in content.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        match passages.last_mut() {
            Some(last) if last.len() + paragraph.len() < PASSAGE_CHARS => {
                last.push('\n');
                last.push_str(paragraph);
            }
            _ => passages.push(paragraph.to_owned()),
        }
    }
    passages
}

/// Lower-case words of three letters and more.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 2).map(str::to_lowercase)
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_passage_with_the_rare_words_comes_first() {
        let filler = "The clinic is friendly and the clinic is clean. ".repeat(20);
        let document =
            |path: &str, content: String| Document { path: path.to_owned(), title: String::new(), content };
        let documents = [
            document("a.md", filler.clone()),
            document("b.md", format!("{filler}\n\nParking is behind the house, free for two hours.")),
        ];
        let found = find(&documents, "Where can I find parking at the clinic?");
        assert!(found[0].text.contains("Parking"), "{found:?}");
        assert!(found[0].similarity > 0.2 && found[0].similarity <= 1.0);
        assert!(find(&documents, "quantum chromodynamics lectures").is_empty());
        assert!(find(&[], "parking").is_empty());
        assert!(find(&documents, "").is_empty());
    }
}
