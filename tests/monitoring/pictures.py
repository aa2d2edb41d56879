"""`make pictures-monitoring`: a picture of the data of each dashboard, from a shop that trades for three minutes.

Grafana is no package of Debian, so these are not pictures of Grafana: the same queries, drawn as lines by this program.
"""

from __future__ import annotations

import html
import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import sync_playwright

from sandbox.settings import StackSettings
from tests.contracts.checks import ROOT
from tests.journeys.conftest import running
from tests.journeys.shop import CHEAP_PASSWORDS, Shop
from tests.monitoring.pages import pages
from tests.monitoring.prometheus import DASHBOARDS, Prometheus, scraping
from tests.web.browser.conftest import CHROMIUM

FOLDER = ROOT / "docs" / "pictures"
#: Seconds of trade that the pictures show.
TRADE = 180
_WIDTH, _HEIGHT = 520, 150
_COLOURS = ("#1f77b4", "#d95f02", "#2a9d52", "#c0392b", "#7b5ea7", "#8c6239", "#c85a9e", "#5f6b73")
_STYLE = """
    body { margin: 16px; font: 13px sans-serif; color: #1c2833; background: #fff; width: 1120px }
    main { display: grid; grid-template-columns: 1fr 1fr; gap: 12px }
    section { border: 1px solid #d5dbe0; border-radius: 4px; padding: 8px 12px } h1 { font-size: 18px }
    h2 { font-size: 13px; margin: 0 0 4px } p { margin: 2px 0; font-size: 11px } i { font-style: normal }
"""


def main() -> None:
    """Trade, and draw each dashboard. Raises OSError without Chromium, or without Prometheus."""
    with _traded() as (prometheus, began), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1152, "height": 400})
        for path in DASHBOARDS:
            page.set_content(_drawn(json.loads(path.read_text()), prometheus, began))
            page.screenshot(path=FOLDER / f"dashboard-{path.stem}.png", full_page=True)
        browser.close()


@contextmanager
def _traded() -> Iterator[tuple[Prometheus, float]]:
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as folder:
        settings = replace(StackSettings.for_tests(Path(data)), separate=True, env=CHEAP_PASSWORDS)
        with running(settings) as shop, pages(shop) as (visitor, metrics_of_pages):
            addresses = shop.stack.addresses
            targets = [("api", urlsplit(addresses.api).netloc), ("worker", urlsplit(addresses.metrics or "").netloc)]
            targets.append(("web", metrics_of_pages))
            with scraping(Path(folder), targets) as prometheus:
                began = time.time()
                _trade(shop, visitor, began + TRADE)
                yield prometheus, began


def _trade(shop: Shop, visitor: httpx2.Client, until: float) -> None:
    """One order after the other: mostly paid, some declined or answered late; some goods that are not there."""
    ways = itertools.cycle(("succeeds", "succeeds", "answers_later", "succeeds", "declines"))
    cards = {way: shop.paying("card", way) for way in ("succeeds", "answers_later", "declines")}
    customer, product = shop.customer(), shop.product()
    while time.time() < until:
        customer.post_order(product, card=cards[next(ways)])
        customer.orders()
        customer.http.get(f"/products/{product}/stock")
        customer.http.get("/orders/01890a5d-ac96-774b-bcce-b302099a8057")
        visitor.get("/")
        visitor.get("/products/01890a5d-ac96-774b-bcce-b302099a8057")


def _drawn(dashboard: dict[str, Any], prometheus: Prometheus, began: float) -> str:
    panels = "".join(_panel(panel, prometheus, began) for panel in dashboard["panels"])
    return f"<style>{_STYLE}</style><h1>{dashboard['title']}</h1><main>{panels}</main>"


def _panel(panel: dict[str, Any], prometheus: Prometheus, began: float) -> str:
    series = []
    for target in panel["targets"]:
        text = target["expr"].replace("$__rate_interval", "30s")
        found = prometheus.get("query_range", query=text, start=f"{began:.0f}", end=f"{time.time():.0f}", step="5")
        for each in found["result"]:
            label = target["legendFormat"]
            for name, value in each["metric"].items():
                label = label.replace(f"{{{{{name}}}}}", value)
            points = [(at, float(value)) for at, value in each["values"] if value not in ("NaN", "+Inf")]
            series.append((label, points))
    title = f"{panel['title']} ({panel['fieldConfig']['defaults']['unit']})"
    return f"<section><h2>{html.escape(title)}</h2>{_chart(series)}</section>"


def _chart(series: list[tuple[str, list[tuple[float, float]]]]) -> str:
    values = [value for _, points in series for _, value in points]
    if not values:
        return f'<svg width="{_WIDTH}" height="{_HEIGHT}"><text x="200" y="75" fill="#888">no data</text></svg>'
    times = [at for _, points in series for at, _ in points]
    first, span, top = min(times), max(max(times) - min(times), 1), max(values) or 1.0

    def place(at: float, value: float) -> str:
        return f"{40 + (at - first) / span * (_WIDTH - 44):.0f},{_HEIGHT - 16 - value / top * (_HEIGHT - 30):.0f}"

    lines, legend = "", ""
    for (label, points), colour in zip(series, itertools.cycle(_COLOURS), strict=False):
        drawn = " ".join(itertools.starmap(place, points))
        lines += f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{drawn}"/>'
        legend += f'<i style="color:{colour}">■</i> {html.escape(label)} &nbsp;'
    axis = f'<path d="M40 8V{_HEIGHT - 16}H{_WIDTH - 4}" fill="none" stroke="#99a3ab"/>'
    scale = f'<g font-size="10" fill="#555"><text x="0" y="16">{top:.3g}</text><text x="0" y="{_HEIGHT - 14}">0</text>'
    seconds = f'<text x="{_WIDTH - 40}" y="{_HEIGHT - 3}">{span:.0f} s</text></g>'
    return f'<svg width="{_WIDTH}" height="{_HEIGHT}">{axis}{scale}{seconds}{lines}</svg><p>{legend}</p>'


if __name__ == "__main__":
    main()
