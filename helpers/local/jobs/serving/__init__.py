"""What a model server is made of: its model, how a request becomes a table, how a prediction becomes an
answer.
"""
