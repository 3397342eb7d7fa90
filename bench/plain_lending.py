"""The lending process as one plain PySpark script: the same stages, written by hand.

What the engine's overhead is measured against. It calls the same stage functions, holds the rows
against the same rules, writes the same Delta tables and saves the model to MLflow, one step after
the other. It has no plan, no release, no record and no way to go on after a failure.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from penstock.engine.checking import check_rows
from penstock.evidence import Evidence
from penstock.graphs.lending_contracts import CONTRACTS
from penstock.learn.fractional.explain import explain_fractional
from penstock.learn.fractional.models import fractional_lgd
from penstock.learn.logistic import explain_pd, logistic_pd
from penstock.learn.protected import read_protected
from penstock.learn.reasons.declines import decline_reasons
from penstock.learn.reject_effect import show_reject_inference
from penstock.lending.allowance_walk import walk_allowance
from penstock.lending.audited import list_audited
from penstock.lending.candidates import list_candidates, list_portfolio
from penstock.lending.capital import add_capital
from penstock.lending.cases import gather_cases, gather_judged_cases
from penstock.lending.cleaning import clean_applications, clean_loans
from penstock.lending.counterfactuals import (
    find_counterfactuals,
    select_approved,
    vary_declines,
)
from penstock.lending.credit_loss import add_credit_loss
from penstock.lending.decision_records import (
    choose_offers,
    hash_inputs,
    record_decisions,
    select_declined,
)
from penstock.lending.default_timing import estimate_default_timing
from penstock.lending.exposures import list_exposures
from penstock.lending.features import add_features
from penstock.lending.judged_value import value_loans
from penstock.lending.labels import label_defaults
from penstock.lending.offers import make_offers
from penstock.lending.overrides import no_overrides, read_overrides
from penstock.lending.policy.decide import decide, decide_by_policy
from penstock.lending.policy.hits import count_hits
from penstock.lending.policy.what_if import compare_decisions, decide_by_both
from penstock.lending.realised_lgd import list_defaults
from penstock.lending.rejects import add_rejects, no_rejects
from penstock.lending.samples import select_calibration, split_by_issue_date, split_defaults
from penstock.lending.scores import present_scores
from penstock.lending.staging import add_stage
from penstock.lending.unreadable import list_unreadable
from penstock.measure.backtest import backtest_policies
from penstock.measure.evaluation import evaluate_pd
from penstock.measure.gate import lgd_gate, pd_gate
from penstock.measure.offer_audit import audit_offers
from penstock.measure.provisions import report_provisions
from penstock.measure.ratio_evaluation import evaluate_lgd
from penstock.measure.strategy import compare_strategies
from penstock.portfolio.losses import measure_losses
from penstock.portfolio.optimise import no_start_prices, optimise
from penstock.portfolio.verdict import audit_portfolio, portfolio_gate
from penstock.store.home import write_json
from penstock.synthetic.book import generate_applications, generate_book


class PdAndLgd(NamedTuple):
    """The two models that offers are made by."""

    pd: PipelineModel
    lgd: PipelineModel


class PlainLending:
    """One run of the script on a folder of its own."""

    def __init__(self, spark: SparkSession, folder: Path, params: Mapping[str, Any]) -> None:
        self.spark, self.folder = spark, folder
        self.params = params

    def run(self, loans: int, applications: int) -> None:
        """Go from raw loans to decisions, provisions and the portfolio."""
        p = self.params
        mlflow.set_tracking_uri(f"sqlite:///{self.folder}/mlflow.db")
        mlflow.set_registry_uri(f"sqlite:///{self.folder}/mlflow.db")
        book = generate_book(self.spark.range(loans), **p["generate_book"])
        raw_loans, _, _ = map(self.save, ("raw_loans", "raw_payments", "true_risk"), book)
        asked = generate_applications(self.spark.range(applications), **p["generate_applications"])
        raw_asked, _ = map(self.save, ("raw_applications", "true_application_risk"), asked)
        cleaned = self.save("loans", clean_loans(raw_loans, **p["clean_loans"]))
        labelled = label_defaults(cleaned, **p["label_defaults"])
        features = add_features(labelled, **p["add_features"])
        split = split_by_issue_date(features, **p["split_by_issue_date"])
        rejects = clean_applications(no_rejects(raw_asked), **p["clean_rejects"])
        of_rejects = add_features(self.save("rejects", rejects), **p["add_features"])
        sample = add_rejects(split[0], of_rejects, **p["add_rejects"])
        train, test = map(self.save, ("train", "test"), (sample, split[1]))
        if mlflow.get_experiment_by_name("plain") is None:  # else its models go to this folder
            mlflow.create_experiment("plain", f"{self.folder}/artifacts")
        mlflow.set_experiment("plain")
        model = self.fit_pd(train, test)
        with mlflow.start_run():
            unfitted = decline_reasons(**p["lending_reasons"])
            unfitted.begin_from(model)
            self.log_model("plain_reasons", reason_model := unfitted.fit(train), train)
        lgd_model = self.fit_lgd(cleaned)
        judged = _named(lgd_model.transform(self.read("test_scores")), "plain_pd/1")
        last = lgd_model.transform(model.transform(select_calibration(train)))
        self.value_strategies(judged, last, cleaned)
        self.assess(cleaned, labelled, model, lgd_model)
        readable = self.save(
            "applications", clean_applications(raw_asked, **p["clean_applications"])
        )
        self.save(
            "unreadable_applications",
            list_unreadable(raw_asked, readable, **p["list_unreadable"]),
        )
        asked_features = add_features(readable, **p["add_features"])
        asked_pd = _named(model.transform(asked_features), "plain_pd/1")
        scores = self.save("scores", present_scores(asked_pd, **p["present_scores"]))
        offers = make_offers(lgd_model.transform(asked_pd), readable, **p["make_offers"])
        self.save("loan_offers", offers)
        models = PdAndLgd(model, lgd_model)
        self.decide(readable, asked_features, scores, reason_model, models)
        self.choose_portfolio(readable)

    def fit_pd(self, train: DataFrame, test: DataFrame) -> PipelineModel:
        """Fit, judge and save the PD model."""
        p = self.params
        model = logistic_pd(**p["logistic_pd"]).fit(train)
        with mlflow.start_run():
            self.log_model("plain_pd", model, train)
            scored = self.save("test_scores", model.transform(test))
            self.report("report", evaluated := evaluate_pd(scored, **p["evaluate_pd"]))
            self.report("coefficients", explain_pd(model))
            effect = show_reject_inference(train, test, model, **p["show_reject_inference"])
            self.report("rejects", effect)
            if faults := pd_gate(evaluated, **p["pd_gate"]):
                raise SystemExit("; ".join(faults))
        return model

    def fit_lgd(self, loans: DataFrame) -> PipelineModel:
        """Fit, judge and save the LGD model."""
        p = self.params
        defaults = self.save("defaults", list_defaults(loans, **p["list_defaults"]))
        features = add_features(defaults, **p["add_features"])
        split = split_defaults(features, **p["split_defaults"])
        train, test = map(self.save, ("lgd_train", "lgd_test"), split)
        model = fractional_lgd(**p["fractional_lgd"]).fit(train)
        with mlflow.start_run():
            self.log_model("plain_lgd", model, train)
            scored = self.save("lgd_test_scores", model.transform(test))
            evaluated = evaluate_lgd(scored, train, **p["evaluate_lgd"])
            self.report("lgd_report", evaluated)
            self.report("lgd_coefficients", explain_fractional(model))
            if reasons := lgd_gate(evaluated, **p["lgd_gate"]):
                raise SystemExit("; ".join(reasons))
        return model

    def value_strategies(self, judged: DataFrame, earlier: DataFrame, loans: DataFrame) -> None:
        """Value judged and earlier loans, and compare what rules and policies would have earned."""
        p = self.params
        lgd_train = self.read("lgd_train")
        valued = self.save(
            "valued_loans", value_loans(judged, loans, lgd_train, **p["value_loans"])
        )
        before = value_loans(earlier, loans, lgd_train, **p["value_loans"])
        cases = gather_judged_cases(judged, loans, **p["gather_judged_cases"])
        decided = self.save("judged_decisions", decide_by_both(cases, **p["decide_on_judged"]))
        with mlflow.start_run():
            compared = compare_strategies(valued, before, **p["compare_strategies"])
            self.report("strategy_report", compared)
            backtest = backtest_policies(decided, valued, **p["backtest_policies"])
            self.report("policy_backtest", backtest)

    def decide(
        self,
        applications: DataFrame,
        features: DataFrame,
        scores: DataFrame,
        reasons: PipelineModel,
        models: PdAndLgd,
    ) -> None:
        """Decide on the applications, record why, report the policy's hits, and audit groups."""
        p = self.params
        unreadable = self.read("unreadable_applications")
        raw_overrides = no_overrides(applications, **p["no_overrides"])
        overrides = self.save(
            "overrides",
            read_overrides(raw_overrides, applications, unreadable, **p["read_overrides"]),
        )
        cases = self.save("cases", gather_cases(applications, scores, **p["gather_cases"]))
        decisions = self.save("decisions", decide(cases, unreadable, overrides, **p["decide"]))
        declined = select_declined(decisions, features, **p["select_declined"])
        explained = _named(reasons.transform(declined), "plain_reasons/1")
        changes = self.find_counterfactuals(decisions, applications, models)
        chosen = choose_offers(decisions, self.read("loan_offers"), **p["choose_offers"])
        hashes = hash_inputs(cases, unreadable)
        records = self.save(
            "decision_records", record_decisions(decisions, hashes, explained, changes, chosen)
        )
        by_both = decide_by_both(cases, **p["decide_by_both"])
        with mlflow.start_run():
            self.report("policy_report", count_hits(cases, **p["count_hits"]))
            self.report("policy_comparison", compare_decisions(by_both, **p["compare_decisions"]))
            audited = list_audited(records, **p["list_audited"])
            attributes = read_protected(applications, **p["read_attributes"])
            self.report("offer_audit", audit_offers(audited, attributes, **p["audit_offers"]))

    def find_counterfactuals(
        self,
        decisions: DataFrame,
        applications: DataFrame,
        models: PdAndLgd,
    ) -> DataFrame:
        """Decide on what declined applicants could have asked for instead."""
        p = self.params
        variants = vary_declines(decisions, applications, **p["vary_declines"])
        features = add_features(variants, **p["add_features"])
        scored = _named(models.pd.transform(features), "plain_pd/1")
        cases = gather_cases(variants, scored, **p["gather_cases"])
        by_policy = decide_by_policy(cases, **p["decide_on_variants"])
        decided = self.save("variant_decisions", by_policy)
        approved = select_approved(features, variants, decided)
        assessed = models.lgd.transform(models.pd.transform(approved))
        offers = make_offers(assessed, approved, **p["make_offers"])
        stored = self.save("variant_offers", offers)
        chosen = choose_offers(decided, stored, **p["choose_offers"])
        return self.save("counterfactuals", find_counterfactuals(variants, chosen))

    def choose_portfolio(self, applications: DataFrame) -> None:
        """Choose which offers to make, audit the choice and measure its losses."""
        p = self.params
        offers, decisions = self.read("loan_offers"), self.read("decisions")
        candidates = self.save(
            "candidates", list_candidates(offers, decisions, applications, **p["list_candidates"])
        )
        *found, proof = optimise(candidates, no_start_prices(candidates), **p["optimise"])
        names = (
            "portfolio_plan", "limit_prices", "frontier", "bid_prices", "optimality_certificate",
        )  # fmt: skip
        plan, *_ = map(self.save, names, found)
        chosen = self.save("portfolio", list_portfolio(plan, offers, candidates))
        with mlflow.start_run():
            self.report("portfolio_certificate", proof)
            audit = audit_portfolio(candidates, plan, **p["audit_portfolio"])
            self.report("portfolio_audit", audit)
            self.report("portfolio_losses", measure_losses(chosen, **p["measure_losses"]))
        if faults := portfolio_gate(proof, audit, **p["portfolio_gate"]):
            raise SystemExit("; ".join(faults))

    def assess(
        self, loans: DataFrame, labelled: DataFrame, pd: PipelineModel, lgd: PipelineModel
    ) -> None:
        """Set the provisions of the book, and report them."""
        p = self.params
        timing = self.save(
            "default_timing", estimate_default_timing(labelled, **p["estimate_default_timing"])
        )
        exposures = self.save("exposures", list_exposures(loans, **p["list_exposures"]))
        risk = lgd.transform(pd.transform(add_features(loans, **p["add_features"])))
        losses = add_credit_loss(exposures, risk, timing, **p["add_credit_loss"])
        staged = add_stage(losses, **p["add_stage"])
        provisions = self.save("provisions", add_capital(staged, **p["add_capital"]))
        walk = self.save("allowance_walk", walk_allowance(provisions, **p["walk_allowance"]))
        with mlflow.start_run():
            self.report("provision_report", report_provisions(provisions, walk))

    def log_model(self, name: str, model: PipelineModel, train: DataFrame) -> None:
        """Log and register a fitted model."""
        mlflow.spark.log_model(
            model,
            artifact_path="model",
            dfs_tmpdir=str(self.folder / "scratch"),
            signature=mlflow.models.infer_signature(train, model.transform(train)),
            pip_requirements=["pyspark"],
            registered_model_name=name,
        )

    def report(self, name: str, evidence: Evidence) -> None:
        """Keep evidence as JSON, and its metrics with the MLflow run."""
        write_json(self.folder / f"{name}.json", asdict(evidence))
        mlflow.log_metrics({k: v for k, v in evidence.metrics.items() if v is not None})

    def save(self, name: str, table: DataFrame) -> DataFrame:
        """Write a table and its quarantine, and return it as it was written."""
        contract = CONTRACTS.get(name)
        if contract:
            checked = check_rows(table, contract)
            self.write(name, checked.good)
            if checked.counts().at["quarantine"]:
                self.write(contract.quarantine, checked.rows_at("quarantine"))
        else:
            self.write(name, table)
        return self.read(name)

    def read(self, name: str) -> DataFrame:
        """Return a table as it was written."""
        return self.spark.read.format("delta").load(str(self.folder / name))

    def write(self, name: str, table: DataFrame) -> None:
        """Write one Delta table over what was there."""
        writer = table.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        writer.save(str(self.folder / name))


def _named(scored: DataFrame, version: str) -> DataFrame:
    return scored.withColumn("model_version", F.lit(version))
