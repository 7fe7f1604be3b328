"""The figures as a table: what was measured of each store, the goal, and whether it is reached."""

import json

_REACHED = {True: "reached", False: "NOT REACHED", None: ""}


def _text(value, unit):
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if unit == "MiB":
        return f"{value / (1 << 20):.0f}"
    if unit == "ms":
        return f"{value * 1000:.1f}"
    if unit == "us":
        return f"{value * 1e6:.1f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.0f}"


class Report:
    def __init__(self, columns):
        self._columns = columns  # names of the stores
        self._rows = []
        self.facts = {}
        self._earlier = {}

    def known(self, figure, values):
        """The values with those of an earlier run that this one does not have."""
        return {**self._earlier.get(figure, {}), **values}

    def add(self, figure, values, unit="", goals=None):
        """values: {store: number}. goals: {store: (what the goal is, reached or None)}."""
        values = self.known(figure, values)
        self._rows.append({"figure": figure, "values": values, "unit": unit, "goals": goals or {}})

    def take_over(self, path, stores):
        """The columns of other stores from an earlier run's file, for rows of the same names."""
        with open(path, encoding="utf-8") as f:
            earlier = json.load(f)
        self.facts["others"] = f"from the run of {earlier['facts']['date']}: {', '.join(stores)}"
        self._earlier = {
            row["figure"]: {name: v for name, v in row["values"].items() if name in stores}
            for row in earlier["rows"]
        }

    def missed(self):
        return [
            (row["figure"], store)
            for row in self._rows
            for store, (_, reached) in row["goals"].items()
            if reached is False
        ]

    def text(self):
        """Markdown, which is legible as it is."""
        header = ["figure", *self._columns, "goal"]
        lines = []
        for row in self._rows:
            unit = {"us": "µs"}.get(row["unit"], row["unit"])
            name = row["figure"] + (f", {unit}" if unit else "")
            goals = "; ".join(
                f"{store}: {goal} {_REACHED[reached]}".strip()
                for store, (goal, reached) in row["goals"].items()
            )
            lines.append(
                [name, *(_text(row["values"].get(c), row["unit"]) for c in self._columns), goals]
            )
        widths = [max(len(line[i]) for line in [header, *lines]) for i in range(len(header))]
        rule = ["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:-1]), "-" * widths[-1]]
        return "\n".join(
            "| " + " | ".join(cell.ljust(w) if i in (0, len(widths) - 1) else cell.rjust(w)
                              for i, (cell, w) in enumerate(zip(line, widths))) + " |"
            for line in [header, rule, *lines]
        )  # fmt: skip

    def save(self, path):
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"facts": self.facts, "rows": self._rows}, f, indent=1)
            f.write("\n")


def at_most(share, own, other, whose):
    """A goal for a figure that is to be small: so many times another store's."""
    if own is None or other is None:
        return (f"<= {share:g} x {whose}", None)
    return (f"<= {share:g} x {whose} = {share * other:.3g}", own <= share * other)
