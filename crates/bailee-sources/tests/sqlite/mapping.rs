//! A mapping is refused with everything that is wrong, each at its line.

use bailee_sources::Mapping;

use crate::application::MAPPING;

/// What is wrong, as `line: clause`.
fn wrong(text: &str) -> Vec<String> {
    let problems = Mapping::check(text).unwrap_err();
    problems.list().iter().map(|problem| format!("{}: {}", problem.line, problem.what)).collect()
}

fn table(name: &str, rest: &str) -> String {
    format!(
        "[[tables]]\ntable = \"{name}\"\ndata_set = \"content\"\norigin = \"provided\"\n\
         key = [\"id\"]\nfields = [{{ column = \"body\", category = \"content\" }}]\n{rest}\n"
    )
}

const SUBJECT: &str = "tenant = \"t\"\nsubject = { column = \"who\", type = \"text\" }";

#[test]
fn the_mapping_of_a_whole_application_is_put_in_order() {
    let mapping = Mapping::parse(MAPPING).unwrap();
    let names: Vec<_> = mapping.facts().tables.iter().map(|table| table.name.as_str()).collect();
    let place = |name| names.iter().position(|found| *found == name).unwrap();
    assert!(place("files") < place("posts"));
    assert!(place("members") < place("projects") && place("projects") < place("accounts"));
    assert_eq!(mapping.facts().identifiers.iter().collect::<Vec<_>>(), ["email"]);
    assert_eq!(Vec::from_iter(mapping.facts().data_sets()), ["account", "bills", "content"]);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = format!(
        "name = \"App\"\nbatch = 0\n{}{}",
        table("posts", "strategy = \"delete\""),
        table("bills", &format!("{SUBJECT}\nstrategy = {{ null = [\"nothing\"] }}")),
    );
    assert_eq!(
        wrong(&text),
        [
            "1: this is not the name of a source",
            "2: `batch` is out of bounds",
            "3: nothing says which tenant the rows of `posts` are of",
            "3: what ties `posts` to a person is not said once",
            "18: an erasure would change what is no field",
        ]
    );
}

#[test]
fn a_circle_is_refused_with_its_tables() {
    let hanging = |on: &str| {
        format!(
            "strategy = \"delete\"\nparent = {{ table = \"{on}\", column = \"of\", key = \"id\" }}"
        )
    };
    let text =
        format!("name = \"app\"\n{}{}", table("a", &hanging("b")), table("b", &hanging("a")),);
    let said = wrong(&text);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("in a circle: `"), "{said:?}");
}

#[test]
fn what_a_law_keeps_has_its_reason_and_hangs_on_nothing_that_goes() {
    let keep = |article: &str| {
        format!(
            "strategy = {{ keep = {{ article = \"{article}\", reason = \"tax\", until = \"2030\" }} }}"
        )
    };
    let text = format!("name = \"app\"\n{}", table("bills", &format!("{SUBJECT}\n{}", keep(" "))));
    assert_eq!(wrong(&text), ["10: something is kept without saying why"]);
    let text = format!(
        "name = \"app\"\n{}{}",
        table("accounts", &format!("{SUBJECT}\nstrategy = \"delete\"")),
        table(
            "bills",
            &format!(
                "parent = {{ table = \"accounts\", column = \"of\", key = \"id\" }}\n{}",
                keep("Art. 17(3)(b) GDPR"),
            )
        ),
    );
    let said = wrong(&text);
    assert!(said[0].contains("rows of `bills` stay"), "{said:?}");
}

#[test]
fn rows_of_two_people_are_not_deleted_and_the_others_side_is_not_changed() {
    let rest = format!("{SUBJECT}\nothers = [\"body\"]\n");
    let text =
        format!("name = \"app\"\n{}", table("notes", &format!("{rest}strategy = \"delete\"")));
    assert!(wrong(&text)[0].contains("also another person's"), "{:?}", wrong(&text));
    let strategy = "strategy = { null = [\"body\"] }";
    let text = format!("name = \"app\"\n{}", table("notes", &format!("{rest}{strategy}")));
    assert!(wrong(&text)[0].contains("is another person's"), "{:?}", wrong(&text));
}

#[test]
fn names_with_quotes_and_pointers_into_lists_are_refused() {
    let text = format!(
        "name = \"app\"\n{}",
        table("notes", &format!("{SUBJECT}\nstrategy = \"delete\"")),
    );
    assert!(Mapping::check(&text).is_ok());
    let quoted = text.replace("column = \"who\"", "column = 'who\" OR 1 = 1 --'");
    assert!(wrong(&quoted)[0].contains("not the name of a table or a column"));
    for pointer in ["body", "/", "/list/0", "/a\\\"b"] {
        let pointed = text
            .replace("column = \"body\"", &format!("column = \"body\", pointer = \"{pointer}\""));
        assert!(wrong(&pointed)[0].contains("not a pointer"), "{pointer}");
    }
}

#[test]
fn an_unknown_key_is_a_problem_at_its_line() {
    let said = wrong(&format!("name = \"app\"\n{}", table("notes", "stratgy = \"delete\"")));
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("8: unknown field `stratgy`"), "{said:?}");
}

#[test]
fn an_age_has_a_unit_and_takes_nothing_that_a_law_keeps_or_that_names_each_person() {
    let aged = |rest: &str, strategy: &str| {
        let rest = format!("{SUBJECT}\n{rest}\nstrategy = {strategy}");
        format!("name = \"app\"\n{}", table("notes", &rest))
    };
    let age = "age_column = \"at\"\nage_unit = \"seconds\"";
    assert!(Mapping::check(&aged(age, "\"delete\"")).unwrap().facts().tables[0].aged);
    assert_eq!(
        wrong(&aged("age_column = \"at\"", "\"delete\"")),
        ["10: nothing says how the time lies in it"]
    );
    assert_eq!(
        wrong(&aged("age_unit = \"seconds\"", "\"delete\"")),
        ["10: nothing says which column it is of"]
    );
    let keep =
        "{ keep = { article = \"Art. 17(3)(b) GDPR\", reason = \"tax\", until = \"2030\" } }";
    assert_eq!(wrong(&aged(age, keep)), ["12: what a law keeps is not erased by its age"]);
    let hashed = "{ pseudonymise = { fields = [\"body\"] } }";
    assert!(wrong(&aged(age, hashed))[0].contains("of many people at once"));
    let constant = "{ pseudonymise = { fields = [\"body\"], with = \"erased\" } }";
    assert!(Mapping::check(&aged(age, constant)).is_ok());
}

#[test]
fn a_schema_and_a_setting_are_names() {
    let text = |postgres: &str| {
        let rest = format!("{SUBJECT}\nstrategy = \"delete\"");
        format!("name = \"app\"\npostgres = {{ {postgres} }}\n{}", table("notes", &rest))
    };
    assert!(Mapping::check(&text("schema = \"app\", tenant_setting = \"app.tenant\"")).is_ok());
    assert_eq!(wrong(&text("schema = ''")), ["2: this is not the name of a schema"]);
    for setting in ["row_security", "app.", "app.ten ant", "", "app.'x'"] {
        let said = wrong(&text(&format!("tenant_setting = \"{setting}\"")));
        assert_eq!(said, ["2: this is not the name of a setting of yours"], "{setting}");
    }
}
