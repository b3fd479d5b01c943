"""segc beside the scripts that people write for the same job, measured in the same run: processor time, memory, time.

    benches/run.sh [--quick] [--runs N] [--segc PATH] [--data FOLDER] [--large] [--threads N]

Each pipeline is a process of its own and starts from nothing, so that imports count. The repetitions are interleaved
and the medians are shown. The run fails if two pipelines disagree about what they computed; no time is ever asserted.
"""

import argparse
import csv
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

# Nothing heavy may be imported here: a child's peak memory starts from that of the process that forks it.

HERE = Path(__file__).resolve().parent
SPEC = HERE.parent / "specs" / "online_retail.seg"
WORKBOOK, CSV, LARGE = "online_retail.xlsx", "online_retail.csv.gz", "large.csv.gz"
PIPELINES = ["segc", "pandas", "polars"]
PANDAS = {WORKBOOK: "pandas, openpyxl, scikit-learn", CSV: "pandas, scikit-learn", LARGE: "pandas, scikit-learn"}
POLARS = {WORKBOOK: "polars, fastexcel, scikit-learn", CSV: "polars, scikit-learn", LARGE: "polars, scikit-learn"}
TITLES = {
    WORKBOOK: "Online Retail, the workbook: 541,909 rows",
    CSV: "Online Retail, as gzipped CSV: 541,909 rows",
    LARGE: "A made shop of 50,000 customers, as gzipped CSV: 1,975,560 rows",
}
TO_CSV = """
import sys
import pandas
pandas.read_excel(sys.argv[1], dtype={"CustomerID": "Int64"}).to_csv(sys.argv[2], index=False)
"""
# Known of Online Retail whoever counts: rows used, customers, revenue.
TRUTH = (392_692, 4_338, 8_887_208.894)
# Libraries that start threads, told how many: scikit-learn's otherwise spin while they wait for each other, which
# multiplies its processor time on a machine with other work to do.
THREADS = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"]


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="segc-bench-") as scratch:
        scratch = Path(scratch)
        inputs = prepare(options, scratch)
        measured, outcomes = {}, {}
        for source in inputs:
            for repetition in range(options.runs):
                for pipeline in PIPELINES:
                    folder = scratch / "out" / pipeline / source
                    folder.mkdir(parents=True, exist_ok=True)
                    print(f"{source} {pipeline} {repetition + 1}/{options.runs}", end="  ", file=sys.stderr, flush=True)
                    run = measure(command(pipeline, inputs[source], folder, options), options.threads)
                    print("{wall:.2f} s, {cpu:.2f} s of CPU, {memory:.0f} MiB".format(**run), file=sys.stderr)
                    measured.setdefault((source, pipeline), []).append(run)
                    outcomes[source, pipeline] = json.loads((folder / "outcome.json").read_text()), read_list(folder)
        print(about(options))
        for source in inputs:
            print(table(source, measured, outcomes))
        mistakes = [mistake for source in inputs for mistake in disagreements(source, outcomes)]
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    if mistakes:
        sys.exit(1)
    print("All pipelines agree: rows by rule, customers and their features, revenue, and the inertia of every k.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="repetitions, of which the median is shown (default: 3)")
    parser.add_argument("--quick", action="store_true", help="one repetition on the CSV only")
    parser.add_argument("--large", action="store_true", help="also a made shop of 50,000 customers (several minutes)")
    parser.add_argument("--threads", type=int, default=1, help="for everybody, 0 for as many as they like (default: 1)")
    parser.add_argument("--segc", type=Path, default=HERE.parent / "target" / "release" / "segc", help="the binary")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("SEGC_DATA", "data")),
        help=f"the folder with {WORKBOOK} (default: SEGC_DATA, else `data`)",
    )
    options = parser.parse_args()
    options.segc = options.segc.resolve()
    if options.quick:
        options.runs = 1
    if not options.segc.is_file():
        parser.error(f"there is no {options.segc}; build it with `cargo build --release`, or name it with --segc")
    if not (options.data / WORKBOOK).is_file():
        get = f"segc data get online-retail --folder {options.data}"
        parser.error(f"there is no {WORKBOOK} in `{options.data}`; `{get}` fetches it")
    return options


def prepare(options, scratch):
    """The inputs and the specs that read them, by the name of the input: (file, spec, data folder)."""
    inputs = {}
    if not options.quick:
        inputs[WORKBOOK] = (options.data / WORKBOOK).resolve(), SPEC, options.data
    file = (options.data / CSV).resolve()
    if not file.is_file():
        file = scratch / CSV
        print(f"writing {CSV} from the workbook", file=sys.stderr)
        subprocess.run([sys.executable, "-c", TO_CSV, options.data / WORKBOOK, file], check=True)
    inputs[CSV] = file, spec_for(file, scratch), file.parent
    if options.large:
        file = scratch / LARGE
        make = [options.segc, "data", "make", "retail", "--customers", "50000", "--seed", "1", "--out", file]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
        inputs[LARGE] = file, spec_for(file, scratch), scratch
    return inputs


def spec_for(file, scratch):
    """The same spec over a CSV."""
    text = SPEC.read_text().replace(f'"{WORKBOOK}"', f'"{file.name}"').replace('    sheet "Online Retail"\n', "")
    spec = scratch / file.name.replace(".csv.gz", ".seg")
    spec.write_text(text)
    return spec


def command(pipeline, source, folder, options):
    file, spec, data = source
    if pipeline == "segc":
        return [options.segc, "build", spec, "--quiet", "--data", data, "-o", folder]
    return [sys.executable, HERE / f"peer_{pipeline}.py", file, folder]


def measure(command, threads):
    """Runs a command and says what it took: seconds on the clock and of processor time, MiB of memory at the peak."""
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    if threads:
        environment.update(dict.fromkeys(THREADS, str(threads)))
    start = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"failed with {child.returncode}: {' '.join(map(str, command))}")
    # Bytes on macOS, KiB elsewhere.
    unit = 1 if sys.platform == "darwin" else 1024
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss * unit / 2**20}


def read_list(folder):
    """Segment and features of every customer; headings without their units."""
    customers = {}
    with open(folder / "segments.csv", newline="") as file:
        for row in csv.DictReader(file):
            row = {heading.removesuffix("_days").removesuffix("_GBP"): cell for heading, cell in row.items()}
            customers[row.pop("customer")] = row
    return customers


def disagreements(source, outcomes):
    """What a pipeline found otherwise than pandas and scikit-learn did, or than is known."""
    expected, customers = outcomes[source, "pandas"]
    for pipeline in PIPELINES:
        found, list_ = outcomes[source, pipeline]
        where = f"{source}, {pipeline}"
        facts = found["rows"]["used"], found["customers"], round(float(found["amount"]), 3)
        truth = facts_of(expected) if source == LARGE else TRUTH
        if facts != truth:
            yield f"{where}: rows used, customers and revenue are {facts}, not {truth}"
        for mine, theirs in zip(found["rows"]["dropped"], expected["rows"]["dropped"], strict=True):
            same = mine["rows"] == theirs["rows"] and abs(float(mine["amount"]) - float(theirs["amount"])) < 0.005
            if mine["rule"] != theirs["rule"] or not same:
                yield f"{where}: dropped {mine}, not {theirs}"
        for mine, theirs in zip(found["cluster"]["search"], expected["cluster"]["search"], strict=True):
            if not math.isclose(mine["inertia"], theirs["inertia"], rel_tol=0.0005):
                yield f"{where}: inertia for k = {mine['k']} is {mine['inertia']}, not {theirs['inertia']}"
        if list_.keys() != customers.keys():
            yield f"{where}: the list has other customers"
            continue
        for name in ["recency", "frequency", "monetary", "basket", "recent", "r", "f", "m"]:
            far = [c for c in customers if abs(float(list_[c][name]) - float(customers[c][name])) > 1e-6]
            if far:
                yield f"{where}: {name} differs for {len(far)} customers, among them {far[0]}"
        far = [c for c in customers if list_[c]["home"] != customers[c]["home"]]
        if far:
            yield f"{where}: home differs for {len(far)} customers, among them {far[0]}"


def facts_of(outcome):
    return outcome["rows"]["used"], outcome["customers"], round(float(outcome["amount"]), 3)


def table(source, measured, outcomes):
    """The medians in Markdown, and how many times more each peer takes than segc."""
    lines = [
        f"\n{TITLES[source]}\n",
        "| pipeline | CPU time | peak memory | time | CPU / segc's | memory / segc's | in another segment |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    names = {"segc": "segc", "pandas": PANDAS[source], "polars": POLARS[source]}
    own, (_, list_of_own) = medians(measured[source, "segc"]), outcomes[source, "segc"]
    for pipeline in PIPELINES:
        median, (_, list_) = medians(measured[source, pipeline]), outcomes[source, pipeline]
        moved = sum(c not in list_ or list_[c]["segment"] != row["segment"] for c, row in list_of_own.items())
        lines.append(
            "| {} | {cpu:.2f} s | {memory:.0f} MiB | {wall:.2f} s | {:.1f} | {:.1f} | {} of {:,} |".format(
                names[pipeline],
                median["cpu"] / own["cpu"],
                median["memory"] / own["memory"],
                moved,
                len(list_of_own),
                **median,
            )
        )
    return "\n".join(lines) + "\n"


def medians(runs):
    return {key: statistics.median(run[key] for run in runs) for key in ["cpu", "memory", "wall"]}


def about(options):
    packages = ["numpy", "pandas", "openpyxl", "polars", "fastexcel", "scikit-learn"]
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    own = subprocess.run([options.segc, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    threads = f"threads: {options.threads or 'as many as they like'}"
    load = "{:.1f}".format(os.getloadavg()[0]) if hasattr(os, "getloadavg") else "unknown"
    return (
        f"{time.strftime('%Y-%m-%d')}: {own}, Python {platform.python_version()}, {versions}\n"
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load at the end {load}, {threads}, "
        f"median of {options.runs} run{'s' if options.runs != 1 else ''}"
    )


main()
