"""The row about installing on a database that has a ledger already. Part of run.Bench."""
import os
import time

from benchmarks import report
from dev.cache import say

ROUNDS = 3  # the quickest counts: what else the machine does only adds to it


class InstallRows:
    """Methods of run.Bench."""

    def install(self):
        """Install all our addons on the ledger and on a database without invoices, in turns."""
        say("  installing on the ledger and on an empty database")
        rounds = [(self._timed_install('core'), self._timed_install(None)) for _round in range(ROUNDS)]
        ledger, empty = map(min, zip(*rounds, strict=True))
        self.results.append({
            'name': report.INSTALL, 'size': self.settings.invoices, 'seconds': ledger, 'empty_seconds': empty,
            'extra_seconds': ledger - empty, 'all_seconds': [list(side) for side in zip(*rounds, strict=True)]})

    def _timed_install(self, source):
        """Seconds of the installation on a copy of the database `source` (None: without invoices)."""
        databases = self.databases
        template = databases.name(source) if source else self.env.base_template()
        name = databases.name('installed')
        self.env.clone(template, name)
        try:
            os.sync()  # the copy is on the disk before the clock starts
            begin = time.monotonic()
            databases.install('installed', self.env.modules)
            return time.monotonic() - begin
        finally:
            self.env.drop(name)
