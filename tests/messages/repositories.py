"""Three repositories with habits of their own, as their histories."""

from __future__ import annotations

CONVENTIONAL = (
    "feat(api): add a client for the queue",
    "fix(cli): handle an empty configuration",
    "docs: explain how keys are rotated",
    "feat(cli): add --json to the list command",
    "refactor(api): move retries into the client",
    "fix(api): close the socket after a timeout",
    "test(cli): cover the exit codes",
    "chore: bump the linter",
    "feat(core): support several queues",
    "fix(core): avoid a race when two workers start\n\nBoth took the same lease, so that a task ran twice.",
    "perf(core): read events in batches",
    "ci: run the tests on macOS",
    "feat(api)!: drop the old endpoint",
)
TICKETS = (
    "SHOP-101: Add the basket to the session",
    "SHOP-98: Fix rounding of prices\n\nHalf cents were rounded down.\n\nSigned-off-by: Ada <ada@example.com>",
    "SHOP-120: Show the delivery date\n\nIt comes from the carrier.\n\nSigned-off-by: Ada <ada@example.com>",
    "PAY-7: Retry a payment once",
    "SHOP-131: Remove the old checkout",
    "SHOP-99: Use one currency per basket\n\nMixing them made totals wrong.\n\nSigned-off-by: Ada <ada@example.com>",
    "SHOP-140: Rename Cart to Basket",
    "PAY-12: Log refused cards without their numbers\n\nThe log is kept for a year.",
    "SHOP-141: Move prices into their own module",
    "SHOP-150: Sort orders by date",
)
PLAIN = (
    "Added a page for settings.",
    "Fixed the crash when a file is missing.",
    "Removed the unused import.",
    "Updated the readme.",
    "Changed the default port to 8080.",
    "Added tests for the parser.",
    "Moved helpers into one module.",
    "Renamed the option to match the docs.",
    "Fixed a typo in the menu.",
    "Allowed several hosts in the configuration.",
)
# What nobody learns from, in any repository.
NOISE = (
    ("Merge branch 'main' into topic", "Ada <ada@example.com>"),
    ('Revert "feat(api): add a client"\n\nThis reverts commit 1234567.', "Ada <ada@example.com>"),
    ("fixup! feat(api): add a client", "Ada <ada@example.com>"),
    ("build(deps): bump requests from 2.1 to 2.2", "dependabot[bot] <support@github.com>"),
    ("Update dependency left-pad to v9", "renovate[bot] <bot@renovateapp.com>"),
)
