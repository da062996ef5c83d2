"""A job never outlives the server that started it.

The server holds the write end of a pipe that is the job's standard input, and never writes to it. When the
server dies, however it dies, the operating system closes that end and the job reads end of file.
"""

import os
import signal
import threading


def watch() -> None:
    """Kill this process's group as soon as standard input ends. Call it before any other work.

    A process that does not lead its group (a model server of a transform job) ends only itself: the group
    is its leader's to end.
    """
    threading.Thread(target=_wait_for_end, name="lifeline", daemon=True).start()


def _wait_for_end() -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:  # a standard input that is closed is as gone as one that ended
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
