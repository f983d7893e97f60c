use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::{Url, form_urlencoded};

use crate::log::Recorded;
use crate::message::{Answer, Incoming};
use crate::mint::{Mint, random};
use crate::oidc::Issuer;
use crate::play::Played;
use crate::server::{Sites, accept};
use crate::tiktok::TikTok;
use crate::tls::{BadTls, Root};
use crate::{Clock, ConsentError, Misuse, Site, StartError, page, tls};

/// The emulated providers behind one listener. Dropping it closes the listener and every
/// connection.
pub struct Emulator {
    address: SocketAddr,
    marker: String,
    root: Arc<Root>,
    sites: Sites,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// What to play and how.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    clock: Clock,
    listen: Option<SocketAddr>,
    marker: Option<String>,
    played: Vec<Played>,
}

/// What a person decides on the authorization page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Everything that was asked for.
    Allow,
    /// These scopes only; ones that were not asked for have no effect.
    AllowOnly(Vec<String>),
    /// Nothing.
    Deny,
}

impl Builder {
    /// The clock by which the providers live.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Plays one more issuer. Each has a host of its own.
    #[must_use]
    pub fn issuer(self, issuer: Issuer) -> Self {
        self.play(issuer)
    }

    /// Where to listen, instead of any free port of 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// The text that each issued secret contains, instead of `canary` and a random part.
    #[must_use]
    pub fn marker(mut self, marker: impl Into<String>) -> Self {
        self.marker = Some(marker.into());
        self
    }

    /// Plays a provider, by its switches. The site is named after the provider: `zoom`.
    #[must_use]
    pub fn play(mut self, provider: impl Into<Played>) -> Self {
        self.played.push(provider.into());
        self
    }

    /// Plays a provider, as a site with a name of its own.
    #[must_use]
    pub fn play_as(mut self, name: impl Into<String>, provider: impl Into<Played>) -> Self {
        self.played.push(provider.into().named(name.into()));
        self
    }

    /// Plays TikTok, as site `tiktok`. The last call counts.
    #[must_use]
    pub fn tiktok(mut self, tiktok: TikTok) -> Self {
        let tiktok = Played::from(tiktok);
        self.played.retain(|known| known.name != tiktok.name);
        // The order of the sites is that in which their hosts are listed: TikTok's come first.
        self.played.insert(0, tiktok);
        self
    }

    /// Starts to listen, on the tokio runtime of the caller.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the address is taken, a host is played twice, or a certificate cannot
    /// be made.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let marker = self.marker.unwrap_or_else(|| format!("canary-{}", random::<6>()));
        let mint = Mint::new(marker.clone());
        let mut sites: Vec<Site> = Vec::new();
        for played in self.played {
            let play = played.begin()?;
            let site = Site::new(played.name, self.clock.clone(), mint.clone(), play);
            if let Some(host) = site.hosts().into_iter().find(|h| sites.iter().any(|s| s.plays(h)))
            {
                return Err(Misuse::HostTaken(host).into());
            }
            sites.push(site);
        }
        let sites = Sites { clock: self.clock, all: Arc::new(sites), open: Arc::default() };
        let root = Arc::new(Root::generate()?);
        let played = sites.clone();
        let tls = tls::good(Arc::clone(&root), move |host| played.at(host).is_some())?;
        let listen = self.listen.unwrap_or_else(any_port);
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, tls, sites.clone()));
        Ok(Emulator { address, marker, root, sites, tasks: Mutex::new(vec![task]) })
    }
}

impl Emulator {
    /// Begins to describe an emulator; without sites it answers nobody.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Opens one more listener whose certificate clients must refuse, for `host`. The same sites
    /// would answer behind it.
    ///
    /// # Errors
    ///
    /// [`StartError`] when no port is free or the host cannot be put in a certificate.
    pub async fn bad_tls(&self, host: &str, how: BadTls) -> Result<SocketAddr, StartError> {
        let tls = tls::bad(&self.root, host, how)?;
        let listener = TcpListener::bind(any_port()).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, tls, self.sites.clone()));
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        Ok(address)
    }

    /// Goes through the authorization page as a person with a browser would, through the same
    /// handlers, and returns the address that the provider sends the browser to.
    ///
    /// # Errors
    ///
    /// [`ConsentError`] when no site answers at the address, the provider shows an error page, or
    /// it goes back with a form: then [`Emulator::consent_to`] says what is posted.
    pub async fn consent(
        &self,
        authorize_url: &str,
        decision: Decision,
        account: &str,
    ) -> Result<String, ConsentError> {
        match self.consent_to(authorize_url, decision, account).await? {
            Back::Post(_) => Err(ConsentError::Posted),
            Back::Redirect(address) => Ok(address),
        }
    }

    /// The same where the answer may come back in either way.
    ///
    /// # Errors
    ///
    /// [`ConsentError`] when no site answers at the address, or the provider shows an error page.
    pub async fn consent_to(
        &self,
        authorize_url: &str,
        decision: Decision,
        account: &str,
    ) -> Result<Back, ConsentError> {
        let url = Url::parse(authorize_url).map_err(|_| ConsentError::Address)?;
        let host = url.host_str().ok_or(ConsentError::Address)?.to_owned();
        if url.scheme() != "https" {
            return Err(ConsentError::Address);
        }
        let site = self.sites.at(&host).ok_or(ConsentError::Address)?;
        let request = Incoming {
            method: "GET".into(),
            host: host.clone(),
            path: url.path().into(),
            query: url.query().map(str::to_owned),
            ..Incoming::default()
        };
        let answer = site.serve(&request).await;
        let html = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status != 200 || page::input_values(&html, "ticket").is_empty() {
            return back(&answer);
        }
        let action = page::action(&html).ok_or(ConsentError::Address)?;
        let request = Incoming {
            method: "POST".into(),
            host,
            path: action,
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
            body: decided(&html, &decision, account),
            ..Incoming::default()
        };
        back(&site.serve(&request).await)
    }

    /// Waits until nobody is connected any more: what a client had sent that is gone is answered
    /// then. A client that keeps its connections makes this wait for ever.
    pub async fn alone(&self) {
        // The sender lives as long as `self`, so the wait cannot end with an error.
        let _ = self.sites.open.subscribe().wait_for(|open| *open == 0).await;
    }

    /// Where the sites answer.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The clock by which the providers live.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.sites.clock
    }

    /// All host names that are played; one that begins with `*.` stands for all names below it.
    #[must_use]
    pub fn host_names(&self) -> Vec<String> {
        self.sites.all.iter().flat_map(Site::hosts).collect()
    }

    /// The text that each issued secret contains.
    #[must_use]
    pub fn marker(&self) -> &str {
        &self.marker
    }

    /// All requests at all sites, oldest first within a site.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.sites.all.iter().flat_map(Site::requests).collect()
    }

    /// The certificate of this run's authority.
    #[must_use]
    pub fn root_der(&self) -> &[u8] {
        self.root.der()
    }

    /// The certificate of this run's authority as PEM.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        self.root.pem()
    }

    /// What all sites handed out and what their clients hold; see [`Site::secrets_issued`].
    #[must_use]
    pub fn secrets_issued(&self) -> BTreeSet<String> {
        self.sites.all.iter().flat_map(Site::secrets_issued).collect()
    }

    /// What all sites were sent; see [`Site::secrets_seen`].
    #[must_use]
    pub fn secrets_seen(&self) -> BTreeSet<String> {
        self.sites.all.iter().flat_map(Site::secrets_seen).collect()
    }

    /// The site with this name: the provider's (`tiktok`, `zoom`), or an issuer's host.
    #[must_use]
    pub fn site(&self, name: &str) -> Option<&Site> {
        self.sites.all.iter().find(|site| site.name() == name)
    }

    /// All sites.
    #[must_use]
    pub fn sites(&self) -> &[Site] {
        &self.sites.all
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("address", &self.address)
            .field("hosts", &self.host_names())
            .finish_non_exhaustive()
    }
}

/// How a provider sends the browser back to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Back {
    /// With a form that the browser posts.
    Post(FormPost),
    /// To an address.
    Redirect(String),
}

/// What a browser posts to a client (OAuth 2.0 Form Post Response Mode §2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormPost {
    /// Where it is posted to.
    pub action: String,
    /// The body, `application/x-www-form-urlencoded`.
    pub body: String,
    /// The provider's page, which submits itself in a browser.
    pub page: String,
}

/// The form of a consent page as the person sends it.
fn decided(html: &str, decision: &Decision, account: &str) -> Vec<u8> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for ticket in page::input_values(html, "ticket") {
        form.append_pair("ticket", &ticket);
    }
    form.append_pair("account", account);
    for scope in page::input_values(html, "scope") {
        let wanted = match decision {
            Decision::Allow => true,
            Decision::AllowOnly(scopes) => scopes.contains(&scope),
            Decision::Deny => false,
        };
        if wanted {
            form.append_pair("scope", &scope);
        }
    }
    let verdict = if *decision == Decision::Deny { "deny" } else { "allow" };
    form.append_pair("decision", verdict);
    form.finish().into_bytes()
}

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// How an answer sends the browser back, or what its page says.
fn back(answer: &Answer) -> Result<Back, ConsentError> {
    let html = || String::from_utf8_lossy(&answer.body);
    match (answer.header("location"), page::action(&html())) {
        (Some(location), _) if (300..400).contains(&answer.status) => {
            Ok(Back::Redirect(location.to_owned()))
        }
        (None, Some(action)) if answer.status == 200 => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(page::hidden_inputs(&html()));
            let page = html().into_owned();
            Ok(Back::Post(FormPost { action, body: form.finish(), page }))
        }
        _ => Err(ConsentError::Page {
            status: answer.status,
            message: page::message(&String::from_utf8_lossy(&answer.body)),
        }),
    }
}
