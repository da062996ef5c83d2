"""What tuning works with: processors, algorithms, the search.

It imports nothing of this project outside itself: the candidate definition notebook brings a copy along.
"""
