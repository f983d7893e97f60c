//! Threats and the answers to them, the reason for each default, and how to do what hosts ask for.
//!
//! # Threats and answers
//!
//! | somebody | what stops them |
//! |---|---|
//! | sends a victim their own authorization code (login fixation, RFC 9700 §4.7) | the flow ends only for the person, the session and the browser that began it |
//! | forges or replays a callback | the flow is found by the hash of `state`, deleted by one atomic commit before anything is compared, and ends with its cookie gone |
//! | mixes up two providers (RFC 9700 §4.4) | a redirect path for each registration, `iss` where it is promised, the token endpoint that the flow began with |
//! | plants a cookie from a sibling host | a cookie that comes twice is refused; by one call it is a `__Host-` cookie |
//! | changes what is asked for after the person has read it | the scopes' hash is kept with the flow and compared with what the declaration asks for at its end |
//! | uses a token for something else | every use names its purpose and passes the gate: declaration, consent, scope, the host's word, freezes |
//! | leads a token to another host | requests are built from the spec; the HTTP seam refuses hosts outside its list, addresses that are not public, redirects |
//! | makes the provider's error pages speak | answers are parsed strictly, never shown, never followed; errors hold kinds and known codes alone |
//! | makes something happen twice | renewals are claimed, publications have a key and a note before they leave, effects have an intent |
//! | kills the process | what was acknowledged is committed; what was begun is work, and comes back. Not so for tokens whose process died before it could seal them: nobody knows them |
//!
//! # Defaults and their reasons
//!
//! - **A flow lives ten minutes**, five in one browser and twenty for one person: enough to log in
//!   at the provider, too few to fill a cookie jar or a table.
//! - **The state cookie is `Lax` and scoped to the callback path.** `Strict` does not arrive when
//!   the person clicked on the provider's page; a wider path shows it to more of the host.
//! - **A pass is good for one second**: what a person or an operator takes back holds at once, and
//!   a call of several requests does not read for each.
//! - **A token is renewed on use, and ahead of its end only when it was used in its lifetime**:
//!   nobody's account is touched for nothing.
//! - **Reads are tried three times, effects once.** A provider that refuses the token has done
//!   nothing, so an effect is sent again after a renewal.
//! - **A provider has ten seconds to confirm a revocation.** The person should not wait longer for
//!   something that is done here already.
//!
//! # How to
//!
//! - **Serve the callback.** Hand the registration's id out of the path, the method, the raw query
//!   and the headers to [`CallbackRequest::new`](crate::CallbackRequest::new), call
//!   [`Connections::complete`](crate::Connections::complete), and send
//!   [`Completed::answer`](crate::Completed) or [`Refusal::into_answer`](crate::Refusal::into_answer)
//!   as they are. Do not log query and cookies of that path.
//! - **Begin a flow only from a POST** of somebody who is logged in, behind the host's own
//!   protection against forged requests.
//! - **Keep a connection.** Its text form is no secret; keep it in a column of your own.
//! - **Publish.** Take the id of what is published as the idempotency key. On an error that says
//!   `Wait`, call again with the same key. On `Unknown`, ask the person to look.
//! - **Run the worker** in one process or in all of them; it shares the work by itself. Without it
//!   nothing that is due later happens.
//! - **Hear of withdrawals.** Route `<mount>/<registration>/signal` and what lies behind it to
//!   [`Connections::take_signal`](crate::Connections::take_signal), register that address at the
//!   provider, and give the registration what the provider signs with
//!   ([`Registration::signing_secret`](crate::Registration::signing_secret)). Without that secret each
//!   delivery is refused with `no_secret`, which the audit log shows. Requests about data wait in
//!   [`Engine::requests`](crate::Engine::requests) until somebody closes them.
//! - **Lose no renewed token.** Give each process a [journal](crate::EngineBuilder::journal) on a
//!   disk that outlives it, under a path of its own: `/var/lib/app/refresh-1.journal`. A process that
//!   does not come back leaves its file to whoever starts under the same path; on a disk that goes
//!   with it nothing is gained. An error that says so in the log at the start means that answers
//!   wait there.
//! - **Move to another database or restore one.** Start under the same instance name; a copy under
//!   another name does nothing until
//!   [`Engine::danger_adopt_database`](crate::Engine::danger_adopt_database).
