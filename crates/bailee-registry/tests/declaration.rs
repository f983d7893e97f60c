use bailee_registry::Declaration;

const EXAMPLE: &str = include_str!("../examples/privacy.toml");

#[test]
fn the_example_is_a_declaration() {
    Declaration::parse(EXAMPLE).unwrap();
}
