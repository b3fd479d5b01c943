"""What the pipelines of peer_pandas.py and peer_polars.py share: the search for k with scikit-learn, the labels, and
what a pipeline says of its result, in the shape of segc's outcome.json."""

import json

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from sklearn.preprocessing import StandardScaler

RULES = ["no customer", "cancellation", "returned or void", "free", "repeated row"]


def search(recency, frequency, monetary):
    """k-means for k = 2 to 10, each with four indices: the table, and the clusters of the k that is taken."""
    x = StandardScaler().fit_transform(np.log1p(np.column_stack([recency, frequency, monetary])))
    table, taken = [], None
    for k in range(2, 11):
        fit = KMeans(k, n_init=20, random_state=42).fit(x)
        sizes = np.bincount(fit.labels_)
        row = {
            "k": k,
            "inertia": fit.inertia_,
            "silhouette": float(silhouette_score(x, fit.labels_)),
            "davies_bouldin": float(davies_bouldin_score(x, fit.labels_)),
            "calinski_harabasz": float(calinski_harabasz_score(x, fit.labels_)),
            "sizes": sizes.tolist(),
        }
        table.append(row)
        qualifies = k >= 3 and sizes.min() >= 0.02 * len(x)
        if qualifies and (taken is None or row["silhouette"] > taken[0]["silhouette"]):
            taken = row, fit.labels_
    return table, taken[1]


def labels(clusters, recency, frequency, monetary):
    """The name of every customer's segment, by the medians of the clusters."""
    recency_of_all, frequency_of_all, monetary_of_all = np.median(recency), np.median(frequency), np.median(monetary)
    names = np.empty(clusters.max() + 1, dtype=object)
    for cluster in range(len(names)):
        members = clusters == cluster
        r, f, m = np.median(recency[members]), np.median(frequency[members]), np.median(monetary[members])
        if r < recency_of_all and m >= 2 * monetary_of_all:
            names[cluster] = "Champions"
        elif r > recency_of_all and m >= monetary_of_all:
            names[cluster] = "At Risk"
        elif f >= frequency_of_all:
            names[cluster] = "Loyal"
        else:
            names[cluster] = "Low Value"
    return names[clusters]


def write_outcome(path, read, used, dropped, amount, n_customers, table):
    outcome = {
        "rows": {"read": read, "used": used, "dropped": dropped},
        "customers": n_customers,
        "amount": float(amount),
        "cluster": {"search": table},
    }
    path.write_text(json.dumps(outcome, indent=2))
