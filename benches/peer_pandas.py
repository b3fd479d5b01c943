"""specs/online_retail.seg as a script for pandas, openpyxl and scikit-learn.

python benches/peer_pandas.py PURCHASES FOLDER
"""

import sys
from pathlib import Path

import pandas as pd

from peer_clusters import RULES, labels, search, write_outcome

purchases, folder = map(Path, sys.argv[1:])

# Ids are text where some have letters: the cancellations would be lost otherwise.
types = {"InvoiceNo": "str", "StockCode": "str", "Description": "str", "CustomerID": "Int64", "Country": "str"}
if purchases.suffix == ".xlsx":
    rows = pd.read_excel(purchases, dtype=types)
else:
    rows = pd.read_csv(purchases, dtype=types, parse_dates=["InvoiceDate"], date_format="%Y-%m-%d %H:%M:%S")
rows["amount"] = rows.Quantity * rows.UnitPrice

read, dropped = len(rows), []
leaves = {
    "no customer": lambda rows: rows.CustomerID.isna(),
    "cancellation": lambda rows: rows.InvoiceNo.str.startswith("C"),
    "returned or void": lambda rows: rows.Quantity <= 0,
    "free": lambda rows: rows.UnitPrice <= 0,
    "repeated row": lambda rows: rows.duplicated(),
}
for rule in RULES:
    gone = leaves[rule](rows)
    dropped.append({"rule": rule, "rows": int(gone.sum()), "amount": float(rows.amount[gone].sum())})
    rows = rows[~gone]
as_of = rows.InvoiceDate.max() + pd.Timedelta(days=1)

baskets = rows.groupby(["CustomerID", "InvoiceNo"]).amount.sum().groupby("CustomerID")
by_customer = rows.groupby("CustomerID")
customers = pd.DataFrame(
    {
        "recency": (as_of - by_customer.InvoiceDate.max()).dt.days,
        "frequency": baskets.size(),
        "monetary": by_customer.amount.sum(),
        "basket": baskets.mean(),
    }
)
recent = rows[rows.InvoiceDate > as_of - pd.Timedelta(days=90)].groupby("CustomerID").amount.sum()
customers["recent"] = recent.reindex(customers.index, fill_value=0.0)
# The commonest country, of equally common ones the first by name.
countries = rows.groupby(["CustomerID", "Country"]).size().rename("rows").reset_index()
countries = countries.sort_values(["CustomerID", "rows", "Country"], ascending=[True, False, True])
customers["home"] = countries.drop_duplicates("CustomerID").set_index("CustomerID").Country


def score(x):
    """1 + floor(5 x share of customers strictly below)."""
    return (1 + 5 * (x.rank(method="min") - 1) // len(x)).astype(int)


customers["r"] = score(-customers.recency)
customers["f"] = score(customers.frequency)
customers["m"] = score(customers.monetary)

on = [customers[name].to_numpy() for name in ["recency", "frequency", "monetary"]]
table, clusters = search(*on)
customers.insert(0, "segment", labels(clusters, *on))
customers.insert(1, "cluster", clusters)
customers.rename_axis("customer").to_csv(folder / "segments.csv")
write_outcome(folder / "outcome.json", read, len(rows), dropped, rows.amount.sum(), len(customers), table)
