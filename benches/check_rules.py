"""How long `segc check` takes on specs of 1,000 lines with 200 rules, the analysis of regions included.

    benches/check_rules.py --segc path/to/segc [--runs 21] [--keep FOLDER]

Makes the same specs every time, one per shape of rules, and prints what a whole process takes, from its start to its end:
CPU time, which a busy machine does not change much, and time by the clock. A block that is too large to decide is one that segc says so of (SEG0613).
"""

import argparse
import pathlib
import random
import re
import resource
import statistics
import subprocess
import tempfile
import time

RULES = 200
LINES = 1000
COUNTRIES = ["France", "Spain", "Italy", "Germany", "Norway", "Poland", "Ireland", "Japan"]
ORDERS = "customer,invoice,product,quantity,price,at,country\nada,A1,cup,2,4.50,2024-01-10 09:15:00,France\n"

HEAD = """segmentation {name} {{
  currency GBP
  source orders from "orders.csv" {{
    customer: id
    invoice:  text
    product:  text
    quantity: int
    price:    money
    at:       datetime
    country:  text
  }}
  derive  amount = quantity * price
  revenue amount
  filter {{
    drop "no customer" when customer is missing
    drop "returned"    when quantity <= 0
    drop "free"        when price <= 0
  }}
  as_of max(at) + 1 day
  baskets by invoice {{
    worth = sum(amount)
  }}
  features {{
    recency   = whole_days(as_of - max(at))
    frequency = count(baskets)
    monetary  = sum(amount)
    basket    = mean(baskets.worth)
    kinds     = count_distinct(product)
    home      = mode(country)
    r         = score(recency, 5, low is best)
    f         = score(frequency, 5)
    m         = score(monetary, 8)
"""


def grid(_):
    """Each cell of 5 x 5 x 8 scores has a rule of its own: a partition."""
    cells = [(r, f, m) for r in range(1, 6) for f in range(1, 6) for m in range(1, 9)]
    return [f"r = {r} and f = {f} and m = {m}" for r, f, m in cells]


def thresholds(rng):
    """Ranges of amounts that overlap, as rules grow in a shop over the years."""
    rules = []
    for _ in range(RULES):
        low, width = rng.randrange(0, 3000, 10), rng.randrange(10, 800, 10)
        days, orders = rng.randrange(0, 360, 5), rng.randrange(1, 20)
        parts = [f"monetary between {low} GBP and {low + width} GBP"]
        if rng.random() < 0.8:
            parts.append(f"recency {rng.choice(['<=', '>'])} {days} days")
        if rng.random() < 0.6:
            parts.append(f"frequency {rng.choice(['>=', '<'])} {orders}")
        if rng.random() < 0.3:
            parts.append(f"home in [{', '.join(repr(c).replace(chr(39), chr(34)) for c in rng.sample(COUNTRIES, 3))}]")
        rules.append(" and ".join(parts))
    return rules


def mixed(rng):
    """Amounts beside those of everybody, alternatives, texts and missing values."""
    rules = []
    for nth in range(RULES):
        times = rng.choice(["0.25", "0.5", "0.75", "1", "1.5", "2", "3", "4"])
        choices = [
            f"monetary >= {times} * all.monetary and r in {rng.randrange(1, 4)}..{rng.randrange(4, 6)}",
            f"(recency < all.recency or frequency >= {rng.randrange(2, 12)}) and m = {rng.randrange(1, 9)}",
            f"home = \"{rng.choice(COUNTRIES)}\" and not (basket < {rng.randrange(5, 200)} GBP) and f <= {rng.randrange(1, 6)}",
            f"kinds > {rng.randrange(1, 30)} and recency <= {rng.randrange(5, 300)} days and home is not missing",
            f"basket is missing or monetary < {rng.randrange(1, 100)} GBP and kinds = {rng.randrange(1, 10)}",
        ]
        rules.append(choices[nth % len(choices)])
    return rules


def spec(name, rules):
    """A spec of exactly LINES lines: further features fill it up."""
    block = ["  label customers {"]
    for nth, when in enumerate(rules):
        block += [f'    "Group {nth + 1}" when {when} {{', f'      action "Write letter {nth + 1}"', "    }"]
    block += ['    otherwise "Others"', "  }", "}"]
    head = HEAD.format(name=name).splitlines()
    missing = LINES - len(head) - len(block) - 1
    features = [f"    recent_{n} = sum(amount where at > as_of - {n + 1} days)" for n in range(missing)]
    lines = head + features + ["  }"] + block
    assert len(lines) == LINES and len(rules) == RULES, (len(lines), len(rules))
    return "\n".join(lines) + "\n"


def measure(segc, path, runs):
    """Milliseconds of CPU and by the clock of each run, and the codes that were told."""
    cpu, clock = [], []
    for _ in range(runs):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([segc, "check", str(path)], capture_output=True, text=True)
        clock.append(1000 * (time.perf_counter() - start))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
        assert done.returncode == 0, done.stdout + done.stderr
    return cpu, clock, sorted(set(re.findall(r"SEG\d{4}", done.stderr)))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--segc", required=True)
    options.add_argument("--runs", type=int, default=21)
    options.add_argument("--keep", help="leave the specs in this folder")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(asked.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "orders.csv").write_text(ORDERS)
        print("| rules | CPU time, median | smallest | largest | time, median | told |\n| --- | ---: | ---: | ---: | ---: | --- |")
        for shape in (grid, thresholds, mixed):
            path = folder / f"{shape.__name__}.seg"
            path.write_text(spec(shape.__name__, shape(random.Random(7))))
            cpu, clock, codes = measure(asked.segc, path, asked.runs)
            times = [statistics.median(cpu), min(cpu), max(cpu), statistics.median(clock)]
            cells = [f"{time:.1f} ms" for time in times] + [", ".join(codes) or "nothing"]
            print(f"| {shape.__name__} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
