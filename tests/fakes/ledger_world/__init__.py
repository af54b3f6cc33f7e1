"""A world for the actors of the hold protocol, in which the test decides who goes on, and when.

    world = World(["d"], mode="values")
    a = world.hold("A", ["d"])         # parked before its first call of a port
    a.until("send")                    # goes on until it is about to send a request
    a.go()                             # the request leaves; it waits for the answer
    a.kill()                           # SIGKILL; the request may still land
    world.person("d", paused=True)     # a row in the event log, and the effect
    world.release("A").finish()
    world.rest()                       # everybody is dead; the watch alone: P1

Every actor runs the real code in a thread of its own, but only while it holds the one baton: each
call of a port parks it. Nothing sleeps: time moves when the test says so, or when an actor that
sleeps is told to go on. Every step checks the properties; a broken one is a ``BrokenError``.
"""

from fakes.ledger_world.actors import Actor, Killed
from fakes.ledger_world.properties import BrokenError
from fakes.ledger_world.world import LEASE, World

__all__ = ["LEASE", "Actor", "BrokenError", "Killed", "World"]
