"""The names of a model's features: what is wrong with them is told before anything is fitted."""

from collections.abc import Collection, Sequence

from penstock.errors import ConfigError


def check_feature_names(features: Sequence[str], *, reserved: Collection[str], model: str) -> None:
    """Refuse features that no model can be fitted on, by their names alone.

    Args:
        features: Names, numeric and categorical ones together.
        reserved: Names of columns that say the outcome or that the model adds.
        model: What the features are of, as "the scorecard".

    Raises:
        ConfigError: There are none, one is named twice, or one is reserved.
    """
    if not features:
        raise ConfigError(
            f"{model[0].upper()}{model[1:]} has no features: name some under 'numeric', "
            "'categorical' or 'text'."
        )
    if twice := sorted({name for name in features if features.count(name) > 1}):
        raise ConfigError(f"Features of {model} are named twice: {', '.join(twice)}.")
    if outside := sorted(set(reserved) & set(features)):
        raise ConfigError(
            f"Features of {model} include {', '.join(outside)}, which no application has."
        )
