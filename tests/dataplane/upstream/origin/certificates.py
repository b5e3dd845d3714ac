"""Certificates for tests: an authority of our own, a server's certificate, and one for a client."""

import ssl
from pathlib import Path

import trustme


class Certificates:
    """One authority with everything it signed, written as PEM files to `folder`."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self._server = self.authority.issue_cert("127.0.0.1", "::1", "localhost")
        client = self.authority.issue_cert("gateway@example.org")
        self.ca_file = str(folder / "ca.pem")
        self.client_cert = str(folder / "client.pem")
        self.client_key = str(folder / "client.key")
        self.server_cert = str(folder / "server.pem")
        self.server_key = str(folder / "server.key")
        self.authority.cert_pem.write_to_path(self.ca_file)
        _write_chain(client, self.client_cert, self.client_key)
        _write_chain(self._server, self.server_cert, self.server_key)

    def server_context(self, alpn: tuple[str, ...], *, require_client: bool = False) -> ssl.SSLContext:
        """A context for the origin; `require_client` refuses clients without a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.configure_cert(context)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if require_client:
            # With TLS 1.3 the client learns of the refusal only after its own handshake has ended; 1.2 tells it inside.
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.verify_mode = ssl.CERT_REQUIRED
            self.authority.configure_trust(context)
        return context


def _write_chain(leaf: trustme.LeafCert, cert: str, key: str) -> None:
    leaf.private_key_pem.write_to_path(key)
    with open(cert, "wb") as file:
        for blob in leaf.cert_chain_pems:
            file.write(blob.bytes())
