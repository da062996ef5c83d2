"""What the Python scripts bring along: small functions, each put into a script that calls it."""

from __future__ import annotations

texts: dict[str, str] = {
    "read_csv": '''def read_csv(files, columns, delimiter, header):
    """CSV files as Spark reads them: all texts, an empty field is null."""
    tables = [
        pd.read_csv(
            file,
            sep=delimiter,
            header=0 if header else None,
            names=columns,
            dtype="string",
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=True,
        )
        for file in files
    ]
    return pd.concat(tables, ignore_index=True)
''',
    "FLOAT": """FLOAT = pd.ArrowDtype(pa.float64())  # unlike pandas' own it keeps NaN and null apart
""",
    "to_float": '''def to_float(texts):
    """Texts as numbers; null where one is none."""
    strict = texts.where(~texts.str.contains("_", na=False))
    numbers = pd.to_numeric(strict, errors="coerce").astype("float64")
    nan = strict.str.strip().str.fullmatch("[+-]?nan", case=False, na=False)
    values = [None if null else number for number, null in zip(numbers.tolist(), numbers.isna() & ~nan)]
    return pd.Series(pd.array(pa.array(values, pa.float64()), dtype=FLOAT), index=texts.index)
''',
    "to_long": '''def to_long(texts):
    """Texts as whole numbers, fractions cut off; null where one is none."""
    plain = texts.str.strip().str.fullmatch(r"[+-]?(\\d+(\\.\\d*)?|\\.\\d+)").fillna(False)
    whole = texts.where(plain).str.strip().str.replace(r"\\..*", "", regex=True)
    whole = whole.str.replace(r"^([+-]?)$", r"\\g<1>0", regex=True)
    numbers = [pd.NA if pd.isna(text) or not -(2**63) <= int(text) < 2**63 else int(text) for text in whole]
    return pd.Series(numbers, index=texts.index, dtype="Int64")
''',
    "one_hot": '''def one_hot(table, column):
    """A column of 0 and 1 for each category, most frequent first, in the place of the column."""
    categories = table[column].replace("", pd.NA)
    counts = categories.value_counts().to_dict()
    order = sorted(counts, key=lambda label: (-counts[label], label))
    same = {f"{column}_{label}": (categories == label).fillna(False) for label in order}
    ones = {name: each.astype(float).astype(FLOAT) for name, each in same.items()}
    return table.drop(columns=[column]).assign(**ones)
''',
    "cut_at": '''def cut_at(numbers, share):
    """The smallest number that has at least this share of the rows at or below it."""
    there = numbers.dropna().sort_values(ignore_index=True)
    return there.iloc[max(int(np.ceil(round(share * len(there), 9))) - 1, 0)]
''',
    "as_spark_gives": '''def as_spark_gives(table):
    """A table as Spark's toPandas gives it: NumPy's types, None for a missing text."""
    plain = {}
    for name in table.columns:
        column = table[name]
        kind = str(column.dtype)
        if kind == "Int64":
            column = column.astype("float64" if column.isna().any() else "int64")
        elif kind == "boolean":
            full = column.notna().all()
            column = column.astype(bool) if full else column.astype(object).where(column.notna(), None)
        elif kind == "double[pyarrow]":
            column = pd.Series(column.to_numpy(dtype="float64", na_value=np.nan), index=table.index)
        elif kind == "string":
            column = column.astype(object).where(column.notna(), None)
        plain[name] = column
    return pd.DataFrame(plain, index=table.index, columns=table.columns)
''',
    "dummies_of_numbers": '''def dummies_of_numbers(data, *args, original=pd.get_dummies, **options):
    """0 and 1, as the pandas of Data Wrangler's container gives them."""
    return original(data, *args, **{"dtype": "uint8", **options})
''',
    "as_spark_takes": '''def as_spark_takes(table):
    """A table of pandas in this script's types; a column without any value holds empty texts."""
    typed = {}
    for name in table.columns:
        column = table[name].reset_index(drop=True)
        if len(column) and column.isna().all():
            column = pd.Series([""] * len(column), dtype="string")
        elif column.dtype == object:
            kinds = {type(value) for value in column if value is not None}
            column = column.astype(str) if len(kinds) > 1 else column.convert_dtypes(convert_floating=False)
        elif column.dtype.kind in "iu":
            column = column.astype("Int64")
        elif column.dtype.kind == "b":
            column = column.astype("boolean")
        elif column.dtype.kind == "f":
            column = pd.Series(pd.array(pa.array(column.astype("float64").to_numpy()), dtype=FLOAT))
        typed[str(name)] = column
    return pd.DataFrame(typed)
''',
    "arrow_table": '''def arrow_table(table):
    """A table in Arrow's own memory: a thread that frees NumPy's while Python ends would abort the script."""
    leaning = pa.Table.from_pandas(table, preserve_index=False)
    columns = [pa.concat_arrays([*column.chunks, pa.nulls(0, column.type)]) for column in leaning.columns]
    return pa.Table.from_arrays(columns, schema=leaning.schema)
''',
    "hold": '''def hold(connection, tables, order):
    """Put tables into DuckDB, each with a column that holds the order of its rows."""
    connection.execute("SET ieee_floating_point_ops = false; SET TimeZone = 'UTC'; SET threads = 1")
    for name, table in tables.items():
        held = table.reset_index(drop=True).assign(**{order: range(len(table))})
        connection.register("held", arrow_table(held))
        connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM held")
        connection.unregister("held")
''',
    "sql": '''def sql(tables, *statements, order, files=None):
    """Run a step that is written in SQL; the last statement gives the table."""
    kinds = {
        pa.float64(): FLOAT,
        pa.int64(): pd.Int64Dtype(),
        pa.string(): pd.StringDtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
    with duckdb.connect() as connection:
        hold(connection, tables, order)
        for statement in statements[:-1]:
            connection.execute(statement, {"files": files} if "$files" in statement else None)
        found = connection.execute(statements[-1]).to_arrow_table()
    return found.to_pandas(types_mapper=kinds.get, date_as_object=True)
''',
    "write": '''def write(table, path, options):
    """Write a table as Spark does, in CSV with white space off both ends of texts."""
    cells = []
    for name in table.columns:
        column = '"' + name.replace('"', '""') + '"'
        cell = column
        if ".csv" in path and table[name].dtype == "string":
            table = table.assign(**{name: table[name].str.strip("".join(map(chr, range(1, 33))))})
        elif ".csv" in path and table[name].dtype == FLOAT:
            infinite = f"WHEN isnan({column}) THEN 'NaN' WHEN {column} > 0 THEN 'Infinity' ELSE '-Infinity'"
            number = f"CASE WHEN {column} IS NULL OR isfinite({column}) THEN CAST({column} AS VARCHAR)"
            cell = f"{number} {infinite} END AS {column}"
        cells.append(cell)
    with duckdb.connect() as connection:
        connection.register("held", arrow_table(table))
        connection.execute(f"COPY (SELECT {', '.join(cells)} FROM held) TO '{path}' ({options})")
''',
    "write_query": '''def write_query(tables, *statements, order, path, options):
    """Write what the last statement gives."""
    with duckdb.connect() as connection:
        hold(connection, tables, order)
        for statement in statements[:-1]:
            connection.execute(statement)
        connection.execute(f"COPY ({statements[-1]}) TO '{path}' ({options})")
''',
}
