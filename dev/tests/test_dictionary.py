"""docs/data_dictionary.md says what the models are now."""
from dev import dictionary
from dev.environment import Environment


def test_up_to_date():
    models = dictionary.read(Environment.prepare())
    now = dictionary.text(models)
    assert "### `ar.dunning.letter`: " in now and "`ar_collector_id`" in now
    assert dictionary.PATH.read_text() == now, "run make dictionary"
