"""The order in which populations run: each over all steps, cycles step by step."""

from neurocomp.snn.network import Network


def schedule(network: Network) -> tuple[tuple[str, ...], ...]:
    """Give groups of populations in running order; a group of several is a cycle.

    Any delay is at least one step, so only a cycle keeps a population from running ahead of those
    that read it. Source: Tarjan 1972, strongly connected components, without recursion.
    """
    reads = {p.name: [j.source for j in network.into(p.name)] for p in network.populations}
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    groups: list[tuple[str, ...]] = []
    for root in reads:
        if root in number:
            continue
        stack = [(root, iter(reads[root]))]
        number[root] = low[root] = len(number)
        open_.append(root)
        while stack:
            name, sources = stack[-1]
            source = next(sources, None)
            if source is None:
                stack.pop()
                if stack:
                    low[stack[-1][0]] = min(low[stack[-1][0]], low[name])
                if low[name] == number[name]:
                    at = open_.index(name)
                    groups.append(tuple(open_[at:]))
                    del open_[at:]
            elif source not in number:
                number[source] = low[source] = len(number)
                open_.append(source)
                stack.append((source, iter(reads[source])))
            elif source in open_:
                low[name] = min(low[name], number[source])
    return tuple(groups)
