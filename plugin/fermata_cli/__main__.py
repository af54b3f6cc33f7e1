"""``python -m fermata_cli`` is ``fermata``."""

from fermata_cli.frame import main

main()
