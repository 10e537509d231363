"""How a property test draws its examples: the same ones every time, or fresh ones.

`make test` draws the same examples as long as the code of a test is the same, so that a commit passes always
or never. `make fuzz` sets EVENHAND_FUZZ_TIMES: fresh ones, so many times as many.
"""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("EVENHAND_FUZZ_TIMES", "0"))


def examples(number: int) -> settings:
    """Draw ``number`` examples, however long they take: machines are slow and busy."""
    return settings(
        max_examples=number * max(TIMES, 1),
        derandomize=TIMES == 0,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
