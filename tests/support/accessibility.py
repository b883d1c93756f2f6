"""What makes a page hard to read, asked in the browser: contrast, structure, names, keyboard, narrow screens.

Each check gives its findings in words, none where the page is as it should be (WCAG 2.2, levels A and AA).
"""

from collections.abc import Callable, Mapping
from typing import Final

from tests.support.chromium import PHONE_PX, Viewer

_COLOURS: Final = """
const parsed = (text) => {
  const found = text.match(/rgba?\\(([^)]+)\\)/);
  if (!found) return null;
  const [r, g, b, a = 1] = found[1].split(/[ ,\\/]+/).map(Number);
  return {r, g, b, a};
};
const light = ({r, g, b}) => {
  const part = (one) => { const c = one / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const ratio = (one, other) => {
  const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
};
const behind = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const colour = parsed(getComputedStyle(one).backgroundColor);
    if (colour && colour.a === 1) return colour;
    if (colour && colour.a > 0) throw new Error('a background that shines through: ' + one.outerHTML.slice(0, 80));
  }
  throw new Error('no background: ' + element.outerHTML.slice(0, 80));
};
const isSeen = (element) => {
  const style = getComputedStyle(element);
  return element.getClientRects().length > 0 && style.visibility !== 'hidden' && style.opacity === '1';
};
const shown = (element) => element.outerHTML.replace(/\\s+/g, ' ').slice(0, 120);
const findings = [];
"""
_TEXTS: Final = """
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let looked = 0;
while (walk.nextNode()) {
  const element = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !isSeen(element)) continue;
  looked += 1;
  const style = getComputedStyle(element), size = parseFloat(style.fontSize);
  const colour = parsed(element instanceof SVGElement ? style.fill : style.color);
  const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const found = colour && colour.a === 1 ? ratio(colour, behind(element)) : 0;
  if (found < (isLarge ? 3 : 4.5)) findings.push(found.toFixed(2) + ' of text: ' + shown(element));
}
if (!looked) findings.push('there is no text');
return findings;
"""
_SHAPES: Final = """
for (const shape of document.querySelectorAll('svg rect:not(.back), svg line, svg circle, svg path')) {
  const style = getComputedStyle(shape);
  const colour = parsed(style.stroke) || parsed(style.fill);
  const found = colour && colour.a === 1 ? ratio(colour, behind(shape)) : 0;
  if (found < 3) findings.push(found.toFixed(2) + ' of a shape: ' + shown(shape));
}
return findings;
"""
_STRUCTURE: Final = """
const findings = [];
const all = (selector) => [...document.querySelectorAll(selector)];
const shown = (element) => element.outerHTML.replace(/\\s+/g, ' ').slice(0, 120);
const need = (holds, text) => { if (!holds) findings.push(text); };
const named = (element) => {
  const ids = (element.getAttribute('aria-labelledby') || '').split(/ +/).filter(Boolean);
  const text = ids.map((id) => document.getElementById(id)?.textContent ?? '').join(' ');
  return (text || element.getAttribute('aria-label') || '').trim();
};
need(document.documentElement.lang, 'no language');
need(document.title.trim(), 'no title');
for (const one of ['main', 'header', 'nav', 'footer', 'h1']) need(all(one).length === 1, 'not one ' + one);
need(document.doctype && document.compatMode === 'CSS1Compat', 'no doctype');
let level = 0;
for (const heading of all('h1, h2, h3, h4, h5, h6')) {
  const own = Number(heading.tagName[1]);
  need(own <= level + 1, 'a heading that skips a level: ' + shown(heading));
  need(heading.textContent.trim(), 'an empty heading');
  level = own;
}
for (const part of all('section, nav, [role=region]')) need(named(part), 'a part without a name: ' + shown(part));
for (const picture of all('svg, img, canvas')) {
  const isHidden = picture.closest('[aria-hidden=true]');
  const isNamed = picture.getAttribute('role') === 'img' && named(picture);
  need(isHidden || isNamed, 'a picture without words: ' + shown(picture));
}
for (const link of all('a[href], button')) need(link.textContent.trim() || named(link), 'a control without a name');
for (const link of all('a[href^="#"]')) {
  need(document.getElementById(link.hash.slice(1)), 'a link to nowhere: ' + shown(link));
}
for (const field of all('input, select, textarea')) {
  need(named(field) || field.labels?.length, 'a field without a label: ' + shown(field));
}
for (const table of all('table')) {
  need(table.caption?.textContent.trim(), 'a table without a caption');
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
  need(heads.length && heads.every((one) => one.tagName === 'TH' && one.scope === 'col'), 'no heads of columns');
  for (const row of table.tBodies[0]?.rows ?? []) {
    need(row.cells[0].tagName === 'TH' && row.cells[0].scope === 'row', 'a row without its head: ' + shown(row));
    need(row.cells.length === heads.length, 'a row of another length: ' + shown(row));
  }
}
const ids = all('[id]').map((one) => one.id);
need(new Set(ids).size === ids.length, 'an id twice');
need(!all('[tabindex]').some((one) => one.tabIndex > 0), 'an order of its own for the keyboard');
for (const list of all('ul, ol')) {
  need([...list.children].every((one) => one.tagName === 'LI'), 'a list of something else: ' + shown(list));
}
for (const time of all('time')) need(!Number.isNaN(Date.parse(time.dateTime)), 'no time: ' + shown(time));
return findings;
"""
_REACHABLE: Final = """
return [...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex="0"]')];
"""
_BY_MOUSE_ONLY: Final = """
const isFocusable = (one) => one.tabIndex >= 0;
const wide = [...document.querySelectorAll('*')].filter((one) => one.scrollWidth > one.clientWidth + 1
  && ['auto', 'scroll'].includes(getComputedStyle(one).overflowX));
const clickable = [...document.querySelectorAll('[onclick], [role=button], [role=link]')];
return [...wide, ...clickable].filter((one) => !isFocusable(one)).map((one) => one.outerHTML.slice(0, 120));
"""
_FOCUSED: Final = """
const one = arguments[0], style = getComputedStyle(one), box = one.getBoundingClientRect();
if (document.activeElement !== one) findings.push('out of its turn: ' + shown(one));
else if (box.width < 1 || box.bottom < 0 || box.right < 0) findings.push('out of sight: ' + shown(one));
else if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) findings.push('unmarked: ' + shown(one));
else if (ratio(parsed(style.outlineColor), behind(one.parentElement)) < 3) findings.push('barely seen: ' + shown(one));
return findings;
"""
_TOO_WIDE: Final = """
const most = document.documentElement.clientWidth;
const scrolls = (one) => one.closest('[tabindex="0"]') !== null;
const findings = [...document.body.querySelectorAll('*')]
  .filter((one) => !scrolls(one) && one.getBoundingClientRect().right > most + 1)
  .map((one) => 'too wide: ' + one.outerHTML.slice(0, 120));
if (document.documentElement.scrollWidth > most) findings.push('the page scrolls sideways');
return findings;
"""


def poor_contrast(viewer: Viewer) -> list[str]:
    """Texts below 4.5:1 (3:1 where they are large) and shapes below 3:1 against what is behind them."""
    return [*viewer.ask(_COLOURS + _TEXTS), *viewer.ask(_COLOURS + _SHAPES)]


def poor_structure(viewer: Viewer) -> list[str]:
    """What a screen reader cannot make sense of: language, title, landmarks, headings, tables, names, lists."""
    return list(viewer.ask(_STRUCTURE))


def poor_keyboard(viewer: Viewer) -> list[str]:
    """What the tabulator does not reach in the page's order, or reaches without a mark that can be seen."""
    findings = [f"by mouse only: {one}" for one in viewer.ask(_BY_MOUSE_ONLY)]
    for element in viewer.ask(_REACHABLE):
        viewer.press_tab()
        findings += viewer.ask(_COLOURS + _FOCUSED, element)
    return findings


def too_wide(viewer: Viewer) -> list[str]:
    """What leaves a narrow screen, but for tables that scroll by themselves."""
    assert viewer.ask("return innerWidth") == PHONE_PX, "the page was not shown on a narrow screen"
    return list(viewer.ask(_TOO_WIDE))


CHECKS: Final[Mapping[str, Callable[[Viewer], list[str]]]] = {
    "contrast": poor_contrast,
    "structure": poor_structure,
    "keyboard": poor_keyboard,
    "narrow screen": too_wide,
}
