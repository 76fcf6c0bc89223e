"""Tables of a verification."""

from rich.table import Table

from neurocomp.cli.tables import counted, table
from neurocomp.comparison import Report


def populations(report: Report) -> Table:
    """Give one row a population: both kinds of verification."""
    names = list(report.backends)
    rows = (
        (
            p.name,
            p.neurons,
            p.spikes,
            *(report.backends[b].by_population[p.name] for b in names),
            None if p.name == report.populations[-1].name else f"{p.rate_error:.5f}",
            f"{p.peak / p.state_limit:.0%}" if p.state_limit else None,
        )
        for p in report.populations
    )
    title = f"{counted(report.samples, 'sample')}, {report.steps} steps each"
    mismatches = [f"#{name}\nmismatches" for name in names]
    columns = ["population", "#neurons", "#spikes", *mismatches, "#rate\nerror", "#peak of\nstate"]
    return table(title, columns, rows)


def accuracies(report: Report) -> Table:
    """Give the accuracy, or the agreement with the ANN, of every form of the network."""
    titles = {"ann": "ANN (onnxruntime)", "float": "float SNN", "integer": "integer SNN"}
    rows = [
        (titles[k], _share(report.accuracy.get(k)), _share(report.agreement.get(k))) for k in titles
    ]
    rows += [(name, _share(check.accuracy), None) for name, check in report.backends.items()]
    return table("precise enough?", ["network", "#accuracy", "#same class as ANN"], rows)


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.2%}"
