"""The page for everybody: contrast, names of controls, the keyboard, narrow screens, slow connections."""

from dataclasses import asdict

import pytest
from playwright.sync_api import expect

from tests.end_to_end import answers
from tests.end_to_end.browsing import PHONE, Open, photo, problem
from tests.end_to_end.stand import Stand
from tests.end_to_end.test_page_words import GROUPS, KOALA, answer_with_relatives

# The luminance and contrast of WCAG 2.2, for every element that shows text of its own.
CONTRASTS = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const rgb = (colour) => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const behind = (e) => {
        for (; e; e = e.parentElement) {
            const colour = rgb(getComputedStyle(e).backgroundColor);
            if (colour[3] === 255) return colour;
        }
        return [255, 255, 255];
    };
    const hasText = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    return [...document.body.querySelectorAll("*")].filter((e) => hasText(e) && e.checkVisibility()).map((e) => {
        const [a, b] = [luminance(rgb(getComputedStyle(e).color)), luminance(behind(e))].sort((x, y) => y - x);
        return [e.textContent.trim().slice(0, 40), (a + 0.05) / (b + 0.05)];
    });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["start", "answer", "all of an answer", "place", "problem"])
def test_text_stands_out_controls_have_names_and_a_phone_is_wide_enough(
    stand: Stand, open_page: Open, scheme: str, view: str
) -> None:
    told = {"answer": (answers.koala(), 200), "place": problem("location_missing", 422)}
    told["all of an answer"] = (answer_with_relatives(), 200)
    stand.tell(*told.get(view, problem("unavailable", 503)))
    stand.residents = asdict(answers.RESIDENTS)
    stand.taxa |= {"phascolarctos-cinereus": KOALA, "": GROUPS}
    shown = open_page(stand.url, viewport=PHONE, color_scheme=scheme, has_touch=True)
    if view != "start":
        shown.set_input_files("#pick", photo())
    expect(shown.locator("body")).to_have_attribute("data-state", view.rpartition(" ")[2])
    if view == "all of an answer":
        for each in shown.locator("summary:visible").all():
            each.click()
        expect(shown.locator("#animal a, #animals-list li, #knowledge details")).to_have_count(6)
    contrasts = shown.evaluate(CONTRASTS)
    assert len(contrasts) > 5
    assert [(text, round(ratio, 2)) for text, ratio in contrasts if ratio < 4.5] == []
    controls = shown.locator("button:visible, input, summary:visible, a:visible, img:visible:not([alt=''])")
    nameless = [
        each.evaluate("e => e.outerHTML")
        for each in controls.all()
        if not each.evaluate("e => e.innerText?.trim() || e.alt || [...(e.labels ?? [])].some(l => l.innerText.trim())")
        and each.is_visible()
    ]
    assert nameless == []
    assert shown.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_keyboard_reaches_everything(stand: Stand, open_page: Open) -> None:
    # GIVEN an answer
    stand.tell(answers.koala())
    shown = open_page(stand.url)
    shown.keyboard.press("Tab")
    expect(shown.locator("#pick")).to_be_focused()
    shown.set_input_files("#pick", photo())
    expect(shown.locator("#name")).to_be_visible()
    # WHEN one goes on with the tabulator THEN map, place and details follow in this order
    for name in ("sure", "closer", "elsewhere", "animal-summary", "animals"):
        shown.keyboard.press("Tab")
        focused = shown.evaluate("document.activeElement.id || document.activeElement.parentElement.id")
        assert focused == name
    shown.locator("#closer").press("Enter")
    expect(shown.locator("#closer")).to_have_text("Whole world")
