"""What is wrong with a policy is said before any row is decided: file, line and cure."""

import datetime as dt
import re

import pytest

from penstock.document_files import read_documents
from penstock.engine.analysis import plain
from penstock.engine.fingerprint import cause_of
from penstock.errors import ConfigError
from penstock.graphs import lending
from penstock.lending.policy.history import read_history
from penstock.lending.policy.policy import TABLES
from tests.graphs.bound import CONF, bind
from tests.lending.policy.written import POLICY, history_of

FILE = "^conf/policies/0.yaml, line "


def test_a_policy_is_read_in_the_order_its_tables_decide(tmp_path):
    [policy] = history_of(tmp_path, POLICY).versions
    assert (policy.label, policy.effective_from) == ("small 1", dt.date(2025, 1, 1))
    assert [(table.name, table.hit) for table in policy.tables] == [
        ("eligibility", "collect"), ("cut_off", "first"), ("limit", "least"), ("price", "first"),
    ]  # fmt: skip
    assert [rule.name for _, rule in policy.rules] == [
        "young", "staff", "safe", "risky", "half", "most", "rate",
    ]  # fmt: skip
    assert (policy.cut_off, policy.legal_cap) == (0.2, 0.36)


MORE = """\
  refer_band:
    hit: first
    rules:
      - name: small_and_dear
        when: limit_usd < 1000 and interest_rate > 0.2
        outcome: refer
        reason: A small loan at a high price.
  affordability:
    hit: first
    rules:
      - name: poor
        when: income < 1000
        outcome: decline
        reason: The income is low.
"""


def test_tables_decide_in_one_order_whatever_order_they_are_written_in(tmp_path):
    head, tables = (POLICY + MORE).split("tables:\n")
    blocks = re.findall(r"^  \w+:\n(?:    .*\n)+", tables, re.MULTILINE)
    backwards = f"{head}tables:\n{''.join(reversed(blocks))}"
    for place, text in enumerate((POLICY + MORE, backwards)):
        [policy] = history_of(tmp_path / str(place), text).versions
        assert tuple(table.name for table in policy.tables) == TABLES
    # What a later table gives, an earlier one cannot read, wherever it stands.
    early = backwards.replace("income < 1000", "limit_usd < 1000")
    with pytest.raises(ConfigError, match="'limit_usd' is no column or constant"):
        history_of(tmp_path / "early", early)


def test_a_policy_may_set_no_cut_off(tmp_path):
    text = POLICY.replace("cut_off: 0.2\n", "").replace("pd > cut_off", "pd > 0.2")
    [policy] = history_of(tmp_path, text).versions
    assert policy.cut_off is None


# What is changed, to what; the text that begins the line it is told of; what is said.
WRONG = {
    "key": ("cut_off: 0.2", "cutoff: 0.2", "cutoff", "unknown key.* Did you mean 'cut_off'"),
    "key of a rule": ("reason: The risk is low", "reasn: x", "reasn", "Did you mean 'reason'"),
    "table": ("  limit:", "  limits:", "limits", "unknown key 'limits'.* Did you mean 'limit'"),
    "no rules": ("least\n    rules:", "least\n    rulez:", "rulez", "Did you mean 'rules'"),
    "missing": ("outcome: refer\n        ", "", "- name: staff", "outcome missing here. Add it"),
    "column": ("months < 24", "month < 24", "when: month", "when: 'month' is no column.* 'months'"),
    "unread": ("since > 2024-06-30", "months < 3", "since", "no rule reads the column 'since'"),
    "type": ("decimal(12,2)", "decimal", "income", "'decimal' is no type; types are integer, "),
    "type misspelt": ("months: integer", "months: intger", "months", "Did you mean 'integer'"),
    "pd of no type": ("pd: double", "pd: text", "columns", "'pd: double' is missing"),
    "outcome": ("outcome: refer", "outcome: x", "outcome: x", "'x'; of a rule it is one of appr"),
    "outcome misspelt": ("refer", "refuse", "outcome: refuse", "Did you mean 'refer'"),
    "hit": ("hit: least", "hit: collect", "hit: collect\n    rules:\n      - name: half",
            "'collect'; in table limit .* first, unique, least"),
    "date": ("2025-01-01", "soon", "effective", "effective_from is 'soon'; it must be a day"),
    "version": ('"1"', "2025.1", "version", "version is 2025.1; it must be a text, in quotes"),
    "cut-off": ("cut_off: 0.2", "cut_off: 20", "cut_off", "is 20.0; it is a fraction from 0 to 1"),
    "cut-off unread": ("pd > cut_off", "pd > 0.2", "cut_off", "no rule reads cut_off. Write 'pd >"),
    "pd": ("pd <= 0.05", "pd <= 5", "when: pd <=", "pd is a probability from 0 to 1, never 5"),
    "cap": ("0.05 + pd", "0.40", "- name: rate", "the rate 0.4, above the legal cap of 0.36"),
    "cap in parts": ("0.05 + pd", "0.2 + 0.3", "- name: rate", "the rate 0.5, above the legal cap"),
    "price below 0": ("0.05 + pd", "-0.01", "- name: rate", "the rate -0.01, below nothing. Mend"),
    "price of nothing": ("0.05 + pd", "1 / 0", "- name: rate", "no number: it divides by zero"),
    "limit below 0": ("20000", "10.5 - 20", "- name: most", "the limit -9.5, below nothing. Mend"),
    "limit too great": ("20000", "10000000000", "- name: most", r"decimal\(12,2\) cannot hold it"),
    "pd above 1": ("pd <= 0.05", "pd > 1", "- name: safe", "can never hit: .* of no application"),
    "reserved": ("  months:", "  reasons: text\n  months:", "reasons", "cannot be the name of"),
    "no version": ('"1"', '" "', "version", "version is empty. Write it"),
    "no cap": ("legal_cap: 0.36\n", "", "price", "a price needs legal_cap, the highest rate by"),
    "kinds": ("months < 24", 'months < "24"', "when: months", "integer < text: compare values of"),
    "kinds of text": ('purpose = "car"', 'purpose > "car"', "when: is_s", "can be = or != only"),
    "no condition": ("pd <= 0.05", "pd * 2", "when: pd *", "true or false, this is of type doub"),
    "joined": ("months < 24 or", "months or", "when: months", "'or' joins conditions, not values"),
    "reckoned": ("income * 0.5", "purpose * 2", "value: purp", "reckons with numbers, not with ty"),
    "value": ("20000", "is_staff", "value: is_staff", "limit is a number, this is of type boole"),
    "limit": ("income * 0.5", "income / 2", "value: income", "money, exact to the cent.* multiply"),
    "sign": ("months < 24", "months == 24", "when: months", "Equality is one '='"),
    "and": ("is_staff and", "is_staff &", "when: is_s", "expected the end.* '&'. Write 'and'"),
    "null": ("months < 24", "months = null", "when: months", "is no column.* Write 'is missing'"),
    "cut short": ("months < 24 or", "(months < 24 or", "when: (", r"expected '\)'.* found the end"),
    "chained": ("months < 24", "1 < months < 24", "when: 1", "one comparison at a time"),
    "no list": ("months < 24", "months in 24", "when: months", r"expected '\[' .* found '24'"),
    "column in a list": ("months < 24", "months in [months]", "when: months", "constants only"),
    "no day": ("2024-06-30", "2024-06-31", "when: months", "2024-06-31 is no day of the calendar"),
    "per cent": ("0.05 + pd", "5% + pd", "value: 5%", "found '%'. Write a fraction"),
    "named twice": ("name: staff", "name: young", "name: young\n        when: is", "see .* 17"),
    "contradiction": ("< 24 or", "< 24 and months > 30 and", "- name: young", "can never hit"),
    "unreachable": ("pd <= 0.05", "pd >= 0.1", "- name: risky", "reached: rule 'safe' before it"),
    "unreachable by two": (
        "pd > cut_off\n", "pd <= cut_off\n        outcome: decline\n        reason: x\n"
        "      - name: last\n        when: pd > 0.01 and pd < 0.1\n", "- name: last",
        "'last' can never be reached: rule 'risky' before it hits",
    ),
    "until": ("legal", "effective_until: 2024-01-01\nlegal", "effective_until", "before effective"),
    "type of no text": ("decimal(12,2)", "[1]", "income", r"\[1\] is no type; types are"),
    "empty": ("The risk is low.", '""', 'reason: ""', "reason is empty. Write it"),
    "no map": (POLICY, "[1]", "[1]", r"a policy is \[1\]; it must be a map of keys to values"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_file_line_and_cure(tmp_path, case):
    before, after, told, message = WRONG[case]
    text = POLICY.replace(before, after, 1)
    assert before in POLICY and told in text
    with pytest.raises(ConfigError, match=f"{FILE}{line_of(told, text)}: .*{message}"):
        history_of(tmp_path, text)


def line_of(beginning, text):
    return 1 + text[: text.index(beginning)].count("\n")


UNIQUE = POLICY.replace("hit: first", "hit: unique", 1)


def test_rules_of_a_unique_table_that_overlap_and_differ_are_refused_with_an_example(tmp_path):
    history_of(tmp_path, UNIQUE)
    overlapping = UNIQUE.replace("pd <= 0.05", "pd <= 0.25")
    line = line_of("- name: risky", overlapping)
    with pytest.raises(
        ConfigError, match=f"{FILE}{line}: rules 'safe' and 'risky'.* both hit at pd = 0.2.* Part"
    ):
        history_of(tmp_path, overlapping)
    # Two that agree may overlap, and what depends on arithmetic is left to the data.
    history_of(tmp_path, overlapping.replace("outcome: approve", "outcome: decline"))
    history_of(tmp_path, UNIQUE.replace("pd <= 0.05", "pd * 2 <= 0.5"))


def version(number, begins, ends=None):
    until = f"\neffective_until: {ends}" if ends else ""
    text = POLICY.replace('"1"', f'"{number}"')
    return text.replace("effective_from: 2025-01-01", f"effective_from: {begins}{until}")


def test_the_version_in_force_on_a_day_decides(tmp_path):
    history = history_of(
        tmp_path, version(2, "2025-01-01"), version(1, "2023-01-01", "2024-12-31")
    )  # a file's name does not matter
    days = {"2023-01-01": "1", "2024-12-31": "1", "2025-01-01": "2", "2030-01-01": "2"}
    assert {day: history.in_force(dt.date.fromisoformat(day)).version for day in days} == days
    with pytest.raises(ConfigError, match="no version .* on 2022-12-31; the first one begins on"):
        history.in_force(dt.date(2022, 12, 31))
    ended = history_of(tmp_path / "ended", version(1, "2023-01-01", "2024-12-31"))
    with pytest.raises(ConfigError, match="no version .* 2025-01-01; the last one ended on 2024"):
        ended.in_force(dt.date(2025, 1, 1))


@pytest.mark.parametrize(
    ("later", "message"),
    [
        (version(2, "2025-01-02"), "line 3: no version .* after 2024-12-31 and before 2025-01-02"),
        (version(2, "2024-12-31"), "line 3: version 2 begins on 2024-12-31, but 1 ends on 2024"),
        (version(2, "2023-01-01"), "line 3: versions 1 and 2 both begin on 2023-01-01"),
        (version(1, "2025-01-01"), "line 2: version 1 stands twice"),
        (version(2, "2025-01-01").replace("small", "big"), "line 1: 'big' lies beside 'small'"),
    ],
)
def test_versions_that_do_not_follow_each_other_are_refused(tmp_path, later, message):
    with pytest.raises(ConfigError, match=f"conf/policies/1.yaml, {message}"):
        history_of(tmp_path, version(1, "2023-01-01", "2024-12-31"), later)


def test_what_changed_in_a_policy_is_the_cause_of_a_run(tmp_path):
    def parts(text):
        return {"parameter policy": plain(history_of(tmp_path, text))}

    before = parts(POLICY)
    assert cause_of(before, parts(POLICY.replace("cut_off: 0.2", "cut_off: 0.3")), {}, {}) == (
        "parameter policy …t_off': 0.2, 'effective_from': '2025-0… -> "
        "…t_off': 0.3, 'effective_from': '2025-0…"
    )
    safe, rest = "- name: safe\n", "        when: pd <= 0.05\n"
    layout = POLICY.replace(safe + rest, f"- {rest.strip()}\n        name: safe\n")
    assert layout != POLICY and parts(f"# A comment.\n{layout}") == before


def test_a_parameter_that_names_no_policy_is_refused_by_its_key_before_spark_starts():
    # Though other nodes, which come first, refer to it.
    said = (
        r"^--set params\.decide\.policy=consumer: params\.decide\.policy is 'consumer'; it must be"
    )
    with pytest.raises(ConfigError, match=said):
        bind(lending.GRAPH, "params.decide.policy=consumer")
    bound = bind(lending.GRAPH)
    assert bound["decide"]["policy"] == bound["decide_by_both"]["other"]


def test_the_policies_of_conf_can_be_read():
    history = read_history(read_documents("base/policies/consumer", CONF))
    assert [policy.label for policy in history.versions] == ["consumer 2024", "consumer 2025"]
