"""Who may speak to the server: by token, by password, by a certificate."""

import base64
import ssl


class Access:
    """Everybody, until one of the ways is set; then whoever comes by one that is set.

    `client_ca` is the file of the certificates whose clients are trusted; it needs TLS and is read
    when the server is made.
    """

    def __init__(self, token=None, password=None, client_ca=None):
        self.token = token
        self.password = password  # "user:password"
        self.client_ca = client_ca

    def admits(self, connection, authorization):
        if self.token is None and self.password is None and self.client_ca is None:
            return True
        if self.token is not None and authorization == f"Bearer {self.token}":
            return True
        if self.password is not None:
            encoded = base64.b64encode(self.password.encode()).decode()
            if authorization == f"Basic {encoded}":
                return True
        return bool(
            self.client_ca and isinstance(connection, ssl.SSLSocket) and connection.getpeercert()
        )

    def prepare(self, context):
        """Has a TLS server ask for certificates, where they count."""
        if self.client_ca is not None:
            context.load_verify_locations(self.client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
