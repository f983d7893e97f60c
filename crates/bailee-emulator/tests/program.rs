//! The program: flags, and what it says when it runs.
#![allow(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bailee-emulator");

#[test]
fn misuse_ends_with_status_2_and_says_what_was_wrong() {
    for arguments in [&["--lissen"][..], &["--listen"], &["--listen", "0.0.0.0:1"], &["x"]] {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8(output.stderr).unwrap().contains("usage:"));
    }
}

#[test]
fn help_is_help() {
    let output = Command::new(PROGRAM).arg("--help").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("--root-out"));
}

#[test]
fn an_issuer_that_cannot_be_played_ends_it() {
    let output = Command::new(PROGRAM).args(["--issuer", "http://x.test"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_running_program_says_where_and_what_it_plays() {
    let root = std::env::temp_dir().join(format!("bailee-emulator-{}.pem", std::process::id()));
    let mut child = Command::new(PROGRAM)
        .args(["--clock", "1767225600", "--root-out"])
        .arg(&root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines: Vec<_> = lines.take(2).map(Result::unwrap).collect();
    let pem = std::fs::read_to_string(&root);
    child.kill().unwrap();
    child.wait().unwrap();
    let _ = std::fs::remove_file(&root);
    assert!(lines[0].starts_with("listening on 127.0.0.1:"));
    assert!(lines[1].contains("www.tiktok.com") && lines[1].contains("id.example.test"));
    assert!(pem.unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
}
