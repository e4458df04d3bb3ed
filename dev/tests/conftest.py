"""What several tests of dev/ share: a server with the demo's story."""
import datetime
from types import SimpleNamespace

import pytest

from dev.demo import story_template
from dev.demo_server import Server
from dev.environment import Environment


@pytest.fixture(scope="session")
def story(tmp_path_factory):
    """A running server with the demo's story: `address`, `db` and `env`. What a test changes stays for the others."""
    env, output = Environment.prepare(), tmp_path_factory.mktemp("story-server")
    template = story_template(env, output, datetime.date.today())
    with env.scratch(template) as db, Server(env, db, env.free_port(), 1, output / "server.log") as server:
        yield SimpleNamespace(address=server.address, db=db, env=env)
