"""A mail server on a free port: aiosmtpd, with TLS and sign-in as asked.

Prints its port, and then each message that it takes as a line of JSON. Ends with its standard input.
"""

import argparse
import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Mailbox:
    """Takes messages, but for the first few if it is to refuse these."""

    def __init__(self, refusals):
        self.refusals = refusals

    async def handle_DATA(self, server, session, envelope):
        if self.refusals:
            return self.refusals.pop(0)
        login = session.auth_data.login.decode() if session.auth_data else None
        report = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("cipher") is not None,
            "login": login,
            "text": envelope.content.decode().replace("\r\n", "\n"),
        }
        print(json.dumps(report), flush=True)
        return "250 taken"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--tls", choices=["none", "starttls", "tls"], default="none")
    options.add_argument("--cert")
    options.add_argument("--key")
    options.add_argument("--login", help="NAME:PASSWORD")
    options.add_argument("--refuse", action="append", default=[], help="the answer to one message")
    options = options.parse_args()

    context = None
    if options.tls != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.key)
    mailbox = Mailbox(options.refuse)

    def authenticate(server, session, envelope, mechanism, given):
        login = ":".join([given.login.decode(), given.password.decode()])
        return AuthResult(success=login == options.login, handled=False, auth_data=given)

    def protocol():
        return SMTP(
            mailbox,
            hostname="post.example",
            tls_context=context if options.tls == "starttls" else None,
            require_starttls=options.tls == "starttls",
            authenticator=authenticate,
            auth_required=options.login is not None,
            # With TLS from the first byte it does not see that there is TLS.
            auth_require_tls=options.tls == "starttls",
        )

    async def serve():
        loop = asyncio.get_running_loop()
        whole = context if options.tls == "tls" else None
        server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=whole)
        print(server.sockets[0].getsockname()[1], flush=True)
        await loop.run_in_executor(None, sys.stdin.read)
        server.close()

    asyncio.run(serve())


main()
