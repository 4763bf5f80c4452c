//! Other programs that are asked: found, run for a moment, and ended if they hang.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Long enough for `ufw status`, which is a Python program, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks at a program that runs.
const PAUSE: Duration = Duration::from_millis(5);
/// Rules larger than this, in bytes, are not read: nobody wrote them, and they would take long.
const MOST_OUTPUT: u64 = 64 << 20;
/// Where administration programs are, which is not in the search path of every user.
const MORE_FOLDERS: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"];

/// What a program answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answered {
    /// There is no such program.
    Missing,
    /// It succeeded with this output.
    Well(String),
    /// It failed, or hung; what it said about that in one line.
    Badly(String),
}

/// Runs a program, in English.
pub(super) fn ask(program: &str, args: &[&str]) -> Answered {
    let Some(path) = find(program) else { return Answered::Missing };
    let mut command = Command::new(path);
    command.args(args).env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Answered::Badly(error.to_string()),
    };
    // Each pipe has its reader: a program whose pipe is full would wait for ever.
    let read = |pipe: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(pipe) = pipe {
                let _ = pipe.take(MOST_OUTPUT).read_to_end(&mut bytes);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let out = read(child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let err = read(child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>));
    let deadline = now() + PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if now() < deadline => std::thread::sleep(PAUSE),
            // Its pipes are left to their readers: a child of it may still hold them.
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Answered::Badly(format!("no answer within {}", humantime::format_duration(PATIENCE)));
            }
        }
    };
    let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    if status.success() {
        return Answered::Well(out);
    }
    let said = err.lines().chain(out.lines()).map(str::trim).find(|line| !line.is_empty());
    Answered::Badly(said.map_or_else(|| status.to_string(), str::to_owned))
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(MORE_FOLDERS.iter().map(PathBuf::from));
    // A relative folder in the search path is whoever's the current folder is.
    folders.filter(|folder| folder.is_absolute()).map(|folder| folder.join(program)).find(|p| p.is_file())
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "a deadline for another program")]
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_answer_fail_or_are_missing() {
        assert_eq!(ask("echo", &["yes"]), Answered::Well("yes\n".into()));
        assert_eq!(ask("sh", &["-c", "echo out; echo no >&2; exit 3"]), Answered::Badly("no".into()));
        assert_eq!(ask("no-such-program-as-this", &[]), Answered::Missing);
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let Answered::Badly(said) = ask("sleep", &["60"]) else { panic!("it cannot have ended well") };
        assert!(said.contains("no answer"), "{said}");
    }
}
