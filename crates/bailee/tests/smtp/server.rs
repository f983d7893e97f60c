//! The mail server of the tests: aiosmtpd in a process of its own, with a certificate of a test
//! authority.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
};

use bailee::smtp::{Smtp, SmtpBuilder};
use bailee_core::SecretText;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const FROM: &str = "Example Privacy <privacy@sender.example>";

pub(crate) struct Server {
    child: Child,
    _stdin: ChildStdin,
    _folder: TempDir,
    mode: &'static str,
    pub(crate) port: u16,
    pub(crate) authority: String,
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    /// Starts one: `starttls`, `implicit` or `plaintext`.
    pub(crate) fn start(mode: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (authority, certificate, key) = certificate("localhost");
        let paths = [folder.path().join("certificate.pem"), folder.path().join("key.pem")];
        std::fs::write(&paths[0], certificate).unwrap();
        std::fs::write(&paths[1], key).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp/server.py");
        // The distribution's, which has the distribution's packages.
        let mut child = Command::new("/usr/bin/python3")
            .arg(script)
            .arg(mode)
            .args(&paths)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().expect("python3-aiosmtpd is installed").unwrap();
        let port = port.parse().unwrap();
        let taken: Arc<Mutex<Vec<Value>>> = Arc::default();
        let kept = Arc::clone(&taken);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, _stdin: stdin, _folder: folder, mode, port, authority, taken }
    }

    /// A carrier that trusts it and signs in.
    pub(crate) fn builder(&self) -> SmtpBuilder {
        let builder = match self.mode {
            "starttls" => Smtp::starttls("localhost", FROM).unwrap(),
            "implicit" => Smtp::implicit_tls("localhost", FROM).unwrap(),
            _ => {
                let address = ([127, 0, 0, 1], self.port).into();
                return Smtp::danger_plaintext_on_loopback(address, FROM).unwrap();
            }
        };
        let password = SecretText::copy_from(b"fake-password");
        builder.port(self.port).roots(&self.authority).credentials("fake-user", password)
    }

    /// What it took, as soon as there are so many.
    pub(crate) async fn taken(&self, count: usize) -> Vec<Value> {
        loop {
            let taken = self.taken.lock().unwrap().clone();
            if taken.len() >= count {
                return taken;
            }
            tokio::task::yield_now().await;
        }
    }

    /// What it took until now.
    pub(crate) fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An authority, a certificate of it for a name, and its key, each as PEM.
pub(crate) fn certificate(name: &str) -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    (authority, certificate.pem(), key.serialize_pem())
}
