"""The commands behind the Makefile: python3 -m dev <command>."""
import os
import shutil
import subprocess
import sys

from .cache import REPO, Problem, cache_dir, lock, say, step
from .environment import PREPARED, Environment
from .postgres import stop_all

COMMANDS = {}


def command(function):
    COMMANDS[function.__name__] = function
    return function


@command
def setup(args):
    """fetch and build everything, run nothing"""
    env = Environment.prepare()
    env.addon_template()
    say(f"Ready: Odoo in {env.odoo_path}, Python in {env.python}, everything in {cache_dir()}.")


@command
def demo(args):
    """a ledger loaded, aged, measured, dunned and exported; then a running server"""
    if not (REPO / "dev/demo.py").exists():
        raise Problem("There is no demo yet (dev/demo.py).")
    env = _inside_venv("demo", args)
    from .demo import main
    given = os.environ.get
    return main(env, ledger=given("LEDGER") or None, as_of=given("AS_OF") or None, serve=given("SERVE") != "0")


@command
def test(args):
    """run all tests; make test T=<path> or ARGS='-k name' runs some"""
    from .testing import run_tests
    return run_tests(Environment.prepare(), args)


@command
def lint(args):
    """ruff, pylint-odoo, Odoo's own checkers, XML, CSV, JS"""
    from .lint import run_lint
    return run_lint(Environment.prepare(), args)


@command
def bench(args):
    """compare speed and memory with plain SQL and with peers"""
    if not (REPO / "benchmarks/run.py").exists():
        raise Problem("There are no benchmarks yet (benchmarks/run.py).")
    env = Environment.prepare()
    return subprocess.run([env.python, REPO / "benchmarks/run.py", *args], env=env.odoo_env(), cwd=REPO).returncode


@command
def shell(args):
    """an Odoo shell on a development database that stays"""
    env = Environment.prepare()
    db = env.dev_database()
    shell_args = ["-c", env.conf(db), "-d", db, "--no-http", "--log-level=warn", *args]
    return env.odoo("shell", *shell_args, check=False).returncode


@command
def screenshots(args):
    """the pictures of README and docs/, from the running demo"""
    _inside_venv("screenshots", args)
    from .screenshots import main
    return main()


@command
def store(args):
    """the pictures of the apps store's pages, from those of docs/"""
    _inside_venv("store", args)
    from .store import main
    return main()


@command
def i18n(args):
    """export the terms to translate, bring the languages in line with them"""
    env = _inside_venv("i18n", args)
    from .i18n import main
    return main(env)


@command
def dictionary(args):
    """docs/data_dictionary.md, from the models"""
    env = _inside_venv("dictionary", args)
    from .dictionary import main
    return main(env)


@command
def release(args):
    """keep the addons of a version (ARGS=<git revision>, HEAD) for the upgrade test, see CONTRIBUTING.md"""
    from .release import main
    return main(*args)


@command
def clean(args):
    """stop PostgreSQL and remove everything that was fetched or built"""
    if cache_dir().exists():
        with lock("in-use", wait=False) as ours:
            if not ours:
                raise Problem(f"another command is using {cache_dir()}; wait until it ends, or stop it.")
            stop_all()
            with step(f"Removing {cache_dir()}"):
                shutil.rmtree(cache_dir())
    for name in ("test-output", "demo-output"):
        shutil.rmtree(REPO / name, ignore_errors=True)
    say(f"Removed {cache_dir()}.")


@command
def help(args):
    """this list"""
    for name, function in COMMANDS.items():
        print(f"make {name:11} {function.__doc__}")
    print("\nEverything that is fetched goes into AR_CACHE (now", f"{cache_dir()}). See dev/README.md.")


def _inside_venv(name, args):
    """Go on in the virtual environment's Python, with Odoo's libraries."""
    env = Environment.prepare()
    if not os.environ.get(PREPARED):
        os.execve(env.python, [str(env.python), "-m", "dev", name, *args], env.odoo_env())
    return env


def main(argv):
    name, *args = argv or ["help"]
    if name not in COMMANDS:
        say(f"There is no command {name}; there are: {', '.join(COMMANDS)}.")
        return 2
    os.chdir(REPO)
    try:
        if name in ("help", "clean"):
            return COMMANDS[name](args)
        with lock("in-use", shared=True):
            return COMMANDS[name](args)
    except Problem as problem:
        say(f"make {name}: {problem}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
