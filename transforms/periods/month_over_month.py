"""The difference of a monthly cell to the calendar month before it, or why there is none.

Here: that rule, for a frame of cells.
Not here: whether a change means something (changes).
"""

import polars as pl


def with_differences(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells of one metric with delta, relative, delta_reason and is_delta_provisional; null of quarters.

    In the order of subject_kind, subject_id, grain, period_start: what stands above a month is the one before
    it, if that has a cell. A gap is never bridged: only the adjacent month counts.
    """
    value, value_before = pl.col("value"), pl.col("value").shift(1)
    is_month = pl.col("grain") == "month"
    is_same_series = pl.all_horizontal(
        pl.col(name) == pl.col(name).shift(1) for name in ("subject_kind", "subject_id", "grain")
    )
    is_before = is_same_series & (
        pl.col("period_start").shift(1).dt.offset_by("1mo") == pl.col("period_start")
    )
    is_told = (pl.col("status") == "ok") & pl.col("hole").is_null() & value.is_not_null()
    is_told_before = (is_before & is_told.shift(1)).fill_null(value=False)
    reason = (
        pl.when(~is_told)
        .then(pl.lit("current_missing"))
        .when(pl.col("state") == "partial")
        .then(pl.lit("current_partial"))
        .when(~is_told_before)
        .then(pl.lit("previous_missing"))
        .when(pl.col("segment") != pl.col("segment").shift(1))
        .then(pl.lit("segment_change"))
    )
    with_reason = cells.with_columns(pl.when(is_month).then(reason).alias("delta_reason"))
    is_difference = is_month & pl.col("delta_reason").is_null()
    delta = value - value_before
    return with_reason.with_columns(
        pl.when(is_difference).then(delta).alias("delta"),
        pl.when(is_difference & (value_before != 0)).then(delta / value_before).alias("relative"),
        pl.when(is_month)
        .then(is_difference & (pl.col("state") == "provisional"))
        .alias("is_delta_provisional"),
    )
