"""What a model server is made of: the model, requests as tables, predictions as answers."""
