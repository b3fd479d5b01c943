"""What specs/shop.seg should find in the shop that comes with segc, computed without segc.

    python benches/expected_shop.py [ROWS TRUTH]

Numbers in the tests come from Python 3.11, numpy 2.4.6, pandas 3.1.1 and scikit-learn 1.9.1.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, calinski_harabasz_score, davies_bouldin_score, silhouette_score
from sklearn.preprocessing import StandardScaler

DATA = Path(__file__).parent.parent / "specs" / "data"
ROWS, TRUTH = sys.argv[1:3] if len(sys.argv) > 2 else (DATA / "shop.csv.gz", DATA / "shop_truth.csv")


def pounds(mils):
    return f"{mils / 1000:,.3f}"


# Every cell as text: ids are not numbers, and repeated rows are told by what the file says.
rows = pd.read_csv(ROWS, dtype=str, keep_default_na=False)
quantity = rows.Quantity.astype(int)
mils = (rows.UnitPrice.astype(float) * 1000).round().astype(int)  # exact: prices have at most three decimals
amount = quantity * mils
at = pd.to_datetime(rows.InvoiceDate)

print(f"rows read {len(rows)}, amount {pounds(amount.sum())}")
kept = pd.Series(True, index=rows.index)
for rule, drop in [
    ("no customer", lambda: rows.CustomerID == ""),
    ("cancellation", lambda: rows.InvoiceNo.str.startswith("C")),
    ("returned or void", lambda: quantity <= 0),
    ("free", lambda: mils <= 0),
    ("repeated row", lambda: rows[kept].duplicated().reindex(rows.index, fill_value=False)),
]:
    dropped = kept & drop()
    kept &= ~dropped
    print(f"  {rule}: {dropped.sum()} rows, {pounds(amount[dropped].sum())}")
used = pd.DataFrame(
    {
        "customer": rows.CustomerID,
        "invoice": rows.InvoiceNo,
        "at": at,
        "mils": amount,
        "country": rows.Country,
    }
)[kept]
as_of = used["at"].max() + pd.Timedelta(days=1)
print(f"rows used {len(used)}, amount {pounds(used.mils.sum())}, {used['at'].min()} to {used['at'].max()}, as of {as_of}")

people = used.groupby("customer").agg(
    last=("at", "max"), frequency=("invoice", "nunique"), mils=("mils", "sum"), countries=("country", "nunique")
)
people["recency"] = (as_of - people["last"]).dt.days
people["monetary"] = people.mils / 1000
baskets = used.groupby(["customer", "invoice"]).mils.sum()
print(f"customers {len(people)}, baskets {len(baskets)}, with two countries {(people.countries > 1).sum()}")
features = people[["recency", "frequency", "monetary"]]
print(features.describe(percentiles=[0.25, 0.5, 0.75]).to_string())

x = StandardScaler().fit_transform(np.log1p(features))
planted = pd.read_csv(TRUTH, dtype=str).set_index("customer").segment.reindex(people.index)
sample = np.random.default_rng(0).permutation(len(x))[:5000]  # all of them in the small shop
best = None
print("k, inertia, silhouette, Davies-Bouldin, Calinski-Harabasz, smallest share, ARI with the planted segments")
for k in range(2, 11):
    fit = KMeans(k, n_init=50, random_state=42).fit(x)
    sizes = np.bincount(fit.labels_)
    silhouette = silhouette_score(x[sample], fit.labels_[sample])
    ari = adjusted_rand_score(planted, fit.labels_)
    print(
        f"  {k} {fit.inertia_:.4f} {silhouette:.4f} {davies_bouldin_score(x, fit.labels_):.4f}"
        f" {calinski_harabasz_score(x, fit.labels_):.2f} {sizes.min() / len(x):.4f} {ari:.4f}  {sorted(sizes.tolist())}"
    )
    if k >= 3 and sizes.min() >= 0.02 * len(x) and (best is None or silhouette > best[0]):
        best = (silhouette, k, fit.labels_)

_, k, clusters = best
everyone = features.median()


def label(cluster):
    """The rules of specs/shop.seg."""
    if cluster.recency < everyone.recency and cluster.monetary >= 4 * everyone.monetary:
        return "Champions"
    if cluster.recency < everyone.recency and cluster.frequency >= everyone.frequency:
        return "Loyal"
    if cluster.recency < everyone.recency:
        return "New"
    if cluster.monetary >= everyone.monetary:
        return "At Risk"
    return "Low Value"


labels = features.groupby(clusters).median().apply(label, axis=1)
people["label"] = labels.reindex(clusters).to_numpy()
print(f"k = {k}; medians of all: {everyone.to_dict()}")
print(people.groupby("label")[["recency", "frequency", "monetary"]].median().to_string())
for name, group in people.groupby("label"):
    print(f"  {name}: {len(group)} customers, {pounds(group.mils.sum())}")
print(f"ARI {adjusted_rand_score(planted, people.label):.4f}, same label {(planted == people.label).sum()} of {len(people)}")
print(pd.crosstab(planted, people.label).to_string())
