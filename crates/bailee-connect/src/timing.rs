//! When a credential is renewed: near its end, and in time for a grant that is forgotten when idle.

use std::time::Duration;

use bailee_providers::spec::RefreshClass;
use bailee_store::Due;

use crate::{body::CredentialBody, drive::Line, refresh::SOMETIME};

/// No credential is kept alive oftener than this.
const OFTENEST: Duration = Duration::from_secs(60);

impl Line {
    /// When a credential is renewed though nobody uses it: at a third of the time after which the
    /// provider forgets an idle grant, by its documentation or by its own answer, whichever is
    /// shorter.
    pub(crate) fn keep_alive(&self, credential: &CredentialBody) -> Due {
        let stated = credential.refresh_until.map(|until| until.since(credential.issued_at));
        let idle = self.spec.refresh.idle_limit.into_iter().chain(stated).min();
        // No oftener than tokens run out: where that is not often enough nothing keeps it alive.
        let lifetime =
            credential.expires_at.map_or(Duration::ZERO, |end| end.since(credential.issued_at));
        if self.extends_itself() {
            // The token is its own grant: a third of its life is a third of the idle limit.
            let early = self.spec.refresh.not_before.unwrap_or_default().max(OFTENEST);
            return match credential.expires_at {
                Some(_) => Due::At(credential.issued_at.plus((lifetime / 3).max(early))),
                None => Due::After(SOMETIME),
            };
        }
        match idle.filter(|_| credential.has_refresh) {
            Some(idle) if (idle / 3).max(lifetime).max(OFTENEST) < idle => {
                Due::At(credential.issued_at.plus((idle / 3).max(lifetime).max(OFTENEST)))
            }
            _ => Due::After(SOMETIME),
        }
    }

    /// Whether the access token itself is exchanged for its successor.
    pub(crate) fn extends_itself(&self) -> bool {
        self.spec.refresh.class == RefreshClass::SelfExtending
    }

    /// Whether there is something to renew the credential with, now.
    pub(crate) fn can_renew(&self, credential: &CredentialBody) -> bool {
        if credential.has_refresh {
            return true;
        }
        let now = self.engine.0.clock.now();
        let early = self.spec.refresh.not_before.unwrap_or_default();
        self.extends_itself() && !credential.is_over(now) && now >= credential.issued_at.plus(early)
    }

    /// Whether a due credential is to be renewed: its end is near, or its grant would be forgotten.
    pub(crate) fn wants_renewal(&self, credential: &CredentialBody) -> bool {
        if !self.can_renew(credential) {
            return false;
        }
        let now = self.engine.0.clock.now();
        let margin = credential.margin();
        let near = credential.expires_at.is_some_and(|end| end.minus(margin + margin / 5) <= now);
        let idle = matches!(self.keep_alive(credential), Due::At(at) if at <= now);
        near || idle
    }
}
