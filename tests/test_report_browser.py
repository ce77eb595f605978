"""The report in a real browser: what it asks for, how fast it answers, and how it looks."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import sim
from sim.commands.report import outcome_of
from sim.page.report import Report, Slider, page
from sim.pool.executors import side_by_side
from sim.scenario_file import parse_scenario

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here: apt-get install chromium"),
]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DELAYS = [f"exponential({delay}ms)" for delay in range(10, 160, 10)]
LOADS = [f"poisson({pace}/s)" for pace in range(20, 220, 20)]
CROWD = """
title = "<script>document.title = 'obeyed'</script> is a title, and a long one, of more than one line"
question = "Is <img src='http://127.0.0.1:9/x.png' onerror='alert(1)'> shown as text?"
prediction = "It is."
duration = "10s"
replications = 1
[products]
count = 10
[[workers]]
pace = "poisson(20/s)"
[[queries]]
pace = "poisson(20/s)"
[link]
delay = "exponential(10ms)"
"""
LARGEST = 2_000_000  # bytes
SOON = 100  # milliseconds


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Give the folder with the pages; of all processes, the one that makes the folder writes them."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "pages"
    try:
        folder.mkdir()
    except FileExistsError:
        for _ in range(600):
            if (folder / "done").exists():
                break
            time.sleep(0.5)
        return folder
    write_pages(folder)
    (folder / "done").touch()
    return folder


def write_pages(folder: Path) -> None:
    """Write a page with 150 positions, one of the story, and one with many expectations that fail."""
    (folder / "sliders.html").write_text(page(slid()), encoding="utf-8")
    story = outcome_of(sim.load_scenario("story"), "sim run story")
    (folder / "story.html").write_text(page(Report("story", (story,), "sim report story")), encoding="utf-8")
    wish = '[[expect]]\nmetric = "staleness.p99"\nbelow = "1us"\n'
    many = outcome_of(parse_scenario(CROWD + 30 * wish), "sim run many.toml")
    (folder / "many.html").write_text(page(Report("many", (many,), "sim report many.toml")), encoding="utf-8")


def slid() -> Report:
    """Play a crowd at fifteen delays and ten loads."""
    settings = [{"link.delay": delay, "workers.pace": pace} for delay in DELAYS for pace in LOADS]
    scenarios = [parse_scenario(CROWD, settings=given) for given in settings]
    outcomes = tuple(side_by_side(outcome_of, [(scenario, "sim run crowd.toml") for scenario in scenarios]))
    sliders = Slider("link.delay", tuple(DELAYS), 0), Slider("workers.pace", tuple(LOADS), 0)
    return Report("crowd", outcomes, "sim report crowd.toml", sliders)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start a browser with an empty profile of its own."""
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield opened
        opened.close()


class Opened:
    """A page in the browser, and what it has asked for and complained of."""

    def __init__(self, browser: Any, file: Path, **screen: Any) -> None:
        self.page = browser.new_context(**screen).new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.goto(file.as_uri())
        if "sliders" in file.name and screen.get("java_script_enabled", True):
            self.page.wait_for_selector(".sliders:not([hidden])")

    def see(self, expression: str) -> Any:
        """Ask the page something in its own language."""
        return self.page.evaluate(expression)


NARROW = {"viewport": {"width": 390, "height": 844}}
FIGURE = "document.querySelector('[data-slot=lag] svg').outerHTML"
ACROSS = "[document.documentElement.scrollWidth, window.innerWidth]"
TOO_WIDE = """[...document.querySelectorAll('body *')].filter(one => !one.closest('.picture') &&
    one.getBoundingClientRect().right > window.innerWidth + 1).map(one => one.outerHTML.slice(0, 80))"""
GROUND = "getComputedStyle(document.documentElement).backgroundColor"
CONTRASTS = """[...document.querySelectorAll('h1, p, dt, dd, th, td, caption, figcaption, code')]
    .filter(one => one.textContent.trim() && !one.closest('.picture'))
    .map(one => {
        const ground = one.closest('.doubt') || document.documentElement;
        const light = color => {
            const [r, g, b] = color.match(/[0-9.]+/g).map(x => x / 255)
                .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const [a, b] = [light(getComputedStyle(one).color), light(getComputedStyle(ground).backgroundColor)];
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.outerHTML.slice(0, 80)];
    }).filter(([contrast]) => contrast < 4.5)"""


def test_nothing_is_asked_of_the_network_and_nothing_complained_of(browser: Any, pages: Path) -> None:
    """The file itself is the one request, and the console stays empty."""
    for name in ("sliders.html", "story.html", "many.html"):
        opened = Opened(browser, pages / name)
        opened.page.wait_for_timeout(300)
        assert (opened.asked, opened.said) == ([(pages / name).as_uri()], [])


def test_the_page_could_ask_nothing_if_it_wanted_to(browser: Any, pages: Path) -> None:
    """A picture, a script and a fetch are all refused by its own policy."""
    opened = Opened(browser, pages / "story.html")
    opened.see("document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/x.png' }))")
    refused = opened.see("fetch('http://127.0.0.1:9/').then(() => 'came', () => 'refused')")
    opened.page.wait_for_timeout(300)
    assert (refused, opened.see("document.images[0].naturalWidth")) == ("refused", 0)
    assert sum("violates the following Content Security Policy" in said for said in opened.said) >= 2


def test_the_sliders_fit_into_two_megabytes(pages: Path) -> None:
    """Of 150 positions."""
    assert len(DELAYS) * len(LOADS) == 150
    assert (pages / "sliders.html").stat().st_size < LARGEST


def test_a_key_press_changes_figure_and_numbers_within_a_tenth_of_a_second(browser: Any, pages: Path) -> None:
    """From the key to what the screen has been given: the median of ten steps there and back.

    A machine that has other things to do is now and then late with one of them.
    """
    opened = Opened(browser, pages / "sliders.html")
    opened.page.focus("#slider-1")
    opened.see(
        """{ window.took = [];
        addEventListener('keydown', () => { window.pressed = performance.now(); }, true);
        document.querySelector('#slider-1').addEventListener('input', () =>
            requestAnimationFrame(() => setTimeout(() => took.push(performance.now() - pressed)))); }"""
    )
    for number, key in enumerate(["ArrowRight"] * 10 + ["ArrowLeft"] * 10, 1):
        before = opened.see(f"[{FIGURE}, document.querySelector('.headline').textContent]")
        opened.page.keyboard.press(key)
        opened.page.wait_for_function("number => window.took.length === number", arg=number)
        after = opened.see(f"[{FIGURE}, document.querySelector('.headline').textContent]")
        assert [old == new for old, new in zip(before, after, strict=True)] == [False, False]
    assert median(opened.see("took")) < SOON
    assert opened.see("document.querySelectorAll('[data-slot=lag] svg').length") == 1


def test_pictures_out_of_sight_follow_when_the_slider_rests(browser: Any, pages: Path) -> None:
    """The one in sight changes with the step, the others soon after; the writer's queue knows no link."""
    opened = Opened(browser, pages / "sliders.html")
    changed = """[...document.querySelectorAll('.picture')]
        .filter((picture, number) => picture.innerHTML !== before[number])
        .map(picture => picture.dataset.slot).join(' ')"""
    at_once = opened.see(
        f"""(() => {{
        window.before = [...document.querySelectorAll('.picture')].map(picture => picture.innerHTML);
        const slider = document.querySelector('#slider-1');
        slider.value = 7;
        slider.dispatchEvent(new Event('input'));
        return {changed}; }})()"""
    )
    assert at_once == "lag"
    opened.page.wait_for_function(f"() => {changed} === 'lag blame visibility percentiles'")


def test_a_slider_says_where_it_is(browser: Any, pages: Path) -> None:
    """In words beside it, and to whoever cannot see them; both keys count."""
    opened = Opened(browser, pages / "sliders.html")
    opened.page.focus("#slider-2")
    opened.page.keyboard.press("End")
    value = "document.querySelector('#slider-2').getAttribute('aria-valuetext')"
    assert (opened.see(value), opened.page.inner_text("#slider-2 ~ output")) == (LOADS[-1], LOADS[-1])
    assert LOADS[-1] in opened.page.inner_text(".keys")
    assert opened.page.get_by_role("slider", name="workers.pace").count() == 1


def test_figures_have_names_and_descriptions(browser: Any, pages: Path) -> None:
    """As a screen reader finds them."""
    opened = Opened(browser, pages / "story.html")
    figure = opened.page.get_by_role("img", name="Lag over time")
    described = figure.get_attribute("aria-describedby")
    assert "the read model is 1 version behind" in opened.page.inner_text(f"#{described}")


def test_text_of_the_scenario_is_seen_as_text(browser: Any, pages: Path) -> None:
    """A title with a script in it is read, not obeyed."""
    for name in ("sliders.html", "many.html"):
        opened = Opened(browser, pages / name)
        assert opened.page.inner_text("h1").startswith("<script>document.title = 'obeyed'</script>")
        assert opened.page.title().startswith("<script>")
        assert opened.see("document.images.length") == 0


@pytest.mark.parametrize("name", ["sliders.html", "story.html", "many.html"])
def test_it_fits_a_phone(browser: Any, pages: Path, name: str) -> None:
    """Nothing but a figure, in its own frame, is wider than 390 pixels."""
    opened = Opened(browser, pages / name, **NARROW)
    assert opened.see(ACROSS) == [390, 390]
    assert opened.see(TOO_WIDE) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["sliders.html", "many.html"])
def test_text_can_be_read_by_day_and_by_night(browser: Any, pages: Path, name: str, scheme: str) -> None:
    """All of it has a contrast of 4.5 to 1, and figures keep the ground that they were drawn for."""
    opened = Opened(browser, pages / name, color_scheme=scheme)
    assert opened.see(GROUND) == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}[scheme]
    assert opened.see(CONTRASTS) == []
    card = "getComputedStyle(document.querySelector('.picture')).backgroundColor"
    assert opened.see(card) == "rgb(255, 255, 255)"


def test_it_can_be_printed_from_the_dark(browser: Any, pages: Path) -> None:
    """Ink on white, no slider to pull, and what it stands at."""
    sheet = {"width": 700, "height": 900}
    opened = Opened(browser, pages / "sliders.html", color_scheme="dark", viewport=sheet)
    opened.page.emulate_media(media="print")
    assert opened.see(GROUND) == "rgb(255, 255, 255)"
    assert opened.see(CONTRASTS) == []
    assert not opened.page.is_visible("#slider-1")
    assert opened.page.is_visible("#slider-1 ~ output")
    assert opened.see(ACROSS) == [700, 700]
    assert opened.page.pdf(format="A4").startswith(b"%PDF")


def test_without_script_it_shows_where_the_sliders_start(browser: Any, pages: Path) -> None:
    """The page says that the sliders need one; everything else is there."""
    opened = Opened(browser, pages / "sliders.html", java_script_enabled=False)
    assert opened.page.is_visible(".still")
    assert not opened.page.is_visible(".sliders")
    assert opened.page.is_visible("[data-slot=lag] svg")
