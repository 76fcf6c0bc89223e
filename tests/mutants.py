"""Mistakes put into the source by hand, each with the fast test that must catch it.

python tests/mutants.py          try all of them, and say which test caught each
python tests/mutants.py --write  write docs/why/mutants.md
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from neurocomp.engine.native import levels

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "why" / "mutants.md"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: `old` becomes `new` in `file` of the package."""

    name: str
    file: str
    old: str
    new: str
    test: str  # below tests/
    build: str = ""  # of the kernel, which the processor must be able to run


MUTANTS = (
    Mutant(
        "pieces of a range overlap",
        "passes/split_range.py",
        "shift = (-low).astype(np.float32).reshape(shape)",
        "shift = (-low / 2).astype(np.float32).reshape(shape)",
        "passes/test_passes.py::test_a_pass_keeps_the_function",
    ),
    Mutant(
        "the second knee is taken for the first",
        "passes/split_range.py",
        "np.cumsum([found[n] for n in sorted(found)][:-1], axis=0)",
        "np.array([found[n] for n in sorted(found)][:-1])",
        "passes/test_split_range.py::test_units_are_the_widths_of_the_pieces_and_give_the_knees_back",
    ),
    Mutant(
        "the greatest activation is that of those kept",
        "calibrate.py",
        "most[name] = np.maximum(most[name], flat.max(axis=1))",
        "most[name] = np.maximum(most[name], kept[name][-1].max(axis=1))",
        "test_calibrate.py::test_the_greatest_activation_is_found_among_more_than_are_kept",
    ),
    Mutant(
        "a packed list may fill its last word",
        "mapping/lists.py",
        "_ceil(bits + packing.end_bits, packing.word_bits)",
        "_ceil(bits, packing.word_bits)",
        "mapping/test_packing.py::test_what_packed_cores_take_is_a_recount_of_lists",
    ),
    Mutant(
        "lists at the border of a core are shared with those inside",
        "mapping/spread.py",
        "np.unique((sources - begin) * most + counts) % most",
        "np.unique(counts)",
        "mapping/test_packing.py::test_what_packed_cores_take_is_a_recount_of_lists",
    ),
    Mutant(
        "a neuron that subtracts has no axon of its own",
        "mapping/demand.py",
        "axons[len(axons) - len(grid.axes[0]) :] += resets(cutting, name)",
        "axons[len(axons) - len(grid.axes[0]) :] += 0",
        "mapping/test_packing.py::test_what_packed_cores_take_is_a_recount_of_lists",
    ),
    Mutant(
        "SANA-FE's tiles are counted along the rows",
        "backends/sanafe/architecture.py",
        "{x * size(mesh, chips)[1] + y}",
        "{y * size(mesh, chips)[0] + x}",
        "backends/test_sanafe.py::test_packets_and_hops_are_equal_and_energy_within_a_percent",
    ),
    Mutant(
        "half a reset",
        "snn/neurons.py",
        "np.where(fired, v - self.v_threshold, v)",
        "np.where(fired, v - self.v_threshold / 2, v)",
        "snn/test_neurons.py::test_a_rate_is_drive_over_threshold",
    ),
    Mutant(
        "> for >=",
        "snn/neurons.py",
        "fired = v >= self.v_threshold",
        "fired = v > self.v_threshold",
        "snn/test_neurons.py::test_equality_spikes",
    ),
    Mutant(
        "reset to zero keeps what was too much",
        "snn/neurons.py",
        "np.zeros_like(v), v)",
        "v - self.v_threshold, v)",
        "snn/test_neurons.py::test_reset_to_zero_obeys_equation_5a",
    ),
    Mutant(
        "of equal taps the last wins",
        "snn/neurons.py",
        "winner = np.argmax(rates, axis=-1)[..., None]",
        "winner = rates.shape[-1] - 1 - np.argmax(rates[..., ::-1], axis=-1)[..., None]",
        "snn/test_neurons.py::test_of_equal_taps_the_first_wins",
    ),
    Mutant(
        "a gate looks at the counts before this step",
        "snn/neurons.py",
        "winner = np.argmax(rates, axis=-1)[..., None]",
        "winner = np.argmax(rates - taps, axis=-1)[..., None]",
        "snn/test_neurons.py::test_a_gate_passes_on_its_most_active_tap",
    ),
    Mutant(
        "a delay that is one step short",
        "snn/oracle.py",
        "past[-p.delay_steps]",
        "past[-max(1, p.delay_steps - 1)]",
        "snn/test_oracle.py::test_a_spike_arrives_after_its_delay",
    ),
    Mutant(
        "a box cut out of a convolution begins where it would without padding",
        "snn/cut.py",
        "first = windows[0] * axis.stride - axis.before",
        "first = windows[0] * axis.stride",
        "snn/test_cut.py::test_a_cut_synapse_gives_the_box_its_drive_from_its_field_alone",
    ),
    Mutant(
        "a block's spikes are compared with themselves",
        "bycore/tally.py",
        "wrong, values = spikes != fired",
        "wrong, values = spikes != spikes",
        "bycore/test_verify.py::test_a_wrong_engine_is_told_from_a_wrong_backend",
    ),
    Mutant(
        "no bias",
        "snn/oracle.py",
        "np.broadcast_to(p.bias,",
        "np.broadcast_to(0 * p.bias,",
        "snn/test_oracle.py::test_a_current_is_a_rounded_drive_beside_the_bias",
    ),
    Mutant(
        "no v_init",
        "snn/oracle.py",
        "np.broadcast_to(population.v_init,",
        "np.broadcast_to(0 * population.v_init,",
        "snn/test_oracle.py::test_the_membrane_starts_at_v_init",
    ),
    Mutant(
        "no start_step",
        "snn/oracle.py",
        "if t >= p.start_step:",
        "if t >= 1:",
        "snn/test_oracle.py::test_nothing_happens_before_the_first_step",
    ),
    Mutant(
        "no weight exponent",
        "snn/oracle.py",
        "arrived * 2**p.weight_exponent",
        "arrived",
        "snn/test_oracle.py::test_the_exponent_scales_the_weights",
    ),
    Mutant(
        "a current that is not rounded",
        "snn/network.py",
        "return np.rint(self.synapse.apply(prepared) * (self.scale / self.quantum)) * self.quantum",
        "return self.synapse.apply(prepared) * (self.scale / self.quantum) * self.quantum",
        "snn/test_oracle.py::test_a_current_is_a_rounded_drive_beside_the_bias",
    ),
    Mutant(
        "samples are not clipped",
        "snn/network.py",
        "np.rint(np.clip(moved, self.low, self.high) / self.grid)",
        "np.rint(moved / self.grid)",
        "snn/test_oracle.py::test_a_current_is_a_rounded_drive_beside_the_bias",
    ),
    Mutant(
        "a transposed kernel",
        "snn/synapses.py",
        "kernel = self.weight[g * outs : (g + 1) * outs].reshape(",
        "kernel = self.weight[g * outs : (g + 1) * outs].swapaxes(2, 3).reshape(",
        "snn/test_oracle.py::test_every_spike_is_that_of_the_second_writing",
    ),
    Mutant(
        "every group reads the first channels",
        "snn/synapses.py",
        "taps = views[:, g * ins : (g + 1) * ins]",
        "taps = views[:, :ins]",
        "snn/test_oracle.py::test_every_spike_is_that_of_the_second_writing",
    ),
    Mutant(
        "pads of rows and columns swapped",
        "snn/windows.py",
        "top, left, bottom, right = pads",
        "left, top, right, bottom = pads",
        "snn/test_oracle.py::test_every_spike_is_that_of_the_second_writing",
    ),
    Mutant(
        "pads before and after a pool not stretched",
        "snn/compose.py",
        "(top * sy, left * sx, bottom * sy, right * sx),",
        "second.pads,",
        "snn/test_compose.py::test_a_pool_that_tiles_then_a_padded_conv_is_a_conv",
    ),
    Mutant(
        "the least drive of a range without its negative weights",
        "snn/compose.py",
        "return plus * low + minus * high, plus * high + minus * low",
        "return plus * low, plus * high",
        "snn/test_compose.py::test_the_drive_range_is_reached_and_never_left",
    ),
    Mutant(
        "the weights of a check without their exponent",
        "snn/check.py",
        "np.maximum(-low, high).reshape(largest.shape) * 2**p.weight_exponent",
        "np.maximum(-low, high).reshape(largest.shape)",
        "snn/test_check.py::test_the_weights_and_their_exponent_count",
    ),
    Mutant(
        "a folded norm leaves the bias unscaled",
        "passes/fold_affine.py",
        "bias = op.bias * scale + shift",
        "bias = op.bias + shift",
        "passes/test_passes.py::test_a_folded_norm_is_equation_9",
    ),
    Mutant(
        "a pool moved over the seam of a concat",
        "passes/concat_after_neurons.py",
        "and concat.op.axis != 0",
        "and concat.op.axis < 0",
        "passes/test_passes.py::test_pooling_over_a_seam_of_rows_stays_behind_the_concat",
    ),
    Mutant(
        "units of source and target mixed up",
        "convert.py",
        "factor * units[p.source], cell.sign / cell.unit)",
        "factor / units[p.source], cell.sign / cell.unit)",
        "test_convert.py::test_weights_carry_the_units_of_both_ends",
    ),
    Mutant(
        "a bias that is not divided by the unit",
        "convert.py",
        "whole / cell.unit.reshape(-1, 1, 1)",
        "whole * cell.unit.reshape(-1, 1, 1)",
        "test_convert.py::test_the_readout_approaches_the_trained_network[two_dense]",
    ),
    Mutant(
        "branches of unequal depth not balanced",
        "convert.py",
        "delay = start[cell.name] - start[arrival.source]",
        "delay = 1",
        "test_convert.py::test_each_population_starts_at_its_depth",
    ),
    Mutant(
        "integer weights rounded down",
        "quantize/rounding.py",
        "np.clip(np.rint(levels), -most, most)",
        "np.clip(np.floor(levels), -most, most)",
        "quantize/test_quantize.py::test_rounding_is_to_the_nearest",
    ),
    Mutant(
        "thresholds rounded, weights not with them",
        "quantize/part.py",
        "exact: Array = np.clip(mantissa, 1, widths.threshold_limit // unit) * unit / theta",
        "exact: Array = 1 * scale",
        "quantize/test_quantize.py::test_the_corpus_fits_and_its_ranges_are_proved[lenet-neuron]",
    ),
    Mutant(
        "one scale a channel where the chip has one threshold",
        "quantize/quantize.py",
        "return scale if each else np.full_like(scale, scale.min())",
        "return scale",
        "quantize/test_quantize.py::test_channels_have_their_own_thresholds_only_where_the_chip_has",
    ),
    Mutant(
        "a weight is changed though that helps nothing",
        "quantize/adaptive.py",
        "d[i] -= change",
        "d[i] += change",
        "quantize/test_rounding.py::test_adapted_levels_are_whole_within_their_bits_and_never_worse",
    ),
    Mutant(
        "inputs gathered a column beside the ones a channel sees",
        "quantize/inputs.py",
        "np.divmod(position, conv.post_shape[2])",
        "np.divmod(position, conv.post_shape[2] + 1)",
        "quantize/test_rounding.py::test_the_loss_is_that_of_the_drive",
    ),
    Mutant(
        "a bound that forgets what exceeds the threshold in every step",
        "quantize/bounds.py",
        "np.maximum(high, 0) + (active - 1) * kept",
        "np.maximum(high, 0) + 0 * kept",
        "quantize/test_quantize.py::test_sources_that_always_or_never_fire_stay_in_bounds",
    ),
    Mutant(
        "a bound that forgets the inhibition",
        "quantize/bounds.py",
        "+ active * (np.minimum(low, 0)",
        "+ (np.minimum(low, 0)",
        "quantize/test_quantize.py::test_sources_that_always_or_never_fire_stay_in_bounds",
    ),
    Mutant(
        "only missing spikes count as mismatches",
        "comparison.py",
        "wrong = found != expected",
        "wrong = found < expected",
        "test_comparison.py::test_one_spike_more_or_less_is_one_mismatch",
    ),
    Mutant(
        "what spikes cost is read a step late",
        "evaluation/run.py",
        "self._read(arrived, self._first - self._away[name] - 1)",
        "self._read(arrived, self._first - self._away[name])",
        "evaluation/test_run.py::test_meters_read_what_the_oracles_spikes_add_up_to",
    ),
    Mutant(
        "a membrane saturates one too low",
        "snn/membrane.py",
        "np.clip(v, -self.limit, self.limit)",
        "np.clip(v, -self.limit - 1, self.limit)",
        "snn/test_membrane.py::test_a_number_past_the_end_stays_there_or_goes_on_from_the_other",
    ),
    Mutant(
        "a membrane wraps around to its middle",
        "snn/membrane.py",
        "(v + half) % (2 * half) - half",
        "(v + half) % (2 * half) % half",
        "snn/test_membrane.py::test_wrapping_is_what_a_register_of_so_many_bits_does",
    ),
    Mutant(
        "Brian2's membranes do not saturate below",
        "backends/brian2/populations.py",
        "clip({v}, {-limit}, {limit})",
        "clip({v}, {-2 * limit}, {limit})",
        "backends/test_brian2.py::test_every_spike_and_membrane_equals_the_oracle[saturate]",
    ),
    Mutant(
        "Brian2's membranes wrap around a step late",
        "backends/brian2/populations.py",
        "floor(({v} + {half}) / {2 * half})",
        "floor({v} / {2 * half})",
        "backends/test_brian2.py::test_every_spike_and_membrane_equals_the_oracle[wrap]",
    ),
    Mutant(
        "the kernel runs membranes that it has no model of",
        "engine/plan.py",
        "if isinstance(neuron, Integrating) and neuron.membrane is not None:",
        "if isinstance(neuron, Integrating) and neuron.membrane == 0:",
        "engine/test_same_spikes.py::test_membranes_that_leave_their_bits_run_in_the_generic_engine",
    ),
    Mutant(
        "a message is rounded down",
        "snn/neurons.py",
        "np.floor(drive / self.quantum + 0.5)",
        "np.floor(drive / self.quantum)",
        "snn/test_graded_and_pairs.py::test_a_message_is_the_drive_rounded_to_the_nearest_quantum",
    ),
    Mutant(
        "the off half of a pair gets the drive of the on half",
        "convert.py",
        "sign=-1.0)",
        "sign=1.0 + 0.0)",
        "passes/test_relay_linear.py::test_every_way_comes_close_to_the_trained_network[pairs]",
    ),
    Mutant(
        "spikes that are too late count",
        "engine/generic.py",
        "if t <= self._length - self.keep.uncounted",
        "if t <= self._length + self.keep.uncounted",
        "engine/test_same_spikes.py::test_late_spikes_are_left_out_of_the_counts",
    ),
    Mutant(
        "a wave reads what has not arrived yet",
        "engine/waves.py",
        "first = start - j.delay_steps",
        "first = start - j.delay_steps + 1",
        "engine/test_waves.py::test_linear_streams_run_as_the_oracle_has_them[graded]",
    ),
    Mutant(
        "the engine is believed",
        "comparison.py",
        "if meant != first.expected:",
        "if meant is None:",
        "test_comparison.py::test_the_oracle_has_the_last_word",
    ),
    Mutant(
        "an interrupt loses the artifact that stood there",
        "artifact.py",
        "        if not folder.exists():\n            kept.rename(folder)\n",
        "",
        "test_artifact.py::test_an_interrupted_replacement_leaves_all_as_it_was",
    ),
    Mutant(
        "the later steps of a tile take the spikes of the earlier ones",
        "engine/native/tiles.hpp",
        "later = spikes + size_t(count - second) * e.map_step;",
        "later = spikes;",
        "engine/test_native.py::test_every_build_gives_what_plain_loops_give",
        build="amx",
    ),
    Mutant(
        "a tile's upper channels take the spikes of other steps",
        "engine/native/tiles.hpp",
        "_tile_dpbusd(3, 5, 7);",
        "_tile_dpbusd(3, 4, 7);",
        "engine/test_native.py::test_every_build_gives_what_plain_loops_give",
        build="amx",
    ),
    Mutant(
        "the digits of a weight stand 7 bits apart",
        "engine/native/positions.hpp",
        "sum = (sum << 8) +",
        "sum = (sum << 7) +",
        "engine/test_native.py::test_every_build_gives_what_plain_loops_give",
        build="avx2",
    ),
)


@contextmanager
def workplace() -> Iterator[Path]:
    """Give a copy of the project that may be broken."""
    with tempfile.TemporaryDirectory(prefix="neurocomp-mutants-") as scratch:
        place = Path(scratch)
        unneeded = shutil.ignore_patterns("__pycache__", ".hypothesis")
        for folder in ("neurocomp", "targets", "tests"):
            shutil.copytree(ROOT / folder, place / folder, ignore=unneeded)
        shutil.copy2(ROOT / "pyproject.toml", place)
        yield place


def passes(place: Path, *tests: str) -> bool:
    """Run tests in `place`; say whether they pass. Raises where they cannot run."""
    arguments = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0"]
    arguments += ["-m", ""]  # slow ones, too
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", *arguments, *(f"tests/{test}" for test in tests)],
        cwd=place,
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout + done.stderr)
    return done.returncode == 0


def caught(mutant: Mutant, place: Path) -> bool:
    """Break `place`, say whether the mutant's test fails, and mend it."""
    file = place / "neurocomp" / mutant.file
    whole = file.read_text(encoding="utf-8")
    if whole.count(mutant.old) != 1:
        raise RuntimeError(f"{mutant.file} holds {mutant.old!r} {whole.count(mutant.old)} times")
    file.write_text(whole.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        return not passes(place, mutant.test)
    finally:
        file.write_text(whole, encoding="utf-8")


def untried(mutant: Mutant) -> str:
    """Say why this machine cannot try the mutant; nothing where it can."""
    if not mutant.build:
        return ""
    if not shutil.which("cmake"):
        return "compiles the kernel, which takes cmake"
    return "" if mutant.build in levels() else f"the processor cannot run the {mutant.build} build"


def page() -> str:
    """Write the table of mutants for people."""
    rows = [f"| {m.name} | `{m.file}` | `{m.test}` |" for m in MUTANTS]
    return "\n".join(
        [
            "# Mutants",
            "",
            "A test that was never seen to fail proves nothing. Each line is a mistake that is put "
            "into a copy of the",
            "source, one at a time, and the fast test that fails then. `pytest -m slow "
            "tests/test_mutants.py` tries them all;",
            "`python tests/mutants.py --write` writes this page from the table in "
            "`tests/mutants.py`.",
            "",
            "| mistake | in | caught by |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def main() -> int:
    """Try every mutant; give 1 where one survives."""
    if "--write" in sys.argv:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    survived = 0
    with workplace() as place:
        for mutant in MUTANTS:
            if why := untried(mutant):
                print(f"untried   {mutant.name}: {why}", flush=True)
                continue
            found = caught(mutant, place)
            survived += not found
            print(
                f"{'caught  ' if found else 'SURVIVED'}  {mutant.name}: {mutant.test}", flush=True
            )
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main())
