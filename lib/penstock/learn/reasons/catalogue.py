"""The catalogue of reasons: features by family, and what a person is told of each family."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from penstock.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Catalogue:
    """What a reason is called.

    Attributes:
        families: Family to its features. A feature that is in none is a family of its own.
        texts: Family to the sentence that an applicant reads. One without a text is called by its
            name.
        protected: Families and features that may be no reason.
    """

    families: Mapping[str, Sequence[str]]
    texts: Mapping[str, str]
    protected: Collection[str]

    def check(self, features: Sequence[str]) -> None:
        """Hold the catalogue against the features of a model.

        Raises:
            ConfigError: A family of unknown features, or two families with one feature; a text of
                no family; a protected feature in the model.
        """
        seen: dict[str, str] = {}
        for family, names in self.families.items():
            for name in names:
                if name not in features:
                    raise ConfigError(
                        f"'families' has '{name}' in '{family}', which is no feature of the model."
                        f"{did_you_mean(name, features)}"
                    )
                if name in seen:
                    raise ConfigError(
                        f"'families' has '{name}' in '{seen[name]}' and in '{family}': leave it in "
                        "one."
                    )
                seen[name] = family
        known = {self.family_of(name) for name in features}
        for family in self.texts:
            if family not in known:
                raise ConfigError(
                    f"'texts' names '{family}', which is no family of features."
                    f"{did_you_mean(family, known)}"
                )
        for name in features:
            if {name, self.family_of(name)} & set(self.protected):
                raise ConfigError(
                    f"Feature '{name}' is protected, so that it can be no reason, and the model "
                    "decides by it: take it out of the model."
                )

    def family_of(self, feature: str) -> str:
        """Return the family of a feature."""
        found = (family for family, names in self.families.items() if feature in names)
        return next(found, feature)

    def text_of(self, family: str) -> str:
        """Return what an applicant is told."""
        return self.texts.get(family, family.replace("_", " "))
