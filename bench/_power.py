"""Power by simulation: 20 cells of 1,000 simulated studies, with a real one's design, rules and two-way test."""

import time
from typing import Any

TASK = {"name": "which", "trial_type": "identify_class", "options": {"prompt": {"en": "?"}, "alt": {"en": "?"}}}
DOCUMENT: dict[str, Any] = {
    "languages": ["en"],
    "seed": 1,
    "design": {"name": "between", "quota": 0},
    "conditions": [
        {"name": "trained", "role": "treatment"},
        {"name": "shuffled", "role": "blind_control"},
        {"name": "photo", "role": "positive_control"},
    ],
    "tasks": [TASK],
    "catch": {"count": 2},
    "exclusions": [{"rule": "catch_ratio", "parameters": {}}],
    "analysis": {"primary": "accuracy_by_condition", "alpha": 0.05, "analyses": []},
}


def simulated() -> None:
    from study.power_plan import plan
    from study.power_simulation import ceilings, compute

    made = plan(DOCUMENT, 40, early=False)
    start = time.process_time()
    cells = compute(made)
    ceilings(made)
    seconds = time.process_time() - start
    studies = sum(cell["simulations"] for cell in cells)
    print("\n### power")
    largest = f"{max(made.participants)} x {max(made.items)}"
    print(f"{len(cells)} cells, {studies} studies of up to {largest}: {seconds:.1f} s CPU")
