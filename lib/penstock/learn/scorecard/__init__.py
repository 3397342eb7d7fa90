"""The scorecard: logistic regression on weights of evidence, told as points."""
