//! The adapters that this build has.

use std::sync::Arc;

use crate::Provider;

/// Every adapter whose feature is on. A host that names one of them in a registration needs not
/// add it.
pub fn compiled_in() -> Vec<Arc<dyn Provider>> {
    let mut adapters = crate::files::compiled_in();
    let own: Vec<Arc<dyn Provider>> = vec![
        #[cfg(feature = "airtable")]
        Arc::new(crate::airtable::Airtable::new()),
        #[cfg(feature = "anthropic")]
        Arc::new(crate::anthropic::Anthropic::new()),
        #[cfg(feature = "asana")]
        Arc::new(crate::asana::Asana::new()),
        #[cfg(feature = "clickup")]
        Arc::new(crate::clickup::ClickUp::new()),
        #[cfg(feature = "github")]
        Arc::new(crate::github::GitHub::new()),
        #[cfg(feature = "google")]
        Arc::new(crate::google::Google::new()),
        #[cfg(feature = "hubspot")]
        Arc::new(crate::hubspot::HubSpot::new()),
        #[cfg(feature = "instagram")]
        Arc::new(crate::instagram::Instagram::new()),
        #[cfg(feature = "jira")]
        Arc::new(crate::jira::Jira::new()),
        #[cfg(feature = "linkedin")]
        Arc::new(crate::linkedin::LinkedIn::new()),
        #[cfg(feature = "microsoft")]
        Arc::new(crate::microsoft::Microsoft::new()),
        #[cfg(feature = "shopify")]
        Arc::new(crate::shopify::Shopify::new()),
        #[cfg(feature = "slack")]
        Arc::new(crate::slack::Slack::new()),
        #[cfg(feature = "stripe")]
        Arc::new(crate::stripe::Stripe::new()),
        #[cfg(feature = "supabase")]
        Arc::new(crate::supabase::Supabase::new()),
        #[cfg(feature = "tiktok")]
        Arc::new(crate::tiktok::TikTok::new()),
        #[cfg(feature = "x")]
        Arc::new(crate::x::X::new()),
        #[cfg(feature = "zoom")]
        Arc::new(crate::zoom::Zoom::new()),
    ];
    adapters.extend(own);
    adapters
}
