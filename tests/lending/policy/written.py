"""Policies as a person writes them, for the tests of what is read and refused."""

from pathlib import Path

from penstock.document_files import read_documents
from penstock.documents import Documents
from penstock.lending.policy.history import PolicyHistory, read_history

POLICY = """\
policy: small
version: "1"
effective_from: 2025-01-01
legal_cap: 0.36
cut_off: 0.2
columns:
  pd: double
  income: decimal(12,2)
  months: integer
  purpose: text
  is_staff: boolean
  since: date
tables:
  eligibility:
    hit: collect
    rules:
      - name: young
        when: months < 24 or since > 2024-06-30
        outcome: decline
        reason: The history is short.
      - name: staff
        when: is_staff and purpose = "car"
        outcome: refer
        reason: Our own people.
  cut_off:
    hit: first
    rules:
      - name: safe
        when: pd <= 0.05
        outcome: approve
        reason: The risk is low.
      - name: risky
        when: pd > cut_off
        outcome: decline
        reason: The risk is high.
  limit:
    hit: least
    rules:
      - name: half
        value: income * 0.5
        reason: Half of the income.
      - name: most
        value: 20000
        reason: The most we lend.
  price:
    hit: first
    rules:
      - name: rate
        value: 0.05 + pd
        reason: The risk and the margin.
"""


def files_of(folder: Path, *texts: str) -> Documents:
    """Write policies below a folder conf/, and read the folder."""
    place = folder / "conf" / "policies"
    place.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts):
        (place / f"{number}.yaml").write_text(text)
    return read_documents("policies", folder / "conf")


def history_of(folder: Path, *texts: str) -> PolicyHistory:
    return read_history(files_of(folder, *texts))
