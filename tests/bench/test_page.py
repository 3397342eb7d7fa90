from bench.page import page, with_section
from bench.result import Figure, Result

MACHINE = {"cores": 2, "memory_gb": 8, "system": "Linux", "python": "3.11", "pyspark": "4.2"}


def result(value):
    return Result((Figure("run_s", value, "a run", at_most=2),), ("once",))


def test_one_bench_writes_its_own_section_anew_and_no_other():
    both = {"engine": result(1), "training": result(2)}
    before = page(both, MACHINE)
    assert with_section(before, "engine", result(3)) == page(both | {"engine": result(3)}, MACHINE)
    more = with_section(before, "foundation", result(4))
    assert more.index("## engine") < more.index("## foundation") < more.index("## training")
    assert "| `run_s` | 4 | <= 2, MISSED | a run |" in more


def test_a_part_of_a_bench_leaves_the_other_rows_of_its_section_in_their_places():
    def of(value, *names):
        return tuple(Figure(name, value, name) for name in names)

    whole = Result((*of(1, "small_s", "large_s"), *of(1, "last")), ("all",))
    part = Result((*of(2, "large_s"), *of(2, "new")), ("some",), is_part=True)
    found = with_section(page({"engine": whole}, MACHINE), "engine", part)
    last = Result((*of(1, "small_s"), *of(2, "large_s"), *of(1, "last"), *of(2, "new")), ("some",))
    assert found == page({"engine": last}, MACHINE)
    assert with_section(found, "engine", whole) == page({"engine": whole}, MACHINE)
