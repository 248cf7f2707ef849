"""What axe is asked for, the same for every page of this project."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def objections(axe: Axe, page: Page) -> list[str]:
    """Return what axe objects to on a page, an element a line."""
    result = axe.run(page, options={"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]})
    return [
        f"{one['id']}: {' '.join(node['html'].split())[:160]} {node.get('failureSummary', '')[:200]}"
        for one in result.response["violations"]
        for node in one["nodes"]
    ]
