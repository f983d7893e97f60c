//! How scopes are written, and which there are.

use bailee_core::{ScopeEntry, ScopeName};
use toml::Spanned;

use super::{check::Check, file::FileScopes};

/// How scopes are written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeFacts {
    /// What stands between scopes in a request.
    pub separator: char,
    /// What stands between them in an answer.
    pub answer_separator: char,
    /// Whether answers may have the other separator as well: spaces or commas.
    pub answer_mixed: bool,
    /// The parameter of a callback that lists what was granted, where there is one.
    pub callback_parameter: Option<String>,
    /// The member of a token answer that lists what was granted (`scope`).
    pub answer_member: String,
    /// Other names that answers have for scopes of the catalogue.
    pub aliases: Vec<(ScopeName, ScopeName)>,
    /// Scopes that contain others, which answers then leave out.
    pub covers: Vec<(ScopeName, Vec<ScopeName>)>,
    /// Whether the application's settings at the provider decide: no scope is sent, and what an
    /// answer says of scopes does not count.
    pub fixed: bool,
    /// Every scope that may be asked for, in plain words.
    pub catalogue: Vec<ScopeEntry>,
}

impl ScopeFacts {
    /// The scopes of an answer by their names in the catalogue, with those that every grant has.
    pub fn settle(&self, answered: Vec<ScopeName>) -> Vec<ScopeName> {
        let mut scopes: Vec<ScopeName> = Vec::with_capacity(answered.len());
        let implied = self.catalogue.iter().filter(|entry| entry.implied).map(|entry| &entry.name);
        let named = answered.iter().map(|scope| {
            self.aliases.iter().find(|(alias, _)| alias == scope).map_or(scope, |(_, name)| name)
        });
        for scope in named.chain(implied) {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        scopes
    }

    /// What may stand between scopes in an answer.
    pub(crate) fn answer_separators(&self) -> &'static [char] {
        match (self.answer_mixed, self.answer_separator) {
            (true, _) => &[' ', ','],
            (false, ',') => &[','],
            (false, _) => &[' '],
        }
    }

    /// Of these, the ones that are sent.
    pub fn sent(&self, asked: &[ScopeName]) -> Vec<ScopeName> {
        if self.fixed {
            return Vec::new();
        }
        let implied = |scope: &ScopeName| {
            self.catalogue.iter().any(|entry| entry.implied && entry.name == *scope)
        };
        asked.iter().filter(|scope| !implied(scope)).cloned().collect()
    }

    /// Whether one of these scopes contains another one.
    pub fn cover(&self, granted: &[ScopeName], scope: &ScopeName) -> bool {
        let wide = |granted: &ScopeName| self.covers.iter().find(|(wide, _)| wide == granted);
        granted.iter().filter_map(wide).any(|(_, narrow)| narrow.contains(scope))
    }
}

impl Check<'_> {
    pub(super) fn scopes(
        &mut self,
        file: FileScopes,
        catalogue: Vec<Spanned<ScopeEntry>>,
    ) -> ScopeFacts {
        let mut separator = |given: Option<Spanned<char>>, default: char| match given {
            Some(given) if matches!(given.get_ref(), ' ' | ',') => given.into_inner(),
            Some(given) => {
                self.fault(given.span(), "scopes are separated by a space or a comma");
                default
            }
            None => default,
        };
        let request = separator(file.separator, ' ');
        let answer = separator(file.answer_separator, request);
        for (n, entry) in catalogue.iter().enumerate() {
            let scope = entry.get_ref();
            if catalogue[..n].iter().any(|known| known.get_ref().name == scope.name) {
                self.fault(entry.span(), format_args!("the scope `{}` stands twice", scope.name));
            }
            if scope.plain.trim().is_empty() || scope.category.as_str().trim().is_empty() {
                self.fault(
                    entry.span(),
                    format_args!("the scope `{}` lacks plain words or a category", scope.name),
                );
            }
            if scope.name.as_str().contains(request) && !scope.implied {
                self.fault(
                    entry.span(),
                    format_args!("the scope `{}` contains the separator", scope.name),
                );
            }
        }
        let mut aliases = Vec::new();
        for (alias, name) in file.aliases {
            match catalogue.iter().find(|known| known.get_ref().name.as_str() == name.get_ref()) {
                Some(known) => aliases.push((alias, known.get_ref().name.clone())),
                None => self.fault(
                    name.span(),
                    format_args!("the alias `{alias}` is of no scope of the catalogue"),
                ),
            }
        }
        let mut covers = Vec::new();
        for (wide, narrow) in file.covers {
            let entry = |name: &str| {
                catalogue.iter().map(Spanned::get_ref).find(|known| known.name.as_str() == name)
            };
            match entry(wide.get_ref()) {
                Some(known) if narrow.iter().all(|scope| entry(scope.as_str()).is_some()) => {
                    covers.push((known.name.clone(), narrow));
                }
                _ => self.fault(wide.span(), "`covers` names a scope that is not in the catalogue"),
            }
        }
        ScopeFacts {
            separator: request,
            answer_separator: answer,
            answer_mixed: file.answer_mixed,
            answer_member: file.answer_member.unwrap_or_else(|| "scope".into()),
            aliases,
            covers,
            fixed: file.fixed,
            callback_parameter: file.callback_parameter,
            catalogue: catalogue.into_iter().map(Spanned::into_inner).collect(),
        }
    }
}
