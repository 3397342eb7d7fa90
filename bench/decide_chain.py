"""The stages of the lending graph from cleaned applications to decision records, one by one."""

import datetime as dt
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from penstock.binding import bind_parameters
from penstock.conf import load_conf
from penstock.graphs.lending import GRAPH
from penstock.job import PROJECT
from penstock.learn.fractional.models import fractional_lgd
from penstock.learn.logistic import logistic_pd
from penstock.learn.reasons.declines import decline_reasons
from penstock.lending.cases import gather_cases
from penstock.lending.cleaning import clean_applications, clean_loans
from penstock.lending.counterfactuals import COUNTERFACTUAL_COLUMNS
from penstock.lending.decision_records import (
    choose_offers,
    hash_inputs,
    record_decisions,
    select_declined,
)
from penstock.lending.features import add_features
from penstock.lending.labels import label_defaults
from penstock.lending.offers import make_offers
from penstock.lending.overrides import no_overrides, read_overrides
from penstock.lending.policy.decide import decide
from penstock.lending.realised_lgd import list_defaults
from penstock.lending.samples import split_by_issue_date
from penstock.lending.scores import present_scores
from penstock.lending.unreadable import list_unreadable
from penstock.synthetic.book import generate_applications, generate_book


class Chain:
    """Models of the embedded book, and the chain that decides by them on tables of a folder."""

    def __init__(self, spark: SparkSession, folder: Path, *, loans: int, applications: int) -> None:
        self.spark, self.folder = spark, folder
        self.params = p = bind_parameters(GRAPH, load_conf(PROJECT / "conf", "local", []).params)
        unspoilt = {"malformed_share": 0.0}  # nobody puts the others aside here
        book = p["generate_book"] | unspoilt | {"duplicate_share": 0.0}
        raw_loans, _, _ = generate_book(spark.range(loans), **book)
        self.loans = self.stored("loans", clean_loans(raw_loans, **p["clean_loans"]))
        self.labelled = label_defaults(self.loans, **p["label_defaults"])
        split = split_by_issue_date(
            add_features(self.labelled, **p["add_features"]), **p["split_by_issue_date"]
        )
        train = self.stored("train", split[0])
        self.pd_model = logistic_pd(**p["logistic_pd"]).fit(train)
        reasons = decline_reasons(**p["lending_reasons"])
        reasons.begin_from(self.pd_model)
        self.reasons_model = reasons.fit(train)
        defaults = list_defaults(self.loans, **p["list_defaults"])
        self.lgd_model = fractional_lgd(**p["fractional_lgd"]).fit(
            self.stored("defaults", add_features(defaults, **p["add_features"]))
        )
        asked = p["generate_applications"] | unspoilt
        raw, _ = generate_applications(spark.range(applications), **asked)
        self.applications = self.stored(
            "applications", clean_applications(raw, **p["clean_applications"])
        )

        self.unreadable = self.stored(
            "unreadable", list_unreadable(raw, self.applications, **p["list_unreadable"])
        )

    def warm_up(self, applications: int) -> None:
        """Score and decide on some of the applications."""
        everybody = self.applications
        self.applications = self.stored("some", everybody.limit(applications))
        self.score()
        self.run()
        self.applications = everybody

    def score(self) -> None:
        """Score, and write to nowhere."""
        scored = self.pd_model.transform(self._features()).select("application_id", "pd")
        scored.write.format("noop").mode("overwrite").save()

    def run(self) -> None:
        """Go from applications to decision records."""
        p, asked = self.params, self.applications
        scored = self.pd_model.transform(self._features()).withColumn(
            "model_version", F.lit("pd/1")
        )
        scores = self.stored("scores", present_scores(scored, **p["present_scores"]))
        assessed = self.lgd_model.transform(scored)
        offers = self.stored("offers", make_offers(assessed, asked, **p["make_offers"]))
        cases = self.stored("cases", gather_cases(asked, scores, **p["gather_cases"]))
        overrides = read_overrides(no_overrides(asked), asked, self.unreadable)
        decided = decide(cases, self.unreadable, overrides, **p["decide"])
        decisions = self.stored("decisions", decided)
        declined = select_declined(decisions, self._features(), **p["select_declined"])
        explained = self.reasons_model.transform(declined).withColumn(
            "model_version", F.lit("reasons/1")
        )
        chosen = choose_offers(decisions, offers, **p["choose_offers"])
        # What declines could have asked for is no part of this chain.
        no_changes = self.spark.createDataFrame([], COUNTERFACTUAL_COLUMNS)
        hashes = hash_inputs(cases, self.unreadable)
        records = record_decisions(decisions, hashes, explained, no_changes, chosen)
        self.stored("records", records)

    def decisions(self) -> str:
        """Return how many applications were decided how."""
        records = self.spark.read.parquet(str(self.folder / "records"))
        rows = records.groupBy("decision").count().orderBy("decision").collect()
        return ", ".join(f"{row['count']:,} {row.decision}" for row in rows)

    @property
    def last_reporting_date(self) -> dt.date:
        """The last day that the book is drawn up of."""
        day: dt.date = self.params["list_exposures"]["outlooks"][-1]["reporting_date"]
        return day

    def _features(self) -> DataFrame:
        return add_features(self.applications, **self.params["add_features"])

    def stored(self, name: str, table: DataFrame) -> DataFrame:
        """Write a table of the folder and return it as it is read from there."""
        path = str(self.folder / name)
        table.write.mode("overwrite").parquet(path)
        return self.spark.read.parquet(path)
