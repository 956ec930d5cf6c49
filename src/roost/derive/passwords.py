"""Passwords as nginx knows them."""

import base64
import hashlib


def password_hash(password: str) -> str:
    """Return a password as nginx knows it: salted, and always with the same salt, so that a second run changes nothing.

    A password of forty random letters can't be guessed, however fast the hash is.
    """
    salt = hashlib.sha256(f"salt of {password}".encode()).digest()[:8]
    digest = hashlib.sha1(password.encode() + salt, usedforsecurity=False).digest()
    return "{SSHA}" + base64.b64encode(digest + salt).decode()
