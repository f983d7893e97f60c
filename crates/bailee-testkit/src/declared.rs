//! A declaration for tests of one adapter.

use std::{collections::BTreeSet, fmt::Write};

use bailee::{
    Declaration, PurposeId,
    core::ScopeName,
    providers::{OperationFacts, Spec},
};

/// A declaration that a test needs of one provider: one purpose, based on consent, with the scopes
/// and operations that are named.
///
/// ```
/// use bailee::providers::Spec;
/// use bailee_testkit::Declared;
///
/// let spec = bailee::providers::compiled_in()
///     .into_iter()
///     .find(|provider| provider.spec().id.as_str() == "tiktok")
///     .unwrap();
/// let declared = Declared::of(spec.spec()).scopes(["user.info.basic"]);
/// assert!(declared.declaration().integration(&spec.spec().id).is_some());
/// ```
#[derive(Clone, Debug)]
pub struct Declared {
    spec: Spec,
    scopes: Vec<String>,
    operations: Vec<OperationFacts>,
    fields: Vec<&'static str>,
}

/// The purpose of every such declaration.
pub const PURPOSE: PurposeId = PurposeId::from_static("test.use");

impl Declared {
    /// A declaration without scopes and operations.
    pub fn of(spec: &Spec) -> Self {
        Self { spec: spec.clone(), scopes: Vec::new(), operations: Vec::new(), fields: Vec::new() }
    }

    /// Declares scopes.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Declares an operation, with the scopes that it needs.
    #[must_use]
    pub fn operation(mut self, facts: &OperationFacts) -> Self {
        self.scopes.extend(facts.scopes.iter().map(|scope| scope.as_str().to_owned()));
        self.operations.push(facts.clone());
        self
    }

    /// Declares the fields of text that the provider receives.
    #[must_use]
    pub fn fields(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.fields.extend(names);
        self
    }

    /// The declaration as a file.
    pub fn to_toml(&self) -> String {
        let id = self.spec.id.as_str();
        let mut scopes: Vec<&str> = Vec::new();
        for scope in self.scopes.iter().map(String::as_str) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        let mut categories: BTreeSet<&str> =
            ["credentials", "identity", "profile"].into_iter().collect();
        categories.extend(scopes.iter().filter_map(|scope| {
            let name = ScopeName::new(*scope).ok()?;
            self.spec.scope(&name).map(|entry| entry.category.as_str())
        }));
        let moved = |facts: &OperationFacts| facts.sends.iter().chain(facts.reads).copied();
        categories.extend(self.operations.iter().flat_map(moved));
        let quoted = |words: &BTreeSet<&str>| {
            words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
        };
        let mut text = String::from(
            "role = \"controller\"\n\n[controller]\nname = \"Test Ltd\"\n\
             contact = \"privacy@test.example\"\naddress = \"1 Test Street, Dublin, Ireland\"\n\
             country = \"IE\"\n\n[categories]\n",
        );
        let own = ["credentials", "identity", "profile"];
        let mut line = |text_line: std::fmt::Arguments<'_>| {
            // Writing to a string does not fail.
            let _ = text.write_fmt(text_line);
        };
        for category in &categories {
            line(format_args!("{category} = \"what a test calls {category}\"\n"));
        }
        line(format_args!(
            "\n[purposes.\"{PURPOSE}\"]\ntitle = \"Test the connection\"\n\
             plain = \"We try what the connection can do.\"\nuse = \"service\"\n\
             basis = \"consent\"\n\n[recipients.{id}]\nname = \"The provider\"\ncountry = \"IE\"\n\
             role = \"controller\"\npurposes = [\"{PURPOSE}\"]\ncategories = [{}]\n",
            quoted(&categories)
        ));
        if !self.fields.is_empty() {
            let fields: Vec<String> = self.fields.iter().map(|name| format!("{name:?}")).collect();
            line(format_args!("fields = [{}]\n", fields.join(", ")));
        }
        let reads: BTreeSet<&str> =
            categories.iter().copied().filter(|word| !own.contains(word)).collect();
        line(format_args!("\n[integrations.{id}]\nreads = [{}]\n", quoted(&reads)));
        line(format_args!("\n[integrations.{id}.scopes]\n"));
        for scope in &scopes {
            line(format_args!("{scope:?} = [\"{PURPOSE}\"]\n"));
        }
        line(format_args!("\n[integrations.{id}.operations]\n"));
        let mut named = BTreeSet::new();
        for facts in &self.operations {
            if named.insert(facts.name) {
                line(format_args!("{:?} = [\"{PURPOSE}\"]\n", facts.name));
            }
        }
        for (name, category) in
            [("account id", "identity"), ("display name", "profile"), ("tokens", "credentials")]
        {
            line(format_args!(
                "\n[[integrations.{id}.data]]\nname = \"{name}\"\ncategory = \"{category}\"\n\
                 purpose = \"{PURPOSE}\"\nretention = \"until_disconnected\"\n"
            ));
        }
        text
    }

    /// The declaration.
    ///
    /// # Panics
    ///
    /// With every fault, where it is none.
    pub fn declaration(&self) -> Declaration {
        let text = self.to_toml();
        Declaration::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}
