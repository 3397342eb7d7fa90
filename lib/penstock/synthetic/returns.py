"""Monthly returns of assets whose true means, volatilities and correlations are known."""

import math
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from penstock.synthetic.draws import Draws

# Asset: class, mean and volatility by year, share of the variance that is the market's and that is
# the class's. The rest is its own.
ASSETS = {
    "prime_loans": ("loans", 0.052, 0.030, 0.20, 0.50),
    "near_prime_loans": ("loans", 0.074, 0.055, 0.25, 0.50),
    "subprime_loans": ("loans", 0.105, 0.110, 0.30, 0.45),
    "small_business_loans": ("loans", 0.088, 0.085, 0.35, 0.30),
    "government_bonds": ("bonds", 0.028, 0.045, 0.00, 0.60),
    "corporate_bonds": ("bonds", 0.042, 0.065, 0.20, 0.50),
    "high_yield_bonds": ("bonds", 0.066, 0.100, 0.50, 0.20),
    "large_companies": ("shares", 0.082, 0.155, 0.70, 0.20),
    "small_companies": ("shares", 0.096, 0.200, 0.60, 0.20),
    "emerging_markets": ("shares", 0.098, 0.220, 0.50, 0.15),
    "property": ("real assets", 0.070, 0.125, 0.35, 0.10),
    "gold": ("real assets", 0.035, 0.150, 0.00, 0.10),
}
MONTHS = 12


def generate_returns(month_numbers: DataFrame, *, seed: int, first_month: date) -> DataFrame:
    """Draw monthly returns of the assets in `ASSETS`, which depend on month, seed and asset only.

    Args:
        month_numbers: Needs `id` (BIGINT, 0 and up).
        seed: Any integer.
        first_month: Month of number 0; its day is not used.

    Returns:
        One row per `date` (last day of the month) and `asset`: `return` (DOUBLE, fraction over the
        month, normal) and `asset_class`. Never null. Returns of two assets have the correlation
        sqrt(m m'), and sqrt(c c') more within a class, m and c being their shares of `ASSETS`.
    """
    draws = Draws("return", seed)
    # A month and a class have one draw each, however many assets name it.
    drawn = [
        F.struct(
            F.lit(asset).alias("asset"),
            _return(draws, asset).alias("return"),
            F.lit(asset_class).alias("asset_class"),
        )
        for asset, (asset_class, *_) in ASSETS.items()
    ]
    day = F.last_day(F.add_months(F.lit(first_month), F.col("id").cast("int")))
    listed = month_numbers.select(day.alias("date"), F.explode(F.array(*drawn)).alias("drawn"))
    return listed.select("date", "drawn.*")


def _return(draws: Draws, asset: str) -> Column:
    asset_class, mean, volatility, of_market, of_class = ASSETS[asset]
    shock = (
        math.sqrt(of_market) * draws.normal("market")
        + math.sqrt(of_class) * draws.normal(f"class {asset_class}")
        + math.sqrt(1 - of_market - of_class) * draws.normal(f"asset {asset}")
    )
    return mean / MONTHS + volatility / math.sqrt(MONTHS) * shock
