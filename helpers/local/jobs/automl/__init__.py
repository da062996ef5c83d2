"""An AutoML job: AutoGluon trains candidates on the S3 data, reports each as it finishes, and packs their
models.

`python -m helpers.local.jobs.automl --state STATE --job JOBDIR`
"""
