"""Credentials that are made for each request: signatures of AWS, tokens of Google and of Entra ID."""

from fastgw.dataplane.upstream.credentials.signers import Signer, signers

__all__ = ["Signer", "signers"]
