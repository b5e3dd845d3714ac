"""Composition root: the only room that knows every other. Settings go in, running processes come out.

Nothing is imported here on purpose: each process of the gateway takes only its own module of this room, so that the
command line never waits for a database library and a worker never loads one.
"""
