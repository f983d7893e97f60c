//! The rules that are kept here, each by its name, and the public face of the crate.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by it as the tests do")]

#[cfg(feature = "airtable")]
mod airtable;
#[cfg(feature = "anthropic")]
mod anthropic;
#[cfg(feature = "asana")]
mod asana;
mod authorize;
mod callback;
#[cfg(feature = "clickup")]
mod clickup;
#[cfg(feature = "conformance")]
mod conformance;
mod delivered;
#[cfg(any(
    feature = "github",
    feature = "instagram",
    feature = "slack",
    feature = "tiktok",
    feature = "zoom"
))]
mod delivery;
mod discovery;
mod event_token;
#[cfg(feature = "every-provider")]
mod files;
#[cfg(feature = "github")]
mod github;
#[cfg(feature = "github")]
mod github_signals;
#[cfg(feature = "google")]
mod google;
#[cfg(feature = "google")]
mod google_signals;
#[cfg(feature = "google")]
mod google_upload;
#[cfg(feature = "hubspot")]
mod hubspot;
#[cfg(feature = "hubspot")]
mod hubspot_signals;
mod id_token;
#[cfg(feature = "instagram")]
mod instagram;
#[cfg(feature = "instagram")]
mod instagram_publish;
#[cfg(feature = "instagram")]
mod instagram_signals;
#[cfg(feature = "jira")]
mod jira;
#[cfg(feature = "jira")]
mod jira_report;
#[cfg(feature = "linkedin")]
mod linkedin;
#[cfg(feature = "every-provider")]
mod liveness;
#[cfg(feature = "microsoft")]
mod microsoft;
mod operation;
mod revoke;
#[cfg(feature = "every-provider")]
mod signals_by_facts;
#[cfg(feature = "slack")]
mod slack;
#[cfg(feature = "slack")]
mod slack_signals;
mod spec_file;
#[cfg(feature = "supabase")]
mod supabase;
mod support;
#[cfg(feature = "tiktok")]
mod tiktok;
#[cfg(feature = "tiktok")]
mod tiktok_publish;
#[cfg(feature = "tiktok")]
mod tiktok_signals;
mod token_answer;
#[cfg(feature = "x")]
mod x;
#[cfg(feature = "x")]
mod x_signals;
#[cfg(feature = "zoom")]
mod zoom;
#[cfg(feature = "zoom")]
mod zoom_signals;
