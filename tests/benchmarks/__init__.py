"""What has to be fast: each bench_*.py has a function run() that returns Rows, and __main__.py prints them as one table."""

from typing import NamedTuple


class Row(NamedTuple):
    """One measured number, its unit, and what was asked for: at least, at most, or nothing (it says what was compared)."""

    name: str
    measured: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def required(self):
        """In words and signs: "≥ 4"."""
        bounds = (("≥", self.least), ("≤", self.most))
        return " and ".join(f"{sign} {bound:,g}" for sign, bound in bounds if bound is not None)

    @property
    def ok(self):
        """Whether it is as asked for; a number that is none never is."""
        return (self.least is None or self.measured >= self.least) and (self.most is None or self.measured <= self.most)
