"""The cache folder: where everything that is fetched or built lives, and how it gets there safely.

Only the standard library, so that it runs before anything is installed. Three ideas:

- what is made gets its real name only when it is complete; whatever was interrupted is thrown away and made again;
- the folder's name carries a hash of its recipe, so a changed recipe never meets an old result;
- locks are files held with flock: they vanish with the process, however it ends.
"""
import contextlib
import ctypes
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent


class Problem(Exception):
    """Something only a person can put right; its text is one sentence for them."""


def cache_dir():
    """The cache folder: AR_CACHE, or `ar_coordinator` in the user's cache directory."""
    if os.environ.get("AR_CACHE"):
        return Path(os.environ["AR_CACHE"]).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute() / "ar_coordinator"


def say(text):
    """A progress line; on stderr, so that a command's own output stays clean."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(text):
    """Announce work that takes a while, and how long it took."""
    say(f"  {text} ...")
    start = time.monotonic()
    yield
    say(f"  {text}: done in {time.monotonic() - start:.0f} s")


def digest(*parts):
    """A short hash of texts."""
    result = hashlib.sha256()
    for part in parts:
        data = str(part).encode()
        result.update(b"%d:" % len(data) + data)
    return result.hexdigest()[:12]


@contextlib.contextmanager
def lock(name, shared=False, wait=True):
    """Hold the lock `name` between processes; yields False if `wait` is false and another process has it."""
    path = cache_dir() / "locks" / name
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a") as handle:
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            try:
                fcntl.flock(handle, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    yield False
                    return
                say(f"  waiting for another run ({name}) ...")
                fcntl.flock(handle, kind)
            # Whoever cleaned the cache while we waited has removed the file we hold.
            if path.exists() and os.path.samestat(os.fstat(handle.fileno()), os.stat(path)):
                yield True
                return


def build(folder, text, make):
    """Make `folder` once and return it: `make(part)` fills a folder beside it, which then gets the name."""
    if not folder.exists():
        with lock(f"build-{folder.parent.name}-{folder.name}"):
            if not folder.exists():
                for left in folder.parent.glob(f"{folder.name}.*"):
                    shutil.rmtree(left, ignore_errors=True)
                # A name of its own: a program of an interrupted attempt may still be writing into the old one.
                part = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}")
                part.mkdir(parents=True)
                with step(text):
                    make(part)
                part.rename(folder)
    return folder


def die_with_parent():
    """For Popen's preexec_fn: a child that builds something must not go on when its parent has been killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def run(command, sentence, preexec_fn=die_with_parent, **kwargs):
    """Run a command quietly and return its output; if it fails, raise `sentence` with the command's last lines."""
    done = subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", preexec_fn=preexec_fn, **kwargs)
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-15:])
        raise Problem(f"{sentence} ({' '.join(map(str, command))}):\n{tail}")
    return done.stdout
