"""The workshop's flow with one mistake, on purpose: `python notebooks/flows/build_leaky.py` writes music_leaky.flow.

The listeners are described by all their ratings, and only then are the ratings split in time: so what describes them
has seen the ratings of the test. Everything else is as in build_music.py, whose steps these are. Notebook 3 measures
what the mistake does. A test holds the flow to this program.
"""

from pathlib import Path

from build_music import (
    BUCKET,
    LISTENER_AVERAGES,
    RATINGS,
    TRACKS,
    describe_tracks,
    drop_copies,
    join_tracks,
    split_in_time,
    test_table,
    train_table,
)

from helpers.flow.builder import FlowBuilder


def build() -> FlowBuilder:
    """The flow, step by step, in the order of its file."""
    music = FlowBuilder("music_leaky", metadata={"instance_type": "ml.m5.4xlarge"})
    tracks = describe_tracks(music.source("tracks.csv", f"{BUCKET}/tracks.csv").types("Track types", TRACKS))
    ratings = music.source("ratings.csv", f"{BUCKET}/ratings.csv").types("Rating types", RATINGS)

    # The mistake: listeners are described by all ratings, those of the test among them ...
    rated = drop_copies("All", join_tracks("All", ratings, tracks))
    listeners = rated.pyspark("Listener averages", LISTENER_AVERAGES)
    described = rated.join("All with listeners", listeners, on="userId", how="leftouter")

    # ... and the split comes too late.
    parts = split_in_time(described)
    train = train_table(parts["Train"].dataset("Training rows"))
    test = test_table(parts["Test"].dataset("Test rows"))
    for name, table in {"train": train, "test": test}.items():
        table.destination(name, f"{BUCKET}/leaky/{name}/")
    return music


if __name__ == "__main__":
    print(build().write(Path(__file__).with_name("music_leaky.flow")))
