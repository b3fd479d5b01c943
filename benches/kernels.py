"""The kernels of segc beside scikit-learn, scikit-learn-intelex and faiss, on the same points in the same run.

    python benches/kernels.py --kernels PATH [--quick] [--runs 3]

`PATH` is the program that `cargo bench --no-run --bench kernels` makes. Everybody gets one thread. Prints tables of CPU
seconds and ratios; fails where results differ by more than is said."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"]:
    os.environ[name] = "1"

import numpy as np  # noqa: E402
from sklearn.cluster import KMeans  # noqa: E402
from sklearn.metrics import silhouette_score  # noqa: E402


def mixture(rows, columns, groups, seed=1):
    """Overlapping bells of unequal size, scaled to mean 0 and deviation 1."""
    random = np.random.default_rng(seed)
    centers = random.normal(scale=2.5, size=(groups, columns))
    weights = random.dirichlet(np.full(groups, 3.0))
    labels = random.choice(groups, size=rows, p=weights)
    points = centers[labels] + random.normal(size=(rows, columns)) * random.uniform(0.6, 1.6, size=(groups, 1))[labels]
    return np.ascontiguousarray((points - points.mean(0)) / points.std(0))


def cpu():
    times = os.times()
    return times.user + times.system


def timed(work):
    start, wall = cpu(), time.perf_counter()
    result = work()
    return cpu() - start, time.perf_counter() - wall, result


def sklearn_fit(points, k, restarts):
    return float(KMeans(k, n_init=restarts, random_state=42).fit(points).inertia_)


def intelex_fit(points, k, restarts):
    from sklearnex.cluster import KMeans as Fast

    return float(Fast(k, n_init=restarts, random_state=42).fit(points).inertia_)


def faiss_fit(points, k, restarts):
    import faiss

    faiss.omp_set_num_threads(1)
    single = points.astype(np.float32)
    fit = faiss.Kmeans(points.shape[1], k, niter=300, nredo=restarts, seed=42, max_points_per_centroid=len(points))
    fit.train(single)
    squares, _ = fit.index.search(single, 1)
    return float(squares.sum())


def segc(kernels, file, columns, *task):
    done = subprocess.run([kernels, file, str(columns), *map(str, task)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def fits(options, shapes):
    print("\nk-means, best of 10 runs; CPU seconds, and in brackets their ratio to segc's\n")
    print("| points | k | segc | scikit-learn | scikit-learn-intelex | faiss (32 bits) | inertia: segc / best other |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for rows, columns, k in shapes:
        points = mixture(rows, columns, 2 * k)
        with tempfile.NamedTemporaryFile() as file:
            points.tofile(file.name)
            peers = {"sklearn": sklearn_fit, "intelex": intelex_fit, "faiss": faiss_fit}
            times, inertias = {name: [] for name in ["segc", *peers]}, {}
            for _ in range(options.runs):
                found = segc(options.kernels, file.name, columns, "fit", k, 10)
                times["segc"].append(found["cpu"])
                inertias["segc"] = found["inertia"]
                for name, fit in peers.items():
                    seconds, _, inertias[name] = timed(lambda: fit(points, k, 10))
                    times[name].append(seconds)
        middle = {name: statistics.median(seconds) for name, seconds in times.items()}
        shown = [f"{middle['segc']:.2f}"]
        shown += [f"{middle[name]:.2f} ({middle[name] / middle['segc']:.1f})" for name in peers]
        ratio = inertias["segc"] / min(inertias[name] for name in peers)
        print(f"| {rows:,} x {columns} | {k} | {' | '.join(shown)} | {ratio:.5f} |", flush=True)
        if ratio > 1.0001:
            sys.exit(f"segc's inertia is {ratio} of the best: {inertias}")


def silhouettes(options, shapes):
    print("\nexact silhouette; CPU seconds\n")
    print("| points | k | segc | scikit-learn | ratio |")
    print("| --- | --- | ---: | ---: | ---: |")
    for rows, columns, search in shapes:
        points = mixture(rows, columns, 6)
        with tempfile.NamedTemporaryFile() as file, tempfile.NamedTemporaryFile() as labels:
            points.tofile(file.name)
            fitted = KMeans(4, n_init=3, random_state=42).fit(points).labels_
            fitted.astype(np.uint32).tofile(labels.name)
            found = segc(options.kernels, file.name, columns, "silhouette", labels.name)
            seconds, _, expected = timed(lambda: silhouette_score(points, fitted))
            assert abs(found["silhouette"] - expected) < 1e-9, (found, expected)
            print(f"| {rows:,} x {columns} | 4 | {found['cpu']:.2f} | {seconds:.2f} | {seconds / max(found['cpu'], 0.01):.1f} |", flush=True)
            if not search:
                continue

            def whole():
                scores = []
                for k in range(2, 11):
                    scores.append(silhouette_score(points, KMeans(k, n_init=10, random_state=42).fit(points).labels_))
                return scores

            found = segc(options.kernels, file.name, columns, "search", 2, 10, 10)
            seconds, _, expected = timed(whole)
            print(
                f"| {rows:,} x {columns} | 2 to 10, with k-means | {found['cpu']:.2f} | {seconds:.2f} "
                f"| {seconds / max(found['cpu'], 0.01):.1f} |",
                flush=True,
            )
            worst = max(abs(a - b) for a, b in zip(found["silhouettes"], expected))
            print(f"(largest difference of a silhouette: {worst:.1e})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    shapes = [(4_338, 3, 5), (100_000, 5, 10)] + ([] if options.quick else [(1_000_000, 8, 10)])
    fits(options, shapes)
    silhouettes(options, [(4_338, 3, True), (20_000, 3, True)] + ([] if options.quick else [(50_000, 3, True)]))


if __name__ == "__main__":
    main()
