"""The form of a connection of type ``argocd``: its own fields, and what the standard ones mean."""

FIELDS = {
    "token_file": {
        "label": "Token file",
        "description": "A file with the token, read for every request; in place of the token.",
    },
    "ca_file": {
        "label": "CA file",
        "description": "Certificates to trust, in place of the public ones.",
    },
    "verify": {
        "label": "Verify certificate",
        "description": "true unless it says false; with false anybody can read the token.",
    },
    "root_path": {"label": "Root path", "description": "Argo CD's server.rootpath, if it has one."},
    "project": {"label": "Project", "description": "Of applications that do not say their own."},
    "app_namespace": {
        "label": "Application namespace",
        "description": "Where applications are, if not in Argo CD's own namespace.",
    },
    "ui_url": {
        "label": "UI address",
        "description": "Where people see Argo CD, for links; the host by default.",
    },
    "timeout": {"label": "Timeout", "description": "Seconds for one request; 30 by default."},
    "dex_connector": {
        "label": "Dex connector",
        "description": "Exchange a service account's token: the connector's id.",
    },
    "dex_token_file": {
        "label": "Service account token",
        "description": "Exchange a service account's token: the projected token's file.",
    },
}

UI_FIELD_BEHAVIOUR = {
    "hidden-fields": ["login", "extra"],
    "relabeling": {"schema": "https or http", "password": "Token"},
    "placeholders": {
        "host": "argocd-server.argocd.svc",
        "schema": "https",
        "password": "a project token; or say a token file below",
    },
}


def conn_fields() -> dict[str, object]:
    """Return the fields as provider info has them."""
    return {
        name: {**field, "schema": {"type": ["string", "null"]}} for name, field in FIELDS.items()
    }
