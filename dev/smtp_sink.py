"""A mail server for the demo that delivers nothing: it keeps every message as .eml and as a page to read in a browser.

    with MailSink(folder) as sink:
        ...  # send mail to localhost, port sink.port
        sink.messages  # email.message.EmailMessage, in the order they came

It listens on 127.0.0.1 only.
"""
import email
import email.policy
import html
import logging
import re
from pathlib import Path

from aiosmtpd.controller import Controller

HOST = "127.0.0.1"
HEADERS = ("From", "To", "Cc", "Reply-To", "Subject", "Date")
PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
  body {{ font: 15px/1.5 system-ui, sans-serif; margin: 0; background: #eef0f3; color: #1f2937; }}
  header {{ background: #fff; border-bottom: 1px solid #d5d9e0; padding: 16px 24px; }}
  header table {{ border-spacing: 0; }}
  header th {{ text-align: right; padding: 1px 12px 1px 0; color: #6b7280; font-weight: normal; vertical-align: top; }}
  main {{ background: #fff; max-width: 820px; margin: 24px auto; padding: 24px; border: 1px solid #d5d9e0; }}
</style>
<header><table>{headers}</table></header>
<main>{body}</main>
</html>
"""


class MailSink:
    """Context manager; `port` is where it listens (0: the system chooses), `messages` what came so far."""

    def __init__(self, folder, port=0):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.messages = []
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd's: every command otherwise
        self._controller = _Controller(_Handler(self), hostname=HOST, port=port)

    def __enter__(self):
        self._controller.start()
        self.port = self._controller.port
        return self

    def __exit__(self, *exc_info):
        self._controller.stop()

    def receive(self, transport, envelope):
        """Take a message and return the answer; tests override it to be a server that fails.

        `transport` is the connection.
        """
        self.keep(envelope.content, envelope.rcpt_tos)
        return "250 Kept"

    def keep(self, content, recipients):
        """Store one message (bytes), received for `recipients` (addresses)."""
        message = email.message_from_bytes(content, policy=email.policy.default)
        self.messages.append(message)
        who = re.sub(r"[^a-z0-9.@-]+", "_", recipients[0].lower()).replace("@", "_at_") if recipients else "nobody"
        stem = f"{len(self.messages):04d}_{who}"
        (self.folder / f"{stem}.eml").write_bytes(content)
        attachments = []
        for number, part in enumerate(message.iter_attachments(), start=1):
            name = Path(part.get_filename() or f"attachment_{number}").name
            target = self.folder / stem / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(part.get_payload(decode=True) or b"")
            attachments.append(f'<a href="{html.escape(stem)}/{html.escape(name, quote=True)}">{html.escape(name)}</a>')
        (self.folder / f"{stem}.html").write_text(self._page(message, attachments), encoding="utf-8")
        self._write_index()

    def _page(self, message, attachments):
        part = message.get_body(("html", "plain"))
        body = part.get_content() if part else ""
        if part and part.get_content_type() == "text/plain":
            body = f"<pre>{html.escape(body)}</pre>"
        rows = [(name, html.escape(str(message[name]))) for name in HEADERS if message[name]]
        if attachments:
            rows.append(("Attached", ", ".join(attachments)))
        headers = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
        return PAGE.format(title=html.escape(str(message["Subject"])), headers=headers, body=body)

    def _write_index(self):
        pages = sorted(self.folder.glob("[0-9]*.html"))
        rows = "".join(
            f'<tr><td><a href="{page.name}">{html.escape(str(message["To"]))}</a></td>'
            f'<td>{html.escape(str(message["Subject"]))}</td></tr>'
            for page, message in zip(pages, self.messages, strict=True))
        (self.folder / "index.html").write_text(
            PAGE.format(title="Mail of the demo", headers=f"<tr><td>{len(pages)} messages</td></tr>",
                        body=f"<table>{rows}</table>"),
            encoding="utf-8")


class _Controller(Controller):
    """Port 0: one that the system chooses, so that nobody else can have it."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class _Handler:
    def __init__(self, sink):
        self.sink = sink

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (the name aiosmtpd calls)
        return self.sink.receive(server.transport, envelope)
