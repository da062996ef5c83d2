"""An AutoML job: AutoGluon trains candidates on the S3 data; each is reported and packed as it finishes.

`python -m helpers.local.jobs.automl --state STATE --job JOBDIR`
"""
