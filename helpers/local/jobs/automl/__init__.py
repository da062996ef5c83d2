"""An AutoML job: a mode trains candidates on the S3 data; each is reported and packed as it finishes.

`stages` has the order of the work, `mode` what a mode is; `data`, `ensembling`, `tuning`, `exploration` and
`reports` are its rooms.

`python -m helpers.local.jobs.automl --state STATE --job JOBDIR`
"""
