//! A browser of one test: a fresh profile, no window, and no way out to the network.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

const PROGRAM: &str = "/usr/bin/chromium";

pub(crate) struct Chromium {
    child: Child,
    _profile: tempfile::TempDir,
}

impl Chromium {
    /// Goes to an address. Every name leads to the one server.
    pub(crate) fn goes_to(address: &str, server: SocketAddr) -> Self {
        assert!(
            Path::new(PROGRAM).exists(),
            "these tests need the browser of Debian's package: apt-get install chromium"
        );
        let profile = tempfile::tempdir().expect("a place for a profile");
        let child = Command::new(PROGRAM)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                // The certificates are of this run, and this profile is of this test.
                "--ignore-certificate-errors",
            ])
            .arg(format!("--host-resolver-rules=MAP * {server}"))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(address)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the browser starts");
        Self { child, _profile: profile }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
