"""The workshop's flow as a program: `python notebooks/flows/build_music.py` writes music.flow anew.

A test holds the two together. Change a step here, run the program, and look at what it changes:

    python notebooks/flows/build_music.py
    workshop flow check notebooks/flows/music.flow
    workshop flow draw notebooks/flows/music.flow
"""

from pathlib import Path

from helpers.flow.builder import FlowBuilder, Step

BUCKET = "s3://sagemaker-us-east-1-111122223333/music-recommendation"

TRACKS = {
    "trackId": "string",
    "length": "float",
    "energy": "float",
    "acousticness": "float",
    "valence": "float",
    "speechiness": "float",
    "instrumentalness": "float",
    "liveness": "float",
    "tempo": "float",
    "genre": "string",
}
RATINGS = {
    "ratingEventId": "string",
    "ts": "long",
    "userId": "long",
    "trackId": "string",
    "sessionId": "long",
    "itemInSession": "long",
    "Rating": "float",
}
IDENTIFIERS = ["ratingEventId", "ts", "userId", "trackId", "sessionId", "itemInSession"]

# As Data Wrangler writes them: a number of features is a text.
LEAKAGE = {"target": "Rating", "problem_type": "regression", "max_features": "20"}
INSIGHTS = {
    "report_content": "Summary",
    "insights_report_parameters": {"target_column": "Rating", "problem_type": "Regression"},
}

LISTENER_FEATURES = [
    "energy",
    "acousticness",
    "valence",
    "speechiness",
    "instrumentalness",
    "liveness",
    "tempo",
    "danceability",
    "genre_Latin",
    "genre_Folk",
    "genre_Blues",
    "genre_Rap",
    "genre_Reggae",
    "genre_Jazz",
    "genre_RnB",
    "genre_Country",
    "genre_Electronic",
    "genre_Pop_Rock",
]
# The averages over five-star tracks describe a listener to people. The model gets the tastes in their place: they
# tell what a listener dislikes as well, and bring it closer to the noise floor.
FOR_PEOPLE = ["five_star_ratings", *(f"{name}_5star" for name in LISTENER_FEATURES)]

LISTENER_AVERAGES = """\
# Table is available as variable `df`
import pyspark.sql.functions as F

features = ['energy', 'acousticness', 'valence', 'speechiness', 'instrumentalness', 'liveness', 'tempo', 'danceability',
            'genre_Latin', 'genre_Folk', 'genre_Blues', 'genre_Rap', 'genre_Reggae', 'genre_Jazz', 'genre_RnB',
            'genre_Country', 'genre_Electronic', 'genre_Pop_Rock']

# A listener who gave no five stars is described by all the tracks he or she rated, so that nobody is lost;
# five_star_ratings = 0 names these listeners.
loved = F.col('Rating') == 5

# Average the tracks that each listener gave five stars
averages = [F.coalesce(F.avg(F.when(loved, F.col(name))), F.avg(name)).alias(name + '_5star') for name in features]

# The listener's taste, from all ratings: an average in which a track counts as often as it has stars, minus the plain
# average. Above 0 the listener gives more stars where there is more of it, below 0 fewer.
stars = F.col('Rating')
tastes = [(F.sum(stars * F.col(name)) / F.sum(stars) - F.avg(name)).alias(name + '_taste') for name in features]

counts = [F.count(F.when(loved, stars)).alias('five_star_ratings'), F.avg(stars).alias('mean_rating')]
df = df.groupBy('userId').agg(*counts, *averages, *tastes)
"""

# Jobs and their outputs in S3 carry the ids of steps, so the steps keep the ids they have had from the start.
# A step that is not listed gets one made from its name.
IDS = {
    "tracks.csv": "097cd2c3-b1af-5426-b427-9a016b263c71",
    "Track types": "4b35b663-d4b7-5a6d-ba01-ae95b36d75b6",
    "Copy genre": "739b0cfc-b013-547d-9ea1-feda88d0ec0c",
    "One-hot genre": "fa1c7d68-c66a-59b6-86c7-5c173cf4d927",
    "Restore genre": "2ad83eb0-9391-55c3-9542-ab85724ad3c0",
    "Danceability": "a20c94fe-db1e-5a7f-8bc8-2b27ae96d143",
    "ratings.csv": "fe7f4419-06fa-5759-87c1-3249cffbcd18",
    "Rating types": "dda3c44d-8613-59c0-8d21-9ef78bb3c293",
    "Split in time": "95db2667-259b-5ad2-b84b-0a714cefea8b",
    "Training ratings": "e73be80e-5355-5bcb-9370-753dc0915138",
    "Test ratings": "b74f8aaa-e3f8-5cde-b1a1-3256ad0df2a3",
    "Train with tracks": "31c39782-5164-5e77-8235-caff99ae8800",
    "Train: drop copied key": "6f14b0b2-703a-5048-ab51-c6023433cc8d",
    "Train: restore trackId": "776a858c-4335-5827-8c45-b28649f7dd6a",
    "Listener averages": "c98c2dcb-2baf-5517-a8cb-40b02333508d",
    "Train with listeners": "ea62b922-4a60-555e-9109-bca5827497f9",
    "Train: drop the identifiers": "78cc36ed-f80b-5738-803c-2066c80b5624",
    "Train: Rating first": "8a44efed-f128-52b7-a88a-83b0e1c3849c",
    "Test with tracks": "91311810-1ca1-5b6b-b8af-7fcecff64211",
    "Test: drop copied key": "5863caa4-3b25-5f6a-86fe-55fdd3edc5fa",
    "Test: restore trackId": "90955bb0-870d-59c2-b5e3-b7e311cbf989",
    "Test with listeners": "1be7a88b-dd70-54e6-94b5-42ca66eb38e0",
    "Test: drop copied userId": "4c02d4e8-5c6d-568d-8897-7571542caf53",
    "Test: restore userId": "6322adfb-6d67-5dfc-8eb2-ee25bf71c318",
    "Test: Rating first": "97159816-ab62-5c17-b61e-205f14c615b6",
    "Test: identifiers last": "ab7af776-4234-5b50-bb2f-bc8782179fe5",
    "train": "8295c134-a793-57b5-af0b-ea253fdfe5a4",
    "test": "22ccaa74-ae53-561a-aa96-13cbb14b20fe",
    "listeners": "1b6de6ec-1882-5d60-8695-77fda74cd3ed",
    "tracks": "291063ea-5cda-50ea-9606-61b73451e140",
}


def build() -> FlowBuilder:
    """The flow, step by step, in the order of its file."""
    music = FlowBuilder("music", metadata={"instance_type": "ml.m5.4xlarge"}, ids=IDS)

    # Tracks: types, one column per genre (the text stays, for the playlist), and a formula.
    typed_tracks = music.source("tracks.csv", f"{BUCKET}/tracks.csv").types("Track types", TRACKS)
    tracks = describe_tracks(typed_tracks)

    # Ratings: split in time before anything is averaged, or the test is not honest.
    ratings = music.source("ratings.csv", f"{BUCKET}/ratings.csv").types("Rating types", RATINGS)
    parts = split_in_time(ratings)
    training, test = parts["Train"].dataset("Training ratings"), parts["Test"].dataset("Test ratings")

    # Train: each rating beside the track it is about, and beside what its listener likes and dislikes.
    joined = join_tracks("Train", training, tracks)
    rated = drop_copies("Train", joined)
    listeners = rated.pyspark("Listener averages", LISTENER_AVERAGES)
    described = rated.join("Train with listeners", listeners, on="userId", how="leftouter")
    train = train_table(described)

    # Test: the same, with the averages of the training part; its identifiers stay, last.
    test = drop_copies("Test", join_tracks("Test", test, tracks))
    test = test.join("Test with listeners", listeners, on="userId", how="leftouter")
    test = test_table(test)

    for name, table in {"train": train, "test": test, "listeners": listeners, "tracks": tracks}.items():
        table.destination(name, f"{BUCKET}/prepared/{name}/")

    # Analyses: what each table looks like before the step that it suggests.
    typed_tracks.analysis("Table summary of the tracks", "describe")
    typed_tracks.analysis("Energy by genre", "histogram", x_axis="energy", facet_by="genre")
    ratings.analysis("Table summary of the ratings", "describe")
    ratings.analysis("Stars", "histogram", x_axis="Rating")
    ratings.analysis("Stars in time", "histogram", x_axis="ts", color_by="Rating")
    joined.analysis("Stars by genre", "histogram", x_axis="genre", color_by="Rating")
    rated.analysis("Feature correlation", "feature_correlation", correlation_type="linear")
    described.analysis("Target leakage", "target_leakage", **LEAKAGE)
    described.analysis("Insights with identifiers", "data_insights_report", **INSIGHTS)
    train.analysis("Quick model", "quick_model", label="Rating")
    train.analysis("Insights without identifiers", "data_insights_report", **INSIGHTS)
    return music


def describe_tracks(typed_tracks: Step) -> Step:
    """Tracks as numbers, the genre also as text."""
    tracks = typed_tracks.then(
        "Copy genre", "manage_columns", "Duplicate column", input_column="genre", new_name="genre_name"
    )
    tracks = tracks.then(
        "One-hot genre",
        "encode_categorical",
        "One-hot encode",
        invalid_handling_strategy="Keep",
        drop_last=False,
        output_style="Columns",
        input_column=["genre"],
    )
    tracks = rename(tracks, "Restore genre", "genre_name", "genre")
    return tracks.formula("Danceability", "danceability", "0.3*valence + 0.1*liveness + 0.1*energy")


def split_in_time(ratings: Step) -> Step:
    """The first 80 % in time for training, the rest for the test."""
    return ratings.split("Split in time", "Ordered split", {"Train": 0.8, "Test": 0.2}, input_column="ts")


def train_table(described: Step) -> Step:
    """What a model learns from: no identifiers, the target first."""
    unwanted = ["ratingEventId", "ts", "userId_0", "userId_1", "trackId", "sessionId", "itemInSession"]
    train = drop(described, "Train: drop the identifiers", [*unwanted, *FOR_PEOPLE])
    return move(train, "Train: Rating first", "Move to start", ["Rating"])


def test_table(described: Step) -> Step:
    """What a model is examined on: as the training table, with the identifiers last."""
    test = drop(described, "Test: drop copied userId", ["userId_1", *FOR_PEOPLE])
    test = rename(test, "Test: restore userId", "userId_0", "userId")
    test = move(test, "Test: Rating first", "Move to start", ["Rating"])
    return move(test, "Test: identifiers last", "Move to end", IDENTIFIERS)


def join_tracks(part: str, ratings: Step, tracks: Step) -> Step:
    """Each rating beside the track it is about; the key, which both tables have, is there twice."""
    return ratings.join(f"{part} with tracks", tracks, on="trackId")


def drop_copies(part: str, joined: Step) -> Step:
    """The joined table with the key once, and without the genre as text."""
    dropped = drop(joined, f"{part}: drop copied key", ["trackId_1", "genre"])
    return rename(dropped, f"{part}: restore trackId", "trackId_0", "trackId")


def drop(step: Step, name: str, columns: list[str]) -> Step:
    """Drop columns."""
    return step.then(name, "manage_columns", "Drop column", column_to_drop=columns)


def rename(step: Step, name: str, old: str, new: str) -> Step:
    """Rename a column."""
    return step.then(name, "manage_columns", "Rename column", input_column=old, new_name=new)


def move(step: Step, name: str, where: str, columns: list[str]) -> Step:
    """Move columns."""
    return step.then(name, "manage_columns", "Move column", where, column_to_move=columns)


if __name__ == "__main__":
    print(build().write(Path(__file__).with_name("music.flow")))
