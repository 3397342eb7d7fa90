"""What the pages say is there."""

import re
from pathlib import Path

import pytest
import yaml

from penstock.job import prepare_job

PROJECT = Path(__file__).parents[1]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_jobs_files_and_links_that_a_page_names_exist(page):
    text = page.read_text(encoding="utf-8")
    # Files that a page has its reader write.
    made = re.findall(r"`([\w./]+)`:\n\n```python", text)
    tests = "\n".join(file.read_text() for file in (PROJECT / "tests").rglob("test_*.py"))
    missing = [name for name in re.findall(r"`(test_\w+)`", text) if f"def {name}(" not in tests]
    missing += [
        job for job in re.findall(r"spark-submit\.sh +([a-z]+)", text)
        if not (PROJECT / "jobs" / f"{job}.py").is_file()
    ]  # fmt: skip
    missing += [
        link for link in re.findall(r"\]\(([^)]+)\)", text) if not (page.parent / link).exists()
    ]
    missing += [
        path for path in re.findall(r"`((?:tests|lib|conf|docs)/[\w./-]+)`", text)
        if not (PROJECT / path).exists() and path not in made
    ]  # fmt: skip
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_parameters_that_a_page_names_are_there(page):
    params = yaml.safe_load((PROJECT / "conf/base/params.yaml").read_text())
    named = re.findall(r"`(?:params\.)?(\w+)\.(\w+)", page.read_text(encoding="utf-8"))
    sections = {name: keys for name, keys in params.items() if isinstance(keys, dict)}
    assert [(s, key) for s, key in named if s in sections and key not in sections[s]] == []


def settings_in(page):
    """Return what each block of configuration on a page sets, as `--set` takes it."""
    catalog = yaml.safe_load((PROJECT / "conf/base/catalog.yaml").read_text())
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    blocks = map(yaml.safe_load, re.findall(r"\n```yaml\n(.*?)\n```", text, re.DOTALL))
    return [
        [
            f"{'catalog' if section in catalog else 'params'}.{section}="
            + yaml.safe_dump(values, default_flow_style=True, width=10_000).strip()
            for section, values in block.items()
        ]
        for block in blocks
    ]


@pytest.mark.parametrize("page", ["scorecard.md", "challenger.md"])
def test_what_a_page_has_its_reader_write_is_known_and_of_its_types(page):
    blocks = settings_in(page)
    assert blocks
    for settings in blocks:
        words = [word for setting in settings for word in ("--set", setting)]
        prepare_job("plan", ["--graph", "scorecard", *words])


def test_figures_that_a_page_names_are_measured():
    benches = "".join(file.read_text() for file in (PROJECT / "bench").glob("*.py"))
    [table] = re.findall(r"\n## Figures\n(.*)", (PROJECT / "docs/engine.md").read_text(), re.DOTALL)
    assert [n for n in re.findall(r"`(\w+)`", table) if f'"{n}"' not in benches] == []


def test_readme_fits_a_screen():
    assert len((PROJECT / "README.md").read_text().splitlines()) <= 50
