//! The emulator as a program, to be used by hand.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use bailee_emulator::oidc::Issuer;
use bailee_emulator::tiktok::TikTok;
use bailee_emulator::{Account, Client, Clock, Emulator};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => return finish(say(HELP)),
        Err(message) => {
            let _ = writeln!(io::stderr(), "bailee-emulator: {message}\n\n{HELP}");
            return ExitCode::from(MISUSE);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    finish(runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(options))))
}

/// What the command line says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    clock: Option<i64>,
    issuers: Vec<String>,
    listen: Option<SocketAddr>,
    root_out: Option<PathBuf>,
}

impl Options {
    /// `None` means that help is wanted.
    fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(flag) = arguments.next() {
            if flag == "--help" || flag == "-h" {
                return Ok(None);
            }
            if !["--clock", "--issuer", "--listen", "--root-out"].contains(&flag.as_str()) {
                return Err(format!("unknown flag {flag:?}"));
            }
            let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
            let wrong = || format!("{flag} cannot be {value:?}");
            match flag.as_str() {
                "--clock" => {
                    once(&mut options.clock, value.parse().map_err(|_| wrong())?, &flag)?;
                }
                "--issuer" => options.issuers.push(value),
                "--listen" => {
                    let address: SocketAddr = value.parse().map_err(|_| wrong())?;
                    if !address.ip().is_loopback() {
                        return Err("--listen takes loopback addresses only".into());
                    }
                    once(&mut options.listen, address, &flag)?;
                }
                _ => once(&mut options.root_out, PathBuf::from(&value), &flag)?,
            }
        }
        Ok(Some(options))
    }
}

fn once<T>(slot: &mut Option<T>, value: T, flag: &str) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{flag} is given twice")),
    }
}

async fn run(options: Options) -> Result<(), Failure> {
    let clock = options.clock.map_or_else(Clock::running, Clock::at);
    let mut builder = Emulator::builder().clock(clock).tiktok(TikTok::new());
    let mut issuers = options.issuers;
    if issuers.is_empty() {
        issuers.push("https://id.example.test".into());
    }
    for issuer in issuers {
        builder = builder.issuer(Issuer::new(issuer));
    }
    if let Some(address) = options.listen {
        builder = builder.listen(address);
    }
    let emulator = builder.start().await?;
    for site in emulator.sites() {
        for account in ["ada", "grace"] {
            site.add_account(Account::new(account));
        }
        site.add_client(
            Client::new("demo-web").secret("demo-not-a-secret").redirect("https://app.example/cb"),
        )?;
        site.add_client(
            Client::new("demo-desktop")
                .secret("demo-not-a-secret")
                .desktop()
                .redirect("http://127.0.0.1:*/cb"),
        )?;
    }
    if let Some(path) = options.root_out {
        std::fs::write(path, emulator.root_pem())?;
    }
    say(&format!(
        "listening on {}\nplaying {}\nclients demo-web (https://app.example/cb) and demo-desktop \
         (http://127.0.0.1:*/cb), secret demo-not-a-secret\naccounts ada and grace\n",
        emulator.address(),
        emulator.host_names().join(", "),
    ))?;
    std::future::pending().await
}

type Failure = Box<dyn std::error::Error>;

fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

fn finish(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "bailee-emulator: {failure}");
            ExitCode::FAILURE
        }
    }
}

const MISUSE: u8 = 2;

const HELP: &str = "\
Plays TikTok and OpenID Connect issuers over HTTPS on loopback, for tests by hand.

usage: bailee-emulator [--listen ADDRESS] [--root-out FILE] [--clock SECONDS] [--issuer URL]...

  --listen ADDRESS  loopback address and port; default: 127.0.0.1 and any free port
  --root-out FILE   writes the certificate of this run's authority, as PEM
  --clock SECONDS   stands at this Unix time; default: runs with the machine's clock
  --issuer URL      plays this issuer, one host each; default: https://id.example.test
  --help            says this
";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Option<Options>, String> {
        Options::parse(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn flags_are_read_strictly() {
        assert_eq!(parse(&[]), Ok(Some(Options::default())));
        assert_eq!(parse(&["--help"]), Ok(None));
        let clock = Options { clock: Some(5), ..Options::default() };
        assert_eq!(parse(&["--clock", "5"]), Ok(Some(clock)));
        for wrong in [
            &["--clok", "5"][..],
            &["--clock"],
            &["--clock", "soon"],
            &["--clock", "5", "--clock", "6"],
            &["--listen", "0.0.0.0:80"],
            &["extra"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
