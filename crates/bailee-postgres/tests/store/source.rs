//! What the source must not have in it.

use std::{fs, path::Path};

fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("testing") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let text = fs::read_to_string(&path).unwrap();
                // Tests at the foot of a file send nothing.
                let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
                found.push((name, text));
            }
        }
    }
    assert!(found.len() > 12);
    found
}

#[test]
fn sto_04_no_statement_is_put_together_at_run_time() {
    for (file, text) in sources() {
        // A statement takes a text of the program; these would make one out of another.
        assert!(!text.contains("leak("), "{file}");
        for line in text.lines() {
            // The driver's own calls take any text: one file has them, with constants.
            let calls = [
                "batch_execute(",
                "simple_query",
                ".prepare(",
                ".prepare_typed(",
                ".query(",
                ".execute(",
            ];
            if calls.iter().any(|call| line.contains(call)) {
                // What is prepared is a statement of this crate like any other.
                let prepared = [
                    ("statement.rs", "client.prepare_typed(self.sql, "),
                    ("pool.rs", "statement.prepare(&connection.client)"),
                ];
                if prepared.iter().any(|(of, call)| file == *of && line.contains(call)) {
                    continue;
                }
                assert_eq!(file, "migration.rs", "{line}");
                let constants = ["ROLES", "TAKE_TURNS", "migration.sql", "\"BEGIN\"", "\"COMMIT\""];
                assert!(constants.iter().any(|constant| line.contains(constant)), "{line}");
            }
        }
    }
}

#[test]
fn sto_04_settings_are_the_transactions_and_never_the_sessions() {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/migrations");
    let scripts = fs::read_dir(migrations).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        (path.display().to_string(), fs::read_to_string(path).unwrap())
    });
    let mut settings = 0;
    for (file, text) in sources().into_iter().chain(scripts) {
        for (at, _) in text.match_indices("set_config(") {
            let call = text[at..].split(')').next().unwrap();
            assert!(call.ends_with(", true"), "{file}: {call}");
            settings += 1;
        }
        for line in text.lines().filter(|line| !line.trim_start().starts_with("--")) {
            let session = ["SET SESSION", "SET bailee", "SET ROLE", "SET search_path"];
            let line = line.replace("RESET", "");
            assert!(!session.iter().any(|set| line.contains(set)), "{file}: {line}");
        }
    }
    assert_eq!(settings, 10);
}
