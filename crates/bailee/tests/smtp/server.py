"""A mail server for tests: aiosmtpd on loopback, with TLS and credentials, that misbehaves by recipient.

Arguments: mode (starttls, implicit, plaintext), certificate, key. It prints its port, and one line of
JSON for each message that it took."""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

MODE, CERTIFICATE, KEY = sys.argv[1:4]
USER, PASSWORD = b"fake-user", b"fake-password"


def say(value):
    print(json.dumps(value), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        box = address.split("@")[0]
        answers = {
            "nobody": "550 5.1.1 No such user",
            "policy": "550 5.7.1 Relaying denied",
            "later": "450 4.2.1 Try again later",
        }
        if box in answers:
            return answers[box]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        box = envelope.rcpt_tos[0].split("@")[0]
        if box == "full":
            return "552 5.2.2 Mailbox full"
        if box == "spam":
            return "554 5.7.1 Not wanted"
        # These took it, and the answer does not arrive.
        lost = box in ("drops", "slow", "babbles")
        say(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "content": envelope.content.decode("ascii"),
                "tls": session.ssl is not None or MODE == "implicit",
                "signed_in": bool(session.authenticated),
            }
        )
        if box == "drops":
            server.transport.abort()
            await asyncio.sleep(60)
        if box == "slow":
            await asyncio.sleep(60)
        if box == "babbles":
            server.transport.write(b"what?\r\n")
            await asyncio.sleep(60)
        assert not lost
        return "250 2.0.0 taken as canary-queue-id"


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER, PASSWORD)
    return AuthResult(success=good, handled=False)


async def main():
    tls = None
    if MODE != "plaintext":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATE, KEY)

    def protocol():
        if MODE == "plaintext":
            return SMTP(Handler(), hostname="mail.example", enable_SMTPUTF8=False)
        return SMTP(
            Handler(),
            hostname="mail.example",
            enable_SMTPUTF8=False,
            tls_context=tls if MODE == "starttls" else None,
            require_starttls=MODE == "starttls",
            authenticator=authenticate,
            auth_required=True,
            auth_require_tls=MODE == "starttls",
        )

    loop = asyncio.get_running_loop()
    within = tls if MODE == "implicit" else None
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=within)
    say(server.sockets[0].getsockname()[1])
    # It ends with whoever started it.
    await loop.run_in_executor(None, sys.stdin.read)
    import os

    os._exit(0)


asyncio.run(main())
