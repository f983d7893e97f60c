//! Every adapter, end to end against its emulated provider: the exported list of cases, and what
//! is special about each.

mod airtable;
mod anthropic;
mod asana;
mod clickup;
mod declared;
mod discord;
mod dropbox;
mod figma;
mod github;
mod gitlab;
mod google;
mod held;
mod house;
mod hubspot;
mod instagram;
mod jira;
mod late;
mod linear;
mod linkedin;
mod microsoft;
mod notion;
mod salesforce;
mod shopify;
mod slack;
mod stored;
mod stripe;
mod supabase;
mod tiktok;
mod x;
mod zoom;
