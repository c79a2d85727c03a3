//! Child processes: shown before they run, stopped with the job.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::interrupt;

/// How often a running child is asked whether it has ended.
const POLL: Duration = Duration::from_millis(20);

/// Runs a command in sight of the user.
///
/// # Errors
/// If it cannot be started, fails, or is interrupted.
pub fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", line(command));
    let mut child = start(command)?;
    let status = wait(&mut child)?;
    require_success(status, command)
}

/// Runs a command and hands each line of its output to `each`; its error output stays in sight.
///
/// # Errors
/// If it cannot be started, fails, or is interrupted.
pub fn run_lines(command: &mut Command, each: impl FnMut(&str) + Send) -> Result<()> {
    println!("$ {}", line(command));
    let status = pipe(command, each)?;
    require_success(status, command)
}

/// Runs a command out of sight and returns what it printed; its error output stays in sight.
///
/// # Errors
/// If it cannot be started, fails, or is interrupted.
pub fn output(command: &mut Command) -> Result<String> {
    let mut text = String::new();
    let status = pipe(command, |line| {
        text.push_str(line);
        text.push('\n');
    })?;
    require_success(status, command)?;
    Ok(text)
}

/// Says whether a program can be started and succeeds with these arguments, showing nothing.
pub fn succeeds(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn start(command: &mut Command) -> Result<Child> {
    // A group of its own, so that a signal reaches the child's children too, and reaches them once.
    command.stdin(Stdio::null()).process_group(0);
    interrupt::watch(|| command.spawn().with_context(|| format!("cannot start `{}`", line(command))))
}

fn pipe(command: &mut Command, mut each: impl FnMut(&str) + Send) -> Result<ExitStatus> {
    let mut child = start(command.stdout(Stdio::piped()))?;
    let stdout = child.stdout.take();
    thread::scope(|scope| {
        scope.spawn(|| {
            let lines = stdout.into_iter().flat_map(|pipe| BufReader::new(pipe).lines());
            lines.map_while(Result::ok).for_each(|line| each(&line));
        });
        wait(&mut child)
    })
}

fn wait(child: &mut Child) -> Result<ExitStatus> {
    loop {
        if let Some(status) = interrupt::poll(child)? {
            return Ok(status);
        }
        thread::sleep(POLL);
    }
}

fn require_success(status: ExitStatus, command: &Command) -> Result<()> {
    interrupt::check()?;
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// Prints a command as a user would type it, without quoting.
fn line(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}
