"""Tables of evidence as tests read them."""

import pandas


def shown(evidence, name):
    """Return a table of evidence as a pandas frame."""
    table = evidence.tables[name]
    return pandas.DataFrame(table.rows, columns=table.columns)
