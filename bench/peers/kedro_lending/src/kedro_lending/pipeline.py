"""The graph."""

from kedro.pipeline import Node, Pipeline

from kedro_lending.stages import add_features, clean_loans, decide, fit_model, score_loans


def create_pipeline() -> Pipeline:
    """Return the five nodes."""
    return Pipeline(
        [
            Node(clean_loans, "raw_loans", "loans", name="clean"),
            Node(
                add_features,
                {"loans": "loans", "train_until": "params:train_until"},
                ["train", "heldout"],
                name="features",
            ),
            Node(
                fit_model,
                {"train": "train", "regularisation": "params:regularisation"},
                "model",
                name="fit",
            ),
            Node(score_loans, ["model", "heldout"], "scores", name="score"),
            Node(
                decide,
                {"scores": "scores", "cut_off": "params:cut_off"},
                "decisions",
                name="decide",
            ),
        ]
    )
