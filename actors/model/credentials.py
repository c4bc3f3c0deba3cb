"""A service account's credentials, from its file or its content; the only import of google-auth beside the SDK's own."""

from collections.abc import Mapping
from typing import Any

from google.oauth2 import service_account as google_auth

CLOUD_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def service_account(source: str | Mapping[str, Any]) -> google_auth.Credentials:
    """Make credentials of a path or a dictionary. Raises `ValueError` or `OSError` saying what is wrong with it."""
    load: Any = google_auth.Credentials
    make = load.from_service_account_file if isinstance(source, str) else load.from_service_account_info
    credentials = make(source, scopes=[CLOUD_SCOPE])
    assert isinstance(credentials, google_auth.Credentials)
    return credentials
