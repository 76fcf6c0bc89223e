"""Verification core by core: every block alone, on what was recorded of its sources."""

from neurocomp.bycore.report import ENGINE, CoreReport, to_json
from neurocomp.bycore.verify import verify_by_core

__all__ = ["ENGINE", "CoreReport", "to_json", "verify_by_core"]
