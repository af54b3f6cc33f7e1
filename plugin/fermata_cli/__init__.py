"""The front door: one command, ``fermata``, whose subcommands load when they are called.

It knows where each subcommand lives (``commands``) and how a process ends (``frame``), and
imports nothing but click and the leaf.
"""

from fermata_cli.frame import main

__all__ = ["main"]
