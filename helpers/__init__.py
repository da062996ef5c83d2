"""The part of the workshop that is not the lesson: what the notebooks import."""
