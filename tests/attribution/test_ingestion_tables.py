"""labels.csv and boxes.csv: what is right is read, what is wrong is refused naming row and column."""

import io

import pytest

from attribution.annotations import read_boxes, read_labels
from attribution.files import FileError, NamedFile

KNOWN = ["a.png", "b.png"]


def table(text: str | bytes, name: str = "labels.csv") -> NamedFile:
    data = text if isinstance(text, bytes) else text.encode()
    return NamedFile(name, lambda: io.BytesIO(data))


@pytest.mark.parametrize(
    "text",
    [
        "file,label_index,label\na.png,4,goose\n",
        "\ufefffile,label_index,label\r\na.png,4,goose\r\n\r\n",
        "label;file;label_index\ngoose;a.png;4\n",
        "file\tlabel\tlabel_index\n a.png \tgoose\t4",
        'file,label_index,label\n"a.png","4","goose"\n,,\n',
    ],
)
def test_labels_are_read_however_a_spreadsheet_writes_them(text: str) -> None:
    labels = read_labels(table(text), KNOWN)
    assert list(labels) == ["a.png"]
    assert (labels["a.png"].text, labels["a.png"].index, labels["a.png"].facts) == ("goose", 4, {})


def test_further_columns_are_facts_of_their_kind() -> None:
    text = "file,label,instances,contrast,background,empty\na.png,goose,2,0.25,grass_1,\n"
    facts = read_labels(table(text), KNOWN)["a.png"].facts
    assert facts == {"instances": 2, "contrast": 0.25, "background": "grass_1", "empty": None}


def test_a_label_may_be_a_name_or_an_index_alone() -> None:
    assert read_labels(table("file,label\na.png,goose\n"), KNOWN)["a.png"].index is None
    assert read_labels(table("file,label_index\na.png,99\n"), KNOWN)["a.png"].text == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,label\nz.png,goose\n", "labels.csv row 2, column file: there is no image “z.png”"),
        ("file,label\na.png,x\na.png,y\n", "labels.csv row 3, column file: “a.png” stands in an earlier row"),
        ("file,label,label_index\na.png,x,4.5\n", "row 2, column label_index: “4.5” is not a whole number"),
        ("file,label,label_index\na.png,x,-1\n", "row 2, column label_index: “-1” is not a whole number"),
        ("file,label,label_index\na.png,x,²\n", "row 2, column label_index: “²” is not a whole number"),
        ("file,label_index\na.png," + "9" * 5000 + "\n", "is not a whole number"),
        ("file,label,label_index\n\nb.png,,\n", "row 3, column label: it is empty, and so is label_index"),
        ("file,label\na.png\n", "labels.csv row 2 has 1 cells, the header 2"),
        ("file,label\na.png,x,y\n", "labels.csv row 2 has 3 cells, the header 2"),
        ("name,label\na.png,x\n", "labels.csv lacks the column file; its header is “name, label”"),
        ("file,class\na.png,x\n", "labels.csv needs the column label or label_index"),
        ("file,label,label\na.png,x,y\n", "labels.csv has the column label more than once"),
        ("", "labels.csv lacks the column file"),
        (b"file,label\na.png,\xe4\n", "labels.csv is not UTF-8 text"),
        (b"\x89PNG\r\n\x1a\n\0\0", "labels.csv is not "),
        ('file,label\na.png,"goose\n', "labels.csv is not a readable CSV table"),
    ],
)
def test_labels_that_are_not_right_are_refused_naming_row_and_column(text: str | bytes, words: str) -> None:
    with pytest.raises(FileError) as caught:
        read_labels(table(text), KNOWN)
    assert words in str(caught.value)


def test_all_mistakes_of_a_table_are_told_at_once() -> None:
    with pytest.raises(FileError) as caught:
        read_labels(table("file,label,label_index\nz.png,x,1\na.png,x,one\n"), KNOWN)
    assert len(caught.value.problems) == 2


def test_an_image_has_as_many_boxes_as_rows() -> None:
    text = "file,object,left,top,right,bottom\na.png,dog,1,2,3.5,4\nb.png,,0,0,1,1\na.png,cat,5,6,7,8\n"
    boxes = read_boxes(table(text, "boxes.csv"), KNOWN)
    assert [box.object for box in boxes["a.png"]] == ["dog", "cat"]
    assert boxes["a.png"][0].to_json() == {"object": "dog", "left": 1.0, "top": 2.0, "right": 3.5, "bottom": 4.0}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("z.png,x,0,0,1,1", "boxes.csv row 2, column file: there is no image “z.png”"),
        ("a.png,x,one,0,1,1", "boxes.csv row 2, column left: “one” is not a number of pixels"),
        ("a.png,x,0,nan,1,1", "boxes.csv row 2, column top: “nan” is not a number of pixels"),
        ("a.png,x,0,0,inf,1", "boxes.csv row 2, column right: “inf” is not a number of pixels"),
        ("a.png,x,0,0,1,", "boxes.csv row 2, column bottom: “” is not a number of pixels"),
    ],
)
def test_boxes_that_are_no_numbers_are_refused_naming_row_and_column(row: str, words: str) -> None:
    with pytest.raises(FileError) as caught:
        read_boxes(table(f"file,object,left,top,right,bottom\n{row}\n", "boxes.csv"), KNOWN)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        ("-1,0,1,1", "column left: -1 is outside the image, which is 10 x 8 pixels"),
        ("0,0,10.5,1", "column right: 10.5 is outside the image"),
        ("0,0,1,9", "column bottom: 9 is outside the image"),
        ("5,0,5,1", "column right: 5 is not to the right of left, 5"),
        ("0,6,1,2", "column bottom: 2 is not below top, 6"),
        ("0,0,10,8", ""),
    ],
)
def test_a_box_lies_within_its_image(edges: str, words: str) -> None:
    text = f"file,object,left,top,right,bottom\na.png,x,{edges}\n"
    problem = read_boxes(table(text, "boxes.csv"), KNOWN)["a.png"][0].problem(10, 8)
    assert bool(problem) == bool(words)
    assert words in problem
