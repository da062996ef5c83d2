"""Mode HYPERPARAMETER_TUNING: data processors, algorithms, and a search over both."""
