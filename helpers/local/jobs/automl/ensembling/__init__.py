"""Mode ENSEMBLING: models of AutoGluon, each a candidate, and the ensemble that weighs them together."""
