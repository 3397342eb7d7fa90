"""A table stored as the output of a node that stands alone."""

from penstock.conf import DeltaConf
from penstock.engine.graph import Graph
from penstock.engine.nodes import Transform
from penstock.engine.storing import store
from penstock.engine.workbench import Workbench
from penstock.store.catalog import Catalog
from penstock.store.home import Home


def clean(raw):
    return raw


def store_under(contract, table, folder):
    """Store a table as the output 'loans', and return what the engine tells and its workbench."""
    home = Home(folder)
    home.prepare()
    node = Transform(clean, "raw", "loans")
    tables = {name: DeltaConf() for name in ("loans", *filter(None, [contract.quarantine]))}
    graph = Graph("levels", (node,), contracts={"loans": contract})
    catalog = Catalog(tables, home, str(home.tables))
    bench = Workbench(table.sparkSession, graph, {}, catalog, None, "run-1", {}, {})
    return store(node, "loans", table, bench), bench
