"""Reading, writing and checking flow files, without running them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import flow

music_flow = Path(__file__).parents[2] / "notebooks" / "flows" / "music.flow"


def test_a_flow_is_read_from_a_path_a_text_and_a_document(builder: Any, tmp_path: Path) -> None:
    builder.destination("out", builder.types(builder.source("a.csv")))
    text = json.dumps(builder.document)
    (tmp_path / "x.flow").write_text(text)
    read = [flow.read(tmp_path / "x.flow"), flow.read(text), flow.read(builder.document)]
    assert read[0] == read[1] == read[2]
    assert [node.label for node in read[0].nodes] == ["a.csv", "types of a.csv", "out"]
    assert read[0].sources()[0].uri == "s3://bucket/a.csv"
    assert read[0].destinations()[0].output_path == "s3://bucket/out/"


def test_writing_keeps_everything_the_file_held(builder: Any, tmp_path: Path) -> None:
    builder.source("a.csv")
    document = {**builder.document, "unknown": {"kept": [1, None]}}
    written = flow.read(document).write(tmp_path / "copy.flow")
    assert json.loads(written.read_text()) == document


def test_sources_and_destinations_move(builder: Any) -> None:
    builder.destination("out", builder.source("a.csv"))
    read = builder.read()
    moved = read.with_sources({"a.csv": "s3://other/b.csv"}).with_destinations({"out": "s3://other/c/"})
    assert moved.sources()[0].uri == "s3://other/b.csv"
    assert moved.destinations()[0].output_path == "s3://other/c/"
    assert read.sources()[0].uri == "s3://bucket/a.csv"
    with pytest.raises(flow.FlowError, match=r"no node 'b.csv'.*a.csv"):
        read.with_sources({"b.csv": "s3://x/y"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"nodes": [', "breaks at line 1"),
        ("[]", "JSON object"),
        ('{"metadata": {"version": 1}}', "nodes"),
        ('{"metadata": {"version": 2}, "nodes": []}', "version 2"),
        ('{"metadata": {"version": 1}, "nodes": [7]}', "node number 1: must be a JSON object"),
        ('{"metadata": {"version": 1}, "nodes": [{"node_id": "a"}]}', 'a: "type" is missing'),
        (
            '{"metadata": {"version": 1}, "nodes": [{"node_id": "a", "type": "X", "operator": "o"}]}',
            "unknown type 'X'",
        ),
    ],
)
def test_what_is_not_a_flow_says_why(text: str, says: str) -> None:
    with pytest.raises(flow.FlowError, match=says.replace("[", r"\[")):
        flow.read(text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(flow.FlowError, match="cannot be read"):
        flow.read(tmp_path / "missing.flow")
    (tmp_path / "binary.flow").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(flow.FlowError, match="not UTF-8"):
        flow.read(tmp_path / "binary.flow")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["node_id", "type", "operator", "parameters", "inputs", "outputs", "x"]),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_any_nodes_are_read_or_refused(nodes: Any) -> None:
    try:
        read = flow.read({"metadata": {"version": 1}, "nodes": [nodes]})
        flow.check(read)
        flow.draw(read)
    except flow.FlowError as error:
        assert error.problems


def test_every_problem_comes_at_once_with_its_place(builder: Any) -> None:
    data = builder.source()
    builder.add("strange", "sagemaker.spark.does_not_exist_0.1", {}, [data])
    builder.columns("half", data, "Drop column")
    builder.columns("wrong", "half", "Paint column")
    builder.add(
        "store",
        "sagemaker.spark.featurestore_destination_0.1",
        {"output_config": {}},
        [data],
        kind="DESTINATION",
    )
    builder.add("lost", "sagemaker.dataset.identity_0.1", {}, ["nowhere"])
    builder.add("alone", "sagemaker.spark.join_tables_0.1", {"left_column": "a", "right_column": "a"}, [data])
    builder.add("typo", "sagemaker.spark.custom_formula_0.1", {"formula": "1", "output_colum": "x"}, [data])
    said = "\n".join(str(problem) for problem in flow.check(builder.read()))
    for part in (
        "strange (sagemaker.spark.does_not_exist_0.1): is an operator this engine does not know",
        "half (sagemaker.spark.manage_columns_0.1), parameter 'column_to_drop': is missing",
        "does not know the sub-operator 'Paint column'. Known here: Drop column, Rename column",
        "store (sagemaker.spark.featurestore_destination_0.1), parameter 'output_config.feature_group",
        "lost (sagemaker.dataset.identity_0.1): its input comes from 'nowhere'",
        "alone (sagemaker.spark.join_tables_0.1): has 1 input; it takes 2",
        "parameter 'output_colum': is not a parameter",
        "parameter 'output_column': is missing",
    ):
        assert part in said


def test_a_circle_is_a_problem_and_is_drawn_all_the_same(builder: Any) -> None:
    builder.add("a", "sagemaker.dataset.identity_0.1", {}, ["b"])
    builder.add("b", "sagemaker.dataset.identity_0.1", {}, ["a"])
    problems = flow.check(builder.read())
    assert any("circle: " in problem.message for problem in problems)
    assert "<svg" in flow.draw(builder.read())._repr_svg_()


def test_an_output_that_the_node_before_has_not(builder: Any) -> None:
    data = builder.source()
    parts = [{"name": "Train", "percentage": 0.8}, {"name": "Test", "percentage": 0.2}]
    parameters = {"operator": "Randomized split", "randomized_split_parameters": {"splits": parts}}
    builder.add("split", "sagemaker.spark.split_0.1", parameters, [data], outputs=["Train", "Test"])
    builder.add("part", "sagemaker.dataset.identity_0.1", {}, ["split:Validation"])
    [problem] = flow.check(builder.read())
    assert "output 'Validation' of 'split', which has Train, Test" in problem.message


@pytest.mark.parametrize(
    "parts",
    [
        [("Train", 0.5), ("Test", 0.4)],
        [("Train", 1.0)],
        [("a", 0.5), ("a", 0.5)],
        [("default", 0.5), ("Test", 0.5)],
        [("a", 0.4), ("b", 0.2), ("c", 0.2), ("d", 0.2)],
    ],
)
def test_parts_of_a_split_must_make_sense(builder: Any, parts: list[tuple[str, float]]) -> None:
    splits = [{"name": name, "percentage": share} for name, share in parts]
    parameters = {"operator": "Randomized split", "randomized_split_parameters": {"splits": splits}}
    builder.add("split", "sagemaker.spark.split_0.1", parameters, [builder.source()])
    assert flow.check(builder.read())


def test_analyses_are_no_problem(builder: Any) -> None:
    data = builder.source()
    builder.add("look", "sagemaker.visualizations.histogram_0.1", {"name": "h"}, [data], kind="VISUALIZATION")
    assert flow.check(builder.read()) == []


def test_stale_blocks_of_other_choices_do_not_count(builder: Any) -> None:
    parameters = {
        "operator": "Drop column",
        "drop_column_parameters": {"column_to_drop": "a"},
        "rename_column_parameters": {"nonsense": 1},
    }
    builder.add("step", "sagemaker.spark.manage_columns_0.1", parameters, [builder.source()])
    assert flow.check(builder.read()) == []


def test_the_workshops_flow_is_whole() -> None:
    music = flow.read(music_flow)
    assert flow.check(music) == []
    assert [node.label for node in music.destinations()] == ["train", "test", "listeners", "tracks"]
    assert [node.label for node in music.sources()] == ["tracks.csv", "ratings.csv"]


def test_reading_checking_and_drawing_load_nothing_heavy() -> None:
    code = (
        "import sys; from helpers import flow; f = flow.read(sys.argv[1]); flow.check(f); flow.draw(f);"
        "print([m for m in ('ibis', 'duckdb', 'sqlglot', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(music_flow)], check=True, capture_output=True, text=True
    ).stdout
    assert said.strip() == "[]"


def test_a_picture_shows_every_step(tmp_path: Path) -> None:
    picture = flow.draw(flow.read(music_flow), tmp_path / "music.svg")
    svg = (tmp_path / "music.svg").read_text()
    for words in ("One-hot encode genre", "Split by ts 80/20", "Join on trackId (inner)", "ratings.csv"):
        assert words in svg
    assert svg == picture._repr_svg_()
    picture.write(tmp_path / "music.png")
    assert (tmp_path / "music.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(flow.FlowError, match=r"\.svg or \.png"):
        picture.write(tmp_path / "music.jpg")


def test_boxes_do_not_overlap_and_text_stays_inside() -> None:
    from helpers.flow.picture import box_width
    from helpers.flow.text_width import width

    picture = flow.draw(flow.read(music_flow))
    boxes = picture.boxes
    for place, a in enumerate(boxes):
        assert a.x >= 0 and a.x + box_width <= picture.width and a.y + a.height <= picture.height
        for b in boxes[place + 1 :]:
            apart = (
                a.x + box_width <= b.x
                or b.x + box_width <= a.x
                or a.y + a.height <= b.y
                or b.y + b.height <= a.y
            )
            assert apart, (a.title, b.title)
    for text in picture.texts:
        holder = [
            box
            for box in boxes
            if box.x <= text.x <= box.x + box_width and box.y <= text.y <= box.y + box.height
        ]
        assert len(holder) == 1
        assert text.x + width(text.text, text.size, text.bold) <= holder[0].x + box_width


def test_analyses_stand_in_the_box_of_the_step_they_look_at(builder: Any) -> None:
    data = builder.source(name="prices.csv")
    package = "sagemaker.visualizations."
    looks = [
        ("describe_0.1", {"name": "All"}, "Table summary: All"),
        ("histogram_0.1", {"name": "", "x_axis": "x"}, "Histogram"),
        ("quick_model_0.1", {"name": "My quick model", "label": "x"}, "My quick model"),
        ("describe_0.1", {"name": "Everything in the table at once"}, "Everything in the table at once"),
    ]
    for place, (operator, parameters, _) in enumerate(looks):
        builder.add(f"look {place}", package + operator, parameters, [data], kind="VISUALIZATION", name="")
    builder.add("lost", package + "describe_0.1", {}, [], kind="VISUALIZATION", name="")
    picture = flow.draw(builder.read())
    assert picture.title == "A Data Wrangler flow of 2 steps and 4 analyses"
    assert len(picture.boxes) == 2 and len(picture.lines) == 0 and len(picture.signs) == 4
    (box,) = [each for each in picture.boxes if each.rule is not None]
    inside = [text.text for text in picture.texts if box.y + box.height > text.y > (box.rule or 0)]
    assert inside == [said for _, _, said in looks]
    assert picture._repr_svg_().count("<rect") == 1 + 2 * 2 + 3 * 4
