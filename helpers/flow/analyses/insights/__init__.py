"""What the Data Quality and Insights Report is made of: features, target, model, samples, warnings, page."""
