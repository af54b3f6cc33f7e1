"""How a bad answer of Airflow becomes one line that names the request and holds no secret."""

from fermata_spec.errors import UnavailableError


class UnreachableError(UnavailableError):
    """No connection could be made: the request was never sent and can have had no effect."""
