"""Computes again, without segc, all that a build of specs/online_retail.seg or specs/shop.seg says, and compares.

    python benches/verify_outcome.py OUTCOME_FOLDER PURCHASES

PURCHASES is the file that was built from; for Online Retail either the workbook or the CSV. Needs pandas, openpyxl,
pyarrow and scikit-learn (benches/requirements.txt). Prints every difference and exits with 1 if there is one.

Left out: texts that are copied from the spec; where the borders of a histogram lie (that they are evenly spaced, and
what lies between them, is checked); the indices of a k whose clusters no run of scikit-learn finds.
"""

import hashlib
import json
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_samples
from threadpoolctl import threadpool_limits

# `slack`: how much worse than the best of 100 runs of scikit-learn an inertia may be. With few customers and many
# clusters 20 runs of either program often miss the best clustering: in the shop by up to 3 %, seen over 40 seeds.
FACTS = {
    "online_retail": {"k": range(2, 11), "qualifies": lambda k, share: k >= 3 and share >= 0.02, "slack": 0.0005},
    "shop": {"k": range(3, 11), "qualifies": lambda k, share: share >= 0.02, "slack": 0.03},
}
QUANTILES = {"min": 0, "p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "max": 1}
UNITS = {"recency": "days", "frequency": "count", "monetary": "GBP", "basket": "GBP", "recent": "GBP", "home": "text"}

differences, checked = [], 0


def compare(where, found, expected, rel=1e-9, absolute=1e-12):
    """Notes a difference beyond the noise of floating point; amounts and texts have to be the same. Also for lists."""
    global checked
    if isinstance(expected, (list, tuple, np.ndarray)):
        if len(found) != len(expected):
            differences.append(f"{where}: {len(found)} entries, not {len(expected)}")
        for place, (one, other) in enumerate(zip(found, expected)):
            compare(f"{where}[{place}]", one, other, rel, absolute)
        return
    checked += 1
    if all(isinstance(value, (int, float, np.number)) for value in [found, expected]):
        same = abs(found - expected) <= max(absolute, rel * abs(expected))
    else:
        same = found == expected
    if not same:
        differences.append(f"{where}: segc says {found!r}, expected {expected!r}")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, purchases = map(Path, sys.argv[1:])
    outcome = json.loads((folder / "outcome.json").read_text())
    facts = FACTS[outcome["name"]]
    compare("schema", outcome["schema"], "segc.outcome/1")
    rows = read(purchases)
    used, as_of = ledger(outcome, rows)
    customers = measure(used, as_of, [feature["name"] for feature in outcome["features"]])
    listed = pd.read_csv(folder / "segments.csv", dtype={"customer": str}, keep_default_na=False)
    features(outcome, customers)
    scores(outcome, customers)
    clusters = listed.set_index("customer").cluster.reindex(customers.index).to_numpy()
    x = clustering(outcome, facts, customers, clusters)
    people = labels(outcome, customers, clusters)
    segments(outcome, people, x)
    concentration(outcome, customers)
    the_list(folder, outcome, listed, people)
    files(folder, outcome, purchases, len(rows))


def read(path):
    """Ids as text, everything else by its type; the price in thousandths, which is exact."""
    types = {"InvoiceNo": "str", "StockCode": "str", "Description": "str", "Country": "str", "CustomerID": "Int64"}
    if path.suffix == ".xlsx":
        rows = pd.read_excel(path, dtype=types)
    else:
        rows = pd.read_csv(path, dtype=types, parse_dates=["InvoiceDate"], date_format="%Y-%m-%d %H:%M:%S")
    rows["CustomerID"] = rows.CustomerID.astype("string")
    rows["mils"] = rows.Quantity * (rows.UnitPrice * 1000).round().astype("int64")
    return rows


def pounds(mils):
    """An exact amount as outcome.json has it."""
    return Decimal(int(mils)).scaleb(-3)


def ledger(outcome, rows):
    found = outcome["rows"]
    compare("rows.read", found["read"], len(rows))
    compare("rows.refused", found["refused"], 0)
    compare("rows.amount_read", Decimal(found["amount_read"]), pounds(rows.mils.sum()))
    rules = {
        "no customer": lambda rows: rows.CustomerID.isna(),
        "cancellation": lambda rows: rows.InvoiceNo.str.startswith("C"),
        "returned or void": lambda rows: rows.Quantity <= 0,
        "free": lambda rows: rows.UnitPrice <= 0,
        "repeated row": lambda rows: rows.duplicated(),
    }
    compare("rules", [dropped["rule"] for dropped in found["dropped"]], list(rules))
    for dropped, rule in zip(found["dropped"], rules):
        gone = rules[rule](rows)
        compare(f"dropped by {rule!r}, rows", dropped["rows"], int(gone.sum()))
        compare(f"dropped by {rule!r}, amount", Decimal(dropped["amount"]), pounds(rows.mils[gone].sum()))
        rows = rows[~gone]
    compare("rows.used", found["used"], len(rows))
    for name, amount in [("amount_used", found["amount_used"]), ("amount", outcome["amount"])]:
        compare(name, Decimal(amount), pounds(rows.mils.sum()))
    first, last = rows.InvoiceDate.min(), rows.InvoiceDate.max()
    as_of = last + pd.Timedelta(days=1)
    compare("period.first", outcome["period"]["first"], first.isoformat())
    compare("period.last", outcome["period"]["last"], last.isoformat())
    compare("as_of", outcome["as_of"], as_of.isoformat())
    compare("currency", outcome["currency"], "GBP")
    compare("customers", outcome["customers"], rows.CustomerID.nunique())
    compare("baskets", outcome["baskets"], len(rows[["CustomerID", "InvoiceNo"]].drop_duplicates()))
    return rows, as_of


def measure(rows, as_of, names):
    """The features of every customer, sorted by id; amounts in thousandths in the column `mils`."""
    grouped = rows.groupby("CustomerID")
    baskets = rows.groupby(["CustomerID", "InvoiceNo"]).mils.sum().groupby("CustomerID")
    recent = rows[rows.InvoiceDate > as_of - pd.Timedelta(days=90)].groupby("CustomerID").mils.sum()
    mils = grouped.mils.sum()
    # The commonest country, of equally common ones the smallest.
    home = grouped.Country.agg(lambda countries: countries.mode().min())
    customers = pd.DataFrame(
        {
            "recency": (as_of - grouped.InvoiceDate.max()) // pd.Timedelta(days=1),
            "frequency": baskets.size(),
            "monetary": mils / 1000,
            "basket": baskets.sum() / (baskets.size() * 1000),
            "recent": recent.reindex(mils.index, fill_value=0) / 1000,
            "home": home,
            "mils": mils,
        }
    )
    n = len(customers)
    for name, of, sign in [("r", "recency", -1), ("f", "frequency", 1), ("m", "monetary", 1)]:
        value = (sign * customers[of]).to_numpy()
        below = np.searchsorted(np.sort(value), value)  # customers strictly below
        customers[name] = 1 + 5 * below // n
    return customers[[*names, "mils"]]


def statistics(where, found, values):
    for name, q in QUANTILES.items():
        compare(f"{where}.{name}", found[name], np.quantile(values, q))
    compare(f"{where}.mean", found["mean"], values.mean())
    compare(f"{where}.std", found["std"], values.std(ddof=1) if len(values) > 1 else None)


def features(outcome, customers):
    for found in outcome["features"]:
        name, values = found["name"], customers[found["name"]]
        compare(f"{name}.unit", found["unit"], UNITS.get(name, "score"))
        compare(f"{name}.missing", found["missing"], 0)
        if name == "home":
            counts = values.value_counts()
            common = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:8]
            compare("home.common", [(c["value"], c["customers"]) for c in found["common"]], common)
            compare("home.bins", found["bins"], None)
            continue
        compare(f"{name}.common", found["common"], None)
        values = values.to_numpy(float)
        statistics(name, found, values)
        edges = np.array(found["bins"]["edges"])
        scaled = np.log1p(edges) if found["bins"]["log"] else edges
        compare(f"{name}.bins, even in width", scaled, np.linspace(scaled[0], scaled[-1], len(edges)))
        compare(f"{name}.bins hold every value", bool(edges[0] <= values.min() and values.max() <= edges[-1]), True)


def scores(outcome, customers):
    found = {table["feature"]: table for table in outcome["scores"]}
    compare("scores", list(found), ["r", "f", "m"])
    for name, of in [("r", "recency"), ("f", "frequency"), ("m", "monetary")]:
        compare(f"scores.{name}.of", [found[name]["of"], found[name]["n"], found[name]["unit"]], [of, 5, UNITS[of]])
        compare(f"scores.{name}.low_is_best", found[name]["low_is_best"], name == "r")
        steps = customers.groupby(name)[of].agg(["min", "max", "size"]).reset_index()
        columns = ["score", "from", "to", "customers"]
        compare(f"scores.{name}.steps", [[step[c] for c in columns] for step in found[name]["steps"]], steps.to_numpy())
    grid = outcome["score_grid"]
    compare("score_grid", [grid["rows"], grid["columns"]], ["r", "f"])
    for r in range(1, 6):
        for f in range(1, 6):
            members = customers[(customers.r == r) & (customers.f == f)]
            cell = grid["cells"][r - 1][f - 1]
            compare(f"score_grid r={r} f={f}, customers", cell["customers"], len(members))
            compare(f"score_grid r={r} f={f}, amount", Decimal(cell["amount"]), pounds(members.mils.sum()))


def clustering(outcome, facts, customers, clusters):
    """The clusters of the list against their centres and indices, and every k against what scikit-learn finds."""
    found = outcome["cluster"]
    logs = np.log1p(customers[["recency", "frequency", "monetary"]].to_numpy(float))
    mean, deviation = logs.mean(axis=0), logs.std(axis=0)
    x = (logs - mean) / deviation
    n, k = len(x), found["k"]
    compare("cluster.on", found["on"], ["log1p(recency)", "log1p(frequency)", "log1p(monetary)"])
    compare("cluster", [found[name] for name in ["method", "scale", "seed", "restarts"]], ["kmeans", "zscore", 42, 20])

    centers = np.array([x[clusters == cluster].mean(axis=0) for cluster in range(k)])
    compare("clusters are numbered by their centres", [tuple(c) for c in centers] == sorted(map(tuple, centers)), True)
    compare("cluster.clusters", [c["cluster"] for c in found["clusters"]], list(range(k)))
    compare("cluster.center", [c["center"] for c in found["clusters"]], centers)
    compare("cluster.center_unscaled", [c["center_unscaled"] for c in found["clusters"]], centers * deviation + mean)
    compare("cluster.customers", [c["customers"] for c in found["clusters"]], np.bincount(clusters))
    distances = ((x[:, None, :] - centers) ** 2).sum(axis=2)
    own = distances[np.arange(n), clusters]
    compare("customers nearer to another centre", int((own > distances.min(axis=1) + 1e-12).sum()), 0)

    compare("search", [row["k"] for row in found["search"]], list(facts["k"]))
    taken = None
    for row in found["search"]:
        where = f"search k={row['k']}"
        share = min(row["sizes"]) / n
        compare(f"{where}, customers", sum(row["sizes"]), n)
        compare(f"{where}, smallest_share", row["smallest_share"], share)
        qualifies = facts["qualifies"](row["k"], share)
        compare(f"{where}, qualifies", row["qualifies"], qualifies)
        compare(f"{where}, misses", row["misses"] is None, qualifies)
        if qualifies and (taken is None or row["silhouette"] > taken["silhouette"]):
            taken = row
        if row["k"] == k:
            indices(where, row, x, clusters, own.sum())
        best, same = runs(x, row["k"], row["inertia"])
        if same is not None:
            order = np.lexsort(same.cluster_centers_.T[::-1]).argsort()
            indices(f"{where}, scikit-learn", row, x, order[same.labels_], same.inertia_)
        else:
            print(f"{where}: no run of scikit-learn ends in this clustering, so its indices are not checked")
        worse = row["inertia"] / best - 1
        compare(f"{where}, share by which the inertia is worse", max(worse, 0), 0, absolute=facts["slack"])
    compare("cluster.k", k, taken["k"])
    scatter(found["scatter"], outcome, x, customers, clusters)
    return x


def runs(x, k, inertia):
    """The smallest inertia of 100 runs of scikit-learn, and of up to 1,000 one that ends with the inertia asked for."""
    best, same = np.inf, None
    for seed in range(1000):
        fit = KMeans(k, n_init=1, tol=0, max_iter=1000, random_state=seed).fit(x)
        best = min(best, fit.inertia_)
        if same is None and abs(fit.inertia_ / inertia - 1) < 1e-9:
            same = fit
        if seed >= 99 and same is not None:
            break
    return best, same


def indices(where, row, x, clusters, inertia):
    compare(f"{where}, inertia", row["inertia"], inertia)
    compare(f"{where}, sizes", row["sizes"], np.bincount(clusters))
    compare(f"{where}, silhouette", row["silhouette"], silhouette_samples(x, clusters).mean())
    compare(f"{where}, davies_bouldin", row["davies_bouldin"], davies_bouldin_score(x, clusters))
    compare(f"{where}, calinski_harabasz", row["calinski_harabasz"], calinski_harabasz_score(x, clusters))


def scatter(found, outcome, x, customers, clusters):
    """The two first principal components; every point shown is a customer of the segment that it is shown for."""
    values, vectors = np.linalg.eigh(np.cov(x.T))
    projected = np.empty((len(x), 2))
    for column, (axis, component) in enumerate([("x", -1), ("y", -2)]):
        loadings = dict(found[axis]["loadings"])
        loadings = [loadings[name] for name in outcome["cluster"]["on"]]
        vector = vectors[:, component] * np.sign(vectors[:, component] @ loadings)  # either direction will do
        compare(f"scatter.{axis}.explained", found[axis]["explained"], values[component] / values.sum())
        compare(f"scatter.{axis}.loadings", loadings, vector)
        projected[:, column] = x @ vector
    n = len(x)
    for index, segment in enumerate(outcome["segments"]):
        members = np.isin(clusters, segment["clusters"])
        points = np.array([(p["x"], p["y"]) for p in found["points"] if p["segment"] == index])
        shown = members.sum() if n <= 1500 else max(members.sum() * 1500 // n, 1)
        compare(f"scatter, points of {segment['label']}", len(points), shown)
        far = np.abs(points[:, None, :] - projected[members]).sum(axis=2).min(axis=1)
        compare(f"scatter, points of {segment['label']} that are none of its customers", int((far > 1e-9).sum()), 0)


def labels(outcome, customers, clusters):
    """The customers with the segment and the rule (from 1) that their cluster's medians give."""
    everyone = customers[["recency", "frequency", "monetary"]].median()

    def retailer(own):
        if own.recency < everyone.recency and own.monetary >= 2 * everyone.monetary:
            return 1
        if own.recency > everyone.recency and own.monetary >= everyone.monetary:
            return 2
        return 3 if own.frequency >= everyone.frequency else 4

    def shop(own):
        if own.recency < everyone.recency:
            if own.monetary >= 4 * everyone.monetary:
                return 1
            return 2 if own.frequency >= everyone.frequency else 3
        return 4 if own.monetary >= everyone.monetary else 5

    rule, names = {
        "online_retail": (retailer, ["Champions", "At Risk", "Loyal", "Low Value"]),
        "shop": (shop, ["Champions", "Loyal", "New", "At Risk", "Low Value"]),
    }[outcome["name"]]
    medians = customers[["recency", "frequency", "monetary"]].groupby(clusters).median()
    rules = np.array([rule(own) for own in medians.itertuples()])
    compare("cluster.label", [c["label"] for c in outcome["cluster"]["clusters"]], [names[r - 1] for r in rules])
    people = customers.assign(cluster=clusters, rule=rules[clusters], segment=[names[r - 1] for r in rules[clusters]])
    for place, found in enumerate(outcome["rules"], 1):
        compare(f"rules[{place}].label", found["label"], names[place - 1])
        compare(f"rules[{place}].clusters", found["clusters"], int((rules == place).sum()))
        compare(f"rules[{place}].customers", found["customers"], int((people.rule == place).sum()))
    return people


def segments(outcome, people, x):
    total, silhouettes = people.mils.sum(), silhouette_samples(x, people.cluster)
    order = people.groupby("segment").mils.sum().sort_values(ascending=False).index
    compare("segments", [segment["label"] for segment in outcome["segments"]], list(order))
    bins = {feature["name"]: feature["bins"] for feature in outcome["features"]}
    for found in outcome["segments"]:
        label = found["label"]
        inside = (people.segment == label).to_numpy()
        members = people[inside]
        (rule,) = members.rule.unique()
        compare(f"{label}.rule", found["rule"], outcome["rules"][rule - 1]["condition"] or "otherwise")
        compare(f"{label}.clusters", found["clusters"], sorted(members.cluster.unique()))
        compare(f"{label}.customers", found["customers"], len(members))
        compare(f"{label}.share", found["share"], len(members) / len(people))
        compare(f"{label}.amount", Decimal(found["amount"]), pounds(members.mils.sum()))
        compare(f"{label}.amount_share", found["amount_share"], members.mils.sum() / total)
        spenders = members.assign(id=members.index).sort_values(["mils", "id"], ascending=[False, True])
        compare(f"{label}.examples", found["examples"], list(spenders.index[:5]))
        compare(f"{label}.profile", sorted(found["profile"]), sorted(name for name in bins if name != "home"))
        for name, profile in found["profile"].items():
            where, own, everyone = f"{label}.{name}", members[name].to_numpy(float), people[name].to_numpy(float)
            statistics(where, profile, own)
            # From its lower edge to below the upper one; the last bin has both its edges.
            counts, _ = np.histogram(own, bins[name]["edges"])
            compare(f"{where}.counts", profile["counts"], counts)
            if bins[name]["log"]:
                own, everyone = np.log1p(own), np.log1p(everyone)
            compare(f"{where}.z", profile["z"], (own.mean() - everyone.mean()) / everyone.std(), absolute=1e-11)
        values = np.sort(silhouettes[inside])[::-1]
        places = [i * (len(values) - 1) // (min(len(values), 80) - 1) for i in range(min(len(values), 80))]
        compare(f"{label}.silhouette.mean", found["silhouette"]["mean"], values.mean())
        compare(f"{label}.silhouette.below_zero", found["silhouette"]["below_zero"], (values < 0).mean())
        compare(f"{label}.silhouette.blade", found["silhouette"]["blade"], values[places])


def concentration(outcome, customers):
    found = outcome["concentration"]
    amounts = np.sort(customers.mils.to_numpy())
    n, total = len(amounts), amounts.sum()
    # Half the mean absolute difference over the mean, from the ranks.
    compare("gini", found["gini"], ((2 * np.arange(1, n + 1) - n - 1) * amounts).sum() / (n * total))
    best = np.concatenate([[0], np.cumsum(amounts[::-1])]) / total
    top = [(percent / 100, best[-(-n * percent // 100)]) for percent in [1, 5, 10, 20, 50]]
    compare("top", [(t["customers"], t["amount"]) for t in found["top"]], top)
    points = min(n, 100)
    compare("curve", found["curve"], [(i * n // points / n, best[i * n // points]) for i in range(points + 1)])


def the_list(folder, outcome, listed, people):
    """segments.csv row by row, and segments.parquet against it."""
    heading = {"recency": "recency_days", "monetary": "monetary_GBP", "basket": "basket_GBP", "recent": "recent_GBP"}
    names = [feature["name"] for feature in outcome["features"]]
    columns = ["customer", "segment", "cluster", *[heading.get(name, name) for name in names], "rule"]
    compare("segments.csv, columns", list(listed.columns), columns)
    compare("segments.csv, customers", list(listed.customer), list(people.index))
    compare("segments.csv, segment", list(listed.segment), list(people.segment))
    compare("segments.csv, cluster", list(listed.cluster), list(people.cluster))
    for name in names:
        compare(f"segments.csv, {name}", listed[heading.get(name, name)].tolist(), people[name].tolist(), rel=1e-14)
    conditions = [rule["condition"] or "otherwise" for rule in outcome["rules"]]
    compare("segments.csv, rule", list(listed.rule), [f"{rule}: {conditions[rule - 1]}" for rule in people.rule])
    parquet = pd.read_parquet(folder / "segments.parquet")
    compare("segments.parquet, columns", list(parquet.columns), columns)
    for column in columns:
        kinds = parquet[column].dtype.kind in "iuf", listed[column].dtype.kind in "iuf"
        compare(f"segments.parquet, {column} is a number", *kinds)
        same = parquet[column].to_numpy() == listed[column].to_numpy()
        compare(f"segments.parquet, {column}: rows that differ from segments.csv", int((~same).sum()), 0)


def files(folder, outcome, purchases, rows):
    (found,) = outcome["inputs"]
    compare("inputs.name", found["name"].rsplit("/")[-1], purchases.name)
    compare("inputs.bytes", found["bytes"], purchases.stat().st_size)
    compare("inputs.sha256", found["sha256"], digest(purchases))
    compare("inputs.rows", found["rows"], rows)
    compare("spec.sha256", outcome["spec"]["sha256"], hashlib.sha256(outcome["spec"]["text"].encode()).hexdigest())
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["outputs"]:
        compare(f"manifest, {file['name']}", file["sha256"], digest(folder / file["name"]))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


# Threads that wait for each other in so small a problem cost more than they bring, most of all on a busy machine.
with threadpool_limits(1):
    main()
for difference in differences:
    print(difference)
print(f"{checked:,} values compared, {len(differences)} differ")
sys.exit(1 if differences else 0)
