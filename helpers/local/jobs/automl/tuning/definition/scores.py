"""The objective metric as a line of code, for who reads the notebook."""

CHOSEN = "predicted.argmax(axis=1)"
SCORES = {
    "MSE": ("mean_squared_error", "truth, predicted"),
    "RMSE": ("root_mean_squared_error", "truth, predicted"),
    "MAE": ("mean_absolute_error", "truth, predicted"),
    "R2": ("r2_score", "truth, predicted"),
    "Accuracy": ("accuracy_score", f"truth, {CHOSEN}"),
    "BalancedAccuracy": ("balanced_accuracy_score", f"truth, {CHOSEN}"),
    "AUC": ("roc_auc_score", "truth, predicted[:, 1]"),
    "F1": ("f1_score", f"truth, {CHOSEN}"),
    "Precision": ("precision_score", f"truth, {CHOSEN}, zero_division=0"),
    "Recall": ("recall_score", f"truth, {CHOSEN}"),
    "F1macro": ("f1_score", f'truth, {CHOSEN}, average="macro"'),
    "PrecisionMacro": ("precision_score", f'truth, {CHOSEN}, average="macro", zero_division=0'),
    "RecallMacro": ("recall_score", f'truth, {CHOSEN}, average="macro"'),
}


def code(objective: str) -> str:
    """An import and a function `score(truth, predicted)`."""
    function, arguments = SCORES[objective]
    return (
        f"from sklearn.metrics import {function}\n\n\n"
        f"def score(truth, predicted):\n"
        f'    """{objective} of numbers, or of probabilities with a column for each class."""\n'
        f"    return float({function}({arguments}))"
    )
