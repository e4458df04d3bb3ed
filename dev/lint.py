"""`make lint`: ruff, pylint-odoo, Odoo's own checkers, and whether every file is well-formed."""
import csv
import io
import subprocess
import xml.parsers.expat

from .cache import REPO, cache_dir, run, say

ODOO_CHECKS = (
    "sql-injection,missing-gettext,gettext-variable,gettext-placeholders,gettext-repr,raise-unlink-override,"
    "used-before-assignment,undefined-variable,unreachable")
ODOO_PLUGINS = "_odoo_checker_sql_injection,_odoo_checker_gettext,_odoo_checker_unlink_override"
TEXT = {
    ".css", ".csv", ".js", ".md", ".po", ".pot", ".py", ".rst", ".scss", ".sql", ".toml", ".txt", ".xml", ".yaml",
    ".yml"}


def run_lint(env, args):
    """Run the checks named in `args` (none: all) and return the exit code."""
    checks = {"ruff": _ruff, "pylint-odoo": _pylint_odoo, "odoo-checkers": _odoo_checkers, "files": _files}
    unknown = set(args) - set(checks)
    if unknown:
        say(f"There is no check {', '.join(unknown)}; there are: {', '.join(checks)}.")
        return 2
    bad = [name for name in args or checks if checks[name](env)]
    say(f"lint: findings by {', '.join(bad)}" if bad else "lint: nothing found")
    return 1 if bad else 0


def _python(env, *args, path=()):
    child = env.odoo_env()
    child["PYLINTHOME"] = str(cache_dir() / "pylint")
    child["PYTHONPATH"] = ":".join([*map(str, path), child["PYTHONPATH"]])
    return subprocess.run([env.python, *args], cwd=REPO, env=child, stdin=subprocess.DEVNULL).returncode


def _ruff(env):
    return _python(env, "-m", "ruff", "check", "--quiet", "--no-cache", "--output-format=concise", ".")


def _pylint_odoo(env):
    # The readme and the manuals are at the top of the repository, not in each addon; a long model is split by subject.
    return _python(
        env, "-m", "pylint", "--rcfile=pyproject.toml", "--disable=missing-readme,consider-merging-classes-inherited",
        "--score=n", *env.modules)


def _odoo_checkers(env):
    folder = next(path / "test_lint/tests" for path in env.addons_path if (path / "test_lint/tests").is_dir())
    return _python(
        env, "-m", "pylint", "--rcfile=/dev/null", "--score=n", "--disable=all,unknown-option-value",
        f"--enable={ODOO_CHECKS}", f"--load-plugins={ODOO_PLUGINS}", *env.modules, path=[folder])


def _files(env):
    """Every text file of the repository: complete, tidy, and well-formed for its kind."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = run(git, "git could not list the files", cwd=REPO).split("\0")
    child = [env.python, "-m", "dev.lint", *filter(None, names)]
    return subprocess.run(child, cwd=REPO, env=env.odoo_env()).returncode


def check_file(path):
    """Complaints about one file."""
    text = path.read_bytes().decode("utf-8")  # a UnicodeDecodeError names the place well enough
    if text and not text.endswith("\n"):
        yield "no newline at the end"
    if "\r" in text:
        yield "Windows line ends"
    for number, line in enumerate(text.splitlines(), 1):
        if path.suffix != ".md" and line != line.rstrip():
            yield f"line {number}: blanks at the end"
        if "\t" in line and path.suffix in (".py", ".xml", ".js", ".scss"):
            yield f"line {number}: tab"
    yield from {".xml": _check_xml, ".csv": _check_csv, ".js": _check_js}.get(path.suffix, lambda text: ())(text)


def _check_xml(text):
    try:
        xml.parsers.expat.ParserCreate().Parse(text, True)
    except xml.parsers.expat.ExpatError as error:
        yield f"not well-formed: {error}"


def _check_csv(text):
    rows = list(csv.reader(io.StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",", strict=True))
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(rows[0]):
            yield f"row {number}: {len(row)} cells instead of {len(rows[0])}"
    if "id" in rows[0]:  # records: their names must differ
        names = [row[rows[0].index("id")] for row in rows[1:]]
        yield from (f"{name} occurs twice" for name in sorted({name for name in names if names.count(name) > 1}))


def _check_js(text):
    import tree_sitter
    import tree_sitter_javascript
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_javascript.language()))
    todo = [parser.parse(text.encode()).root_node]
    while todo:
        node = todo.pop()
        if node.is_error or node.is_missing:
            yield f"line {node.start_point[0] + 1}: syntax error"
        elif node.has_error:
            todo += node.children


def main(names):
    findings = 0
    for name in names:
        path = REPO / name
        if path.suffix not in TEXT or not path.is_file():
            continue
        for complaint in check_file(path):
            print(f"{name}: {complaint}")
            findings += 1
    return 1 if findings else 0


if __name__ == "__main__":
    import sys
    sys.exit(main(sys.argv[1:]))
