"""BG/NBD and Gamma-Gamma with lifetimes, from purchases to the value of every customer."""

import json
import sys
import time
import warnings

import pandas
from lifetimes import BetaGeoFitter, GammaGammaFitter
from lifetimes.utils import summary_data_from_transaction_data

warnings.filterwarnings("ignore")


def main(source, target):
    clock = [time.perf_counter()]
    rows = pandas.read_csv(source, parse_dates=["at"])
    clock.append(time.perf_counter())
    seen = summary_data_from_transaction_data(
        rows, "customer", "at", "amount", observation_period_end="2024-12-30", freq="D"
    )
    x, active, age = seen["frequency"], seen["recency"] / 7, seen["T"] / 7
    clock.append(time.perf_counter())
    buying = BetaGeoFitter().fit(x, active, age)
    back = seen[x > 0]
    spending = GammaGammaFitter().fit(back["frequency"], back["monetary_value"])
    clock.append(time.perf_counter())
    alive = buying.conditional_probability_alive(x, active, age)
    orders = buying.conditional_expected_number_of_purchases_up_to_time(365 / 7, x, active, age)
    value = spending.customer_lifetime_value(
        buying, x, active, age, seen["monetary_value"], time=12, discount_rate=0.0, freq="W"
    )
    clock.append(time.perf_counter())
    parameters = [float(p) for fitter in (buying, spending) for p in fitter.params_]
    steps = [b - a for a, b in zip(clock, clock[1:])]
    found = {"parameters": parameters, "alive": float(alive.sum()), "orders": float(orders.sum())}
    with open(target, "w", encoding="utf-8") as file:
        json.dump({**found, "value": float(value.sum()), "steps": steps}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
