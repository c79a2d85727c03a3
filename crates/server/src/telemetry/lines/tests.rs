//! Lines against a reader that does what the test says.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use super::*;

/// A reader that takes what it is given when it is told to, and tells when it is asked to.
struct Reader {
    asked: Sender<()>,
    told: Receiver<()>,
    taken: Arc<Mutex<Vec<u8>>>,
}

/// The test's end of a reader.
struct Held {
    lines: Arc<Lines>,
    asked: Receiver<()>,
    tell: Option<Sender<()>>,
    taken: Arc<Mutex<Vec<u8>>>,
    thread: thread::JoinHandle<()>,
}

impl Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.asked.send(());
        // With the test's end gone, everything is taken at once.
        let _ = self.told.recv();
        self.taken.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Held {
    /// A log whose reader is held up at its first line.
    fn up() -> Self {
        let lines = Arc::new(Lines::default());
        let ((ask, asked), (tell, told)) = (mpsc::channel(), mpsc::channel());
        let taken = Arc::<Mutex<Vec<u8>>>::default();
        let reader = Reader { asked: ask, told, taken: Arc::clone(&taken) };
        let own = Arc::clone(&lines);
        let thread = thread::spawn(move || {
            let log = tracing_subscriber::fmt().with_ansi(false).with_writer(Arc::clone(&own)).finish();
            tracing::subscriber::with_default(log, || own.write_to(reader));
        });
        let held = Self { lines, asked, tell: Some(tell), taken, thread };
        held.lines.push(b"first\n");
        held.asked.recv().unwrap();
        held
    }

    /// Lets the reader go on, to the end.
    fn finish(mut self) -> String {
        drop(self.tell.take());
        self.lines.finish(Duration::MAX);
        self.thread.join().unwrap();
        String::from_utf8(self.taken.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn nothing_is_lost_at_an_orderly_end() {
    let held = Held::up();
    thread::scope(|scope| {
        for thread in 0..4 {
            let lines = &held.lines;
            scope.spawn(move || {
                for number in 0..10_000 {
                    lines.push(format!("{thread} {number}\n").as_bytes());
                }
            });
        }
    });
    let text = held.finish();
    assert_eq!(text.lines().count(), 40_001);
    for thread in 0..4 {
        let own: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(&format!("{thread} "))).collect();
        let expected: Vec<_> = (0..10_000).map(|number: u32| number.to_string()).collect();
        assert_eq!(own, expected, "in the order in which the thread wrote them");
    }
}

#[test]
fn a_reader_that_stops_costs_lines_and_neither_time_nor_memory() {
    let held = Held::up();
    let line = format!("{}\n", "x".repeat(1023));
    let fitting = MOST / line.len();
    for _ in 0..fitting + 7 {
        held.lines.push(line.as_bytes());
    }
    assert_eq!(held.lines.state().waiting.len(), MOST);
    let text = held.finish();
    assert_eq!(text.lines().filter(|own| **own == line[..1023]).count(), fitting);
    let said: Vec<_> = text.lines().filter(|line| line.contains("WARN")).collect();
    assert!(said.len() == 1 && said[0].contains("dropped") && said[0].contains("lines=7"), "{said:?}");
}

#[test]
fn the_end_does_not_wait_for_a_reader_that_takes_nothing() {
    let held = Held::up();
    held.lines.push(b"never taken\n");
    held.lines.finish(Duration::ZERO);
    assert_eq!(held.taken.lock().unwrap().len(), 0);
    // It goes on all the same where the program does.
    assert_eq!(held.finish(), "first\nnever taken\n");
}
