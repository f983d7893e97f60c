//! Where a person's objects lie.

use bailee_core::{Error, ErrorKind, HostId, Result, TenantId};
use object_store::path::{Path, PathPart};

use crate::ids::hyphenated;

/// The form that the host's ids of people have. One that has another form has no objects: `7` and
/// `"7"` would be one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum People {
    /// Numbers.
    Integer,
    /// Texts.
    Text,
    /// UUIDs, as 36 lower-case characters.
    Uuid,
}

/// A folder for each person, as `uploads/{tenant}/{person}/`.
#[derive(Clone, Debug)]
pub(super) struct Template {
    text: String,
    parts: Vec<Part>,
    people: People,
}

/// A part between slashes.
#[derive(Clone, Debug)]
struct Part {
    before: String,
    place: Option<Place>,
    after: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Person,
    Tenant,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// `Configuration`: it does not end with a slash, has not one place each for the person and the
    /// tenant (none for it where the whole store is one tenant's), or has two in one part.
    pub(super) fn parse(text: &str, people: People, one_tenant: bool) -> Result<Self> {
        let wrong = |what: &'static str| Error::new(ErrorKind::Configuration).with_detail(what);
        let folders = text
            .strip_suffix('/')
            .ok_or_else(|| wrong("the template of a person's folder ends with a slash"))?;
        let parts = folders.split('/').map(|part| {
            let place = match (part.find("{person}"), part.find("{tenant}")) {
                (Some(at), None) => Some((at, "{person}", Place::Person)),
                (None, Some(at)) => Some((at, "{tenant}", Place::Tenant)),
                (None, None) => None,
                _ => return Err(wrong("two ids in one part of a path may be two others")),
            };
            let (before, after) = match place {
                Some((at, word, _)) => (&part[..at], &part[at + word.len()..]),
                None => (part, ""),
            };
            // What stands around ids is taken as it is written.
            let plain = |text: &str| PathPart::from(text).as_ref() == text && !text.contains("..");
            if part.is_empty() || !plain(before) || !plain(after) {
                return Err(wrong("a part of the template is empty or needs another spelling"));
            }
            let place = place.map(|(_, _, place)| place);
            Ok(Part { before: before.to_owned(), place, after: after.to_owned() })
        });
        let parts: Vec<Part> = parts.collect::<Result<_>>()?;
        let times = |place| parts.iter().filter(|part| part.place == Some(place)).count();
        if times(Place::Person) != 1 {
            return Err(wrong("the template has one `{person}`"));
        }
        if times(Place::Tenant) != usize::from(!one_tenant) {
            return Err(wrong("the template has one `{tenant}`, unless the store is one tenant's"));
        }
        Ok(Self { text: text.to_owned(), parts, people })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// A person's folder. Whatever an id holds, it is one part of the path, and no other id's.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an id of another form, or of no characters.
    pub(super) fn folder(&self, tenant: &TenantId, person: &HostId) -> Result<Path> {
        let person = self.person(person)?;
        let parts = self.parts.iter().map(|part| part.fill(tenant, &person));
        Ok(Path::from_iter(parts))
    }

    /// The folder under which all people of a tenant have theirs, and perhaps those of others.
    pub(super) fn around(&self, tenant: &TenantId) -> Path {
        let known = self.parts.iter().take_while(|part| part.place != Some(Place::Person));
        Path::from_iter(known.map(|part| part.fill(tenant, "")))
    }

    /// Whether an object is in the folder of somebody in a tenant, and of none of these people.
    pub(super) fn is_of_another(&self, object: &Path, tenant: &TenantId, except: &[Path]) -> bool {
        let mut found = object.parts();
        let fits = self.parts.iter().all(|part| {
            found.next().is_some_and(|found| match part.place {
                Some(Place::Person) => {
                    let inner = found.as_ref().strip_prefix(&part.before);
                    inner
                        .and_then(|inner| inner.strip_suffix(&part.after))
                        .is_some_and(|id| !id.is_empty())
                }
                _ => found == part.fill(tenant, ""),
            })
        });
        // The folder is not an object in itself.
        fits && found.next().is_some() && !except.iter().any(|folder| object.prefix_matches(folder))
    }

    fn person(&self, id: &HostId) -> Result<String> {
        let text = match (id, self.people) {
            (HostId::Int(number), People::Integer) => Some(number.to_string()),
            (HostId::Text(text), People::Text) => Some(text.clone()),
            (HostId::Uuid(bytes), People::Uuid) => Some(hyphenated(bytes)),
            _ => None,
        };
        text.filter(|text| !text.is_empty()).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput)
                .with_detail("an id of the person does not have the form of the folders")
        })
    }
}

impl Part {
    fn fill(&self, tenant: &TenantId, person: &str) -> PathPart<'static> {
        let id = match self.place {
            Some(Place::Person) => person,
            Some(Place::Tenant) => tenant.as_str(),
            None => "",
        };
        PathPart::from([&self.before, id, &self.after].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(template: &str, tenant: &str, person: &str) -> String {
        let template = Template::parse(template, People::Text, false).unwrap();
        let tenant = TenantId::new(tenant).unwrap();
        template.folder(&tenant, &HostId::text(person)).unwrap().to_string()
    }

    #[test]
    fn r3_an_id_is_one_part_of_a_path_and_no_other_ids() {
        let all: Vec<String> = [
            "ada", "ada/", "ada/..", "..", ".", "%2E", "../ben", "/ben", "a%2Fda", "a/da", "ada\\",
            "{person}", " ada", "ADA", "ä",
        ]
        .into_iter()
        .map(|person| folder("uploads/{tenant}/{person}/", "acme", person))
        .collect();
        for (n, one) in all.iter().enumerate() {
            assert_eq!(one.split('/').count(), 3, "{one}");
            assert!(one.starts_with("uploads/acme/") && !one.split('/').any(|part| part == ".."));
            assert!(!all[..n].contains(one), "{one}");
        }
        assert_eq!(folder("{tenant}/of-{person}.d/x/", "acme", ".."), "acme/of-...d/x");
    }

    #[test]
    fn templates_that_could_mix_people_are_refused() {
        for template in [
            "uploads/{tenant}/{person}",
            "uploads/{person}/",
            "uploads/{tenant}/",
            "/{tenant}/{person}/",
            "{tenant}-{person}/",
            "{tenant}/{person}/{person}/",
            "{tenant}//{person}/",
            "{tenant}/../{person}/",
            "{tenant}/#/{person}/",
            "{tenant}/{person}{person}/",
            "",
        ] {
            assert!(Template::parse(template, People::Text, false).is_err(), "{template}");
        }
        assert!(Template::parse("{person}/", People::Text, true).is_ok());
        assert!(Template::parse("{tenant}/{person}/", People::Text, true).is_err());
    }

    #[test]
    fn an_id_of_another_form_has_no_folder() {
        let template = Template::parse("{tenant}/{person}/", People::Text, false).unwrap();
        let tenant = TenantId::new("acme").unwrap();
        for id in [HostId::Int(7), HostId::Uuid([1; 16]), HostId::text("")] {
            let error = template.folder(&tenant, &id).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn an_object_of_another_tenant_is_nobodys_here() {
        let template = Template::parse("u/{tenant}/p-{person}/f/", People::Text, false).unwrap();
        let tenant = TenantId::new("acme").unwrap();
        let ben = template.folder(&tenant, &HostId::text("ben")).unwrap();
        let of_another = |path: &str| {
            let except = [ben.clone()];
            template.is_of_another(&Path::parse(path).unwrap(), &tenant, &except)
        };
        assert!(of_another("u/acme/p-ada/f/x") && of_another("u/acme/p-benn/f/x/y"));
        for path in [
            "u/acme/p-ben/f/x",
            "u/other/p-ada/f/x",
            "u/acme/p-ada/g/x",
            "u/acme/ada/f/x",
            "u/acme/p-/f/x",
            "u/acme/p-ada/f",
            "u/acme",
        ] {
            assert!(!of_another(path), "{path}");
        }
    }
}
