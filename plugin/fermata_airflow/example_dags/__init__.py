"""DAGs that show the provider at work; each runs as it is, with a connection ``argocd_default``."""
