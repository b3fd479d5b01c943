"""The value of made customers by segc and by lifetimes: CPU time, memory, and whether they agree."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy

HERE = pathlib.Path(__file__).resolve().parent
NAMES = ["r", "alpha", "a", "b", "p", "q", "gamma"]
# Parameters may differ by this much of themselves, sums over customers by this much.
PARAMETERS, SUMS = 0.02, 0.002

SPEC = """segmentation worth {
  currency EUR
  source purchases from "purchases.csv" { customer: id; at: date; amount: money }
  revenue amount
  as_of   @2024-12-30
  features {
    alive  = p_alive()
    orders = expected_purchases(horizon: 365 days)
    value  = clv(horizon: 365 days)
  }
  label customers { otherwise "All" }
}
"""


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        rows = make(options.customers, scratch / "purchases.csv")
        (scratch / "worth.seg").write_text(SPEC, encoding="utf-8")
        print(f"{options.customers:,} made customers, {rows:,} purchases, one run", flush=True)
        segc = measure([options.segc, "build", "--quiet", str(scratch / "worth.seg"), "-o", str(scratch / "out")], options)
        outcome = json.loads((scratch / "out/outcome.json").read_text(encoding="utf-8"))
        runs = [("segc, with hold-out, intervals and report", segc)]
        if not options.alone:
            peer = [sys.executable, str(HERE / "peer_clv.py"), str(scratch / "purchases.csv"), str(scratch / "peer.json")]
            runs.append(("lifetimes, pandas", measure(peer, options)))
        print("\n| pipeline | CPU time | peak memory | time | CPU / segc's | time / segc's |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        for name, (cpu, memory, wall) in runs:
            print(f"| {name} | {cpu:.1f} s | {memory:.0f} MiB | {wall:.1f} s | {cpu / segc[0]:.1f} | {wall / segc[2]:.1f} |")
        if options.alone:
            return
        found = json.loads((scratch / "peer.json").read_text(encoding="utf-8"))
        print("\nlifetimes: read {:.1f} s, summary {:.1f} s, fit {:.1f} s, predict {:.1f} s".format(*found["steps"]))
        agree(outcome, found)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--segc", default=str(HERE / "../target/release/segc"), help="the binary")
    parser.add_argument("--threads", type=int, default=0, help="threads of segc; 0 for all")
    parser.add_argument("--alone", action="store_true", help="without lifetimes")
    return parser.parse_args()


def make(customers, path):
    """Customers who buy and leave as BG/NBD says, over two years, with Gamma-Gamma spending in whole cents."""
    random = numpy.random.default_rng(7)
    first = random.integers(0, 365, customers)
    rate = random.gamma(0.4, 1 / 40.0, customers)
    leaves = random.beta(0.8, 2.5, customers)
    scale = random.gamma(4.0, 1 / 15.0, customers)
    day, active = first.astype(float), numpy.arange(customers)
    bought, whose = [first], [active]
    while active.size:
        day = day[active] if day.size != active.size else day
        day = day + random.exponential(1.0, active.size) / rate[active]
        going = day < 729
        day, active = day[going], active[going]
        bought.append(day.astype(int))
        whose.append(active)
        stays = random.random(active.size) >= leaves[active]
        day, active = day[stays], active[stays]
    whose, bought = numpy.concatenate(whose), numpy.concatenate(bought)
    amount = numpy.maximum(random.gamma(6.0, 1.0, whose.size) / scale[whose], 0.01)
    order = numpy.lexsort((bought, whose))
    dates = (numpy.datetime64("2023-01-01") + numpy.arange(730)).astype(str)
    with open(path, "w", encoding="utf-8") as file:
        file.write("customer,at,amount\n")
        file.writelines(f"c{whose[i]:07},{dates[bought[i]]},{amount[i]:.2f}\n" for i in order)
    return whose.size


def measure(command, options):
    """CPU seconds, peak MiB and seconds of a process."""
    environment = {**os.environ}
    if options.threads:
        environment["RAYON_NUM_THREADS"] = environment["POLARS_MAX_THREADS"] = str(options.threads)
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{command[0]} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, time.perf_counter() - start


def agree(outcome, found):
    """Fails unless both have the same parameters and the same sums over customers."""
    forecast = outcome["forecasts"][0]
    fitted = forecast["purchases"]["parameters"] + forecast["spend"]["parameters"]
    print("\n| | segc | lifetimes |\n| --- | ---: | ---: |")
    faults = []
    for name, own, other in zip(NAMES, fitted, found["parameters"]):
        print(f"| {name} | {own['value']:.5g} | {other:.5g} |")
        faults += [name] if abs(own["value"] / other - 1) > PARAMETERS else []
    features = {feature["name"]: feature["mean"] * outcome["customers"] for feature in outcome["features"]}
    for name in ("alive", "orders"):
        print(f"| sum of {name} | {features[name]:,.1f} | {found[name]:,.1f} |")
        faults += [name] if abs(features[name] / found[name] - 1) > SUMS else []
    if faults:
        raise SystemExit("they differ in " + ", ".join(faults))


if __name__ == "__main__":
    main()
