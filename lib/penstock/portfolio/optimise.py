"""The node: from offers and limits to a plan, its certificate, prices and frontier."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from functools import reduce
from operator import and_

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.annotations import Share
from penstock.errors import DataError
from penstock.evidence import Evidence
from penstock.portfolio.bid_prices import BID_PRICE_COLUMNS, bid_price_rows
from penstock.portfolio.blocks import Blocks
from penstock.portfolio.certificate import Certified, certificate
from penstock.portfolio.certificate_table import CERTIFICATE_COLUMNS, certificate_row
from penstock.portfolio.charges import charges_of
from penstock.portfolio.choice import MILLION, Floats
from penstock.portfolio.conflict_audit import left_by_sql
from penstock.portfolio.factors import Factors
from penstock.portfolio.feasibility import Conflict, find_conflict, needs_offers, seems_possible
from penstock.portfolio.frontier import (
    FRONTIER_COLUMNS,
    Frontier,
    Point,
    check_frontiers,
    frontier,
)
from penstock.portfolio.limits import Limit, Parity, check_limits, compile_rows
from penstock.portfolio.measuring import (
    Measured,
    amount_of,
    applicants_by,
    in_millionths,
    measure_offers,
)
from penstock.portfolio.passes import InMemory, Passes
from penstock.portfolio.problem import Problem
from penstock.portfolio.searching import SAMPLE, Search
from penstock.portfolio.solution import Solution
from penstock.portfolio.tail_limits import TailLimit, check_tail_limits, compile_tails
from penstock.portfolio.tail_search import Solved, solve_within_tails
from penstock.portfolio.wishes import Wishes

PLAN_COLUMNS = """
    application_id STRING COMMENT 'key',
    offer INT COMMENT 'number of the offer to make; null: none',
    profit DOUBLE COMMENT 'of the offer, in the unit of profit; null: no offer',
    worth DOUBLE COMMENT 'profit less the prices of all that the offer uses; 0: no offer',
    second_offer INT COMMENT 'what comes next; null: no offer',
    margin DOUBLE COMMENT 'worth above that; below 0: for whole offers to fill a limit; null: no
        offer can be made',
    charges ARRAY<STRUCT<limit: STRING, used: DOUBLE, price: DOUBLE, cost: DOUBLE>>
        COMMENT 'what the offer uses of each limit that has a price, in the limit''s unit'"""
_CHOICE = "choice of the plan"
PRICE_COLUMNS = """
    limit STRING COMMENT 'key, with sense',
    sense STRING COMMENT 'at most, or at least',
    bound DOUBLE COMMENT 'in the unit of the measure; of a limit per a measure the ratio',
    used DOUBLE COMMENT 'by the plan, in the same; null: nothing to relate to, or no plan',
    price DOUBLE COMMENT 'profit for one more unit of the measure; of at least: for one less'"""
START_COLUMNS = """
    limit STRING COMMENT 'key',
    price DOUBLE COMMENT 'profit for one more unit of the measure'"""


def no_start_prices(candidates: DataFrame) -> DataFrame:
    """Return no price to begin at (`START_COLUMNS`); where the catalog names none, all begin at 0.

    Args:
        candidates: Needs `application_id`.
    """
    nobody = candidates.where(F.length("application_id") < 0)
    return nobody.select(
        F.lit(None).cast("string").alias("limit"), F.lit(None).cast("double").alias("price")
    )


def optimise(
    candidates: DataFrame,
    start_prices: DataFrame,
    *,
    profit: str,
    limits: list[Limit],
    parities: list[Parity],
    tail_limits: list[TailLimit],
    factors: Factors,
    tolerance: Share,
    frontiers: list[Frontier],
) -> tuple[DataFrame, DataFrame, DataFrame, DataFrame, DataFrame, Evidence]:
    """Choose at most one offer for each applicant so that profit is greatest within limits.

    Args:
        candidates: One row per `application_id` STRING and `offer` INT, with profit, measures (at
            least 0, to six decimals) and attributes. An offer without a profit cannot be made.
        start_prices: Where the search begins: `START_COLUMNS`, as of the last plan; maybe no row.
            A limit that it does not name begins at 0, one that there is no more is passed over.
        profit: Column whose sum is maximised.
        limits: Caps, floors, shares and averages; soft ones have a penalty.
        parities: Approval rates of groups, reported, and kept where `enforce` says so.
        tail_limits: Caps on the mean loss of the worst scenarios.
        factors: What these are drawn of.
        tolerance: Certified gap at which the search ends.
        frontiers: Limits to be moved.

    Returns:
        The plan (`PLAN_COLUMNS`), one row per applicant; prices of limits (`PRICE_COLUMNS`);
        frontier (`FRONTIER_COLUMNS`); bid prices (`BID_PRICE_COLUMNS`); the certificate's one row
        (`CERTIFICATE_COLUMNS`); and the certificate itself: status, bound, value, gap, use of
        limits, passes. Where no plan was found nobody has an offer.

    Raises:
        ConfigError: A limit is on what the offers have not, or says nothing.
        DataError: A measure is no finite number from 0, or an applicant has an offer twice.
    """
    wishes = Wishes(profit, limits, parities, tail_limits, factors)
    check_limits(profit, limits, parities, candidates.columns)
    check_tail_limits(tail_limits, factors, limits, candidates.columns)
    check_frontiers(frontiers, wishes.bounds)
    _tell_enforced(parities)
    measured = measure_offers(candidates, profit, wishes.measures, wishes.attributes)
    problem = _problem(candidates, wishes, measured)
    blocks = _pack(candidates, wishes, measured)
    if blocks.duplicate is not None:
        blocks.close()
        raise DataError(
            f"Applicant {blocks.duplicate} has an offer with the same number twice. Number the "
            "offers of each applicant apart."
        )
    passes: Passes = blocks
    if blocks.applicants <= SAMPLE:  # then passes over the driver's memory are quicker
        passes = InMemory(blocks.subsample(blocks.applicants), problem.n_cells)
    try:
        begin = _prices_of(start_prices)
        found = solve_within_tails(
            problem,
            passes,
            tolerance,
            lambda cut, start: _solve(cut, passes, tolerance, start, begin),
        )
        points = {} if found.conflict else _frontiers(found, passes, frontiers)
        # The rows of the plan alone are kept; the blocks can go.
        chosen = _chosen(candidates, blocks, found)
        told, solution = found.merged()
        prices = _plan_prices(solution)
        charges = charges_of(limits, wishes.attributes, measured.cells, told, prices)
        plan = _plan(candidates, chosen, wishes.profit, charges).localCheckpoint()
    finally:
        blocks.close()
    spark = candidates.sparkSession
    applicants, approved = plan.agg(F.count(F.lit(1)), F.count("offer")).collect()[0]
    conflict = found.conflict
    left = left_by_sql(candidates, conflict, wishes) if conflict else None
    certified = Certified(limits, told, measured, applicants, approved, solution, conflict, left)
    values = told.values(prices)
    bids = bid_price_rows(wishes.attributes, measured.cells, wishes.measures, values)
    along = [(name, *astuple(point)) for name, each in points.items() for point in each]
    proof = certificate(certified, tolerance, points)
    return (
        plan,
        spark.createDataFrame(certified.price_rows(), PRICE_COLUMNS),
        spark.createDataFrame(along, FRONTIER_COLUMNS),
        spark.createDataFrame(bids, BID_PRICE_COLUMNS),
        spark.createDataFrame([certificate_row(proof)], CERTIFICATE_COLUMNS),
        proof,
    )


def _pack(candidates: DataFrame, wishes: Wishes, measured: Measured) -> Blocks:
    """Pack offers with the number of their cell."""
    numbered = [(*cell, number) for number, cell in enumerate(measured.cells)]
    columns = ", ".join([*(f"`{name}` STRING" for name in wishes.attributes), "cell INT"])
    cells = F.broadcast(candidates.sparkSession.createDataFrame(numbered, columns))
    keyed = candidates.where(F.col(wishes.profit).isNotNull()).select(
        F.col("application_id").alias("key"),
        F.col("offer").alias("number"),
        in_millionths(wishes.profit, wishes.measures).alias("amounts"),
        *(F.col(name).cast("string").alias(name) for name in wishes.attributes),
    )
    is_cell = [keyed[name].eqNullSafe(cells[name]) for name in wishes.attributes]
    in_cells = keyed.join(cells, reduce(and_, is_cell, F.lit(True)))
    packed = in_cells.select("key", "number", "amounts", "cell")
    return Blocks(packed, measured.made, len(measured.cells), 1 + len(wishes.measures))


def _problem(candidates: DataFrame, wishes: Wishes, measured: Measured) -> Problem:
    applicants = {
        parity["attribute"]: applicants_by(candidates, parity["attribute"])
        for parity in wishes.parities
        if parity["enforce"]
    }
    return Problem(
        wishes.measures,
        len(measured.cells),
        compile_rows(wishes.limits, wishes.parities, measured.cells, applicants, wishes.attributes),
        np.array(measured.largest),
        tails=compile_tails(
            wishes.tail_limits,
            wishes.factors,
            wishes.attributes,
            measured.cells,
            measured.made_of,
        ),
    )


def _tell_enforced(parities: Sequence[Parity]) -> None:
    for parity in parities:
        if parity["enforce"]:
            logging.getLogger(__name__).info(
                "Parity is enforced: each approval rate by %s is at least %g of every other",
                parity["attribute"],
                parity["min_ratio"],
            )


def _solve(
    problem: Problem,
    passes: Passes,
    tolerance: float,
    start: Floats | None,
    start_prices: Mapping[str, float],
) -> tuple[Solution, Conflict | None]:
    search = Search(problem, passes, tolerance)
    is_open = needs_offers(problem)
    if is_open and not seems_possible(problem, passes, tolerance):
        if (conflict := find_conflict(problem, passes, tolerance)) is not None:
            return search.nobody(), conflict
        is_open = False
    if start is None:
        names = [row.limit for row in problem.rows]
        # A tail limit is as many rows as it has cuts.
        start = np.array([start_prices.get(name, 0.0) / names.count(name) for name in names])
    solution = search.solve(start if start.any() else None)
    if not is_open or solution.plan is not None:
        return solution, None
    conflict = find_conflict(problem, passes, tolerance)
    return (solution if conflict is None else search.nobody()), conflict


def _prices_of(start_prices: DataFrame) -> dict[str, float]:
    """Return the prices to begin at; what is no price is none."""
    price = F.col("price")
    is_one = (price > 0) & (price < float("inf"))
    rows = start_prices.where(is_one).groupBy("limit").agg(F.max("price").alias("price")).collect()
    return {row.limit: row.price for row in rows}


def _frontiers(
    found: Solved, passes: Passes, frontiers: Sequence[Frontier]
) -> dict[str, list[Point]]:
    names = [row.limit for row in found.problem.rows]
    if not passes.applicants:
        return {}
    return {
        each["limit"]: frontier(
            found.problem, passes, names.index(each["limit"]), each["multiples"], found.solution
        )
        for each in frontiers
    }


def _plan_prices(solution: Solution) -> Floats:
    return solution.plan.prices if solution.plan else solution.prices


def _chosen(candidates: DataFrame, blocks: Blocks, found: Solved) -> DataFrame:
    """Return the offer of each applicant, with worth and margin in the unit of profit."""
    values, plan = found.problem.values(_plan_prices(found.solution)), found.solution.plan
    if plan is None:
        values = np.zeros_like(values)  # nothing is worth anything: nobody has an offer
    chosen = blocks.chosen(values, plan.moved if plan else {})
    in_units = chosen.withColumns({name: F.col(name) / MILLION for name in ("worth", "margin")})
    # Who has no offer that can be made is in no block.
    everyone = candidates.select("application_id").distinct()
    return everyone.join(in_units, "application_id", "left").fillna(0.0, ["worth"])


def _plan(candidates: DataFrame, chosen: DataFrame, profit: str, charges: Column) -> DataFrame:
    """Return the columns of `PLAN_COLUMNS`."""
    # Packed, because candidates may have columns of the same names.
    packed = chosen.select(
        "application_id", "offer", F.struct("worth", "second_offer", "margin").alias(_CHOICE)
    )
    # Charges come after the join: they are many times as wide as what they are made of.
    is_made = F.col("offer").isNotNull()
    return packed.join(candidates, ["application_id", "offer"], "left").select(
        "application_id",
        "offer",
        F.when(is_made, amount_of(profit)).cast("double").alias("profit"),
        F.col(_CHOICE)["worth"].alias("worth"),
        F.col(_CHOICE)["second_offer"].alias("second_offer"),
        F.col(_CHOICE)["margin"].alias("margin"),
        F.when(is_made, charges).alias("charges"),
    )
