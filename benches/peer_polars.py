"""specs/online_retail.seg as a script for polars, fastexcel and scikit-learn.

python benches/peer_polars.py PURCHASES FOLDER
"""

import sys
from datetime import timedelta
from pathlib import Path

import polars as pl

from peer_clusters import RULES, labels, search, write_outcome

purchases, folder = map(Path, sys.argv[1:])

# Ids are text where some have letters: the cancellations would be lost otherwise.
types = {"InvoiceNo": pl.String, "StockCode": pl.String, "Description": pl.String, "CustomerID": pl.Int64}
if purchases.suffix == ".xlsx":
    rows = pl.read_excel(purchases, schema_overrides=types)
else:
    at = pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S")
    rows = pl.read_csv(purchases, schema_overrides=types | {"InvoiceDate": pl.String}).with_columns(at)
columns = rows.columns
rows = rows.with_columns(amount=pl.col("Quantity") * pl.col("UnitPrice"))

read, dropped = len(rows), []
leaves = {
    "no customer": pl.col("CustomerID").is_null(),
    "cancellation": pl.col("InvoiceNo").str.starts_with("C"),
    "returned or void": pl.col("Quantity") <= 0,
    "free": pl.col("UnitPrice") <= 0,
    "repeated row": ~pl.struct(columns).is_first_distinct(),
}
for rule in RULES:
    gone = rows.select(leaves[rule]).to_series()
    dropped.append({"rule": rule, "rows": gone.sum(), "amount": rows["amount"].filter(gone).sum()})
    rows = rows.filter(~gone)
as_of = rows["InvoiceDate"].max() + timedelta(days=1)


def score(x):
    """1 + floor(5 x share of customers strictly below)."""
    return 1 + 5 * (x.rank("min").cast(pl.Int64) - 1) // pl.len()


lazy = rows.lazy()
baskets = (
    lazy.group_by("CustomerID", "InvoiceNo")
    .agg(worth=pl.col("amount").sum())
    .group_by("CustomerID")
    .agg(frequency=pl.len(), basket=pl.col("worth").mean())
)
customers = (
    lazy.group_by("CustomerID")
    .agg(
        recency=(as_of - pl.col("InvoiceDate").max()).dt.total_days(),
        monetary=pl.col("amount").sum(),
        recent=pl.col("amount").filter(pl.col("InvoiceDate") > as_of - timedelta(days=90)).sum(),
        home=pl.col("Country").mode().min(),
    )
    .join(baskets, on="CustomerID")
    .sort("CustomerID")
    .with_columns(r=score(-pl.col("recency")), f=score(pl.col("frequency")), m=score(pl.col("monetary")))
    .collect()
)

on = [customers[name].to_numpy() for name in ["recency", "frequency", "monetary"]]
table, clusters = search(*on)
names = ["recency", "frequency", "monetary", "basket", "recent", "home", "r", "f", "m"]
customers = customers.select(
    pl.col("CustomerID").alias("customer"),
    pl.Series("segment", labels(clusters, *on), dtype=pl.String),
    pl.Series("cluster", clusters),
    *names,
)
customers.write_csv(folder / "segments.csv")
write_outcome(folder / "outcome.json", read, len(rows), dropped, rows["amount"].sum(), len(customers), table)
