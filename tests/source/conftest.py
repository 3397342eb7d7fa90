"""Modules of a test's own, written and imported."""

import importlib
import sys

import pytest

from penstock.source.closure import source_of


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Write modules into a folder of their own, import them, and return the first."""
    count = 0

    def load_modules(**sources):
        nonlocal count
        count += 1
        folder = tmp_path / str(count)
        folder.mkdir()
        for name, source in sources.items():
            (folder / f"{name}.py").write_text(source)
            monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.syspath_prepend(folder)
        importlib.invalidate_caches()
        return importlib.import_module(next(iter(sources)))

    return load_modules


@pytest.fixture
def one(load):
    """Return what `f` of a module with this source reaches."""
    return lambda source: source_of(load(one=source).f)
