from pathlib import Path

import penstock.engine


def test_no_module_of_the_engine_is_longer_than_300_lines():
    modules = Path(penstock.engine.__file__).parent.glob("*.py")
    lengths = {path.name: len(path.read_text().splitlines()) for path in modules}
    assert len(lengths) > 10
    assert {name for name, lines in lengths.items() if lines > 300} == set()
