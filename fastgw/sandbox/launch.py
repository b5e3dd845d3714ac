"""How another process starts the sandbox."""

import sys


def command(*, listen_fd: int = -1, lifeline_fd: int = -1, port: int = 0) -> tuple[str, ...]:
    """The command line. Descriptors must be inherited (`pass_fds`).

    `listen_fd` is a socket of `server.bind`, whose URL `server.base_url` tells; `lifeline_fd` is the read end of a pipe
    whose write end only the parent has: when the parent is gone, however it died, the sandbox ends too.
    """
    options = {"--listen-fd": listen_fd, "--lifeline-fd": lifeline_fd}
    given = [text for name, fd in options.items() if fd >= 0 for text in (name, str(fd))]
    return (sys.executable, "-m", "fastgw.sandbox", *given, *(("--port", str(port)) if port else ()))
