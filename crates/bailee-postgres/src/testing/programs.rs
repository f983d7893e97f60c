//! Where PostgreSQL's programs are, and who runs them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bailee_core::{Error, ErrorKind, Result};

/// The folder that has `initdb`: the newest under Debian's, else what `pg_config` says.
pub(super) fn find() -> Result<PathBuf> {
    find_at(Path::new("/usr/lib/postgresql"), "pg_config")
}

fn find_at(root: &Path, pg_config: &str) -> Result<PathBuf> {
    newest(root).or_else(|| configured(pg_config)).ok_or_else(|| {
        Error::new(ErrorKind::Configuration).with_detail(
            "these tests need PostgreSQL's server programs (initdb, pg_ctl): \
             apt-get install postgresql-15, or put pg_config into the path",
        )
    })
}

fn newest(root: &Path) -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(root)
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .filter(|(_, programs)| programs.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, programs)| programs)
}

fn configured(pg_config: &str) -> Option<PathBuf> {
    let output = Command::new(pg_config).arg("--bindir").output().ok()?;
    let programs = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    programs.join("initdb").exists().then_some(programs)
}

/// A user and a group.
#[derive(Clone, Copy)]
pub(super) struct Account {
    pub(super) user: u32,
    pub(super) group: u32,
}

/// Who runs a server when root runs the tests: PostgreSQL refuses to be root.
pub(super) fn unprivileged() -> Result<Account> {
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    account(&accounts, "postgres").or_else(|| account(&accounts, "nobody")).ok_or_else(|| {
        Error::new(ErrorKind::Configuration)
            .with_detail("root runs these tests, and there is no user postgres or nobody to become")
    })
}

fn account(accounts: &str, name: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let user = fields.nth(1)?.parse().ok()?;
        Some(Account { user, group: fields.next()?.parse().ok()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_postgresql_the_error_names_the_package() {
        let error = find_at(Path::new("/nowhere"), "/nowhere/pg_config").unwrap_err();
        assert!(error.to_string().contains("apt-get install postgresql-15"));
    }

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts = "post:x:1:2::/:/bin/sh\npostgres:x:101:104:a,,,:/var:/bin/sh\n";
        let found = account(accounts, "postgres").unwrap();
        assert_eq!((found.user, found.group), (101, 104));
        assert!(account(accounts, "gres").is_none());
    }
}
