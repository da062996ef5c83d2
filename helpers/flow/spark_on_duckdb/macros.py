"""DuckDB macros with Spark's meaning: casts, whole numbers that wrap around, functions with odd ends."""

from __future__ import annotations

_text = "trim(x::VARCHAR, chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || ' ')"


def _macro(name: str, parameters: str, body: str) -> str:
    return f"CREATE OR REPLACE TEMP MACRO {name}({parameters}) AS {body}"


def _whole_number(name: str, kind: str, least: int, most: int, rest: str) -> str:
    """A macro that casts to a whole number: fractions are cut off, floating numbers stop at the ends."""
    return f"""CREATE OR REPLACE TEMP MACRO spark_{name}(x) AS CASE
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') OR starts_with(typeof(x), 'DECIMAL') THEN CASE
        WHEN isnan(TRY_CAST(x AS DOUBLE)) THEN 0
        WHEN TRY_CAST(x AS DOUBLE) >= {most} THEN {most}
        WHEN TRY_CAST(x AS DOUBLE) <= {least} THEN {least}
        ELSE TRY_CAST(trunc(TRY_CAST(x AS DOUBLE)) AS {kind}) END
    WHEN typeof(x) = 'VARCHAR' THEN CASE
        WHEN CAST(TRY_CAST(x AS {kind}) AS VARCHAR) = x::VARCHAR THEN TRY_CAST(x AS {kind})
        WHEN regexp_full_match({_text}, '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]*)')
            THEN TRY_CAST(CASE WHEN starts_with({_text}, '-') THEN '-0' ELSE '0' END
                || split_part(ltrim({_text}, '+-'), '.', 1) AS {kind}) END
    {rest} END"""


def _wrapped(name: str, kind: str, bits: int, wide: str) -> str:
    """A macro that keeps the lowest bits of a whole number, as Java's arithmetic does."""
    half, whole = 2 ** (bits - 1), 2**bits
    return _macro(
        name,
        "x",
        f"CAST(((x + {half}::{wide}) & {whole - 1}::{wide}) - {half}::{wide} AS {kind})",
    )


_day = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_clock = r"([01]?[0-9]|2[0-3])(?::([0-5]?[0-9])(?::([0-5]?[0-9])(?:[.]([0-9]*))?(?:[ ]*([+\-A-Z].*))?)?)?"
_offset = r"(?:UTC|GMT|UT)?(?:([+-])([0-9]{1,2})(?::([0-9]{1,2})(?::([0-9]{1,2}))?|([0-9]{2})([0-9]{2})?)?)"
_iso = "[0-9]{4}-[0-9]{2}-[0-9]{2}[ T]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?"
_filled = f"""CASE WHEN length({_text}) = 4 THEN {_text} || '-01-01'
    WHEN regexp_full_match({_text}, '[0-9]{{4}}-[0-9]{{1,2}}') THEN {_text} || '-01' ELSE {_text} END"""

macros = (
    _macro("spark_trimmed", "x", _text),
    _macro(
        "spark_float",
        "x",
        f"""CASE WHEN typeof(x) = 'VARCHAR' THEN CASE
        WHEN isfinite(TRY_CAST(x AS DOUBLE)) AND NOT contains(x::VARCHAR, '_') THEN TRY_CAST(x AS DOUBLE)
        WHEN regexp_full_match({_text}, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[dDfF]?')
            THEN coalesce(TRY_CAST(rtrim({_text}, 'dDfF') AS DOUBLE),
                CASE WHEN contains(lower({_text}), 'e-') THEN 0
                    WHEN starts_with({_text}, '-') THEN '-inf'::DOUBLE ELSE 'inf'::DOUBLE END)
        WHEN regexp_full_match(lower({_text}), '[+]?inf(inity)?') THEN 'inf'::DOUBLE
        WHEN regexp_full_match(lower({_text}), '-inf(inity)?') THEN '-inf'::DOUBLE
        WHEN lower({_text}) = 'nan' THEN 'nan'::DOUBLE END
    ELSE TRY_CAST(x AS DOUBLE) END""",
    ),
    "CREATE OR REPLACE TEMP MACRO spark_real(x) AS CAST(spark_float(x) AS FLOAT)",
    _whole_number(
        "long",
        "BIGINT",
        -(2**63),
        2**63 - 1,
        """WHEN starts_with(typeof(x), 'TIMESTAMP')
        THEN CAST(floor(epoch(TRY_CAST(x AS TIMESTAMP))) AS BIGINT)
    ELSE TRY_CAST(x AS BIGINT)""",
    ),
    _whole_number(
        "int",
        "INTEGER",
        -(2**31),
        2**31 - 1,
        # Spark keeps the lowest 32 bits of a longer whole number.
        """ELSE CAST((TRY_CAST(x AS HUGEINT) + 2147483648) % 4294967296
        + CASE WHEN (TRY_CAST(x AS HUGEINT) + 2147483648) % 4294967296 < 0 THEN 4294967296 ELSE 0 END
        - 2147483648 AS INTEGER)""",
    ),
    """CREATE OR REPLACE TEMP MACRO spark_bool(x) AS CASE
    WHEN typeof(x) = 'VARCHAR' THEN CASE
        WHEN lower(trim(x::VARCHAR)) IN ('t', 'true', 'y', 'yes', '1') THEN true
        WHEN lower(trim(x::VARCHAR)) IN ('f', 'false', 'n', 'no', '0') THEN false END
    ELSE TRY_CAST(x AS BOOLEAN) END""",
    # The digits of a floating number in Java's form: 1.0E7, 5.0E-4.
    """CREATE OR REPLACE TEMP MACRO spark_digits(sign, digits, exponent) AS
    sign || left(digits, 1) || '.' || coalesce(nullif(substr(digits, 2), ''), '0') || 'E' || exponent""",
    """CREATE OR REPLACE TEMP MACRO spark_number_text(x) AS CASE
    WHEN isnan(TRY_CAST(x AS DOUBLE)) THEN 'NaN'
    WHEN isinf(TRY_CAST(x AS DOUBLE))
        THEN CASE WHEN TRY_CAST(x AS DOUBLE) > 0 THEN '' ELSE '-' END || 'Infinity'
    WHEN TRY_CAST(x AS DOUBLE) = 0 OR abs(TRY_CAST(x AS DOUBLE)) BETWEEN 0.001 AND 9999999.999999998
        THEN CAST(x AS VARCHAR)
    WHEN contains(CAST(x AS VARCHAR), 'e') THEN
        split_part(CAST(x AS VARCHAR), 'e', 1)
        || CASE WHEN contains(CAST(x AS VARCHAR), '.') THEN '' ELSE '.0' END
        || 'E' || TRY_CAST(split_part(CAST(x AS VARCHAR), 'e', 2) AS INTEGER)
    WHEN abs(TRY_CAST(x AS DOUBLE)) >= 1 THEN spark_digits(
        CASE WHEN starts_with(CAST(x AS VARCHAR), '-') THEN '-' ELSE '' END,
        rtrim(replace(ltrim(CAST(x AS VARCHAR), '-'), '.', ''), '0'),
        length(split_part(ltrim(CAST(x AS VARCHAR), '-'), '.', 1)) - 1)
    ELSE spark_digits(
        CASE WHEN starts_with(CAST(x AS VARCHAR), '-') THEN '-' ELSE '' END,
        ltrim(split_part(CAST(x AS VARCHAR), '.', 2), '0'),
        length(ltrim(split_part(CAST(x AS VARCHAR), '.', 2), '0'))
            - length(split_part(CAST(x AS VARCHAR), '.', 2)) - 1) END""",
    """CREATE OR REPLACE TEMP MACRO spark_string(x) AS
    CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN spark_number_text(x) ELSE CAST(x AS VARCHAR) END""",
    # A text as a date: a year, a month or a day; behind a day's blank or T anything may stand.
    _macro(
        "spark_date",
        "x",
        f"""CASE WHEN regexp_full_match({_text}, '[0-9]{{4}}(-[0-9]{{1,2}}){{0,2}}')
            THEN TRY_CAST({_filled} AS DATE)
        WHEN regexp_full_match({_text}, '(?s){_day}[ T].*')
            THEN TRY_CAST(regexp_extract({_text}, '^{_day}') AS DATE) END""",
    ),
    _macro(
        "spark_offset_seconds",
        "o",
        """CASE WHEN CAST(o.hours AS INTEGER) * 3600
            + coalesce(TRY_CAST(o.minutes AS INTEGER), TRY_CAST(o.more AS INTEGER), 0) * 60
            + coalesce(TRY_CAST(o.seconds AS INTEGER), TRY_CAST(o.most AS INTEGER), 0) <= 64800
        THEN CASE WHEN o.sign = '-' THEN -1 ELSE 1 END * (CAST(o.hours AS INTEGER) * 3600
            + coalesce(TRY_CAST(o.minutes AS INTEGER), TRY_CAST(o.more AS INTEGER), 0) * 60
            + coalesce(TRY_CAST(o.seconds AS INTEGER), TRY_CAST(o.most AS INTEGER), 0)) END""",
    ),
    _macro(
        "spark_local",
        "p",
        """CAST(CASE WHEN p.day = '' THEN CAST(current_timestamp AS DATE) ELSE TRY_CAST(p.day AS DATE) END
            AS TIMESTAMP)
        + to_microseconds((CAST(p.hour AS BIGINT) * 3600 + coalesce(TRY_CAST(p.minute AS BIGINT), 0) * 60
            + coalesce(TRY_CAST(p.second AS BIGINT), 0)) * 1000000
            + CAST(rpad(left(p.fraction, 6), 6, '0') AS BIGINT))""",
    ),
    _macro(
        "spark_moment_of",
        "p",
        """CASE WHEN regexp_full_match(p.zone, '[A-Z][A-Za-z]+/[A-Za-z_/+0-9-]+|[A-Z]{3}')
            AND p.zone NOT IN ('UTC', 'GMT')
            THEN CAST(TRY(timezone(p.zone, spark_local(p))) AS TIMESTAMP)
        ELSE spark_local(p) - to_seconds(spark_offset(p.zone)) END""",
    ),
    # Seconds that an offset such as +01:30, -0530 or UTC+2 is ahead of UTC; null beyond 18 hours.
    _macro(
        "spark_offset",
        "x",
        f"""CASE WHEN x IN ('', 'Z', 'UTC', 'GMT', 'UT') THEN 0
        WHEN regexp_full_match(x, '{_offset}') THEN spark_offset_seconds(regexp_extract(x, '{_offset}',
            ['sign', 'hours', 'minutes', 'seconds', 'more', 'most']))END""",
    ),
    # A text as a moment: a date, or a time of day (of today, when there is no day), perhaps with a zone.
    # Zones are applied here: DuckDB's own cast takes a named zone to the rows behind.
    _macro(
        "spark_datetime",
        "x",
        f"""CASE WHEN regexp_full_match(x, '{_iso}') THEN TRY_CAST(x AS TIMESTAMP)
        WHEN regexp_full_match(x, '{_iso}(Z|[+-](0[0-9]|1[0-7]):[0-5][0-9])')
            THEN CAST(TRY_CAST(x AS TIMESTAMPTZ) AS TIMESTAMP)
        WHEN regexp_full_match({_text}, '[0-9]{{4}}(-[0-9]{{1,2}}){{0,2}}')
            THEN TRY_CAST({_filled} AS TIMESTAMP)
        WHEN regexp_full_match({_text}, '({_day}[ T]|T)?{_clock}') AND contains({_text}, ':')
            OR regexp_full_match({_text}, '{_day}[ T]{_clock}')
            THEN spark_moment_of(regexp_extract({_text}, '^(?:({_day})[ T]|T)?{_clock}$',
                ['day', 'hour', 'minute', 'second', 'fraction', 'zone']))
        END""",
    ),
    # A text as a moment by a pattern of strptime; Java's years of two digits are those of 2000 to 2099.
    _macro(
        "spark_moment",
        "x, pattern, java_pattern",
        """try_strptime(x, pattern) + to_years(CASE
        WHEN contains(replace(pattern, '%%', ''), '%y') AND year(try_strptime(x, pattern)) < 2000 THEN 100
        ELSE 0 END)""",
    ),
    _macro(
        "spark_moment_number",
        "x",
        "make_timestamp(TRY_CAST(trunc(CASE WHEN isfinite(x) THEN x END * 1000000) AS BIGINT))",
    ),
    _macro(
        "spark_text_within",
        "x, least, most",
        "CASE WHEN spark_long(x) BETWEEN least AND most THEN spark_long(x) END",
    ),
    _wrapped("spark_wrap_bigint", "BIGINT", 64, "HUGEINT"),
    _wrapped("spark_wrap_int", "INTEGER", 32, "HUGEINT"),
    _wrapped("spark_wrap_smallint", "SMALLINT", 16, "HUGEINT"),
    _wrapped("spark_wrap_tinyint", "TINYINT", 8, "HUGEINT"),
    # The digits people see decide how Spark rounds, not the binary number: 1.005 is 1.01 to two places.
    _macro(
        "spark_digits_of",
        "x",
        "CASE WHEN abs(x) < 4503599627370496 THEN TRY_CAST(CAST(x AS VARCHAR) AS DECIMAL(38, 22)) END",
    ),
    _macro(
        "spark_double_decimal",
        "x",
        """CASE WHEN abs(x) < 1e15 THEN CAST(x AS VARCHAR)
        ELSE CAST(TRY_CAST(x AS DECIMAL(38, 0)) AS VARCHAR) END""",
    ),
    _macro("spark_round", "x, n", "coalesce(CAST(round(spark_digits_of(x), n) AS DOUBLE), x)"),
    _macro(
        "spark_bround",
        "x, n",
        """coalesce(CAST(CASE
        WHEN abs(spark_digits_of(x) - trunc(spark_digits_of(x), n)) * pow(10, n)::DECIMAL(16,0) = 0.5
            AND (CAST(trunc(spark_digits_of(x) * pow(10, n)::DECIMAL(16,0)) AS HUGEINT)) % 2 = 0
        THEN trunc(spark_digits_of(x), n) ELSE round(spark_digits_of(x), n) END AS DOUBLE), x)""",
    ),
    _macro("spark_log", "x", "CASE WHEN isnan(x) THEN x WHEN x > 0 THEN ln(x) END"),
    _macro("spark_sqrt", "x", "CASE WHEN x < 0 THEN 'nan'::DOUBLE ELSE sqrt(x) END"),
    _macro("spark_not_infinite", "x", "CASE WHEN NOT isinf(x) THEN x END"),
    _macro("spark_unless_infinite", "x, y", "CASE WHEN isinf(x) THEN 'nan'::DOUBLE ELSE y END"),
    _macro(
        "spark_within_one",
        "x, y",
        "CASE WHEN abs(x) > 1 THEN CASE WHEN isnan(x) THEN x ELSE 'nan'::DOUBLE END ELSE y END",
    ),
    _macro(
        "spark_substring",
        "x, p, n",
        """CASE WHEN n <= 0 THEN CASE WHEN x IS NOT NULL AND p IS NOT NULL THEN '' END
        WHEN p > 0 THEN substring(x, p, n)
        WHEN p = 0 THEN substring(x, 1, n)
        WHEN length(x) + p >= 0 THEN substring(x, length(x) + p + 1, n)
        WHEN length(x) + p + n > 0 THEN substring(x, 1, length(x) + p + n)
        WHEN x IS NOT NULL AND p IS NOT NULL THEN '' END""",
    ),
    _macro(
        "spark_initcap",
        "x",
        """array_to_string(list_transform(string_split(lower(x), ' '),
        lambda w: upper(substring(w, 1, 1)) || substring(w, 2)), ' ')""",
    ),
    _macro("spark_reverse", "x", "array_to_string(list_reverse(regexp_extract_all(x, '(?s).')), '')"),
    _macro("spark_month_end", "x", "last_day(x)"),
    _macro(
        "spark_add_months",
        "x, n",
        "CAST(CAST(x AS TIMESTAMP) + to_months(CAST(n AS INTEGER)) AS DATE)",
    ),
    _macro(
        "spark_months_between",
        "x, y",
        """CASE WHEN day(x) = day(y) OR (CAST(x AS DATE) = last_day(x) AND CAST(y AS DATE) = last_day(y))
        THEN CAST((year(x) - year(y)) * 12 + month(x) - month(y) AS DOUBLE)
        ELSE spark_round((year(x) - year(y)) * 12 + month(x) - month(y) + ((day(x) - day(y)) * 86400
            + floor(epoch(x) - epoch(CAST(x AS DATE)))
            - floor(epoch(y) - epoch(CAST(y AS DATE)))) / 2678400.0::DOUBLE, 8)
        END""",
    ),
    _macro("spark_nth", "x, n", "CASE WHEN n >= 0 THEN x[CAST(n AS BIGINT) + 1] END"),
    _macro("spark_nanvl", "x, y", "CASE WHEN isnan(x) THEN y ELSE x END"),
)
"""What a connection needs before it computes as Spark does, in this order."""
