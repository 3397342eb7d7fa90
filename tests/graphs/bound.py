"""Parameters of a graph as the configuration has them."""

from pathlib import Path

from penstock.binding import bind_parameters
from penstock.conf import load_conf

CONF = Path(__file__).parents[2] / "conf"


def bind(graph, *overrides):
    conf = load_conf(CONF, "local", overrides)
    return bind_parameters(graph, conf.params, conf.origins.told)
