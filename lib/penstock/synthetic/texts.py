"""What borrowers write: the title and the description of a loan, in one of three tones.

The tone carries a little of the true risk (`risk.py`), the wording within a tone carries none.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

from penstock.synthetic.draws import NOTHING, Draws

# Weights in two hundredths.
PURPOSES = {
    "debt_consolidation": 94, "credit_card": 32, "other": 18, "home_improvement": 16,
    "major_purchase": 10, "small_business": 8, "car": 6, "medical": 4, "wedding": 4, "moving": 2,
    "house": 2, "vacation": 2, "educational": 1, "renewable_energy": 1,
}  # fmt: skip

TONE_WEIGHTS = {"steady": 2, "plain": 3, "strained": 2, NOTHING: 3}

SHARE_PLAIN_TITLES = 0.7
SHARE_STAMPED = 0.5

WISHES = {
    "debt_consolidation": "I want to put all of my debts into one payment.",
    "credit_card": "This loan will pay off two credit cards with high rates.",
    "other": "The money is for several things that cannot wait until spring.",
    "home_improvement": "We are putting a new roof on the house and redoing the kitchen.",
    "major_purchase": "I am buying a piano that my daughter will play for years.",
    "small_business": "I need working capital and an espresso machine for my café.",
    "car": "I found a used car with low mileage and need it to get to work.",
    "medical": "The loan pays for surgery that insurance covers in part only.",
    "wedding": "We are getting married in June and want to keep it simple.",
    "moving": "I am moving across the country for work.",
    "house": "This closes the gap in the down payment on our first home.",
    "vacation": "We have not had a holiday in six years.",
    "educational": "I am finishing my degree in the evening.",
    "renewable_energy": "The loan is for solar panels on the garage.",
}

TONES = {
    "steady": (
        "I have been with the same employer for many years and have never missed a payment.",
        "Money is taken out of my account automatically, and I keep six months of savings.",
        "My budget: mortgage, food and gas leave me more than enough to pay this every month.",
        "I plan to pay this loan off early, as I did with my last one.",
    ),
    "plain": (
        "Thank you for looking at my request.",
        "I work full time and my job is secure.",
        'My friends call me "reliable", and I don\'t like to owe money.',
        "Please ask if you have any questions.",
    ),
    "strained": (
        "I had to borrow from family last month and really need help to catch up.",
        "My hours were cut and the bills keep coming, so I am behind on some of them.",
        "A payday loan is eating my income and I can barely cover the minimum payments.",
        "Since the divorce I am struggling, please give me a chance to start over.",
    ),
}


def title(purpose: Column, draws: Draws) -> Column:
    """Return the title: mostly the purpose in words, sometimes something of the borrower's own."""
    words = F.initcap(F.translate(purpose, "_", " "))
    own = draws.one_of("own title", ("My loan", "Freedom", "One payment", "Help!", "consolidate"))
    return F.when(draws.uniform("title") < SHARE_PLAIN_TITLES, words).otherwise(own)


def description(purpose: Column, tone: Column, written_on: Column, draws: Draws) -> Column:
    """Return the description with the marks the web form left in it; null where `tone` is null."""
    wishes = F.create_map(*[F.lit(part) for pair in WISHES.items() for part in pair])
    wish = F.element_at(wishes, purpose)
    feeling = F.lit(None).cast("string")
    for name, sentences in TONES.items():
        feeling = F.when(tone == name, draws.one_of(f"{name} sentence", sentences)).otherwise(
            feeling
        )
    stamp = F.concat(
        F.lit("  Borrower added on "), F.date_format(written_on, "MM/dd/yy"), F.lit(" > ")
    )
    text = F.concat(wish, F.lit(" "), feeling)
    return F.when(
        draws.uniform("stamp") < SHARE_STAMPED, F.concat(stamp, text, F.lit("<br>"))
    ).otherwise(text)
